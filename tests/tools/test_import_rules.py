"""The import rules of this repository are kept, and a broken one is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grimp import ImportGraph

from tools.import_rules import AllowedContract

if TYPE_CHECKING:
    from importlinter import ContractCheck

OPTIONS = {"source_modules": ["pkg.server"], "allowed_modules": ["pkg.errors", "pkg.not_yet_written"]}
RULE = AllowedContract(name="rule", session_options={}, contract_options=OPTIONS)


def check(*imports: tuple[str, str]) -> ContractCheck:
    graph = ImportGraph()
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported, line_number=7, line_contents="")
    return RULE.check(graph, verbose=False)


@pytest.mark.parametrize("imported", ["pkg.errors", "pkg.errors.tree", "pkg.server.store", "sqlalchemy"])
def test_allowed_modules_neighbours_and_other_packages_may_be_imported(imported: str) -> None:
    assert check(("pkg.server.app", imported)).kept


@pytest.mark.parametrize("imported", ["pkg.client", "pkg.errors_of_others", "pkg"])
def test_anything_else_of_the_package_may_not(imported: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = check(("pkg.server.app", imported))

    assert not result.kept
    RULE.render_broken_contract(result)
    assert f"pkg.server.app:7 imports {imported}" in capsys.readouterr().out


def test_other_modules_are_not_concerned() -> None:
    assert check(("pkg.client", "pkg.transport"), ("pkg.server.app", "pkg.errors")).kept
