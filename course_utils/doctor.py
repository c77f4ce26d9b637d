"""What `course doctor` and lesson 00 report: whether this machine can run the course."""

import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import joblib
import torch

from course_utils import data, models, training
from course_utils.data.torchvision_files import is_complete

PACKAGES = ("torch", "torchvision", "jupyterlab", "matplotlib", "nbval", "papermill", "scikit-learn", "scipy", "pandas")


def examine() -> list[tuple[bool, str]]:
    """Look at Python, packages, device, threads and processes, and data, and train for a moment: a list of (ok, line), where
    the line says what is there or what to do."""
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
    name = f'{torch.cuda.get_device_name()} (give device="cuda" to a lesson)' if torch.cuda.is_available() else "CPU"
    threads = torch.get_num_threads()
    each = "one thread each" if threads == 1 else f"{threads} threads each (one is safer on a busy machine: OMP_NUM_THREADS=1)"
    return True, f"device: {name}; many runs at once take up to {joblib.cpu_count()} processes, {each}"


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
    return bool(accuracy > 0.9), f"trained a network on handwritten digits: {accuracy:.0%} validation accuracy in {seconds:.1f} s"
