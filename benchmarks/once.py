"""`python benchmarks/once.py WORK`: train a work once with the `course_utils` that PYTHONPATH names, after a shorter training
to warm up (which starts the workers); prints {"seconds", "first_seconds", "accuracy"}. What `bench` compares versions with."""

import json
import sys
import time
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[1]))  # after PYTHONPATH, for `benchmarks` only

from works import make_work

from course_utils.stacked import train_runs


def train(work, epochs):
    start = time.perf_counter()
    settings = {"epochs": epochs, "batch_size": work.batch_size, "evaluate_every": epochs, "progress": False}
    table, _ = train_runs(work.build, work.train, work.val, work.runs, **settings)
    return time.perf_counter() - start, table[table["epoch"] == epochs - 1]["val_accuracy"].mean()


if __name__ == "__main__":
    torch.set_num_threads(2)  # which the version that trains in threads uses
    work = make_work(sys.argv[1])
    first_seconds, _ = train(work, max(1, work.epochs // 4))
    seconds, accuracy = train(work, work.epochs)
    print(json.dumps({"seconds": seconds, "first_seconds": first_seconds, "accuracy": accuracy}))
