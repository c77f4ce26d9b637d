"""The kernels that execute notebooks."""

import os


def kernel_environment():
    """The environment of a kernel: this one's, with two threads for tensor operations and no progress bars."""
    return os.environ | {"OMP_NUM_THREADS": "2", "TQDM_DISABLE": "1", "PYTHONHASHSEED": "0"}
