"""Kernels and their sums and products against scikit-learn at fixed hyperparameters, to 1e-8: log marginal
likelihood, its gradient, prediction and covariance.

    compare_kernels.py path/to/gp_peer
"""
import os
import sys
import tempfile
import warnings

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (RBF, ConstantKernel, DotProduct, ExpSineSquared, Matern,
                                              RationalQuadratic, WhiteKernel)

folder_of_this = os.path.dirname(os.path.abspath(__file__))
sys.path += [folder_of_this, os.path.dirname(folder_of_this)]
import peer
from verdict import check, finish

warnings.filterwarnings("ignore")
program = sys.argv[1]
folder = tempfile.mkdtemp()
data_file, points_file = os.path.join(folder, "data"), os.path.join(folder, "points")
rng = np.random.default_rng(11)
def blind(d, **lengths):
    """Lengths that make a kernel blind to all inputs but those named."""
    values = np.full(d, 1e15)
    for name, length in lengths.items():
        values[int(name[1:])] = length
    return values


weight = ConstantKernel
slope = DotProduct(0.0, sigma_0_bounds="fixed")  # of inputs centred on 1/2, which is how they are given to it
fixed = {"length_scale_bounds": "fixed"}
d3 = np.array([0.5, 0.8, 1.7])
# Our expression, the hyperparameters in our order, theirs with the same values, and where each of ours is
# among their free ones.
cases = [
    (3, "squared-exponential", d3, RBF(d3), [0, 1, 2]),
    (3, "matern12", d3, Matern(d3, nu=0.5), [0, 1, 2]),
    (3, "matern32(length=shared)", [0.7], Matern(0.7, nu=1.5), [0]),
    (3, "matern52", d3, Matern(d3, nu=2.5), [0, 1, 2]),
    (3, "matern52(inputs=[2, 0], length=[0.9, 0.4]) + constant", [0.7],
     Matern(blind(3, x2=0.9, x0=0.4), nu=2.5, **fixed) + weight(0.7), [0]),
    (3, "matern12-product(length=[0.5, 0.8, 1.7]) + constant", [0.7],
     Matern(blind(3, x0=0.5), nu=0.5, **fixed) * Matern(blind(3, x1=0.8), nu=0.5, **fixed)
     * Matern(blind(3, x2=1.7), nu=0.5, **fixed) + weight(0.7), [0]),
    (3, "power-exponential(power=2, length=shared)", [0.6], RBF(0.6 / np.sqrt(2)), [0]),
    (3, "power-exponential(power=1, inputs=1)", [0.6], Matern(blind(3, x1=0.6), nu=0.5), [1]),
    (3, "rational-quadratic(length=shared)", [0.6, 1.4], RationalQuadratic(0.6, 1.4), [1, 0]),
    (1, "periodic", [0.9, 0.37], ExpSineSquared(0.9, 0.37), [0, 1]),
    (3, "matern52 + linear(length=1)", [*d3, 0.3], Matern(d3, nu=2.5) + weight(0.3) * slope, [0, 1, 2, 3]),
    (3, "squared-exponential + constant", [*d3, 2.5], RBF(d3) + weight(2.5), [0, 1, 2, 3]),
    (3, "squared-exponential + 0.4 * matern12(length=shared)", [*d3, 0.3],
     RBF(d3) + weight(0.4, "fixed") * Matern(0.3, nu=0.5), [0, 1, 2, 3]),
    (3, "matern32(length=shared) * rational-quadratic(length=shared) + squared-exponential * linear(length=1) + constant",
     [0.9, 1.1, 0.7, *d3, 0.2, 1.5],
     Matern(0.9, nu=1.5) * RationalQuadratic(1.1, 0.7) + weight(0.2) * RBF(d3) * slope + weight(1.5),
     [0, 2, 1, 4, 5, 6, 3, 7]),
    (1, "matern52 * periodic + linear(length=1) * (constant + squared-exponential)", [0.8, 1.2, 0.3, 0.6, 0.9, 0.4],
     Matern(0.8, nu=2.5) * ExpSineSquared(1.2, 0.3)
     + weight(0.4) * slope * (ConstantKernel(1.0, "fixed") + weight(0.9) * RBF(0.6)), [0, 1, 2, 5, 4, 3]),
]

n, q, nugget = 90, 20, 1e-3
for d, expression, values, theirs, order in cases:
    x, points = rng.random((n, d)), rng.random((q, d))
    x[0], x[1] = 0.0, 1.0  # the range of the data is then our unit
    y = np.sin(5 * x[:, 0]) + x[:, -1] ** 2 + 0.05 * rng.standard_normal(n)
    peer.write_data(data_file, x, y)
    peer.write_points(points_file, points)
    arguments = [repr(float(v)) for v in values]
    ours = peer.run(program, "fixed", expression, data_file, points_file, nugget, *arguments)
    mean, variance = ours["mean"][0], ours["variance"][0]
    kernel = ConstantKernel(variance) * theirs + WhiteKernel(variance * nugget, noise_level_bounds=(1e-20, 1e20))
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x - 0.5, y - mean)
    value, gradient = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    check(f"{expression}: log likelihood", abs(ours["log_likelihood"][0] - value) / abs(value))
    inner = gradient[1:-1]
    count = len(values)
    assert len(order) == count
    check(f"{expression}: gradient", np.abs(ours["gradient"][:count] - inner[order]).max() / n)
    check(f"{expression}: gradient, nugget", abs(ours["gradient"][count] - gradient[-1]) / n)
    predicted, covariance = model.predict(points - 0.5, return_cov=True)
    covariance -= variance * nugget * np.eye(q)
    check(f"{expression}: mean", np.abs(ours["prediction"] - mean - predicted).max() / np.std(y))
    known = peer.run(program, "zero-mean", expression, data_file, points_file, nugget, *arguments)
    known = known["covariance"].reshape(q, q) / known["process_variance"][0]
    check(f"{expression}: covariance, mean known", np.abs(known - covariance / variance).max())
finish()
