"""Flows that are installed with the code around them."""

from __future__ import annotations

import importlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError
from orchestra_client.flows.storage.base import Storage, pick_flow
from orchestra_client.flows.storage.faults import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from orchestra_client.flows.flow import Flow

__all__ = ["Module"]


class Module(Storage):
    """A flow in a module that can be imported where the flow runs.

    Args:
        module: ``package.module``, or ``package.module:name`` for a flow, or a function that makes one.
        secrets: as for `Storage`.

    Raises:
        FlowError: it is no name of a module.
    """

    def __init__(self, module: str, *, secrets: Iterable[str] | None = None) -> None:
        super().__init__(secrets=secrets)
        if not module.partition(":")[0] or module.endswith(":"):
            raise FlowError(f"{module!r} is no module; write 'package.module' or 'package.module:flow'")
        self.module = module

    @property
    def location(self) -> str:
        """The module, and the name within it."""
        return self.module

    def add_flow(self, flow: Flow) -> str:
        """Note the flow; its code gets there by being installed."""
        self.flows[flow.name] = self.module
        return self.module

    def load(self, name: str | None = None) -> Flow:
        """Import the module and take the flow; see `Storage.load`."""
        module_name, _, path = self.module.partition(":")
        module = self._import(module_name)
        found = [self._value(module, path)] if path else list(vars(module).values())
        return pick_flow(self, found, self.only_name(name))

    def _import(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                raise self.refuse(
                    f"there is no module {error.name!r}; install it where the flow runs"
                ) from error
            raise self.refuse(f"importing it failed: {fault_of(error)}") from error
        except (Exception, SystemExit) as error:
            raise self.refuse(f"importing it failed: {fault_of(error)}") from error

    def _value(self, module: ModuleType, path: str) -> Any:
        from orchestra_client.flows.flow import Flow  # noqa: PLC0415 (flows import storages for their types)

        try:
            value = attrgetter(path)(module)
        except AttributeError:
            raise self.refuse(f"the module has no {path!r}") from None
        if not callable(value):
            return value
        try:
            made = value()
        except Exception as error:
            raise self.refuse(f"calling {path}() failed: {fault_of(error)}") from error
        if not isinstance(made, Flow):
            raise self.refuse(f"{path}() returned {type(made).__name__}, which is no flow")
        return made
