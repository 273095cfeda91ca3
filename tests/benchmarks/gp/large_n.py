"""Gaussian processes on many points: approximations of Ersatz against the full process on a subset.

    large_n.py path/to/large_n_peer [largest n, 100000] [threads, 1] [kernel, squared-exponential]

One smooth function of 6 inputs, outputs with noise of 0.1 % of their deviation. Prints versions, then one line
for each fit: time to train, microseconds per predicted mean, and mean with deviation (one thread), error at
2000 new points over the function's deviation, and the share of true values inside the 95 % interval.
scikit-learn fits a subset of 1000 points, one start.
"""
import os
import sys

program = os.path.abspath(sys.argv[1])
largest = int(float(sys.argv[2])) if len(sys.argv) > 2 else 100000
threads = int(sys.argv[3]) if len(sys.argv) > 3 else 1
kernel = sys.argv[4] if len(sys.argv) > 4 else "squared-exponential"
os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
# Memory given back to the system is slow to get again: keep it, on both sides.
os.environ["MALLOC_MMAP_MAX_"] = "0"
os.environ["MALLOC_TRIM_THRESHOLD_"] = "4000000000"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import platform
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

warnings.filterwarnings("ignore")
folder = tempfile.mkdtemp()
rng = np.random.default_rng(1)
inputs, noise = 6, 1e-3


def function(x):
    return (np.sin(4 * x[:, 0] + 2 * x[:, 1] * x[:, 2]) + x[:, 1] ** 2 * x[:, 3]
            + np.cos(3 * x[:, 4] * x[:, 0]) + 0.3 * np.exp(-x[:, 5] * 2))


def write(path, x, y):
    table = np.ascontiguousarray(np.column_stack([x, y]))
    with open(path, "wb") as f:
        np.array(table.shape, dtype=np.int64).tofile(f)
        table.tofile(f)


def line(what, seconds, mean, both, error, coverage):
    print(f"{what:44s} train {seconds:8.1f} s   mean {mean:7.2f} µs   with deviation {both:7.2f} µs   "
          f"error {error:8.2e}   coverage {coverage:.3f}", flush=True)


def ours(what, n, *settings):
    write(os.path.join(folder, "training"), x[:n], y[:n])
    done = subprocess.run([program, os.path.join(folder, "training"), os.path.join(folder, "test"), str(threads),
                           f"kernel={kernel}", *settings], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    result = dict(row.split(" ", 1) for row in done.stdout.splitlines())
    line(f"{what}, n = {n}", *(float(result[k]) for k in ("seconds", "microseconds_mean", "microseconds_both")),
         float(result["error"]) / scale, float(result["coverage"]))
    if "--facts" in sys.argv:
        print(done.stdout)


print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
      f"{threads} thread(s), {kernel}, {inputs} inputs, noise {noise} of the deviation")
x = rng.random((largest, inputs))
test = rng.random((2000, inputs))
truth = function(test)
scale = truth.std()
y = function(x) + noise * scale * rng.standard_normal(largest)
write(os.path.join(folder, "test"), test, truth)

model = GaussianProcessRegressor(ConstantKernel(1.0) * RBF(np.ones(inputs)) + WhiteKernel(1e-6), alpha=0.0,
                                 normalize_y=True)
began = time.perf_counter()
model.fit(x[:1000], y[:1000])
trained = time.perf_counter() - began
began = time.perf_counter()
mean, deviation = model.predict(test, return_std=True)
both = (time.perf_counter() - began) / len(test) * 1e6
# Its deviation is that of an observed value; the noise is taken off.
latent = np.sqrt(np.maximum(deviation**2 - model.kernel_.k2.noise_level * y[:1000].var(), 0))
line("scikit-learn, n = 1000", trained, float("nan"), both, np.sqrt(np.mean((mean - truth) ** 2)) / scale,
     np.mean(np.abs(mean - truth) < 1.96 * latent))
ours("full process", min(largest, 2000), "method=exact", "starts=1")
n = 10000
while n <= largest:
    for points in (100, 200, 400):
        ours(f"{points} inducing points", n, "method=inducing", f"points={points}")
    n *= 10
