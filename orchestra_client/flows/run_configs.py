"""Run configs: where a run of a flow begins, and with which environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LocalRun", "RunConfig", "UniversalRun", "UnknownRun"]


class RunConfig:
    """What all run configs have in common.

    Args:
        env: environment variables of the run's process; unset adds none.
        labels: only agents that have all of these take the run; unset means none.

    Attributes:
        labels: the labels, as a set that may be changed.
        extra_fields: JSON fields of a newer peer, written back as they came.

    Raises:
        TypeError: names, values or labels are not strings.
    """

    def __init__(self, *, env: Mapping[str, str] | None = None, labels: Iterable[str] | None = None) -> None:
        if isinstance(labels, str) or not all(isinstance(label, str) for label in labels or ()):
            raise TypeError("labels must be a list of strings")
        if not all(isinstance(text, str) for pair in (env or {}).items() for text in pair):
            raise TypeError("names and values of environment variables must be strings")
        self.env = None if env is None else dict(env)
        self.labels = set(labels or ())
        self.extra_fields: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: labels={sorted(self.labels)}>"


class UniversalRun(RunConfig):
    """Runs that any agent may take. Arguments as for `RunConfig`."""


class LocalRun(RunConfig):
    """Runs as a process of the agent's machine. Other arguments as for `RunConfig`.

    Args:
        working_dir: where the process starts, made absolute here; unset means where the agent runs.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        labels: Iterable[str] | None = None,
        working_dir: str | Path | None = None,
    ) -> None:
        super().__init__(env=env, labels=labels)
        self.working_dir = None if working_dir is None else str(Path(working_dir).expanduser().absolute())


class UnknownRun(RunConfig):
    """A run config of a type that this version does not know; it is written back as it came.

    Args:
        document: its JSON.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        labels, env = document.get("labels"), document.get("env")
        super().__init__(
            labels=labels if isinstance(labels, list) else None, env=env if isinstance(env, dict) else None
        )
        self.document = dict(document)

    def __repr__(self) -> str:
        return f"<{self.document.get('type')}>"
