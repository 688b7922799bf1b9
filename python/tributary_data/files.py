"""The files of a dataset, each checked against the manifest before anything of it is given out.

A file on a disk is read once for its digest and then opened as it is. A file in S3 is fetched once: its digest is taken
while it is written into the cache, and from then on it is a file on a disk.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import TributaryError, file_changed, file_missing, file_unreadable, store_failed
from .manifest import DataFile
from .place import Place

CHUNK_BYTES = 8 * 1024 * 1024
THREADS = 4


class Files:
    """Gives out local paths of checked files; remembers which are checked, also in the processes it is sent to."""

    def __init__(self, place: Place, cache: str | os.PathLike[str] | None) -> None:
        """Without a cache, fetched files lie in a temporary folder that goes when this object goes."""
        self.place = place
        self._cache = None if cache is None else os.path.abspath(cache)
        self._checked: dict[str, tuple[int, int, int]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Another process may use the temporary folder; only the one that made it removes it."""
        return {"place": self.place, "_cache": self._cache, "_checked": dict(self._checked)}

    def check(self, files: Sequence[DataFile]) -> list[str]:
        """Local paths of the files, all of them checked, in their order.

        Raises FILE_MISSING, FILE_CHANGED, STORE_FAILED.
        """
        # Before any thread starts: two threads would make a temporary folder each.
        self._prepare_cache()
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._path_of, files))

    def _path_of(self, file: DataFile) -> str:
        source = posixpath.join(self.place.folder, file.path)
        if self.place.is_local:
            self._check_local(source, source, file)
            return source
        path = os.path.join(self._cache or "", f"{file.sha256}.parquet")
        if not os.path.exists(path) or not self._is_intact(path, source, file):
            self._fetch(source, path, file)
        return path

    def _is_intact(self, path: str, source: str, file: DataFile) -> bool:
        """Whether a copy in the cache is still what it was; a bad one is no fault of the dataset and is fetched again."""
        try:
            self._check_local(path, source, file)
        except TributaryError:
            return False
        return True

    def _check_local(self, path: str, source: str, file: DataFile) -> None:
        try:
            with open(path, "rb") as stream:
                status = os.fstat(stream.fileno())
                state = (status.st_ino, status.st_size, status.st_mtime_ns)
                if self._checked.get(path) == state:
                    return
                _compare_size(source, file, status.st_size)
                digest = _digest(iter(lambda: stream.read(CHUNK_BYTES), b""))
        except (FileNotFoundError, NotADirectoryError) as cause:
            raise file_missing(source) from cause
        except OSError as cause:
            raise store_failed(source, cause) from cause
        _compare_digest(source, file, digest)
        self._checked[path] = state

    def _fetch(self, source: str, path: str, file: DataFile) -> None:
        part = f"{path}.{uuid.uuid4().hex}.part"
        try:
            with self.place.filesystem.open_input_stream(source) as stream, open(part, "wb") as copy:
                hashed = hashlib.sha256()
                size = 0
                while chunk := stream.read(CHUNK_BYTES):
                    hashed.update(chunk)
                    copy.write(chunk)
                    size += len(chunk)
            _compare_size(source, file, size)
            _compare_digest(source, file, hashed.hexdigest())
            os.replace(part, path)
            status = os.stat(path)
            self._checked[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
        except FileNotFoundError as cause:
            raise file_missing(source) from cause
        except OSError as cause:
            place = path if cause.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES) else source
            raise store_failed(place, cause) from cause
        finally:
            with suppress(FileNotFoundError):
                os.remove(part)

    def _prepare_cache(self) -> None:
        if self.place.is_local:
            return
        try:
            if self._cache is None:
                self._cache = tempfile.mkdtemp(prefix="tributary-data-")
                weakref.finalize(self, _remove_own, self._cache, os.getpid())
            Path(self._cache).mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise store_failed(self._cache or tempfile.gettempdir(), cause) from cause


def open_parquet(path: str, file: DataFile) -> pq.ParquetFile:
    """Open a checked file. Raises FILE_UNREADABLE, also where its rows are not as many as the manifest says."""
    try:
        parquet = pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowException, OSError) as cause:
        raise file_unreadable(path, cause) from cause
    if parquet.metadata.num_rows != file.rows:
        raise file_unreadable(path, f"it has {parquet.metadata.num_rows} rows and not {file.rows}")
    return parquet


def _digest(chunks: Iterable[bytes]) -> str:
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()


def _compare_size(path: str, file: DataFile, size: int) -> None:
    if size != file.bytes:
        raise file_changed(path, what="size in bytes", expected=file.bytes, found=size)


def _compare_digest(path: str, file: DataFile, digest: str) -> None:
    if digest != file.sha256:
        raise file_changed(path, what="sha256", expected=file.sha256, found=digest)


def _remove_own(folder: str, process: int) -> None:
    # A forked worker inherits this object, and its end must not take the files away from the others.
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
