"""What can go wrong. Each code is one function here; the README lists them all.

A message says what happened, why, and what to do. The code never changes: programs may ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# What a caller can do about each: the same kinds as those of the command.
KINDS: Mapping[str, str] = {
    "ADDRESS_INVALID": "invalid",
    "DATASET_NOT_FOUND": "not-found",
    "DATASET_AMBIGUOUS": "invalid",
    "MANIFEST_CORRUPT": "corrupt",
    "MANIFEST_UNSUPPORTED": "unsupported",
    "PATH_CLIMBS": "refused",
    "FILE_MISSING": "not-found",
    "FILE_CHANGED": "corrupt",
    "FILE_UNREADABLE": "corrupt",
    "SPLIT_NOT_FOUND": "not-found",
    "COLUMN_NOT_FOUND": "not-found",
    "COLUMN_NOT_NUMERIC": "invalid",
    "COLUMN_HAS_NULLS": "invalid",
    "ARGUMENT_INVALID": "invalid",
    "EXTRA_MISSING": "invalid",
    "NOT_IN_S3": "invalid",
    "STORE_FAILED": "unavailable",
    "COMMAND_MISSING": "invalid",
    "COMMAND_FAILED": "unknown",
}

# What a caller can do, as far as the command's exit code tells it: of 4 only that it cannot be read, of 7 that it may be tried again.
KIND_OF_EXIT: Mapping[int, str] = {
    1: "corrupt",
    2: "invalid",
    3: "not-found",
    4: "unreadable",
    5: "refused",
    7: "unavailable",
}


class TributaryError(Exception):
    """The one error of this package. `code` says what happened and never changes, `kind` what a caller can do about it."""

    def __init__(self, text: str) -> None:
        """From the text alone: PyTorch raises what a worker raised anew, with the worker's traceback as its text."""
        super().__init__(text)
        codes = [code for code in re.findall(r"\b([A-Z][A-Z0-9_]+): ", text) if code in KINDS]
        self.code = codes[-1] if codes else "UNKNOWN"
        self.kind = KINDS.get(self.code, "unknown")


def _error(code: str, message: str) -> TributaryError:
    return TributaryError(f"{code}: {message}")


def address_invalid(address: str, why: str) -> TributaryError:
    """An address that names no dataset."""
    return _error(
        "ADDRESS_INVALID",
        f"{address} is no address of a dataset: {why}. "
        "Write LAKE/_datasets/NAME/ID, LAKE/NAME@ID or LAKE/NAME@latest, as a folder or as s3://...",
    )


def dataset_not_found(address: str, known: Sequence[str]) -> TributaryError:
    """No manifest where one should be."""
    there = f"There is: {', '.join(known)}" if known else "No dataset of that name is published there"
    return _error(
        "DATASET_NOT_FOUND",
        f"There is no dataset at {address}: it was never published, or it was removed. {there}. "
        "`tributary dataset list` shows all of them.",
    )


def dataset_ambiguous(address: str, ids: Sequence[str]) -> TributaryError:
    """The beginning of an id that fits two datasets."""
    return _error(
        "DATASET_AMBIGUOUS",
        f"{address} fits more than one dataset: {', '.join(ids)}. Write more digits of the id.",
    )


def manifest_corrupt(path: str, why: str) -> TributaryError:
    """A manifest that we cannot read."""
    return _error(
        "MANIFEST_CORRUPT",
        f"{path} is no manifest of a dataset: {why}. It was changed or cut off after it was published. "
        "Build the dataset again: the same inputs give the same id.",
    )


def manifest_unsupported(path: str, schema: str) -> TributaryError:
    """A manifest of a later release."""
    return _error(
        "MANIFEST_UNSUPPORTED",
        f"{path} is of the schema {schema}, and this release of tributary-data reads tributary.dataset/1. "
        "Install it again from a newer checkout of Tributary: pip install ./python",
    )


def path_climbs(path: str, manifest: str) -> TributaryError:
    """A manifest that names a file outside its own folder."""
    return _error(
        "PATH_CLIMBS",
        f"{manifest} names the file {path!r}, which lies outside the dataset's folder. Tributary never writes "
        "such a name: somebody changed the manifest. Nothing was read. Take the dataset from where it was built.",
    )


