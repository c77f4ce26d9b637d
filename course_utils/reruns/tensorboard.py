"""`course report --tensorboard DIR`: records for TensorBoard's HPARAMS page, one entry a run."""

from pathlib import Path

from course_utils.tools.files import file_name
from course_utils.tools.record import Record


def export(records: list[Record], directory: str | Path) -> int:
    """Write records for `tensorboard --logdir DIRECTORY`; a run that is there already is left alone.

    Args:
        records: as from `records_in`.
        directory: made if it is not there.

    Returns:
        How many records there are.

    Raises:
        OSError: The package tensorboard is not installed, or the directory cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise OSError("the package tensorboard is not installed: `pip install tensorboard`, then try again") from error
    for record in records:
        target = Path(directory) / file_name(f"{record.name}-{record.key[:8]}")
        if target.exists():
            continue
        with SummaryWriter(str(target)) as writer:
            values = {k: v if isinstance(v, int | float | str | bool) else str(v) for k, v in record.parameters.items()}
            writer.add_hparams(values | {"lesson": record.lesson}, record.metrics, run_name=".")
    return len(records)
