"""The README, the Makefile and the environment files say the same thing."""

import re
import tomllib
from pathlib import Path

import pytest

from course_utils.tools.lessons import lessons

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make (\w+)", README))))
def test_every_make_command_of_the_readme_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "data/README.md", "benchmarks/README.md"])
def test_links_and_pictures_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_lesson_is_in_the_syllabus():
    assert [s.stem for s in lessons() if f"notebooks/{s.stem}.ipynb" not in README] == []


def test_commands_of_course_exist():
    from course_utils import cli

    source = Path(cli.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:\.venv/bin/)?course (\w+)", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert named
    assert [command for command in named if f'"{command}"' not in source] == []


def test_conda_takes_the_dependencies_from_the_project_itself():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "--constraint constraints.txt" in text
    assert "--editable .[dev]" in text
    minimum = re.search(r">=3\.(\d+)", PROJECT["requires-python"])[1]
    assert int(re.search(r"python=3\.(\d+)", text)[1]) >= int(minimum)


def test_every_dependency_is_pinned_in_the_constraints():
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()}
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"] + PROJECT["optional-dependencies"]["bench"]
    assert {re.split(r"[=<>~]", d)[0] for d in needed} <= pinned


def test_torch_and_torchvision_are_a_matching_pair():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    torch_minor, vision_minor = (int(pins[name].split(".")[1]) for name in ("torch", "torchvision"))
    assert vision_minor == torch_minor + 15, "torchvision 0.(15+N) belongs to torch 2.N"
