"""`python -m benchmarks.report`: the tables and the plot of benchmarks/README.md, from benchmarks/results/*.json."""

import json
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent


def results(names="ABCDE"):
    paths = [HERE / "results" / f"{name}.json" for name in names]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def table():
    lines = [
        "| work (rounds) | contender | seconds | times slower than ours (range) | % of peak | accuracy |",
        "| --- " * 6 + "|",
    ]
    for result in results():
        for name, r in result["contenders"].items():
            low, high = r["spread"]
            slower = "1" if name == "ours" else f"{r['times_slower_than_ours']:.2f} ({low:.2f} to {high:.2f})"
            work, accuracy = f"{result['work']} ({len(r['all_seconds'])})", f"{r['accuracy']:.3f}"
            lines.append(f"| {work} | {name} | {r['seconds']:.1f} | {slower} | {r['percent_of_peak']:.0f} | {accuracy} |")
    return "\n".join(lines)


def versions():
    lines = ["| on the machine | work | this version (s) | before (s) | times as fast (range) |", "| --- " * 5 + "|"]
    machines = {"versions": "nothing else", "busy": "two processes computing", "two": "the same work beside it"}
    for name, machine in machines.items():
        for result in results([name]):
            for r in result["rows"]:
                (low, high), now, before = r["range"], median(r["now"]), median(r["before"])
                fast = f"{r['times_as_fast']:.2f} ({low:.2f} to {high:.2f})"
                lines.append(f"| {machine} | {r['work']} | {now:.1f} | {before:.1f} | {fast} |")
    return "\n".join(lines)


def plot():
    fig, axes = plt.subplots(1, len(results()), figsize=(12, 3.4), constrained_layout=True)
    for ax, result in zip(axes, results(), strict=True):
        for k, (name, r) in enumerate(result["contenders"].items()):
            ax.plot([min(r["all_seconds"]), max(r["all_seconds"])], [k, k], color="0.6", zorder=1)
            ax.plot(r["seconds"], k, "o", color="#D55E00" if name == "ours" else "#0072B2")
        ax.set(yticks=range(len(result["contenders"])), yticklabels=result["contenders"], xlabel="seconds")
        ax.set(title=f"{result['work']}: {result['runs']} run" + "s" * (result["runs"] > 1), ylim=(-0.6, k + 0.6))
        ax.set_xlim(0, 1.08 * ax.dataLim.xmax)
        ax.invert_yaxis()
    fig.savefig(HERE / "results" / "times.png", dpi=100)


if __name__ == "__main__":
    print(table(), versions(), sep="\n\n")
    plot()
