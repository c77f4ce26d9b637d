"""The README, the Makefile and the environment files say the same thing."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from course_utils.tools.syllabus import syllabus

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md", "benchmarks/README.md"]
PAGES += [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))]


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_exists(page):
    targets = re.findall(r"(?:^|`)make (?:\w+=\S+ )*([\w-]+)", text_of(page), re.MULTILINE)
    assert [target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []


def test_the_readme_has_its_two_commands():
    assert re.findall(r"^make (\w+)", README, re.MULTILINE) == ["lab", "test"]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_somewhere(page):
    links = re.findall(r"""(?:\]\(|(?:src|href)=")([^)"#]+)""", text_of(page))
    assert [link for link in links if "://" not in link and not (ROOT / page).parent.joinpath(link).exists()] == []


def test_a_link_to_a_heading_finds_it():
    headings = {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in re.findall(r"^#+ (.*)", README, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_course_exists_with_its_options(page):
    commands = re.findall(r"(?:^|[`$/])course ([a-z]+)([^`\n#]*)", text_of(page).replace("\\\n", " "), re.MULTILINE)
    source = "".join((ROOT / "course_utils" / name).read_text(encoding="utf-8") for name in ("cli.py", "reruns/commands.py"))
    for command, rest in commands:
        assert f'"{command}"' in source, command
        assert [option for option in re.findall(r"--[a-z-]+", rest.split("-- ")[0]) if f'"{option}"' not in source] == []


def test_the_readme_says_of_its_picture_what_was_measured():
    result = json.loads((ROOT / "docs" / "images" / "hero.json").read_text(encoding="utf-8"))
    specification = importlib.util.spec_from_file_location("hero", ROOT / "docs" / "hero.py")
    hero = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(hero)
    assert hero.caption(result) in " ".join(README.split())
    assert hero.alt(result) in README


def test_the_readme_holds_the_present_syllabus():
    assert syllabus("notebooks/") in README, f"put this into README.md:\n{syllabus('notebooks/')}"


def test_conda_takes_the_dependencies_from_the_project_itself():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "--constraint constraints.txt" in text
    assert "--editable .[dev]" in text
    minimum = re.search(r">=3\.(\d+)", PROJECT["requires-python"])[1]
    assert int(re.search(r"python=3\.(\d+)", text)[1]) >= int(minimum)


def test_every_dependency_is_pinned_in_the_constraints():
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()}
    needed = PROJECT["dependencies"] + [name for extra in PROJECT["optional-dependencies"].values() for name in extra]
    assert {re.split(r"[=<>~]", d)[0] for d in needed} <= pinned


def test_torch_and_torchvision_are_a_matching_pair():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    torch_minor, vision_minor = (int(pins[name].split(".")[1]) for name in ("torch", "torchvision"))
    assert vision_minor == torch_minor + 15, "torchvision 0.(15+N) belongs to torch 2.N"


def make(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of the make that tests us
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def write(path, seconds):
    """A file changed so many seconds after the epoch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    os.utime(path, (seconds, seconds))


@pytest.fixture
def download(tmp_path):
    """A folder without .git, with everything installed and tested."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", ".venv/installed", "notebooks/source/04_dropout.py"):
        write(tmp_path / name, 1000)
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")
    os.utime(tmp_path / "Makefile", (1000, 1000))
    write(tmp_path / "build/tested", 2000)
    return tmp_path


def test_make_tests_again_what_was_edited_also_without_git(download):
    assert make(download, "--question", "test").returncode == 0
    write(download / "notebooks/source/04_dropout.py", 3000)
    assert make(download, "--question", "test").returncode == 1


@pytest.mark.parametrize(
    "product",
    [
        "my_notebooks/04.ipynb",
        "results/04.json",
        "build/04.ipynb",
        "data/cache/letters.npz",
        "tests/__pycache__/a.pyc",
        ".pytest_cache/a",
        "notebooks/.ipynb_checkpoints/04.ipynb",
    ],
)
def test_make_does_not_test_again_for_what_it_or_the_learner_made(download, product):
    write(download / product, 3000)
    assert make(download, "--question", "test").returncode == 0


def test_make_says_what_to_install_where_python_has_no_venv(download):
    (download / ".venv/installed").unlink()
    python = download / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    python.chmod(0o755)
    answer = make(download, "lab", "PYTHON=./python")
    assert answer.returncode != 0
    assert "apt install python3-venv" in answer.stdout
