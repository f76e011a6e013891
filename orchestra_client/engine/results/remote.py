"""Results in object stores and other places that fsspec knows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestra_client.engine.results.base import ResultStore
from orchestra_client.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestra_client.engine.results.serializers import Serializer

__all__ = ["RemoteResults"]


class RemoteResults(ResultStore):
    """Keeps results wherever fsspec reaches: S3, Google Cloud, Azure, SFTP and many more. Needs the extra ``results``.

    The package for the kind of store is installed besides, e.g. ``s3fs``. An object is written in one piece, which
    object stores show completely or not at all. Safe to share between threads. Other arguments as for `ResultStore`.

    Args:
        url: the root, e.g. ``s3://bucket/prefix``.
        storage_options: for the file system, e.g. its endpoint. They are part of the flow: no place for credentials,
            which such packages find in the environment.
    """

    def __init__(
        self,
        url: str,
        location: str | Callable[..., str] | None = None,
        serializer: Serializer | None = None,
        *,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(location, serializer)
        self.url = url.rstrip("/")
        self.storage_options = dict(storage_options or {})
        self._opened: tuple[Any, str] | None = None

    def __repr__(self) -> str:
        return f"<RemoteResults: {self.url}>"

    def exists(self, location: str) -> bool:
        """Whether there is such an object."""
        files, root = self._root()
        return bool(files.exists(f"{root}/{location}"))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def _put(self, location: str, content: bytes) -> None:
        files, root = self._root()
        path = f"{root}/{location}"
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        files.pipe_file(path, content)

    def _get(self, location: str) -> bytes:
        files, root = self._root()
        content: bytes = files.cat_file(f"{root}/{location}")
        return content

    def _root(self) -> tuple[Any, str]:
        if self._opened is None:
            try:
                fsspec: Any = import_module("fsspec.core")  # an optional part
            except ModuleNotFoundError:
                raise MissingExtra("results", "RemoteResults") from None
            self._opened = fsspec.url_to_fs(self.url, **self.storage_options)
        return self._opened
