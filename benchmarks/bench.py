"""`python -m benchmarks.bench [A B C D E growth small limits]`: time the course's training against its contenders.

All contenders of a work run in this process, on two cores, one after the other, `--rounds` times over; ratios are taken within
a round. Contenders that train run after run do a few of the runs, and their time is scaled to all of them.

`python -m benchmarks.bench versions busy two --before PATH` compares this version with another checkout, side by side: alone on
the machine, beside two other processes that compute, and two lessons at once.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

THREADS = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > THREADS:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

import torch  # noqa: E402

from benchmarks import contenders  # noqa: E402
from benchmarks.works import make_work  # noqa: E402

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CONTENDERS = {  # of each work: how many of its runs a contender trains (None: all)
    "A": {"ours": None, "vmap": None, "joblib_fit": 8, "clean_loop": 4, "dataloader_loop": 2, "lightning": 2, "jax_vmap": None},
    "B": {"ours": None, "vmap": None, "joblib_fit": 4, "clean_loop": 2, "dataloader_loop": 2, "jax_vmap": None},
    "C": {"ours": None, "joblib_fit": 4, "clean_loop": 2, "dataloader_loop": 1},
    "D": {"ours": None, "vmap": None, "joblib_fit": 4, "clean_loop": 2, "dataloader_loop": 1},
    "E": {"ours": None, "clean_loop": None, "dataloader_loop": None, "textbook_loop": None},
}


def seconds(function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def peak_flops(size=1536):
    """The machine's matrix-product peak now: the best of some products of two square matrices, in FLOP/s."""
    a = torch.randn(size, size)
    return max(2 * size**3 / seconds(torch.mm, a, a)[0] for _ in range(5))


def compare(name, rounds):
    """Times of all contenders of a work, round by round."""
    work = make_work(name)
    times, accuracy = {c: [] for c in CONTENDERS[name]}, {}
    first, peaks = {}, []
    for contender in times:  # warm-up: caches, and JAX's compilation, which depends on the number of runs
        runs = work.runs if contender in ("ours", "jax_vmap", "joblib_fit") else work.runs[:1]
        warm_up = name != "E"  # one long run: starting up does not show
        first[contender] = seconds(getattr(contenders, contender), work, runs)[0] if warm_up else None
    for _ in range(rounds):
        for contender, n in CONTENDERS[name].items():
            peaks.append(peak_flops())
            runs = chosen(work, n)
            spent, accuracy[contender] = seconds(getattr(contenders, contender), work, runs)
            times[contender].append(spent * len(work.runs) / len(runs))
    result = {"work": name, "runs": len(work.runs), "steps_per_run": work.steps, "gflops": work.flops / 1e9}
    result["peak_gflops"] = {"median": statistics.median(peaks) / 1e9, "max": max(peaks) / 1e9}
    result |= {"rounds": rounds, "load_average_after": os.getloadavg()[0]}
    result["contenders"] = {c: summary(times, c, first[c], accuracy[c], work.flops, max(peaks)) for c in times}
    return result


