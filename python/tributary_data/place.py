"""Where a dataset lies: from an address to a folder in a file system, and the manifest in it."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from .errors import address_invalid, dataset_ambiguous, dataset_not_found, store_failed
from .manifest import Manifest, parse_manifest

DATASETS = "_datasets"
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """A folder in a file system. `url` names it for people and for other programs."""

    filesystem: pafs.FileSystem
    folder: str
    url: str

    @property
    def is_local(self) -> bool:
        """Whether its files can be opened by their path."""
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    def under(self, *parts: str) -> Place:
        """A folder in this one."""
        base, query = split_query(self.url)
        return Place(
            self.filesystem,
            posixpath.join(self.folder, *parts),
            "/".join([base.rstrip("/"), *parts]) + query,
        )


def locate(address: str | os.PathLike[str], filesystem: pafs.FileSystem | None = None) -> tuple[Place, Manifest]:
    """Find the dataset at an address and read its manifest.

    Raises ADDRESS_INVALID, DATASET_NOT_FOUND, DATASET_AMBIGUOUS, MANIFEST_CORRUPT, MANIFEST_UNSUPPORTED,
    PATH_CLIMBS, STORE_FAILED.
    """
    text = os.fspath(address)
    body, query = split_query(text)
    body = re.sub(r"/manifest\.json$", "", body).rstrip("/")
    parent, slash, last = body.rpartition("/")
    name, at, version = last.partition("@")
    if at == "":
        place = open_folder(body + query, filesystem)
        manifest = read_manifest(place)
        if manifest is None:
            raise dataset_not_found(text, _published(place))
        return place, manifest
    if name == "" or version == "":
        raise address_invalid(text, "it needs a name before the @ and an id or `latest` after it")
    lake = open_folder((parent or slash or ".") + query, filesystem)
    datasets = lake if posixpath.basename(lake.folder) == DATASETS else lake.under(DATASETS)
    return _choose(text, datasets.under(name), version)


def split_query(address: str) -> tuple[str, str]:
    """An address without its query, and the query with its mark. A folder may have a question mark in its name."""
    body, mark, query = address.partition("?") if "://" in address else (address, "", "")
    return body, mark + query


def open_folder(address: str, filesystem: pafs.FileSystem | None) -> Place:
    """From a path or a URL to a file system and a folder in it. Raises ADDRESS_INVALID."""
    if filesystem is not None:
        return Place(filesystem, re.sub(r"^[a-z0-9]+://", "", split_query(address)[0]), address)
    if "://" not in address:
        folder = os.path.abspath(address)
        return Place(pafs.LocalFileSystem(), folder, folder)
    parts = urlsplit(address)
    # An address is printed, logged and kept in MLflow.
    if "@" in parts.netloc or any("key" in name or "token" in name for name, _ in parse_qsl(parts.query)):
        raise address_invalid(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", "it holds a secret")
    try:
        found, folder = pafs.FileSystem.from_uri(address)
    except (pa.ArrowException, ValueError, OSError) as cause:
        raise address_invalid(address, str(cause)) from cause
    return Place(found, folder, folder if isinstance(found, pafs.LocalFileSystem) else address)


def read_manifest(place: Place) -> Manifest | None:
    """The manifest in a folder; None where there is none. Raises what parsing raises, and STORE_FAILED."""
    path = posixpath.join(place.folder, MANIFEST)
    try:
        with place.filesystem.open_input_stream(path) as stream:
            data = stream.read(MANIFEST_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as cause:
        raise store_failed(path, cause) from cause
    return parse_manifest(f"{split_query(place.url)[0]}/{MANIFEST}", data)


def _choose(address: str, versions: Place, version: str) -> tuple[Place, Manifest]:
    ids = _ids(versions)
    wanted = [one for one in ids if version in ("latest", one)] or [one for one in ids if one.startswith(version)]
    found = [
        (place, manifest)
        for place in (versions.under(one) for one in wanted)
        if (manifest := read_manifest(place)) is not None
    ]
    if not found:
        raise dataset_not_found(address, _published(versions))
    if len(found) > 1 and version != "latest":
        raise dataset_ambiguous(address, wanted)
    return max(found, key=lambda one: (one[1].created_at, one[1].id))


def _published(place: Place) -> list[str]:
    """The folders in a folder that have a manifest. Others are being written, or half removed."""
    ids = _ids(place)
    found = place.filesystem.get_file_info([posixpath.join(place.folder, one, MANIFEST) for one in ids])
    return [one for one, info in zip(ids, found, strict=True) if info.type == pafs.FileType.File]


def _ids(place: Place) -> list[str]:
    """The folders in a folder."""
    try:
        found = place.filesystem.get_file_info(pafs.FileSelector(place.folder, allow_not_found=True))
    except NotADirectoryError:
        return []
    except OSError as cause:
        raise store_failed(place.url, cause) from cause
    return sorted(one.base_name for one in found if one.type == pafs.FileType.Directory)
