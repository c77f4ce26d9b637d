"""What a learner sees who types `make lab`: lesson 00 before and after Run All. The tests share one page, in this order."""

import hashlib
import re

import pytest

from tests.browser.conftest import PRODUCTS

CELLS = "() => jupyterapp.shell.currentWidget.context.model.toJSON().cells"
OVERFLOW = """async () => {
  const notebook = jupyterapp.shell.currentWidget.content, wide = [];
  for (let i = 0; i < notebook.widgets.length; i++) {
    await notebook.scrollToItem(i);
    await new Promise(resolve => setTimeout(resolve, 30));
    for (const part of notebook.widgets[i].node.querySelectorAll('.cm-scroller, .jp-RenderedHTMLCommon, .jp-OutputArea-output'))
      if (part.scrollWidth > part.clientWidth + 1) wide.push([i, part.className, part.scrollWidth - part.clientWidth]);
  }
  return wide;
}"""


@pytest.fixture(scope="module")
def files(project, address):
    """The checksums of the project's files once the server is up."""
    return checksums(project)


def checksums(project):
    paths = [path for path in project.rglob("*") if path.is_file()]
    paths = [p for p in paths if not any(part.match(name) for name in PRODUCTS for part in p.relative_to(project).parents)]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def executed(page, files):
    """The page after Run All."""
    assert page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')"), "a cell failed"
    return page


def test_the_copy_shows_no_result_before_it_is_run(page, files):
    outputs = [cell["outputs"] for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
    assert len(outputs) > 5
    assert outputs == [[]] * len(outputs)


def test_opening_changes_nothing_that_would_have_to_be_saved(page):
    assert not page.evaluate("() => jupyterapp.shell.currentWidget.context.model.dirty")


def test_folded_cells_are_closed(page):
    folded = [cell["metadata"].get("jupyter", {}).get("source_hidden", False) for cell in page.evaluate(CELLS)]
    assert any(folded)
    assert page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.inputHidden)") == folded


def test_every_cell_runs_without_error(executed):
    outputs = [output for cell in executed.evaluate(CELLS) for output in cell.get("outputs", [])]
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error"] == []


def test_figures_are_visible_and_have_alt_text(executed):
    images = executed.locator(".jp-OutputArea-output img").evaluate_all("all => all.map(i => [i.alt.length, i.naturalWidth])")
    assert images
    assert [image for image in images if image[0] < 20 or image[1] < 100] == []


def test_a_verdict_is_visible(executed):
    verdict = executed.locator(".jp-OutputArea-output").get_by_text(re.compile("supported", re.IGNORECASE)).first
    verdict.scroll_into_view_if_needed()
    assert verdict.is_visible()


def test_nothing_scrolls_sideways(executed):
    assert executed.evaluate(OVERFLOW) == []


def test_jupyterlab_asks_nothing(executed):
    assert executed.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []


def test_only_the_copies_change(executed, files, project):
    executed.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    assert checksums(project) == files
