"""The same 24 short runs of lesson 00 by `course sweep` with 1, 2 and 4 workers, and by a shell loop of plain papermill.

Run it as `python -m benchmarks.sweep`; it takes about ten minutes and writes benchmarks/results/sweep.json. Each kernel has
one thread, so that four workers fit on four processors. The loop's runs and the sweep's give the same records, which is
checked; what is timed is everything from the command to its end, also Dask's start.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "00_start_here.ipynb"
RUNS, N_RUNS = 24, 3
LOOP = """for seed in $(seq 0 {last}); do
  COURSE_RECORD=$PWD/$seed.json {python} -m papermill {notebook} $seed.ipynb -p n_runs {n} -p seed $seed --cwd {cwd} || exit 1
done"""


def timed(command, folder):
    """Seconds that a command takes in a folder, and the load of the machine before it."""
    load = os.getloadavg()[0]
    started = time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1", "TQDM_DISABLE": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return {"seconds": round(time.perf_counter() - started, 1), "load_before": round(load, 1)}


def metrics(folder):
    """{seed: metrics} of the records in a folder."""
    records = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    return {record["parameters"]["seed"]: record["metrics"] for record in records}


def main():
    rows = {}
    with tempfile.TemporaryDirectory() as scratch:
        found = []
        for workers in (None, 1, 2, 4):
            folder = Path(scratch) / str(workers)
            folder.mkdir()
            if workers is None:
                loop = LOOP.format(last=RUNS - 1, python=sys.executable, notebook=NOTEBOOK, n=N_RUNS, cwd=NOTEBOOK.parent)
                name, command = "papermill, shell loop", ["sh", "-c", loop]
            else:
                name = f"course sweep, {workers} workers"
                command = [sys.executable, "-m", "course_utils.cli", "sweep", str(NOTEBOOK), "-p", f"n_runs={N_RUNS}",
                           "-p", f"seed=0:{RUNS}", "--workers", str(workers), "--out", "."]  # fmt: skip
            rows[name] = timed(command, folder)
            found.append(metrics(folder))
            print(name, rows[name], flush=True)
    result = {
        "work": f"{RUNS} runs of lesson 00 with n_runs={N_RUNS}, one thread each",
        "same_metrics": all(other == found[0] and len(other) == RUNS for other in found),
        "processors": os.cpu_count(),
        "versions": {name: version(name) for name in ("papermill", "dask", "distributed", "nbclient", "torch")},
        "rows": rows,
    }
    (ROOT / "benchmarks" / "results" / "sweep.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("same metrics in all:", result["same_metrics"])


if __name__ == "__main__":
    main()