def file_missing(path: str) -> TributaryError:
    """A file that the manifest names and nobody finds."""
    return _error(
        "FILE_MISSING",
        f"{path} is not there, though the manifest names it: the dataset was copied in part, or files of it were "
        "deleted. Copy its whole folder again, or build it again.",
    )


def file_changed(path: str, *, what: str, expected: object, found: object) -> TributaryError:
    """A file whose bytes are not those that were published."""
    return _error(
        "FILE_CHANGED",
        f"{path} is not the file that was published: its {what} should be {expected} and is {found}. It was changed, "
        "or copied in part. No row of it was given out. Copy it again, or build the dataset again.",
    )


def file_unreadable(path: str, why: object) -> TributaryError:
    """Bytes as published that are no Parquet of this dataset."""
    return _error(
        "FILE_UNREADABLE",
        f"{path} has the bytes that the manifest promises, and they cannot be read as its Parquet: {why}. "
        "Please report this, with the manifest.",
    )


def split_not_found(name: str, known: Sequence[str]) -> TributaryError:
    """A split that this dataset does not have."""
    return _error("SPLIT_NOT_FOUND", f"The dataset has no split {name!r}. It has: {', '.join(known)}.")


def column_not_found(name: str, known: Sequence[str]) -> TributaryError:
    """A column that this dataset does not have."""
    return _error("COLUMN_NOT_FOUND", f"The dataset has no column {name!r}. It has: {', '.join(known)}.")


def column_not_numeric(name: str, type_: object) -> TributaryError:
    """A column that cannot stand in a matrix of numbers."""
    return _error(
        "COLUMN_NOT_NUMERIC",
        f"The column {name!r} is of type {type_} and cannot stand in a matrix of numbers. Encode it in the dataset's "
        "definition, name the numeric columns with features=[...], or take form='columns'.",
    )


def column_has_nulls(name: str, type_: object) -> TributaryError:
    """A column whose type has no value for what is missing."""
    return _error(
        "COLUMN_HAS_NULLS",
        f"The column {name!r} has missing values, and a tensor of {type_} cannot hold them. Cast it to a "
        "floating point type in the dataset's definition (missing becomes NaN), leave it out with columns=[...], "
        "or take form='matrix'.",
    )


def argument_invalid(name: str, value: object, rule: str) -> TributaryError:
    """An argument outside its bounds."""
    return _error("ARGUMENT_INVALID", f"{name}={value!r} cannot be: {rule}.")


def extra_missing(package: str, extra: str, need: str) -> TributaryError:
    """An optional package that is asked for and not installed."""
    return _error(
        "EXTRA_MISSING",
        f"{need} needs the package {package}, which is not installed: "
        f"in a checkout of Tributary, pip install './python[{extra}]'",
    )


def not_in_s3(url: str) -> TributaryError:
    """SageMaker reads from S3 only."""
    return _error(
        "NOT_IN_S3",
        f"SageMaker reads training data from S3, and this dataset lies at {url}. Build it in a lake in S3, "
        "or copy the dataset's whole folder there and load it from there.",
    )


def store_failed(path: str, cause: object) -> TributaryError:
    """The disk or the server did not do what was asked."""
    return _error(
        "STORE_FAILED",
        f"{path} could not be read or written: {cause}. Look at the credentials, the region and the network, "
        "or at the disk's space and rights, then try again.",
    )


def command_missing(program: str, cause: object) -> TributaryError:
    """The command is not installed, or not where it is looked for."""
    return _error(
        "COMMAND_MISSING",
        f"{program} could not be started: {cause}. Changes are read by the command tributary: put its folder into PATH, "
        "or name it with command=.",
    )


def command_failed(said: str, exit_code: int) -> TributaryError:
    """The command ended without an error in its own form."""
    return _error(
        "COMMAND_FAILED",
        f"The command ended with {exit_code} and said: {said or 'nothing'}. "
        "Run `tributary changes` with the same flags in a shell.",
    )


def command_said(code: str, message: str, exit_code: int) -> TributaryError:
    """An error of the command under its own code; docs/errors.md lists these."""
    error = TributaryError(f"{code}: {message}")
    error.code = code
    error.kind = KIND_OF_EXIT.get(exit_code, "unknown")
    return error
