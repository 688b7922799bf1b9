"""Opens the datasets that Tributary publishes: start with `load`. What has changed in live tables: `changes`."""

from .batch import Batch
from .changes import acknowledge, changes
from .dataset import Dataset, load
from .errors import TributaryError
from .manifest import Column, DataFile, Manifest, Part, Source
from .split import Split

__all__ = [
    "Batch",
    "Column",
    "DataFile",
    "Dataset",
    "Manifest",
    "Part",
    "Source",
    "Split",
    "TributaryError",
    "acknowledge",
    "changes",
    "load",
]
