"""Data sets: folders of images, with the ground truth that a task is scored by."""

from neurocodec.tasks.datasets.dataset import CLASS_FOLDERS, DataSet, Sample, read
from neurocodec.tasks.datasets.folders import pictures_below

__all__ = ["CLASS_FOLDERS", "DataSet", "Sample", "pictures_below", "read"]
