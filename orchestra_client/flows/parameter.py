"""Parameters: what a run of a flow is given from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from orchestra_client.errors import FlowError, StateSerializationError
from orchestra_client.flows.tasks import Task
from orchestra_client.states.frozen import freeze

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.flows.builder import FlowBuilder

__all__ = ["Parameter"]


class _NoDefault:
    """Tells "no default" from a default of None."""

    def __repr__(self) -> str:
        return "<no default>"


NO_DEFAULT: Final = _NoDefault()


class Parameter(Task):
    """A value that a run of the flow is given. Its name is its slug, hence unique within a flow.

    Args:
        name: the parameter's name.
        default: its value when none is given, any JSON value, None and other falsy ones too.
        required: whether a value must be given, whatever the default; unset means when there is no default.
        tags: as for `Task`.

    Attributes:
        default: the default; None when there is none.
        required: whether a value must be given.

    Raises:
        FlowError: the name is empty, or the default is not JSON.
    """

    wire_type = "prefect.core.parameter.Parameter"

    def __init__(
        self,
        name: str,
        default: Any = NO_DEFAULT,
        required: bool | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        self.required = default is NO_DEFAULT if required is None else required
        self.default = None if default is NO_DEFAULT else default
        try:
            freeze(self.default, "")
        except StateSerializationError as error:
            raise FlowError(f"the default of the parameter {name!r} is not JSON: {error}") from None
        super().__init__(name, slug=name, tags=tags, checkpoint=True)

    def __repr__(self) -> str:
        return f"<Parameter: {self.name}>"

    def __call__(self, flow: FlowBuilder | None = None) -> Self:  # type: ignore[override]  # a parameter takes no arguments
        """Put the parameter itself, and no copy, into a flow.

        Args:
            flow: the flow; unset means that of the ``with`` block.

        Returns:
            The parameter.
        """
        return self.bind(flow=flow)

    def copy(self, name: str, **task_args: Any) -> Self:  # type: ignore[override]  # two of one name cannot be in a flow
        """A copy under another name.

        Args:
            name: the copy's name and slug.
            task_args: other attributes to change.

        Returns:
            The copy.
        """
        return super().copy(name=name, slug=name, **task_args)

    def outputs(self) -> str:
        """Anything: what a run is given."""
        return "typing.Any"

    def value(self, given: Any) -> Any:
        """The parameter's value in a run.

        Args:
            given: the run's parameters by name.

        Returns:
            What was given, or else the default.

        Raises:
            FlowError: nothing was given, and the parameter is required.
        """
        if self.required and self.name not in given:
            raise FlowError(f"the parameter {self.name!r} is required and was not given")
        return given.get(self.name, self.default)
