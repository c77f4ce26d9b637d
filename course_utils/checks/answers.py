"""Calling a learner's answer so that nothing it does gets out, and comparing what it gives in any reasonable form."""

import contextlib
import copy
import ctypes
import inspect
import random
import reprlib
import threading
import traceback
import warnings
from collections.abc import Mapping

import numpy as np
import torch

SECONDS = 5  # for one call


class _TooLong(BaseException):
    pass


def outputs_of(function, cases, call=None):
    """Call a function on copies of each case.

    Returns:
        The outputs up to the first that failed, as `comparable` gives them; whether the function changed an input; and what
        stopped it ("" if nothing).
    """
    outputs, changed = (), False
    for inputs in cases:
        copies = copy.deepcopy(inputs)
        work = (lambda: call(function, *copies)) if call else (lambda: function(*copies))  # noqa: B023 (called at once)
        (output, after), problem = guarded(lambda: (comparable(work()), comparable(copies)), (None, None))  # noqa: B023
        if output is None:
            return outputs, changed, problem or "returns nothing: is `return` missing?"
        outputs += (output,)
        changed = changed or not equal(after, comparable(inputs), 0)
    return outputs, changed, ""


def guarded(work, otherwise=None):
    """(work(), "") or (otherwise, what stopped it): any exception, sys.exit or a time limit, but never Ctrl-C."""
    try:
        with _time_limit(SECONDS):
            try:
                return work(), ""
            except (KeyboardInterrupt, _TooLong):
                raise
            except BaseException as error:
                return otherwise, f"raises {traceback.format_exception_only(error)[-1].strip()}"
    except _TooLong:
        return otherwise, f"does not come to an end (stopped after {SECONDS} seconds)"


@contextlib.contextmanager
def _time_limit(seconds):
    """Raise _TooLong in the block, in whichever thread and system, after so many seconds, and again while it goes on."""
    thread, inside, ended = ctypes.c_ulong(threading.get_ident()), True, threading.Event()

    def watch():
        while not ended.wait(seconds) and inside:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_TooLong))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        inside = False
        ended.set()
        watcher.join()


@contextlib.contextmanager
def restored_state():
    """Put the global random states, torch's default dtype and gradient mode, and warnings back after the block."""
    python, numpy, dtype = random.getstate(), np.random.get_state(), torch.get_default_dtype()
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_default_dtype(dtype)


def comparable(value):
    """A number, tensor, array, data frame or regular list of numbers as a float64 array; other lists and tuples as tuples,
    dicts and sets of such; a string as itself, `...` as None; the type's name for anything else."""
    if value is None or value is ... or isinstance(value, str):
        return value if isinstance(value, str) else None
    if isinstance(value, Mapping):
        return {key: comparable(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return frozenset(value)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().to_dense().double().numpy()
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        is_list = isinstance(value, list | tuple)
        return tuple(comparable(part) for part in value) if is_list else f"an object of type {type(value).__name__}"


def equal(a, b, tolerance):
    """Whether two `comparable` values agree to a relative tolerance (one number may come in any shape)."""
    if isinstance(b, np.ndarray):
        same_kind = isinstance(a, np.ndarray) and (a.shape == b.shape or a.size == b.size == 1)
        return same_kind and bool(_close(a.reshape(b.shape), b, tolerance).all())
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(equal(a[key], b[key], tolerance) for key in b)
    if isinstance(b, tuple):
        return isinstance(a, tuple) and len(a) == len(b) and all(equal(*pair, tolerance) for pair in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


def difference(a, b, tolerance):
    """In words, how `comparable` a differs from the right b, without telling b."""
    if isinstance(b, tuple) and isinstance(a, tuple) and len(a) == len(b):
        place = next(i for i in range(len(b)) if not equal(a[i], b[i], tolerance))
        return f"as result {place + 1} {difference(a[place], b[place], tolerance)}"
    if isinstance(b, dict) and isinstance(a, dict) and a.keys() == b.keys():
        key = next(key for key in b if not equal(a[key], b[key], tolerance))
        return f"under {key!r} {difference(a[key], b[key], tolerance)}"
    if _kind(a) != _kind(b):
        return f"{_kind(a)}, where {_kind(b)} is asked"
    if not isinstance(b, np.ndarray):
        return f"{shown(a)}, which is not it"
    off = ~_close(a.reshape(b.shape), b, tolerance)
    place = tuple(np.argwhere(off)[0].tolist())
    value, aim = a.reshape(b.shape)[place], b[place]
    signs = "of the wrong sign" if value * aim < 0 else "too large" if value > aim else "too small"
    where = f"{off.size} numbers, {off.sum()} of them wrong; the one at {list(place)} is " if place else ""
    return f"{where}{shown(value)}, which is {'not a number' if np.isnan(value) else signs}"


def shown(value):
    """A value in a few words: numbers up to six, longer ones by their shape."""
    numbers = comparable(value)
    if not isinstance(numbers, np.ndarray):
        is_data = numbers is None or isinstance(value, str | Mapping | set | frozenset | list | tuple)
        return reprlib.repr(value) if is_data else getattr(value, "__name__", f"a {type(value).__name__}")
    return np.array2string(numbers, separator=", ", formatter={"float": "{:.6g}".format}) if numbers.size <= 6 else _kind(numbers)


def shown_inputs(function, inputs):
    """The inputs of a case by the names of the function's arguments: "n = 7, p = 0.5"."""
    try:
        names = inspect.signature(function).bind(*inputs).arguments
    except (TypeError, ValueError):
        return ", ".join(map(shown, inputs))
    return ", ".join(f"{name} = {shown(value)}" for name, value in names.items())


def _close(a, b, tolerance):
    scale = np.abs(b[np.isfinite(b)]).max(initial=0)
    return np.isclose(a, b, rtol=tolerance, atol=tolerance * (scale / 100 + 1e-8), equal_nan=True)


def _kind(value):
    if not isinstance(value, np.ndarray):
        return value if isinstance(value, str) and value.startswith("an object") else f"a {type(value).__name__}"
    return "one number" if value.size == 1 else " × ".join(map(str, value.shape)) + " numbers"
