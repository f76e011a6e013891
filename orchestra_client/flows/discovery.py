"""Finding the flows in files, directories and modules, to register them all.

Files and modules are run in this process. Of a directory, all Python files in it are, at any depth, save hidden ones and
those in virtual environments: point it at a directory of flows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_client.flows.flow import Flow
from orchestra_client.flows.sources import DocumentSource, FoundFlow, ModuleSource, ScriptSource, Source
from orchestra_client.flows.sources.base import Place, shorten
from orchestra_client.flows.sources.directories import python_files
from orchestra_client.flows.sources.faults import Fault, fault
from orchestra_client.flows.sources.modules import modules_in
from orchestra_client.flows.sources.surroundings import keeping_environment
from orchestra_client.flows.storage import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestra_client.flows.sources import Loaded
    from orchestra_client.flows.sources.base import ImportedFlow

__all__ = ["Companions", "Discovery", "discover", "find_sources"]


@dataclass(frozen=True, slots=True)
class Companions:
    """A script whose flows need files that do not travel with them.

    Attributes:
        source: the script.
        files: what it imports from beside it.
    """

    source: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found.

    Attributes:
        flows: each once, each name once.
        faults: sources that could not be loaded, and flows whose name another one has.
        empty: sources that were named, and have no flow.
        companions: scripts that need more than themselves where they run.
        imported: flows that were left out, because a script only imports them from a file that was not given.
    """

    flows: tuple[FoundFlow, ...]
    faults: tuple[Fault, ...]
    empty: tuple[str, ...] = ()
    companions: tuple[Companions, ...] = ()
    imported: tuple[ImportedFlow, ...] = ()


def find_sources(
    paths: Iterable[str | Path] = (),
    modules: Iterable[str] = (),
    *,
    on_fault: Callable[[Fault], object],
) -> list[Source]:
    """Find what may have flows, without loading it.

    Args:
        paths: Python files, JSON files of serialized flows, and directories of Python files.
        modules: names of modules. Of a package, all modules in it count.
        on_fault: called with each directory that cannot be looked into.

    Returns:
        Each once, in the order given; those of a directory or package by name.

    Raises:
        FileNotFoundError: there is no such path.
        ModuleNotFoundError: there is no such module.
    """

    def on_error(error: OSError) -> None:
        on_fault(_unreadable(error))

    sources: dict[object, Source] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"there is no {path}")
        for file in python_files(path, on_error) if path.is_dir() else [path]:
            document = file.suffix.lower() == ".json"
            sources.setdefault(_resolved(file), DocumentSource(file) if document else ScriptSource(file))
    for module in modules:
        for name in _names(module):
            sources.setdefault(name, ModuleSource(name))
    return list(sources.values())


def discover(
    paths: Iterable[str | Path] = (),
    modules: Iterable[str] = (),
    *,
    on_source: Callable[[str, int, int], None] | None = None,
) -> Discovery:
    """Find the flows at the top level of files and modules.

    Files are run as by Python itself: their directory comes first on `sys.path`, and they are forgotten afterwards, so
    that files of one name in two directories stay apart. What they print goes to stderr, and what they do to the
    environment is undone. Not for several threads at a time.

    A flow that one file imports from another counts once, where it was written; one from a file beside it that was not
    given counts not at all, for it does not travel. A flow without a storage gets a `Script`
    of its file, or the `Module` it is in.

    Args:
        paths: as for `find_sources`.
        modules: as for `find_sources`.
        on_source: called before each source is loaded, with its path or name, its number from 0, and how many there are.

    Returns:
        All flows that could be found; what went wrong with one source keeps no other one from being loaded.

    Raises:
        FileNotFoundError: there is no such path.
        ModuleNotFoundError: there is no such module.
    """
    loaded: list[tuple[Source, Loaded]] = []
    faults: list[Fault] = []
    sources = find_sources(paths, modules, on_fault=faults.append)
    # A module stays imported, and what it did to the environment may be what the next one of its package needs.
    with keeping_environment():
        for number, source in enumerate(sources):
            if on_source is not None:
                on_source(source.location, number, len(sources))
            try:
                loaded.append((source, source.load()))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - SystemExit, and what test tools raise to skip
                faults.append(fault(source.location, error))
    flows, clashes = _distinct([each for _, each in loaded])
    files = {each.file for _, each in loaded}
    for found in flows:
        if isinstance(found.flow, Flow) and found.flow.storage is None:
            found.flow.storage = found.storage
    return Discovery(
        tuple(flows),
        (*faults, *clashes),
        tuple(source.location for source, each in loaded if not (each.flows or each.imported)),
        tuple(
            Companions(source.location, tuple(map(shorten, each.companions)))
            for source, each in loaded
            if each.companions and any(_travels_as_script(found) for found in each.flows)
        ),
        tuple(flow for _, each in loaded for flow in each.imported if flow.home not in files),
    )


def _unreadable(error: OSError) -> Fault:
    place = shorten(str(error.filename))
    return Fault(
        place,
        f"the directory cannot be read: {error.strerror or error}",
        Place(place),
        advice="make it readable, or give the directories beside it",
    )


def _names(module: str) -> list[str]:
    try:
        return modules_in(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ModuleNotFoundError(f"there is no module {error.name!r}", name=error.name) from None
        return [module]
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a package around it cannot be imported: loading it tells why
        return [module]


def _distinct(loaded: list[Loaded]) -> tuple[list[FoundFlow], list[Fault]]:
    """Each flow once; of those whose name two have, none."""
    files = {each.file for each in loaded}
    own = [found for each in loaded for found in each.flows if not found.also_in & (files - {each.file})]
    by_name: dict[str, list[FoundFlow]] = {}
    for found in own:
        others = by_name.setdefault(found.name, [])
        if not any(_is_same(found, other) for other in others):
            others.append(found)
    flows = [found for found in own if len(same := by_name[found.name]) == 1 and same[0] is found]
    return flows, [_clash(found) for found in by_name.values() if len(found) > 1]


def _is_same(one: FoundFlow, other: FoundFlow) -> bool:
    """Whether it is one flow, reached in two ways."""
    if one.flow is other.flow or one.also_in & other.also_in:
        return True
    # A file that was also named as a module has run twice.
    return one.source != other.source and (_resolved(one.place.file), one.place.line) == (
        _resolved(other.place.file),
        other.place.line,
    )


def _resolved(file: str | Path) -> str:
    return os.path.realpath(file)


def _travels_as_script(found: FoundFlow) -> bool:
    return isinstance(found.flow, Flow) and isinstance(found.flow.storage, Script)


def _clash(found: list[FoundFlow]) -> Fault:
    first, *others = found
    places = " and ".join(f"{shorten(each.place.file)}:{each.place.line}" for each in found)
    return Fault(
        others[-1].source,
        f"two flows are called {first.name!r}: {places}",
        others[-1].place,
        advice="rename one of them, for a name stands for one flow in a project",
    )
