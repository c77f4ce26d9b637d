"""Kernels forked from a server: quick, clean, current, and ended with whatever ends."""

import os
import signal
import subprocess
import sys

import nbformat
import psutil
import pytest

from course_utils.tools import fork_kernel
from course_utils.tools.kernel import execute_cells
from tests.toy_notebooks import KERNEL, descendants, ended, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")]
WHO = "import os; print(open('/proc/self/comm').read().strip(), os.getppid())"


def run(*cells, folder="/", **options):
    """What the cells print, a text for each."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    reason = execute_cells(book, folder, **options)
    assert reason is None, reason
    return ["".join(o.text for o in cell.outputs if o.output_type == "stream").strip() for cell in book.cells]


@pytest.fixture(autouse=True)
def warm(request, monkeypatch):
    """A process that has had its first kernel, so that the next is forked; from a server with all libraries only if need be."""
    if "libraries" not in request.fixturenames:
        monkeypatch.setenv("COURSE_FORK_LIBRARIES", KERNEL)
    run("1")


@pytest.fixture
def libraries():
    """For a test whose server imports the libraries of the lessons, as is the rule."""


def test_the_first_kernel_is_started_as_usual_and_the_others_forked(monkeypatch):
    monkeypatch.setattr(fork_kernel, "_servers", {})
    names = [run(WHO)[0].split() for _ in range(3)]
    assert names[0][1] == str(os.getpid())
    assert [name for name, _ in names[1:]] == ["ipykernel"] * 2
    assert names[1][1] == names[2][1] != str(os.getpid())
    (server,) = fork_kernel._servers.values()
    server.process.kill()


def test_where_many_are_to_come_the_first_is_forked_too(monkeypatch):
    monkeypatch.setattr(fork_kernel, "_servers", {})
    parents = {run(WHO, variables={fork_kernel.MANY: "1"})[0].split()[1] for _ in range(2)}
    (server,) = fork_kernel._servers.values()
    assert parents == {str(server.process.pid)}
    server.process.kill()


def test_the_libraries_are_there_and_nothing_of_the_course(libraries):
    is_there = "import sys; print('torch' in sys.modules, [name for name in sys.modules if name.startswith('course')])"
    assert run(is_there) == ["True []"]


def test_no_kernel_sees_another_s_state(tmp_path, libraries):
    draw = "import random, numpy, torch; print(random.random(), numpy.random.random(), torch.rand(1).item())"
    leave = "import os, sys; os.environ['LEFT'] = sys.argv[0] = 'x'; os.chdir('/'); torch.manual_seed(1); numpy.left = 1"
    look = (
        "import os, sys; print('LEFT' in os.environ, sys.argv[0] == 'x', hasattr(numpy, 'left'), os.getcwd(), os.environ['MINE'])"
    )
    one, _ = run(draw, leave)
    two, seen = run(draw, look, folder=tmp_path, variables={"MINE": "yes"})
    assert not set(one.split()) & set(two.split())
    assert seen == f"False False False {tmp_path} yes"


def test_an_edited_helper_is_never_run_stale(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for value in ("1", "2", "3"):
        (tmp_path / "some_helper.py").write_text(f"value = {value!r}  # {'x' * int(value)}")
        assert run("from some_helper import value; print(value)") == [value]


def test_a_kernel_draws_and_waits_on_threads_and_processes(libraries):
    figure = "from matplotlib import pyplot as plt; plt.plot([1, 2]); plt.show(); print(plt.get_backend())"
    work = "from joblib import Parallel, delayed; print(Parallel(2)(delayed(abs)(k) for k in (-1, -2)))"
    shell = "import subprocess; print(subprocess.run(['false']).returncode, os.WEXITSTATUS(os.system('exit 3')))"
    backend, results, codes = run(figure, work, "import os; " + shell)
    assert backend == "module://matplotlib_inline.backend_inline"
    assert results == "[1, 2]"
    assert codes == "1 3"


def test_a_killed_server_ends_its_kernels_and_the_next_kernel_has_a_new_one():
    pid = int(run(WHO)[0].split()[1])
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import os, signal, time; os.kill(os.getppid(), 9); time.sleep(60)")]
    )
    assert execute_cells(book, "/") == "the kernel died in cell 1 (killed, or out of memory)"
    assert int(run(WHO)[0].split()[1]) != pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_a_process_ends_its_server_and_kernels(number, tmp_path):
    cell = f"open({str(tmp_path / 'started')!r}, 'w'); import time; time.sleep(120)"
    code = f"""if True:
        import nbformat
        from course_utils.tools.kernel import execute_cells
        for cell in ("1", {cell!r}):
            print(execute_cells(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), "/"))"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        wait_until(lambda: (tmp_path / "started").exists())
        family = psutil.Process(process.pid).children(recursive=True)
        assert [child.name() for child in descendants(process, "ipykernel")] == ["ipykernel"]
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert len(family) == 2
    wait_until(lambda: all(ended(child) for child in family), 30)
    assert out == ("None\nstopped by Ctrl-C\n" if number == signal.SIGINT else "None\n" * (out != ""))


def test_where_forking_is_refused_kernels_start_as_usual(monkeypatch):
    monkeypatch.setattr(fork_kernel.Server, "__init__", lambda self, env: setattr(self, "serves", False))
    monkeypatch.setattr(fork_kernel, "_servers", {})
    assert {run(WHO)[0].split()[1] for _ in range(3)} == {str(os.getpid())}


def test_another_environment_has_a_server_of_its_own(monkeypatch):
    before = run(WHO)
    monkeypatch.setenv("MPL_TEST", "1")
    assert run(WHO, "print(os.environ['MPL_TEST'])")[1] == "1"
    assert run(WHO)[0].split()[1] not in (before[0].split()[1], str(os.getpid()))
