"""Against scikit-learn at fixed hyperparameters, to 1e-8: mean, covariance, log marginal likelihood, gradient.
Then one fit of the same model each: our likelihood no lower than theirs, and the ratio of times.

    compare_sklearn.py path/to/gp_peer
"""
import os
import sys
import tempfile
import time
import warnings

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MALLOC_MMAP_MAX_"] = "0"
os.environ["MALLOC_TRIM_THRESHOLD_"] = "4000000000"

import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

folder_of_this = os.path.dirname(os.path.abspath(__file__))
sys.path += [folder_of_this, os.path.dirname(folder_of_this)]
import peer
from verdict import check, finish

warnings.filterwarnings("ignore")
program = sys.argv[1]
folder = tempfile.mkdtemp()
data_file, points_file = os.path.join(folder, "data"), os.path.join(folder, "points")
rng = np.random.default_rng(5)
def product(nu, lengths):
    """scikit-learn has no product form: one radial kernel for each input, blind to the others."""
    kernel = None
    for i, length in enumerate(lengths):
        blind = np.full(len(lengths), 1e15)
        blind[i] = length
        factor = Matern(blind, nu=nu, length_scale_bounds="fixed")
        kernel = factor if kernel is None else kernel * factor
    return kernel


def function(x):
    return np.sin(3 * x[:, 0]) + x[:, 1] ** 2 * x[:, -1] + np.cos(2 * x[:, 1] * x[:, 0])


def truth(name, lengths):
    return {"squared-exponential": lambda: RBF(lengths), "matern32": lambda: Matern(lengths, nu=1.5),
            "matern52": lambda: Matern(lengths, nu=2.5), "matern32-product": lambda: product(1.5, lengths),
            "matern52-product": lambda: product(2.5, lengths)}[name]()


n, d, q, nugget = 120, 4, 25, 1e-3
x, points = rng.random((n, d)), rng.random((q, d))
y = function(x) + 0.05 * rng.standard_normal(n)
lengths = np.array([0.5, 0.8, 1.7, 1.1])
peer.write_data(data_file, x, y)
peer.write_points(points_file, points)
for name in ("squared-exponential", "matern32", "matern52", "matern32-product", "matern52-product"):
    ours = peer.run(program, "fixed", name, data_file, points_file, nugget, *lengths)
    mean, variance = ours["mean"][0], ours["variance"][0]
    kernel = (ConstantKernel(variance) * truth(name, lengths)
              + WhiteKernel(variance * nugget, noise_level_bounds=(1e-20, 1e20)))
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y - mean)
    value, gradient = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    check(f"{name} log likelihood", abs(ours["log_likelihood"][0] - value) / abs(value), 1e-8)
    check(f"{name} variance is at its optimum", abs(gradient[0] + gradient[-1]) / n, 1e-8)
    if "product" not in name:
        check(f"{name} gradient, lengths", np.abs(ours["gradient"][:d] - gradient[1:-1]).max() / n, 1e-8)
    check(f"{name} gradient, nugget", abs(ours["gradient"][d] - gradient[-1]) / n, 1e-8)
    # scikit-learn's covariance of new points has the white noise in it, and takes the mean as known: what its
    # uncertainty adds comes from generalised least squares in NumPy.
    predicted, covariance = model.predict(points, return_cov=True)
    K = kernel(x)
    s = np.linalg.solve(K, np.ones(n))
    missing = 1 - kernel.k1(points, x) @ s
    covariance += np.outer(missing, missing) / s.sum() - variance * nugget * np.eye(q)
    check(f"{name} mean", np.abs(ours["prediction"] - mean - predicted).max() / np.std(y), 1e-8)
    check(f"{name} covariance", np.abs(ours["covariance"].reshape(q, q) - covariance).max() / variance, 1e-8)
    check(f"{name} variance", np.abs(ours["prediction_variance"] - np.diag(covariance)).max() / variance, 1e-8)
    # Outputs in other units: their normalisation (to mean 0 and deviation 1) is ours, with a mean of degree -1.
    peer.write_data(data_file, x, 1e4 + 300 * y)
    ours = peer.run(program, "zero-mean", name, data_file, points_file, nugget, *lengths)
    unit = 300 * np.std(y)
    variance = ours["process_variance"][0] / unit**2
    kernel = ConstantKernel(variance) * truth(name, lengths) + WhiteKernel(variance * nugget)
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None, normalize_y=True).fit(x, 1e4 + 300 * y)
    predicted, covariance = model.predict(points, return_cov=True)
    deviation = model.predict(points, return_std=True)[1]
    noise = variance * nugget * unit**2
    check(f"{name} normalised: mean", np.abs(ours["prediction"] - predicted).max() / unit, 1e-8)
    check(f"{name} normalised: deviation",
          np.abs(np.sqrt(ours["prediction_variance"] + noise) - deviation).max() / unit, 1e-8)
    check(f"{name} normalised: covariance",
          np.abs(ours["covariance"].reshape(q, q) + noise * np.eye(q) - covariance).max() / unit**2, 1e-8)
    peer.write_data(data_file, x, y)

n, d = 300, 8
x = rng.random((n, d))
y = function(x)
peer.write_data(data_file, x, y)
ours = peer.run(program, "fit", data_file, 3, "kernel=matern52", "likelihood=profile", "prior=none")
kernel = (ConstantKernel(1.0, (1e-5, 1e5)) * Matern(np.ones(d), (1e-2, 50.0), nu=2.5)
          + WhiteKernel(1e-4, (1e-12, 1.0)))
began = time.perf_counter()
model = GaussianProcessRegressor(kernel, alpha=0.0, n_restarts_optimizer=2, normalize_y=True, random_state=0)
model.fit(x, y)
theirs = time.perf_counter() - began
print(f"fit, n = {n}, d = {d}, three starts, Matérn 5/2, noise estimated, 1 thread: "
      f"scikit-learn {sklearn.__version__} {theirs:.2f} s, ersatz {ours['seconds'][0]:.3f} s, "
      f"ratio {theirs / ours['seconds'][0]:.1f}")
print(f"log likelihood: scikit-learn {model.log_marginal_likelihood_value_:.4f}, "
      f"ersatz {peer.log_likelihoods(ours)[0]:.4f}")
check("their likelihood over ours", model.log_marginal_likelihood_value_ - peer.log_likelihoods(ours)[0], 1e-1)
check("our time over theirs", ours["seconds"][0] / theirs, 1.0)
finish()
