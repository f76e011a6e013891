"""A kind of import rule that import-linter does not have: a list of what may be imported.

A list of what may not be imported grows old with every new module; this one does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph


class AllowedContract(Contract):
    """Modules may import, of their own package, nothing but the allowed modules and each other.

    Configured by `source_modules` and `allowed_modules`; both include the modules below those named, and
    may name modules that do not exist yet. Only direct imports count, so that what the allowed modules
    import is a matter of their own contracts.
    """

    source_modules = fields.SetField(subfield=fields.StringField())
    allowed_modules = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect the imports that leave the allowed modules."""
        # A field's class stands where, in an instance, its value is.
        sources = cast("set[str]", self.source_modules)
        allowed = sources | (cast("set[str] | None", self.allowed_modules) or set())
        package = {source.split(".")[0] for source in sources}
        faults = [
            {"importer": importer, "imported": imported, "line": _line(graph, importer, imported)}
            for importer in sorted(graph.modules)
            if _is_below(importer, sources)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if _is_below(imported, package) and not _is_below(imported, allowed)
        ]
        return ContractCheck(kept=not faults, metadata={"faults": faults})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed, and where it stands."""
        for fault in check.metadata["faults"]:
            output.print_error("- {importer}:{line} imports {imported}".format(**fault))


def _is_below(module: str, roots: set[str]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def _line(graph: ImportGraph, importer: str, imported: str) -> int | str:
    details = graph.get_import_details(importer=importer, imported=imported)
    return details[0]["line_number"] if details else "?"
