"""The command `course`: build lessons, check the set-up, rerun lessons with other numbers."""

import argparse
import sys
import time

from tqdm.auto import tqdm


def main(arguments=None):
    """Run one sub-command; returns its exit code (0: done, 1: something failed, 2: unusable arguments, 130: Ctrl-C)."""
    parser = argparse.ArgumentParser(prog="course", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build the notebooks from notebooks/source (only what changed)")
    build.add_argument("lessons", nargs="*", metavar="LESSON", help="for example 04 or 04_dropout; all if none is named")
    build.add_argument("--force", action="store_true", help="execute also what has not changed")
    build.add_argument("--check", action="store_true", help="build nothing; exit 1 if a notebook is not up to date")
    build.set_defaults(run=run_build)
    doctor = commands.add_parser("doctor", help="check versions, device, threads and data, and train for a moment")
    doctor.set_defaults(run=run_doctor)
    _add_reruns(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except ValueError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("course: stopped by Ctrl-C", file=sys.stderr)
        return 130


def _add_reruns(commands):
    params = commands.add_parser("params", help="show what a lesson can be rerun with")
    params.add_argument("lesson", metavar="LESSON")
    params.set_defaults(run=run_params)
    run = commands.add_parser("run", help="execute lessons, with other parameters if you like")
    run.add_argument("lessons", nargs="*", metavar="LESSON", help="for example 04 or 04_dropout, or the path of a notebook")
    run.add_argument("--all", action="store_true", help="all lessons, into build/")
    run.add_argument("--force", action="store_true", help="run also what is recorded")
    run.set_defaults(run=run_run)
    _add_settings(run, "NAME=VALUE")
    sweep = commands.add_parser("sweep", help="run a lesson with every combination of values, several runs at once")
    sweep.add_argument("lesson", metavar="LESSON")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, as tcp://host:8786 (default: this machine)")
    sweep.add_argument("--workers", type=positive_number, help="how many runs at once on this machine (default: as many as fit)")
    sweep.add_argument("--dry-run", action="store_true", help="list the runs and estimate the time, and do nothing")
    sweep.set_defaults(run=run_sweep)
    _add_settings(sweep, "NAME=VALUE,VALUE | NAME=FIRST:END:STEP")
    report = commands.add_parser("report", help="tabulate and draw what was recorded")
    report.add_argument("lesson", nargs="?", metavar="LESSON", help="default: every lesson that has records")
    report.add_argument("--out", metavar="DIR", default="results", help="the folder of results (default: results)")
    report.add_argument("--tensorboard", metavar="DIR", help="also write the runs for TensorBoard")
    report.set_defaults(run=run_report)


def _add_settings(command, form):
    command.add_argument("-p", dest="settings", action="append", default=[], metavar=form, help="set a parameter")
    command.add_argument("--preset", help="a named set of parameters, from notebooks/presets.toml")
    command.add_argument("--out", metavar="DIR", help="the folder of results (default: results)")
    command.add_argument("--threads", type=positive_number, default=2, help="threads of each kernel (default: 2)")


def positive_number(text):
    """A whole number of at least 1; raises ValueError, which argparse reports."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def run_build(options):
    """`course build`."""
    from course_utils.tools.build import build, is_current
    from course_utils.tools.lessons import lessons, targets

    wanted = [(source, variant, path) for source in lessons(options.lessons) for variant, path in targets(source).items()]
    stale = [(s, v) for s, v, path in wanted if options.force or not is_current(s, path)]
    if options.check:
        for source, variant in stale:
            print(f"{source.stem} ({variant}) is not up to date: run `course build`")
        return 1 if stale else 0
    failed = 0
    for source, variant in (bar := tqdm(stale, disable=not stale)):
        bar.set_description(f"{source.stem} ({variant})")
        started = time.perf_counter()
        try:
            build(source, variant)
        except RuntimeError as error:
            failed += 1
            tqdm.write(str(error))
        else:
            tqdm.write(f"{source.stem} ({variant}): executed in {time.perf_counter() - started:.0f} s")
    print(f"{len(wanted) - len(stale)} notebooks were up to date, {len(stale) - failed} built, {failed} failed")
    return 1 if failed else 0


def run_doctor(options):
    """`course doctor`."""
    from course_utils.doctor import examine

    findings = examine()
    for ok, line in findings:
        print(("ok    " if ok else "FIX   ") + line)
    return 0 if all(ok for ok, _ in findings) else 1


def run_params(options):
    """`course params`."""
    from course_utils.reruns.plan import aligned, declaration, load

    lesson, notebook, _ = load(options.lesson)
    rows = [("name", "type", "default", "range", "meaning")]
    rows += [(p.name, p.type.__name__, repr(p.default), p.range.text, p.help) for p in declaration(lesson, notebook).values()]
    print(aligned(rows))
    return 0


def run_run(options):
    """`course run`."""
    from course_utils.reruns.plan import plan
    from course_utils.reruns.run import exit_code, run_all, table
    from course_utils.tools.lessons import lessons

    if bool(options.lessons) == options.all:
        raise ValueError("name lessons, or give --all: for example `course run 00`")
    names = [source.stem for source in lessons()] if options.all else options.lessons
    runs = [run for name in names for run in plan(name, options.settings, options.preset)]
    results = run_all(runs, options.out or ("build" if options.all else "results"), force=options.force, threads=options.threads)
    print(table(results))
    return exit_code(results)


def run_sweep(options):
    """`course sweep`."""
    from course_utils.reruns.plan import describe, plan
    from course_utils.reruns.run import exit_code
    from course_utils.reruns.sweep import estimate, local_workers, summary, sweep

    folder = options.out or "results"
    runs = plan(options.lesson, options.settings, options.preset, several=True)
    if options.dry_run:
        print("\n".join(describe(run.changed) for run in runs))
        print(estimate(runs, folder, options.workers or local_workers(options.threads)))
        return 0
    started = time.perf_counter()
    results = sweep(runs, folder, scheduler=options.scheduler, workers=options.workers, threads=options.threads)
    print(f"{summary(results)}, {time.perf_counter() - started:.0f} s; now look at them with `course report`")
    return exit_code(results)


def run_report(options):
    """`course report`."""
    from course_utils.reruns.records import records_in
    from course_utils.reruns.report import report
    from course_utils.reruns.tensorboard import export

    found = sorted({record["lesson"] for record in records_in(options.out)})
    wanted = [name for name in found if name.startswith(options.lesson or "")]
    if not wanted:
        raise ValueError(f"{options.out} has no record of {options.lesson or 'any lesson'}: make some with `course run`")
    print("\n\n".join(report(options.out, name) for name in wanted))
    if options.tensorboard:
        count = sum(export(options.out, options.tensorboard, name) for name in wanted)
        print(f"{count} runs for TensorBoard: tensorboard --logdir {options.tensorboard}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
