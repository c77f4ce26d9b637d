"""The command `course`: build lessons, check the set-up, rerun lessons with other numbers."""

import argparse
import sys
import time

from tqdm.auto import tqdm

from course_utils.reruns.commands import add_commands
from course_utils.tools.refusals import Refused, refusing


def main(arguments: list[str] | None = None) -> int:
    """Run one sub-command.

    Args:
        arguments: of the command line; None: the process's.

    Returns:
        0: done; 1: something failed; 2: the command line was refused, before anything ran; 130: stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a λ where the terminal's encoding has none
    parser = argparse.ArgumentParser(prog="course", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    lab = commands.add_parser("lab", help="open your copies of the lessons, in my_notebooks/, in JupyterLab")
    lab.add_argument("jupyter", nargs="*", metavar="OPTION", help="of JupyterLab, after two dashes: -- --no-browser --port 9999")
    lab.set_defaults(run=run_lab)
    fresh = commands.add_parser("fresh", help="copy lessons anew into my_notebooks/ and keep your old copies beside them")
    fresh.add_argument("lessons", nargs="+", metavar="LESSON", help="for example 04 or 04_dropout")
    fresh.set_defaults(run=run_fresh)
    build = commands.add_parser("build", help="build the notebooks from notebooks/source (only what changed)")
    build.add_argument("lessons", nargs="*", metavar="LESSON", help="for example 04 or 04_dropout; all if none is named")
    build.add_argument("--force", action="store_true", help="execute also what has not changed")
    build.add_argument("--check", action="store_true", help="build nothing; exit 1 if a notebook is not up to date")
    build.set_defaults(run=run_build)
    doctor = commands.add_parser("doctor", help="check versions, device, threads and data, and train for a moment")
    doctor.set_defaults(run=run_doctor)
    add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except Refused as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("course: stopped by Ctrl-C", file=sys.stderr)
        return 130


def run_lab(options: argparse.Namespace) -> int:
    """`course lab`."""
    from course_utils.tools.copies import make_copies, open_lab

    for name in make_copies():
        print(f"my_notebooks/{name} is older than the lesson: `{sys.argv[0]} fresh {name}` copies it anew and keeps yours")
    open_lab(options.jupyter)
    return 0


def run_fresh(options: argparse.Namespace) -> int:
    """`course fresh`."""
    from course_utils.tools.copies import renew

    with refusing():
        renewed = [renew(name) for name in options.lessons]
    for copy, old in renewed:
        print(f"{copy} is new" + (f", your old copy is {old.name}" if old else ""))
    return 0


def run_build(options: argparse.Namespace) -> int:
    """`course build`."""
    from course_utils.tools.build import build, is_current
    from course_utils.tools.lessons import lesson_name, lessons, targets

    with refusing():
        sources = lessons(options.lessons)
    wanted = [(source, variant) for source in sources for variant in targets(source)]
    stale = [(s, v) for s, v in wanted if options.force or not is_current(s, v)]
    if options.check:
        for source, variant in stale:
            print(f"{lesson_name(source)} ({variant}) is not up to date: run `course build`")
        return 1 if stale else 0
    failed = 0
    for source, variant in (bar := tqdm(stale, disable=not stale)):
        bar.set_description(f"{lesson_name(source)} ({variant})")
        started = time.perf_counter()
        try:
            build(source, variant)
        except RuntimeError as error:
            failed += 1
            tqdm.write(str(error))
        else:
            tqdm.write(f"{lesson_name(source)} ({variant}): executed in {time.perf_counter() - started:.0f} s")
    print(f"{len(wanted) - len(stale)} notebooks were up to date, {len(stale) - failed} built, {failed} failed")
    return 1 if failed else 0


def run_doctor(options: argparse.Namespace) -> int:
    """`course doctor`."""
    from course_utils.doctor import examine

    findings = examine()
    for ok, line in findings:
        print(("ok    " if ok else "FIX   ") + line)
    return 0 if all(ok for ok, _ in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
