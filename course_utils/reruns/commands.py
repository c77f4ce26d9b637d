"""The commands `course params`, `run`, `sweep`, `report` and `reference`: their options, and what each does with them."""

import argparse
import time

from course_utils.parameters import check_device
from course_utils.tools.refusals import Refused, refusing


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the five commands to the parser of `course`."""
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
    _add_folder(report)
    report.add_argument("--tensorboard", metavar="DIR", help="also write the runs for TensorBoard")
    report.set_defaults(run=run_report)
    reference = commands.add_parser("reference", help="write docs/reference.md, and first data/reference from a sweep's records")
    reference.add_argument("--machine", metavar="TEXT", default="an unnamed machine", help="on what the sweep ran, in words")
    reference.set_defaults(run=run_reference)
    _add_settings(reference, "as of the sweep")


def _add_settings(command, form):
    command.add_argument("-p", dest="settings", action="append", default=[], metavar=form, help="set a parameter")
    command.add_argument("--preset", help="a named set of parameters, from notebooks/presets.toml")
    _add_folder(command)


def _add_folder(command):
    command.add_argument("--out", type=folder_name, metavar="DIR", help="the folder of results (default: results)")


def folder_name(text: str) -> str:
    """The name of a folder; raises ArgumentTypeError, which argparse reports, if it is empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("name a folder")
    return text


def positive_number(text: str) -> int:
    """A whole number of at least 1; raises ValueError, which argparse reports."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def run_params(options: argparse.Namespace) -> int:
    """`course params`."""
    from course_utils.reruns.plan import aligned, declaration, load

    with refusing():
        lesson, notebook, _ = load(options.lesson)
        parameters = declaration(lesson, notebook).values()
    rows = [("name", "type", "default", "range", "meaning")]
    rows += [(p.name, p.type.__name__, repr(p.default), p.range.text, p.help) for p in parameters]
    print(aligned(rows))
    return 0


def run_run(options: argparse.Namespace) -> int:
    """`course run`."""
    from course_utils.reruns.plan import plan
    from course_utils.reruns.run import exit_code, run_all, table
    from course_utils.tools.lessons import lessons, targets

    if bool(options.lessons) == options.all:
        raise Refused("name lessons, or give --all: for example `course run 00`")
    names = [str(targets(source)["learner"]) for source in lessons()] if options.all else options.lessons
    with refusing():
        reruns = [rerun for name in names for rerun in plan(name, options.settings, options.preset)]
        for rerun in reruns:
            check_device(rerun.parameters)
    results = run_all(reruns, options.out or ("build" if options.all else "results"), force=options.force)
    print(table(results))
    return exit_code(results)


def run_sweep(options: argparse.Namespace) -> int:
    """`course sweep`."""
    from course_utils.reruns.plan import describe, plan
    from course_utils.reruns.run import exit_code
    from course_utils.reruns.sweep import CPU_COUNT, estimate, outcome_of, sweep

    folder = options.out or "results"
    with refusing():
        reruns = plan(options.lesson, options.settings, options.preset, several=True)
        for rerun in reruns if not (options.dry_run or options.scheduler) else ():
            check_device(rerun.parameters)  # of this machine; a cluster's workers have their own
    if options.dry_run:
        print("\n".join(describe(rerun.changed) for rerun in reruns))
        print(estimate(reruns, folder, options.workers or CPU_COUNT))
        return 0
    started = time.perf_counter()
    results = sweep(reruns, folder, scheduler=options.scheduler, workers=options.workers)
    print(f"{outcome_of(results)}, {time.perf_counter() - started:.0f} s; now look at them with `course report`")
    return exit_code(results)


def run_report(options: argparse.Namespace) -> int:
    """`course report`."""
    from course_utils.reruns.records import records_in
    from course_utils.reruns.report import report
    from course_utils.reruns.tensorboard import export

    folder = options.out or "results"
    records = [record for record in records_in(folder) if record.lesson.startswith(options.lesson or "")]
    if not records:
        raise Refused(f"{folder} has no record of {options.lesson or 'any lesson'}: make some with `course run`")
    names = sorted({record.lesson for record in records})
    print("\n\n".join(report([record for record in records if record.lesson == name], folder) for name in names))
    if options.tensorboard:
        count = export(records, options.tensorboard)
        print(f"{count} runs for TensorBoard: tensorboard --logdir {options.tensorboard}")
    return 0


def run_reference(options: argparse.Namespace) -> int:
    """`course reference`: with the settings of a sweep its files first, then, always, the page."""
    import shlex

    from course_utils.reruns.plan import plan
    from course_utils.reruns.records import records_in
    from course_utils.reruns.reference import LESSON, PAGE, all_references, page, references
    from course_utils.tools.files import write_all

    with refusing():
        if options.preset or options.settings:
            preset = ["--preset", options.preset] if options.preset else []
            words = ["course", "sweep", LESSON, *preset, *(word for s in options.settings for word in ("-p", s))]
            wanted = [rerun.parameters for rerun in plan(LESSON, options.settings, options.preset, several=True)]
            records = [r for r in records_in(options.out or "results", LESSON) if r.parameters in wanted]
            if missing := len(wanted) - len(records):
                raise Refused(f"{missing} of {len(wanted)} runs have no record: run {shlex.join(words)}")
            files = references(records, shlex.join(words), options.machine)
            next(iter(files)).parent.mkdir(exist_ok=True)
            write_all(files)
            print("\n".join(f"{path.name}: written" for path in files))
        write_all({PAGE: page(all_references())})
    print(f"{PAGE.name}: written")
    return 0