def chosen(work, n):
    return work.runs if n is None else work.runs[:: max(1, len(work.runs) // n)][:n]


def summary(times, contender, first, accuracy, flops, peak):
    ratios = [theirs / own for theirs, own in zip(times[contender], times["ours"], strict=True)]
    median = statistics.median(times[contender])
    return {
        "seconds": median,
        "all_seconds": times[contender],
        "first_call_seconds": first,
        "times_slower_than_ours": statistics.median(ratios),
        "spread": [min(ratios), max(ratios)],
        "percent_of_peak": 100 * flops / median / peak,
        "accuracy": accuracy,
    }


def growth():
    """Seconds of ours and of the clean loop (one run, scaled) in work A with 1 to 64 runs and 250 to 4000 examples."""
    rows = []
    for n_runs, n_train in [*((k, 1000) for k in (1, 2, 4, 8, 16, 32, 64)), *((8, n) for n in (250, 500, 2000, 4000))]:
        work = make_work("A", n_runs, n_train)
        work.epochs = 10
        own = min(seconds(contenders.ours, work, work.runs)[0] for _ in range(2))
        one = min(seconds(contenders.clean_loop, work, work.runs[:1])[0] for _ in range(2)) * n_runs
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        rows.append({"runs": n_runs, "n_train": n_train, "ours": own, "clean_loop": one, "peak_memory_mib": memory})
    return {"work": "growth", "epochs": 10, "rows": rows}


def small(rounds):
    """`fit` against the bare loop, import times, and the memory of 100 CNNs on letters."""
    work = make_work("A")
    pairs = [
        (seconds(contenders.clean_loop, work, work.runs[:1])[0], seconds(contenders.bare_loop, work, work.runs[:1])[0])
        for _ in range(max(rounds, 15))
    ]
    ratios = sorted(a / b for a, b in pairs)
    imports = {}
    for module in ("torch", "course_utils.training", "course_utils.stacked"):
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        spent = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in range(5)]
        imports[module] = min(spent)
    code = (
        "import resource; from benchmarks.works import make_work; from benchmarks.contenders import ours; "
        "w = make_work('C', 100); w.epochs = 1; w.train = tuple(t[:128] for t in w.train); ours(w, w.runs); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)"
    )
    memory = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    best = min(a for a, _ in pairs) / min(b for _, b in pairs)
    overhead = {"median": statistics.median(ratios), "quartiles": [ratios[len(ratios) // 4], ratios[-len(ratios) // 4]]}
    return {
        "work": "small",
        "fit_over_bare_loop": overhead | {"best_over_best": best},
        "import_seconds": imports,
        "peak_memory_gib_of_100_cnns": float(memory),
    }


def limits():
    """Of one run on one thread: the share of time in matrix products and convolutions, and their speed beside the peak's.
    The rest (normalization, activations, pooling, optimizer) is bound by memory and gains nothing from a faster product."""
    from torch.profiler import ProfilerActivity, profile

    rows, products = [], ("mm", "bmm", "baddbmm", "mkldnn_convolution", "convolution_backward", "addmm")
    torch.set_num_threads(1)
    for name in "ABCD":
        work = make_work(name)
        work.train, work.epochs = tuple(t[: 32 * work.batch_size] for t in work.train), 1
        contenders.bare_loop(work, work.runs[-1:])
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            contenders.bare_loop(work, work.runs[-1:])
        spent = {event.key.removeprefix("aten::"): event.self_cpu_time_total / 1e6 for event in profiler.key_averages()}
        inside = sum(spent.get(key, 0.0) for key in products)
        largest = dict(sorted(spent.items(), key=lambda item: -item[1])[:8])
        rows.append({"work": name, "share_of_products": inside / sum(spent.values()), "peak_gflops": peak_flops() / 1e9})
        rows[-1] |= {"largest_shares": {key: value / sum(spent.values()) for key, value in largest.items()}}
    torch.set_num_threads(THREADS)
    return {"work": "limits", "rows": rows}


def once(path, name, n_processes=1):
    """Seconds of a work trained by the checkout at `path` in a fresh process (or so many at the same time, until the last)."""
    environment = os.environ | {"PYTHONPATH": str(path), "TQDM_DISABLE": "1"}
    command = [sys.executable, str(HERE / "once.py"), name]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(n_processes)]
    answers = [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
    return max(answers, key=lambda answer: answer["seconds"])


def versions(before, rounds, works="ABCD", n_processes=1):
    """This version against the one at `before`, work by work, in turns."""
    rows = []
    for name in works:
        pairs = [[once(path, name, n_processes) for path in (HERE.parent, before)] for _ in range(rounds)]
        now, then = zip(*pairs, strict=True)
        ratios = [old["seconds"] / new["seconds"] for new, old in zip(now, then, strict=True)]
        row = {"work": name, "now": [n["seconds"] for n in now], "before": [t["seconds"] for t in then]}
        row |= {"times_as_fast": statistics.median(ratios), "range": [min(ratios), max(ratios)]}
        row |= {"accuracy": [now[-1]["accuracy"], then[-1]["accuracy"]]}
        print(json.dumps(row), flush=True)
        rows.append(row)
    return {"work": "versions", "rounds": rounds, "rows": rows}


def busy(before, rounds):
    """`versions` of work A beside two other processes that compute."""
    code = "import torch; torch.set_num_threads(1); a = torch.randn(512, 512)\nwhile True: a @ a"
    neighbours = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    try:
        return versions(before, rounds, "A") | {"work": "busy"}
    finally:
        for process in neighbours:
            process.kill()


def two(before, rounds):
    """`versions` of work A where two processes train it at the same time, as two lessons would."""
    return versions(before, rounds, "A", n_processes=2) | {"work": "two"}


def environment():
    versions = {"python": platform.python_version()}
    for package in ("torch", "numpy", "pandas", "lightning", "jax"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    device = f"CPU, {platform.machine()}, {os.cpu_count()} cores in the machine"
    return {"device": device, "threads": THREADS, "versions": versions, "load_average_before": os.getloadavg()[0]}


def show(result):
    for contender, r in result.get("contenders", {}).items():
        print(
            f"{result['work']} {contender:16s} {r['seconds']:8.2f} s   {r['times_slower_than_ours']:6.2f} x ours "
            f"({r['spread'][0]:.2f} to {r['spread'][1]:.2f})   {r['percent_of_peak']:5.1f} % of peak   "
            f"first call {r['first_call_seconds']} s   accuracy {r['accuracy']}",
            flush=True,
        )
    if "contenders" not in result:
        print(json.dumps(result, indent=1), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=["A", "B", "C", "D", "E", "growth", "small", "limits"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="a checkout of the version to compare with (for versions, busy, two)")
    arguments = parser.parse_args()
    sides = {"versions": versions, "busy": busy, "two": two}
    if sides.keys() & set(arguments.works) and not arguments.before:
        parser.error("versions, busy and two need --before PATH, a checkout of the version to compare with")
    torch.set_num_threads(THREADS)
    RESULTS.mkdir(exist_ok=True)
    for name in arguments.works:
        before = environment()
        extra = {"growth": growth, "limits": limits, "small": lambda: small(arguments.rounds)}
        if name in sides:
            result = sides[name](arguments.before.resolve(), arguments.rounds)
        else:
            result = extra[name]() if name in extra else compare(name, arguments.rounds)
        show(result)
        (RESULTS / f"{name}.json").write_text(json.dumps(before | result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
