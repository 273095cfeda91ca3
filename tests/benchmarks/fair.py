"""The same conditions for us and for the peers, whose libraries read them when the process starts."""
import os
import sys


def start(threads=1):
    """To be called before NumPy is imported: starts this script anew where its environment has to change."""
    wanted = {
        "OPENBLAS_NUM_THREADS": str(threads),
        # Memory given back to the system is slow to get again: keep it.
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": "4000000000",
    }
    tuned = [name for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    if not tuned and all(os.environ.get(name) == value for name, value in wanted.items()):
        return
    os.environ.update(wanted)
    for name in tuned:
        del os.environ[name]
    os.execv(sys.executable, [sys.executable, *sys.argv])
