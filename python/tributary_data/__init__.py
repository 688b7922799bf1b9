"""Opens the datasets that Tributary publishes. Start with `load`."""

from .batch import Batch
from .dataset import Dataset, load
from .errors import TributaryError
from .manifest import Column, DataFile, Manifest, Part, Source
from .split import Split

__all__ = ["Batch", "Column", "DataFile", "Dataset", "Manifest", "Part", "Source", "Split", "TributaryError", "load"]
