"""What `course doctor` and lesson 00 report: whether this machine can run the course."""

import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import torch

from course_utils import data, models, training
from course_utils.data.torchvision_files import is_complete

PACKAGES = ("torch", "torchvision", "jupyterlab", "matplotlib", "nbval", "papermill", "scikit-learn", "scipy", "pandas")


def examine():
    """A list of (ok, line): Python and packages, device, threads, data found and missing, a few seconds of training."""
    findings = [(sys.version_info >= (3, 11), f"Python {platform.python_version()} (3.11 or newer is needed)")]
    for package in PACKAGES:
        try:
            findings.append((True, f"{package} {version(package)}"))
        except PackageNotFoundError:
            findings.append((False, f"{package} is not installed: run `make lab` or see the README's other routes"))
    findings += [_torchvision(), _device(), _data(), _training()]
    return findings


def _torchvision():
    try:
        from torchvision.ops import nms

        nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except Exception as error:
        return False, f"torch and torchvision do not fit together ({error}): install the pair that constraints.txt names"
    return True, "torch and torchvision are a matching pair"


def _device():
    if torch.cuda.is_available():
        return True, f'device: {torch.cuda.get_device_name()} (give device="cuda" to a lesson), {torch.get_num_threads()} threads'
    return True, f"device: CPU, {torch.get_num_threads()} threads of {os.cpu_count()} cores (enough for every lesson)"


def _data():
    built_in = [name for name, dataset in data.DATASETS.items() if not dataset.torchvision and name != "folder"]
    real = [name for name, dataset in data.DATASETS.items() if dataset.torchvision and is_complete(dataset.torchvision)]
    return True, f"data: {', '.join(built_in)} are built in; real ones found: {', '.join(real) or 'none (optional)'}"


def _training():
    started = time.perf_counter()
    splits = data.load("digits")
    torch.manual_seed(0)
    model = models.mlp(p_drop=0.2)
    history = training.fit(model, splits.train, splits.val, torch.optim.AdamW(model.parameters(), lr=3e-3), epochs=10)
    accuracy, seconds = history["val_accuracy"].iloc[-1], time.perf_counter() - started
    return accuracy > 0.9, f"trained a network on handwritten digits: {accuracy:.0%} validation accuracy in {seconds:.1f} s"
