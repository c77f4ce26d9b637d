"""`course report --tensorboard DIR`: records for TensorBoard's HPARAMS page, one entry a run."""

from pathlib import Path

from course_utils.reruns.records import records_in


def export(folder, directory, lesson=None):
    """Write the records of a folder for `tensorboard --logdir DIRECTORY`; returns how many. A run that is there already is
    left alone. Raises ValueError if the package tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("the package tensorboard is not installed: `pip install tensorboard`, then try again") from error
    records = records_in(folder, lesson)
    for record in records:
        target = Path(directory) / f"{record['name']}-{record['key'][:8]}"
        if target.exists():
            continue
        with SummaryWriter(str(target)) as writer:
            values = {k: v if isinstance(v, int | float | str | bool) else str(v) for k, v in record["parameters"].items()}
            writer.add_hparams(values | {"lesson": record["lesson"]}, record["metrics"], run_name=".")
    return len(records)
