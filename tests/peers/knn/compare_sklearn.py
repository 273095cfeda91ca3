"""Nearest neighbours against scikit-learn, to 1e-8 of the outputs' spread: k and radius, uniform and inverse-distance
weights, Euclidean and Manhattan distances, few and many inputs; and kernel weights by its callable weights. Inputs are
standardised there as we do inside. Always their tree: their brute force takes |x|² + |y|² - 2 x·y, which is not zero for
an exact hit.

    compare_sklearn.py path/to/regression_peer
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

program = sys.argv[1]
folder = tempfile.mkdtemp()


def ours(x, y, test, **settings):
    files = [os.path.join(folder, f) for f in ("train", "test", "result")]
    np.hstack([x, y]).astype(float).tofile(files[0])
    test.astype(float).tofile(files[1])
    words = [f"{k}={v}" for k, v in {"lengths": "equal", **settings}.items()]
    done = subprocess.run([program, "knn", str(x.shape[1]), str(y.shape[1]), *files, "1", *words],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{words}: {done.stderr}")
    return np.fromfile(files[2]).reshape(-1, y.shape[1])[:len(test)]


def check(what, found, expected, y, tolerance=1e-8):
    verdict.check(what, np.max(np.abs(found - expected) / y.std(axis=0)), tolerance)


def problem(n, d, seed):
    rng = np.random.default_rng(seed)
    z = rng.uniform(size=(n, d))
    scale = 10.0 ** (np.arange(d) % 7)
    y = np.stack([np.sin(3 * z[:, 0]) + z[:, 1] ** 2 + 0.1 * rng.normal(size=n),
                  1e4 + 50 * z[:, 0] * z[:, -1] - 20 * z[:, 1] + 2 * rng.normal(size=n)], axis=1)
    return z * scale + 3.0, y


def tricube(k):
    def weights(distances):
        w = (1 - np.minimum(distances / distances[:, k:k + 1], 1) ** 3) ** 3
        return w
    return weights


print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
for n, d in ((80, 4), (400, 12), (300, 40)):
    x, y = problem(n, d, 1)
    test = np.vstack([problem(200, d, 2)[0], x[:5]])  # exact hits among them
    for metric in ("euclidean", "manhattan"):
        for k in (1, 4, 9, n - 1):
            for weights, theirs in (("uniform", "uniform"), ("inverse-distance", "distance")):
                model = make_pipeline(
                    StandardScaler(), KNeighborsRegressor(k, weights=theirs, metric=metric, algorithm="kd_tree"))
                check(f"{n} points, {d} inputs, {metric}, k {k}, {weights}",
                      ours(x, y, test, k=k, weights=weights, metric=metric), model.fit(x, y).predict(test), y)
        model = make_pipeline(
            StandardScaler(), KNeighborsRegressor(10, weights=tricube(9), metric=metric, algorithm="kd_tree"))
        check(f"{n} points, {d} inputs, {metric}, k 9, kernel", ours(x, y, test, k=9, weights="kernel", metric=metric),
              model.fit(x, y).predict(test), y)
        z = StandardScaler().fit_transform(x)
        reach = np.median(np.abs(z[:, None, :] - z[None, :, :]).sum(axis=2) if metric == "manhattan" else
                          np.sqrt(((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=2)))
        for radius in (0.8 * reach, 1.1 * reach, 3 * reach):
            for weights, theirs in (("uniform", "uniform"), ("inverse-distance", "distance")):
                model = make_pipeline(StandardScaler(), RadiusNeighborsRegressor(
                    radius, weights=theirs, metric=metric, algorithm="kd_tree")).fit(x, y)
                scaled = model[0].transform(test)
                inside = np.array([len(i) > 0 for i in model[1].radius_neighbors(scaled, return_distance=False)])
                check(f"{n} points, {d} inputs, {metric}, radius {radius:.3g}, {weights}, {inside.sum()} points",
                      ours(x, y, test[inside], radius=f"{radius:.17g}", weights=weights, metric=metric),
                      model.predict(test[inside]), y)

verdict.finish()
