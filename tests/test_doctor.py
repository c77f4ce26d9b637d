"""`course doctor`: quick, one line a finding, and each fault with what to do."""

import time
from importlib.metadata import PackageNotFoundError

import joblib
import pandas as pd
import pytest
import torch

from course_utils import doctor
from course_utils.cli import main


@pytest.fixture(scope="module")
def findings():
    started = time.process_time()
    lines = doctor.examine()
    return lines, time.process_time() - started


def test_this_machine_is_well_and_was_examined_quickly(findings):
    lines, seconds = findings
    assert [line for ok, line in lines if not ok] == []
    assert all("\n" not in line for _, line in lines)
    assert seconds < 20  # of computing; 5 where nothing else runs


def test_it_names_versions_device_processes_and_data(findings):
    text = "\n".join(line for _, line in findings[0])
    for package in doctor.PACKAGES:
        assert f"{package} " in text
    assert f"up to {joblib.cpu_count()} processes" in text
    assert "digits" in text
    assert "validation accuracy in" in text


@pytest.mark.parametrize(("threads", "says"), [(1, "processes, one thread each"), (4, "4 threads each (one is safer")])
def test_it_says_how_many_threads(monkeypatch, threads, says):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    ok, line = doctor._device()
    assert ok
    assert says in line


def test_processes_follow_the_limit_of_the_environment(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert "up to 1 processes" in doctor._device()[1]


def test_a_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    assert 'device: a GPU (give device="cuda" to a lesson)' in doctor._device()[1]


def test_faults_say_what_to_do_and_fail_the_command(monkeypatch, capsys):
    def version(package):
        if package == "nbval":
            raise PackageNotFoundError(package)
        return "1.0"

    def nms(*_):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.setattr("torchvision.ops.nms", nms)
    monkeypatch.setattr(doctor, "_training", lambda: (True, "trained"))
    assert main(["doctor"]) == 1
    fixes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FIX")]
    assert len(fixes) == 2
    assert "nbval is not installed: run `make lab`" in fixes[0]
    assert "nms does not exist): install the pair that constraints.txt names" in fixes[1]


def test_a_network_that_does_not_learn_is_a_fault(monkeypatch):
    monkeypatch.setattr(doctor.training, "fit", lambda *_, **__: pd.DataFrame({"val_accuracy": [0.1]}))
    ok, line = doctor._training()
    assert not ok
    assert "10% validation accuracy" in line
