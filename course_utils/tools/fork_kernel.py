"""Kernels that start in half a second: forked from a process that has imported everything, see `fork_server`.

jupyter_client finds `ForkProvisioner` by its entry point in pyproject.toml; `execute_cells` asks for it, and so does any other
tool that is run with JUPYTER_DEFAULT_PROVISIONER_NAME=course-fork. Where forking is not possible (no Linux, a GPU, another
Python), and for the first kernel of a process, which may be its only one, a kernel starts as usual; a kernel whose environment
has COURSE_MANY_KERNELS says that others will follow, and is forked.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

NAME = "course-fork"
MANY = "COURSE_MANY_KERNELS"
READ_AT_START = (
    "COURSE_FORK_LIBRARIES",
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "KMP_",
    "PYTHON",
    "LD_",
    "CUDA",
    "TORCH",
    "MPL",
    "VIRTUAL_ENV",
)  # of the environment
_servers: dict[tuple, "Server | None"] = {}  # by the environment that a library reads once; None: one kernel started as usual
_one_at_a_time = threading.Lock()


class ForkProvisioner(LocalProvisioner):
    """Starts kernels by forking, everything else as its parent class does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel; args as of `LocalProvisioner`."""
        with _one_at_a_time:
            process = fork(cmd, str(kwargs.get("cwd") or os.getcwd()), dict(kwargs.get("env") or os.environ))
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid, self.cwd = process, process.pid, process.pid, kwargs.get("cwd")
        return self.connection_info


class Server:
    """A fork server of this process, and the socket to it."""

    def __init__(self, env: dict[str, str]) -> None:
        self.control, theirs = socket.socketpair()
        command = [sys.executable, Path(__file__).with_name("fork_server.py"), str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.answers = self.control.makefile("r", encoding="utf-8")
        self.serves = self.answers.readline() == "\n"

    def fork(self, request: dict) -> int | None:
        """The process id of a new kernel; None if the server has died."""
        try:
            self.control.sendall((json.dumps(request) + "\n").encode())
            return int(self.answers.readline())
        except (OSError, ValueError):
            return None


class ForkedProcess:
    """What jupyter_client needs of a `subprocess.Popen`, for a process that is not our child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None while it runs; then 0, since only a parent learns how it ended."""
        return 0 if select.select([self.handle], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if not select.select([self.handle], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("kernel", timeout)
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal to it, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self.handle, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def __del__(self) -> None:
        os.close(self.handle)


def fork(cmd: list[str], cwd: str, env: dict[str, str]) -> ForkedProcess | None:
    """A kernel forked from this process's server; None if it must be started as usual."""
    is_ours = cmd[:3] == [sys.executable, "-m", "ipykernel_launcher"]
    if not (is_ours and sys.platform == "linux" and os.path.isdir(cwd)):
        return None
    key = (os.getpid(), *sorted((name, value) for name, value in env.items() if name.startswith(READ_AT_START)))
    if key not in _servers:
        _servers[key] = None
        if MANY not in env:
            return None
    server = _servers[key]
    if server is None or (server.serves and server.process.poll() is not None):
        server = _servers[key] = Server(env)
    pid = server.fork({"argv": cmd[3:], "cwd": cwd, "env": env}) if server.serves else None
    try:
        return ForkedProcess(pid) if pid else None
    except ProcessLookupError:  # it has ended already
        return None
