"""Gaussian processes: Ersatz against scikit-learn, same data, same machine, same OpenBLAS threads.

    benchmark.py path/to/gp_peer [threads]

Prints versions, then one line for each piece of work with both times and their ratio.
"""
import os
import sys

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
# Memory given back to the system is slow to get again: keep it, on both sides.
os.environ["MALLOC_MMAP_MAX_"] = "0"
os.environ["MALLOC_TRIM_THRESHOLD_"] = "4000000000"

import platform
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peers", "gp"))
import peer

warnings.filterwarnings("ignore")
program = sys.argv[1]
folder = tempfile.mkdtemp()
data_file, points_file = os.path.join(folder, "data"), os.path.join(folder, "points")
rng = np.random.default_rng(1)
print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
      f"{threads} thread(s)")


def function(x):
    return np.sin(3 * x[:, 0]) + x[:, 1] ** 2 * x[:, -1] + np.cos(2 * x[:, 1] * x[:, 0])


def data(n, d, p=1):
    x = rng.random((n, d))
    y = np.stack([function(x * (1 + 0.02 * o)) for o in range(p)], axis=1)
    peer.write_data(data_file, x, y)
    return x, y


def best_of(work, repeats):
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def line(what, theirs, ours):
    scale, unit = (1, "s") if ours > 0.5 else (1e3, "ms") if ours > 5e-4 else (1e6, "µs")
    print(f"{what:66s} scikit-learn {scale * theirs:9.1f} {unit}  ersatz {scale * ours:9.2f} {unit}  "
          f"ratio {theirs / ours:7.1f}", flush=True)


x, y = data(2000, 8)
kernel = ConstantKernel(1.0) * RBF(np.ones(8)) + WhiteKernel(1e-6)
model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y[:, 0])
theirs = best_of(lambda: model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True), 3)
ours = peer.run(program, "time-likelihood", "squared-exponential", data_file, 5, threads=threads)["seconds"][0]
line("likelihood and gradient, squared exponential, n = 2000, d = 8", theirs, ours)

many = rng.random((10000, 8))
peer.write_points(points_file, many)
ours = peer.run(program, "time-predict", "squared-exponential", data_file, points_file, threads=threads)
line("mean at 10 000 points, n = 2000, d = 8", best_of(lambda: model.predict(many), 3), ours["batch_mean"][0])
line("mean and deviation at 10 000 points, n = 2000, d = 8",
     best_of(lambda: model.predict(many, return_std=True), 2), ours["batch_mean_variance"][0])

x, y = data(1000, 8)
few = rng.random((200, 8))
peer.write_points(points_file, few)
model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y[:, 0])
ours = peer.run(program, "time-predict", "squared-exponential", data_file, points_file, threads=threads)
line("one point, mean, n = 1000", best_of(lambda: [model.predict(few[i:i + 1]) for i in range(200)], 3) / 200,
     ours["one_mean"][0])
line("one point, mean and deviation, n = 1000",
     best_of(lambda: [model.predict(few[i:i + 1], return_std=True) for i in range(200)], 3) / 200,
     ours["one_mean_variance"][0])

x, y = data(300, 6, 40)
few = rng.random((1000, 6))
peer.write_points(points_file, few)
for name in ("squared-exponential", "matern52", "matern52-product"):
    ours = peer.run(program, "time-predict", name, data_file, points_file, threads=threads)
    print(f"40 outputs, n = 300, d = 6, {name}: one point {1e6 * ours['one_mean'][0]:.1f} µs, in a batch "
          f"{1e3 * ours['batch_mean'][0]:.1f} µs each; with variance {1e6 * ours['one_mean_variance'][0]:.0f} and "
          f"{1e3 * ours['batch_mean_variance'][0]:.0f} µs; Jacobian {1e6 * ours['one_jacobian'][0]:.1f} µs")

x, y = data(300, 8, 40)
ours = peer.run(program, "fit", data_file, 3, "kernel=matern52", threads=threads)["seconds"][0]
kernel = (ConstantKernel(1.0, (1e-5, 1e5)) * Matern(np.ones(8), (1e-2, 50.0), nu=2.5)
          + WhiteKernel(1e-4, (1e-12, 1.0)))


def fit_one():
    GaussianProcessRegressor(kernel, alpha=0.0, n_restarts_optimizer=2, normalize_y=True, random_state=0).fit(
        x, y[:, 0])


line("fit 40 outputs, three starts, n = 300, d = 8 (theirs: 40 × one)", 40 * best_of(fit_one, 1), ours)
