#!/usr/bin/env python3
"""Gaussian processes on many points: the approximations of Ersatz against full processes on subsets.

    large_n.py path/to/large_n_peer [largest n, 10000] [threads, 1] [name of one function]

Functions: smooth (6 inputs), simple (8 inputs, of which 3 matter), kinked (3 inputs, a kink and steps); outputs with
noise of 0.1 % of their deviation, one start. Prints versions, then one line for each fit: seconds to train,
microseconds per predicted mean with its deviation (one thread), error at 2000 new points over the function's
deviation, and the share of true values inside the 95 % interval. scikit-learn fits a subset of 1000 points.
"""
import os
import sys

program = os.path.abspath(sys.argv[1])
largest = int(float(sys.argv[2])) if len(sys.argv) > 2 else 10000
threads = int(sys.argv[3]) if len(sys.argv) > 3 else 1
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start(threads)

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
training_file, test_file = os.path.join(folder, "training"), os.path.join(folder, "test")
noise = 1e-3
functions = {
    "smooth": (6, lambda x: np.sin(4 * x[:, 0] + 2 * x[:, 1] * x[:, 2]) + x[:, 1] ** 2 * x[:, 3]
               + np.cos(3 * x[:, 4] * x[:, 0]) + 0.3 * np.exp(-2 * x[:, 5])),
    "simple": (8, lambda x: np.sin(3 * x[:, 0]) + x[:, 1] ** 2 * x[:, 7] + np.cos(2 * x[:, 1] * x[:, 0])),
    "kinked": (3, lambda x: np.abs(x[:, 0] - 0.5) + 0.3 * np.floor(3 * x[:, 1]) + x[:, 2]),
}


def write(path, x, y):
    table = np.ascontiguousarray(np.column_stack([x, y]))
    with open(path, "wb") as f:
        np.array(table.shape, dtype=np.int64).tofile(f)
        table.tofile(f)


def line(what, seconds, both, error, coverage):
    print(f"  {what:58s} train {seconds:7.1f} s   {both:7.1f} µs   error {error:8.2e}   coverage {coverage:.3f}",
          flush=True)


def ours(n, method, kernel, *settings):
    write(training_file, x[:n], y[:n])
    done = subprocess.run([program, training_file, test_file, str(threads), f"kernel={kernel}", f"method={method}",
                           "starts=1", *settings], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    result = dict(row.split(" ", 1) for row in done.stdout.splitlines() if " " in row)
    line(" ".join([f"n = {n}, {method}, {kernel}", *settings]), float(result["seconds"]),
         float(result["microseconds_both"]), float(result["error"]) / scale, float(result["coverage"]))


def theirs(n):
    inputs = x.shape[1]
    model = GaussianProcessRegressor(ConstantKernel(1.0) * RBF(np.ones(inputs)) + WhiteKernel(1e-6), alpha=0.0,
                                     normalize_y=True)
    began = time.perf_counter()
    model.fit(x[:n], y[:n])
    trained = time.perf_counter() - began
    began = time.perf_counter()
    mean, deviation = model.predict(test, return_std=True)
    both = (time.perf_counter() - began) / len(test) * 1e6
    # Its deviation is that of an observed value; the noise is taken off.
    latent = np.sqrt(np.maximum(deviation**2 - model.kernel_.k2.noise_level * y[:n].var(), 0))
    line(f"n = {n}, scikit-learn", trained, both, np.sqrt(np.mean((mean - truth) ** 2)) / scale,
         np.mean(np.abs(mean - truth) < 1.96 * latent))


print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
      f"{threads} thread(s)")
for name, (inputs, function) in functions.items():
    if len(sys.argv) > 4 and sys.argv[4] != name:
        continue
    print(f"{name}, {inputs} inputs")
    rng = np.random.default_rng(1)
    x, test = rng.random((largest, inputs)), rng.random((2000, inputs))
    truth = function(test)
    scale = truth.std()
    y = function(x) + noise * scale * rng.standard_normal(largest)
    write(test_file, test, truth)
    if name == "smooth":
        theirs(1000)
    ours(min(largest, 2000), "exact", "squared-exponential")
    n = 10000
    while n <= largest:
        ours(n, "vecchia", "squared-exponential")
        ours(n, "vecchia", "matern52-product")
        ours(n, "vecchia", "matern52-product", "neighbours=60")
        if n <= 100000:
            ours(n, "inducing", "squared-exponential")
        n *= 10
