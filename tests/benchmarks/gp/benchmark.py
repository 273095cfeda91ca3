#!/usr/bin/env python3
"""Gaussian processes: Ersatz against scikit-learn and OpenTURNS, same data, same machine, same threads.

    benchmark.py path/to/gp_peer [threads]

Prints versions, then one line for each piece of work with all times and their ratios to ours, and what the
work cannot go below (the floor: the BLAS calls or memory reads in it) where there is such a number.
"""
import os
import sys

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start(threads)

import platform
import tempfile
import time
import warnings

import numpy as np
import scipy
import scipy.linalg
import sklearn
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

try:
    import openturns as ot
    ot.Log.Show(ot.Log.NONE)
    ot.TBB.SetThreadsNumber(threads)
except ImportError:
    ot = None

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peers", "gp"))
import peer

warnings.filterwarnings("ignore")
program = sys.argv[1]
folder = tempfile.mkdtemp()
data_file, points_file = os.path.join(folder, "data"), os.path.join(folder, "points")
rng = np.random.default_rng(1)
print(f"scikit-learn {sklearn.__version__}, OpenTURNS {ot.__version__ if ot else 'not there'}, "
      f"NumPy {np.__version__}, SciPy {scipy.__version__}, Python {platform.python_version()}, "
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


def line(what, ours, floor=None, **others):
    scale, unit = (1, "s") if ours > 0.5 else (1e3, "ms") if ours > 5e-4 else (1e6, "µs")
    text = f"{what:58s} ersatz {scale * ours:8.2f} {unit}"
    for name, seconds in others.items():
        if seconds is not None:
            text += f"  {name} {scale * seconds:9.1f} ({seconds / ours:.1f} x)"
    if floor:
        text += f"  floor {scale * floor:8.2f} ({ours / floor:.2f} of it)"
    print(text, flush=True)


def kriging(x, y, lengths, nugget, optimise=False):
    """OpenTURNS: constant mean, squared exponential, the nugget held fixed (it has no search for one)."""
    model = ot.SquaredExponential(lengths, [1.0])
    model.setNuggetFactor(nugget)
    algorithm = ot.KrigingAlgorithm(ot.Sample(x), ot.Sample(y.reshape(-1, 1)), model,
                                    ot.ConstantBasisFactory(x.shape[1]).build())
    algorithm.setOptimizeParameters(optimise)
    algorithm.run()
    return algorithm.getResult()


# Likelihood and gradient, and predictions, n = 2000.
n, d = 2000, 8
x, y = data(n, d)
kernel = ConstantKernel(1.0) * RBF(np.ones(d)) + WhiteKernel(1e-6)
model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y[:, 0])
matrix = np.asfortranarray(kernel(x))


def factor_and_invert():
    factor, info = scipy.linalg.lapack.dpotrf(matrix, lower=1)
    scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)


floor = best_of(factor_and_invert, 5)
theirs = best_of(lambda: model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True), 3)
ours = peer.run(program, "time-likelihood", "squared-exponential", data_file, 8, threads, threads=threads)
line("likelihood and gradient, squared exponential, n 2000, d 8", ours["seconds"][0], floor, sklearn=theirs)

many = rng.random((10000, d))
peer.write_points(points_file, many)
ours = peer.run(program, "time-predict", "squared-exponential", data_file, points_file, threads, threads=threads)
result = kriging(x, y[:, 0], [1.0] * d, 1e-6) if ot else None
sample = ot.Sample(many) if ot else None
block, weights = many[:1000], rng.random(n)
exponentials = 10 * best_of(lambda: np.exp(-0.5 * cdist(block, x, "sqeuclidean")) @ weights, 3)
line("mean at 10 000 points, n 2000, d 8", ours["batch_mean"][0], None,
     sklearn=best_of(lambda: model.predict(many), 3),
     openturns=best_of(lambda: result.getMetaModel()(sample), 3) if ot else None)
print(f"    (NumPy's exponentials of distances and one product with the weights: {1e3 * exponentials:.0f} ms)")
right = np.asfortranarray(rng.random((n, 10000)))
lower = scipy.linalg.lapack.dpotrf(matrix, lower=1)[0]
floor = best_of(lambda: scipy.linalg.blas.dtrsm(1.0, lower, right, lower=1, overwrite_b=1), 3)


def both():
    result.getMetaModel()(sample)
    result.getConditionalMarginalVariance(sample)


