"""The JSON of storages and run configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from orchestra_client.errors import FlowError
from orchestra_client.flows.run_configs import LocalRun, RunConfig, UniversalRun, UnknownRun
from orchestra_client.flows.storage import Local, Module, Script, Storage, UnknownStorage
from orchestra_client.schemas.documents import DocumentSchema, load_document, split_extra
from orchestra_client.schemas.version import WIRE_VERSION

__all__ = ["dump_run_config", "dump_storage", "load_run_config", "load_storage"]


class StorageSchema(DocumentSchema):
    """What all storages have in common."""

    flows = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    secrets = fields.List(fields.String(), allow_none=True)


class LocalSchema(StorageSchema):
    """`Local`, and `Script`, which is what Prefect 1.4 calls a local storage stored as a script."""

    directory = fields.String(allow_none=True)
    path = fields.String(allow_none=True)
    stored_as_script = fields.Boolean(allow_none=True)
    source = fields.String()
    sha256 = fields.String()


class ModuleSchema(StorageSchema):
    """`Module`."""

    module = fields.String(required=True)


class RunConfigSchema(DocumentSchema):
    """`UniversalRun`, and what all run configs have in common."""

    env = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    labels = fields.List(fields.String(), allow_none=True)


class LocalRunSchema(RunConfigSchema):
    """`LocalRun`."""

    working_dir = fields.String(allow_none=True)


_local, _module, _universal_run, _local_run = (
    LocalSchema(),
    ModuleSchema(),
    RunConfigSchema(),
    LocalRunSchema(),
)


def dump_storage(storage: Storage | None) -> dict[str, Any] | None:
    """Write a storage; None stays None.

    Raises:
        FlowError: it is of a class that has no JSON.
        FlowStorageError: it is a script that cannot be read.
    """
    if storage is None:
        return None
    if isinstance(storage, UnknownStorage):
        return dict(storage.document)
    return {**_storage_fields(storage), **storage.extra_fields, "__version__": WIRE_VERSION}


def _storage_fields(storage: Storage) -> dict[str, Any]:
    common = {"flows": dict(storage.flows), "secrets": list(storage.secrets)}
    if isinstance(storage, Module):
        return {"type": "Module", "module": storage.module, **common}
    if isinstance(storage, Script):
        script = {"path": storage.path, "source": storage.source, "sha256": storage.sha256}
        return {"type": "Local", "stored_as_script": True, **script, **common}
    if isinstance(storage, Local):
        local = {"directory": storage.directory, "path": storage.path, "stored_as_script": False}
        return {"type": "Local", **local, **common}
    raise FlowError(f"{type(storage).__name__} has no JSON; use Module, Script or Local")


def load_storage(document: Any) -> Storage | None:
    """Read a storage; None stays None.

    Raises:
        FlowError: it is not the JSON of a storage.
    """
    if document is None:
        return None
    kind = _kind(document, "storage")
    if kind == "Module":
        values = load_document(_module, document, "a flow, at storage")
        return _complete(Module(values["module"]), values, {"module"})
    if kind == "Local" and not _is_foreign_script(document):
        values = load_document(_local, document, "a flow, at storage")
        return _load_local(values)
    return UnknownStorage(document)


def _is_foreign_script(document: Mapping[str, Any]) -> bool:
    """Whether it is a script that Prefect stored: a path on its machine, without source or hash."""
    return bool(document.get("stored_as_script")) and "sha256" not in document


def _load_local(values: dict[str, Any]) -> Storage:
    if values.get("stored_as_script"):
        script = Script(values["path"] or "", source=values.get("source"), sha256=values.get("sha256"))
        return _complete(script, values, {"path", "source", "sha256", "stored_as_script"})
    local = Local(values.get("directory"), path=values.get("path"))
    return _complete(local, values, {"directory", "path", "stored_as_script"})


def _complete(storage: Storage, values: dict[str, Any], used: set[str]) -> Storage:
    storage.flows = values.pop("flows", None) or {}
    storage.secrets = values.pop("secrets", None) or []
    storage.extra_fields = split_extra(values, dict.fromkeys(used))
    return storage


def dump_run_config(run_config: RunConfig | None) -> dict[str, Any] | None:
    """Write a run config; None stays None."""
    if run_config is None:
        return None
    if isinstance(run_config, UnknownRun):
        return dict(run_config.document)
    written: dict[str, Any] = {
        "type": type(run_config).__name__,
        "env": run_config.env,
        "labels": sorted(run_config.labels),
    }
    if isinstance(run_config, LocalRun):
        written["working_dir"] = run_config.working_dir
    return {**written, **run_config.extra_fields, "__version__": WIRE_VERSION}


def load_run_config(document: Any) -> RunConfig | None:
    """Read a run config; None stays None.

    Raises:
        FlowError: it is not the JSON of a run config.
    """
    if document is None:
        return None
    kind = _kind(document, "run_config")
    if kind not in ("LocalRun", "UniversalRun"):
        return UnknownRun(document)
    schema = _local_run if kind == "LocalRun" else _universal_run
    values = load_document(schema, document, "a flow, at run_config")
    extra = split_extra(values, schema.fields)
    run_config = LocalRun(**values) if kind == "LocalRun" else UniversalRun(**values)
    run_config.extra_fields = extra
    return run_config


def _kind(document: Any, path: str) -> str:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if not isinstance(kind, str):
        raise FlowError(f"this is not the JSON of a flow: {path} has no type")
    return kind
