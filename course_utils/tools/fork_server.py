"""A process that has imported the libraries of the lessons and forks a Jupyter kernel whenever it is asked, Linux only.

`fork_kernel` starts it by path, one for each process that executes notebooks, and talks to it over a socket; when that process
ends, so does this one, and the kernels notice and follow. It imports nothing of this course, so a helper that was edited is
never run stale, and it executes nothing but imports, so no run sees another's state. COURSE_FORK_LIBRARIES in its environment
names other modules to import, with blanks between them: fewer for notebooks that need fewer, as those of the tests do.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys

LIBRARIES = [
    "numpy",
    "torch",
    "torchvision",
    "pandas",
    "scipy.stats",
    "sklearn.datasets",
    "sklearn.linear_model",
    "matplotlib.pyplot",
    "joblib.externals.loky",
    "tqdm.auto",
    "papermill",
    "IPython.display",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
]


def refusal() -> str:
    """Why kernels must not be forked here; "" if they may."""
    n_threads = len(os.listdir("/proc/self/task"))
    if n_threads > 1:
        return f"{n_threads} threads are running, and a fork copies only one"
    torch = sys.modules.get("torch")
    return "CUDA does not survive a fork" if torch and torch.cuda.is_available() else ""


def become_kernel(request: dict) -> None:
    """Turn this process, just forked, into a kernel.

    Args:
        request: argv (of ipykernel), cwd, env.
    """
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    with open("/proc/self/comm", "w") as name:
        name.write("ipykernel")  # as what `ps` and `top` show it
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"] | {"JPY_PARENT_PID": str(os.getppid())})
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()
    IPKernelApp.launch_instance(argv=request["argv"])


def serve(control: socket.socket) -> None:
    """Answer "" or a refusal, then each request, a line of JSON, with the process id of its kernel; end with the other side.

    Args:
        control: a stream socket to the other side.
    """
    for name in os.environ.get("COURSE_FORK_LIBRARIES", " ".join(LIBRARIES)).split():
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there now stays shared with the kernels
    requests = control.makefile("r", encoding="utf-8")
    control.sendall((refusal() + "\n").encode())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that end leave no zombies
    for line in requests:
        pid = os.fork()
        if pid == 0:
            requests.close()
            control.close()
            become_kernel(json.loads(line))
            os._exit(0)
        control.sendall(f"{pid}\n".encode())


if __name__ == "__main__":
    del sys.path[0]  # this file's folder
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel sets it, before Matplotlib is imported
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # read as ipykernel is imported: a kernel ends when this process does
    with contextlib.suppress(OSError):  # the other side has ended meanwhile
        serve(socket.socket(fileno=int(sys.argv[1])))
