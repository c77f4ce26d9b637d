"""JupyterLab as `make lab` starts it, on a copy of the project, and lesson 00 opened in Debian's chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PRODUCTS = (".*", "__pycache__", "*.egg-info", "build", "results", "my_notebooks", "cache")


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project as it is downloaded, with lesson 00's set-up cell folded."""
    folder = tmp_path_factory.mktemp("browser") / "project"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*PRODUCTS))
    path = folder / "notebooks" / "00_start_here.ipynb"
    lesson = nbformat.read(path, 4)
    set_up = next(cell for cell in lesson.cells if cell.cell_type == "code" and "import" in cell.source)
    set_up.metadata.setdefault("jupyter", {})["source_hidden"] = True
    nbformat.write(lesson, path)
    return folder


@pytest.fixture(scope="session")
def address(project):
    """The address of lesson 00 on a running server of a learner who never used JupyterLab."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", f"--port={port}", "--IdentityProvider.token=course", "--LabApp.expose_app_in_browser=True"]
    home = project.parent / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG"))}
    environment |= {"HOME": str(home), "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "course_utils.cli", "lab", "--", *options]
    server = subprocess.Popen(command, cwd=project, env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server)
        yield f"http://127.0.0.1:{port}/lab/tree/my_notebooks/00_start_here.ipynb?token=course"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(url, server, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            return urlopen(url, timeout=5).close()
        except URLError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not answer at {url} within {seconds} s (exit status {server.poll()})")


@pytest.fixture(scope="session")
def page(address):
    """The browser's page, 1280 pixels wide, with the notebook open and its kernel ready."""
    playwright = pytest.importorskip("playwright.sync_api", reason="`make test-browser` installs it")
    if not CHROMIUM:
        pytest.skip("there is no chromium: apt install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context?.isReady")
        page.evaluate("""async () => {
          await jupyterapp.restored;
          const panel = jupyterapp.shell.currentWidget;
          await panel.sessionContext.ready;
          await panel.sessionContext.session.kernel.info;
        }""")
        yield page
        browser.close()
