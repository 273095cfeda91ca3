"""The nearest-neighbour Gaussian process on many points, beside the exact one on 2000 of them.

    vecchia.py path/to/large_n_peer [largest n, 100000] [threads, 1] [KEY=VALUE…]

Functions of 4 and 8 inputs without noise: a smooth one, and a rough one (kinks along curved surfaces), each
with the kernel that suits it. One line for each fit: time to train, microseconds per predicted mean, and mean
with deviation (one thread), error at 2000 new points over the function's deviation, and the share of true
values inside the 95 % interval. KEY=VALUE go to the nearest-neighbour fits.
"""
import os
import sys

program = os.path.abspath(sys.argv[1])
largest = int(float(sys.argv[2])) if len(sys.argv) > 2 else 100000
threads = int(sys.argv[3]) if len(sys.argv) > 3 else 1
extra = sys.argv[4:]
os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
os.environ["MALLOC_MMAP_MAX_"] = "0"
os.environ["MALLOC_TRIM_THRESHOLD_"] = "4000000000"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import platform
import subprocess
import tempfile

import numpy as np

folder = tempfile.mkdtemp()
training, test = os.path.join(folder, "training"), os.path.join(folder, "test")


def smooth(x):
    half = x.shape[1] // 2
    return (np.sin(4 * x[:, 0] + 2 * x[:, 1] * x[:, half]) + np.cos(3 * x[:, half] * x[:, -1])
            + sum(np.exp(-x[:, k]) * x[:, k - 1] for k in range(1, x.shape[1])) / half)


def rough(x):
    return smooth(x) + 0.5 * np.abs(np.sin(5 * x[:, 0] * x[:, 1]) - x[:, 2]) + 0.3 * np.abs(x[:, 3] - x[:, 0] ** 2)


def write(path, x, y):
    table = np.ascontiguousarray(np.column_stack([x, y]))
    with open(path, "wb") as f:
        np.array(table.shape, dtype=np.int64).tofile(f)
        table.tofile(f)


def fit(what, x, y, scale, *settings):
    write(training, x, y)
    done = subprocess.run([program, training, test, str(threads), "starts=1", *settings], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    r = dict(row.split(" ", 1) for row in done.stdout.splitlines())
    print(f"{what:52s} train {float(r['seconds']):8.1f} s   mean {float(r['microseconds_mean']):7.2f} µs   "
          f"with deviation {float(r['microseconds_both']):7.2f} µs   error {float(r['error']) / scale:8.2e}   "
          f"coverage {float(r['coverage']):.3f}", flush=True)
    if "FACTS" in os.environ:
        print(done.stdout)


print(f"NumPy {np.__version__}, Python {platform.python_version()}, {threads} thread(s)")
for d in (4, 8):
    for function, kernel in ((smooth, "squared-exponential"), (rough, "matern32")):
        rng = np.random.default_rng(1)
        x, points = rng.random((largest, d)), rng.random((2000, d))
        y, truth = function(x), function(points)
        write(test, points, truth)
        name = f"{function.__name__}, {d} inputs, {kernel}"
        fit(f"{name}, exact, 2000", x[:2000], y[:2000], truth.std(), f"kernel={kernel}", "method=exact")
        n = 10000
        while n <= largest:
            fit(f"{name}, {n}", x[:n], y[:n], truth.std(), f"kernel={kernel}", "method=vecchia", *extra)
            n *= 10