line("mean and deviation at 10 000 points, n 2000, d 8", ours["batch_mean_variance"][0], floor,
     sklearn=best_of(lambda: model.predict(many, return_std=True), 2), openturns=best_of(both, 1) if ot else None)

# One point, n = 1000.
n = 1000
x, y = data(n, d)
few = rng.random((200, d))
peer.write_points(points_file, few)
model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y[:, 0])
result = kriging(x, y[:, 0], [1.0] * d, 1e-6) if ot else None
ours = peer.run(program, "time-predict", "squared-exponential", data_file, points_file, threads=threads)
if ot:
    function_of = result.getMetaModel()
    singles = [ot.Point(p) for p in few]
line("one point, mean, n 1000", ours["one_mean"][0],
     sklearn=best_of(lambda: [model.predict(few[i:i + 1]) for i in range(200)], 3) / 200,
     openturns=best_of(lambda: [function_of(p) for p in singles], 5) / 200 if ot else None)


def singles_both():
    for p in singles:
        function_of(p)
        result.getConditionalMarginalVariance(p)


line("one point, mean and deviation, n 1000", ours["one_mean_variance"][0],
     sklearn=best_of(lambda: [model.predict(few[i:i + 1], return_std=True) for i in range(200)], 3) / 200,
     openturns=best_of(singles_both, 2) / 200 if ot else None)

# A whole fit, n = 1000, one start: times, and all optima judged by our likelihood (profile, no prior).
ours = peer.run(program, "fit", data_file, 1, "kernel=squared-exponential", "likelihood=profile", "prior=none",
                f"threads={threads}", threads=threads)


def judged(lengths, nugget):
    return peer.run(program, "likelihood", "squared-exponential", data_file, repr(float(nugget)),
                    *[repr(float(v)) for v in lengths])["log_likelihood"][0]


free = (ConstantKernel(1.0, (1e-5, 1e5)) * RBF(np.ones(d), (1e-2, 50.0)) + WhiteKernel(1e-4, (1e-12, 1.0)))
began = time.perf_counter()
model = GaussianProcessRegressor(free, alpha=0.0, n_restarts_optimizer=0, normalize_y=True).fit(x, y[:, 0])
theirs = time.perf_counter() - began
turns = None
if ot:
    began = time.perf_counter()
    result = kriging(x, y[:, 0], [1.0] * d, 1e-10, optimise=True)
    turns = time.perf_counter() - began
line("fit, one start, n 1000, d 8", ours["seconds"][0], sklearn=theirs, openturns=turns)
scaled = model.kernel_.k1
print(f"    log likelihood at the optimum of: ersatz {judged(ours['lengths'], ours['nugget'][0]):.2f}, scikit-learn "
      f"{judged(scaled.k2.length_scale, model.kernel_.k2.noise_level / scaled.k1.constant_value):.2f}", end="")
if ot:
    print(f", OpenTURNS {judged(np.array(result.getCovarianceModel().getScale()), 1e-10):.2f}", end="")
print(f"; ours: {[f for f in ours['facts'] if f.startswith('output 0')][0]}", flush=True)

x, y = data(300, 6, 40)
few = rng.random((1000, 6))
peer.write_points(points_file, few)
for name in ("squared-exponential", "matern52", "matern52-product"):
    ours = peer.run(program, "time-predict", name, data_file, points_file, threads=threads)
    print(f"40 outputs, n = 300, d = 6, {name}: one point {1e6 * ours['one_mean'][0]:.1f} µs, in a batch "
          f"{1e3 * ours['batch_mean'][0]:.1f} µs each; with variance {1e6 * ours['one_mean_variance'][0]:.0f} and "
          f"{1e3 * ours['batch_mean_variance'][0]:.0f} µs; Jacobian {1e6 * ours['one_jacobian'][0]:.1f} µs")

x, y = data(300, 8, 40)
ours = peer.run(program, "fit", data_file, 3, "kernel=matern52", f"threads={threads}", threads=threads)["seconds"][0]
kernel = (ConstantKernel(1.0, (1e-5, 1e5)) * Matern(np.ones(8), (1e-2, 50.0), nu=2.5)
          + WhiteKernel(1e-4, (1e-12, 1.0)))


def fit_one():
    GaussianProcessRegressor(kernel, alpha=0.0, n_restarts_optimizer=2, normalize_y=True, random_state=0).fit(
        x, y[:, 0])


line("fit 40 outputs, three starts, n 300, d 8 (theirs: 40 x one)", ours, sklearn=40 * best_of(fit_one, 1))
