"""Where the names at the top level of a module are bound."""

from __future__ import annotations

import ast
from dataclasses import dataclass

__all__ = ["Binding", "bindings", "is_import"]


@dataclass(frozen=True, slots=True)
class Binding:
    """What binds a name.

    Attributes:
        line: from 1.
        is_import: whether it is an import.
    """

    line: int
    is_import: bool


def bindings(tree: ast.Module) -> dict[str, Binding]:
    """The last binding of each name at the top level; `*` stands for all that a star import may bind."""
    visitor = _Bindings()
    visitor.visit(tree)
    return visitor.found


def is_import(name: str, found: dict[str, Binding]) -> bool:
    """Whether a name is bound by an import, as far as the source tells."""
    return found[name].is_import if name in found else "*" in found


class _Bindings(ast.NodeVisitor):
    """Looks into `if`, `with` and the like, and not into functions and classes."""

    def __init__(self) -> None:
        self.found: dict[str, Binding] = {}

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.found[node.id] = Binding(node.lineno, is_import=False)

    def _visit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.found[name] = Binding(node.lineno, is_import=True)

    visit_Import = visit_ImportFrom = _visit_import  # noqa: N815 - the names that ast calls

    def _visit_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.found[node.name] = Binding(node.lineno, is_import=False)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _visit_definition  # noqa: N815 - as above

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Bind nothing out here."""
