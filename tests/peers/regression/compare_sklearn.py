"""Against scikit-learn, to 1e-8 of the outputs' spread: least squares, ridge (fixed alpha, and alpha by
leave-one-out), lasso and elastic net. Inputs, features and (for the lasso) outputs are standardised there as we do
inside.

    compare_sklearn.py path/to/regression_peer
"""
import os
import subprocess
import sys
import tempfile
import warnings

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

warnings.filterwarnings("ignore")
program = sys.argv[1]
folder = tempfile.mkdtemp()


def ours(name, x, y, test, **settings):
    """Predictions and leave-one-out residuals (None where there are none)."""
    files = [os.path.join(folder, f) for f in ("train", "test", "result")]
    np.hstack([x, y]).astype(float).tofile(files[0])
    test.astype(float).tofile(files[1])
    words = [f"{k}={v}" for k, v in settings.items()]
    done = subprocess.run([program, name, str(x.shape[1]), str(y.shape[1]), *files, "1", *words],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name} {words}: {done.stderr}")
    values = np.fromfile(files[2]).reshape(-1, y.shape[1])
    rest = values[len(test):]
    return values[:len(test)], rest if len(rest) else None


def check(what, found, expected, y, tolerance=1e-8):
    verdict.check(what, np.max(np.abs(found - expected) / y.std(axis=0)), tolerance)


def features(degree):
    return [StandardScaler(), PolynomialFeatures(degree, include_bias=False), StandardScaler()]


def problem(n, d, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(n, d)) * 10.0 ** np.arange(d) + 3.0
    z = (x - 3.0) / 10.0 ** np.arange(d)
    y = np.stack([np.sin(3 * z[:, 0]) + z[:, 1] ** 2 + 0.1 * rng.normal(size=n),
                  1e4 + 50 * z[:, 0] * z[:, -1] - 20 * z[:, 1] + 2 * rng.normal(size=n)], axis=1)
    return x, y


print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
test, _ = problem(200, 4, 2)
x, y = problem(80, 4, 1)
small_x, small_y = problem(20, 4, 3)  # fewer points than the 34 features of degree 3

for degree in (1, 2):
    model = make_pipeline(*features(degree), LinearRegression()).fit(x, y)
    check(f"least squares, degree {degree}", ours("linear", x, y, test, degree=degree)[0], model.predict(test), y)
model = make_pipeline(*features(3), LinearRegression()).fit(small_x, small_y)
check("least squares of smallest norm, 20 points, 34 features",
      ours("linear", small_x, small_y, test, degree=3)[0], model.predict(test), small_y)

for a, b, what in ((x, y, "80 points"), (small_x, small_y, "20 points")):
    for alpha in (1e-6, 0.3, 100.0):
        model = make_pipeline(*features(3), Ridge(alpha=alpha)).fit(a, b)
        check(f"ridge, {what}, 34 features, alpha {alpha}", ours("ridge", a, b, test, degree=3, alpha=alpha)[0],
              model.predict(test), b)
    alphas = 10.0 ** np.linspace(-3, 3, 40)
    cv = RidgeCV(alphas=alphas, alpha_per_target=True, store_cv_values=True)
    model = make_pipeline(*features(3), cv).fit(a, b)
    found, loo = ours("ridge", a, b, test, degree=3, alpha=",".join(f"{v:.17g}" for v in alphas))
    check(f"ridge, {what}, alpha per output by leave-one-out", found, model.predict(test), b)
    best = np.stack([cv.cv_values_[:, j, np.argmin(np.mean(cv.cv_values_[:, j], axis=0))] for j in range(2)], axis=1)
    check(f"ridge, {what}, leave-one-out residuals", np.abs(loo), np.sqrt(best), b)

for a, b, what in ((x, y, "80 points"), (small_x, small_y, "20 points")):
    scaler = StandardScaler().fit(b)
    for l1_ratio, alpha in ((1.0, 0.05), (1.0, 0.004), (0.5, 0.05), (0.2, 0.01)):
        net = Lasso(alpha, tol=1e-15, max_iter=1000000) if l1_ratio == 1 else \
            ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-15, max_iter=1000000)
        model = make_pipeline(*features(3), net).fit(a, scaler.transform(b))
        check(f"{'lasso' if l1_ratio == 1 else 'elastic net'}, {what}, alpha {alpha}, l1_ratio {l1_ratio}",
              ours("lasso", a, b, test, degree=3, alpha=alpha, l1_ratio=l1_ratio, tolerance=1e-15)[0],
              scaler.inverse_transform(model.predict(test)), b)

verdict.finish()
