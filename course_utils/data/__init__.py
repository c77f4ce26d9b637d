"""Data sets as tensors: `load("digits")` is all that a lesson needs."""

from course_utils.data.directory import data_directory
from course_utils.data.loading import DATASETS, load, load_other_letters
from course_utils.data.splits import Splits
from course_utils.data.thumbnails import grey_thumbnails

__all__ = ["DATASETS", "Splits", "data_directory", "grey_thumbnails", "load", "load_other_letters"]
