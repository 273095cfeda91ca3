"""Whole lasso paths against scikit-learn and, where R has it, glmnet: coefficients to 1e-8 of standardised units,
cross-validation curves to 1e-8 of their own size. Inputs and outputs are standardised there as we do inside.

    compare_lasso.py path/to/lasso_peer
"""
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import sklearn
from sklearn.linear_model import (ElasticNet, ElasticNetCV, Lasso, LassoCV, MultiTaskElasticNet, MultiTaskLasso,
                                  MultiTaskLassoCV)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

warnings.filterwarnings("ignore")
program = sys.argv[1]
folder = tempfile.mkdtemp()
TIGHT = dict(fit_intercept=True, tol=1e-14, max_iter=1000000)


def ours(x, y, alphas, **settings):
    """Paths as dictionaries, and the fold of each row (empty without cross-validation)."""
    data, result, list_file = (os.path.join(folder, f) for f in ("data", "result", "alphas"))
    np.hstack([x, y]).astype(float).tofile(data)
    np.asarray(alphas, dtype=float).tofile(list_file)
    words = [f"{k}={v}" for k, v in {"degree": 1, "folds": 0, "alphas": list_file, **settings}.items()]
    done = subprocess.run([program, "path", str(x.shape[1]), str(y.shape[1]), data, result, "1", "1", *words],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{words}: {done.stderr}")
    values, paths, m = np.fromfile(result), [], x.shape[1]
    outputs = 0
    while outputs < y.shape[1]:
        count, q = int(values[0]), int(values[1])
        table = values[2:2 + count * (7 + q + q * m)].reshape(count, -1)
        values = values[2 + table.size:]
        paths.append({"alpha": table[:, 0], "converged": table[:, 4], "cv": table[:, 5],
                      "beta": table[:, 7 + q:].reshape(count, q, m)})
        outputs += q
    return paths, values.astype(int)


def check(what, found, expected, scale=1.0, tolerance=1e-8):
    verdict.check(what, np.max(np.abs(found - expected) / scale), tolerance)


def problem(n, m, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, m)) + 0.5 * rng.normal(size=(n, 1))
    w = np.zeros((m, 3))
    w[:6] = rng.normal(size=(6, 3))
    y = x @ w + 0.5 * rng.normal(size=(n, 3))
    return (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)


print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
rscript = shutil.which("Rscript")
if rscript and subprocess.run([rscript, "-e", "library(glmnet)"], capture_output=True).returncode != 0:
    rscript = None
if not rscript:
    print("skipped: comparison with glmnet, Rscript or its package glmnet is not installed "
          "(the unit tests hold numbers of glmnet 4.1-6)")
alphas = np.array([0.02, 0.5, 0.2, 0.1, 0.05])  # not in order
down = np.sort(alphas)[::-1]
for n, m in ((120, 30), (40, 90)):
    x, y = problem(n, m, n)
    for l1_ratio in (1.0, 0.5, 0.1):
        name = "lasso" if l1_ratio == 1 else f"elastic net, l1_ratio {l1_ratio}"
        paths, _ = ours(x, y, alphas, l1_ratio=l1_ratio, tolerance=1e-14)
        for j in range(3):
            make = (lambda a: Lasso(a, **TIGHT)) if l1_ratio == 1 else \
                (lambda a: ElasticNet(a, l1_ratio=l1_ratio, **TIGHT))
            check(f"{name}, {n} x {m}, output {j}", paths[j]["beta"][:, 0],
                  np.array([make(a).fit(x, y[:, j]).coef_ for a in down]))
        if rscript:
            files = [os.path.join(folder, f) for f in ("x", "y", "l", "b")]
            x.T.tofile(files[0])
            y[:, 0].tofile(files[1])
            down.tofile(files[2])
            script = (f"library(glmnet); r <- function(f, k) readBin(f, 'double', k); "
                      f"x <- matrix(r('{files[0]}', {n * m}), {n}, {m}); y <- r('{files[1]}', {n}); "
                      f"f <- glmnet(x, y, alpha={l1_ratio}, lambda=r('{files[2]}', {len(down)}), standardize=FALSE, "
                      f"intercept=FALSE, thresh=1e-26, maxit=1e8); writeBin(as.numeric(as.matrix(f$beta)), '{files[3]}')")
            subprocess.run([rscript, "-e", script], check=True, capture_output=True)
            check(f"{name}, {n} x {m}, glmnet", paths[0]["beta"][:, 0],
                  np.fromfile(files[3]).reshape(len(down), m))
        shared, _ = ours(x, y, alphas, l1_ratio=l1_ratio, shared=1, tolerance=1e-14)
        make = (lambda a: MultiTaskLasso(a, **TIGHT)) if l1_ratio == 1 else \
            (lambda a: MultiTaskElasticNet(a, l1_ratio=l1_ratio, **TIGHT))
        check(f"{name}, outputs together, {n} x {m}", shared[0]["beta"],
              np.array([make(a).fit(x, y).coef_ for a in down]))

    # The same folds; there the mean of the folds' errors, so folds of one size.
    for what, settings, model, columns in (
            ("LassoCV", {}, LassoCV, 0), ("ElasticNetCV", {"l1_ratio": 0.5}, ElasticNetCV, 0),
            ("MultiTaskLassoCV", {"shared": 1}, MultiTaskLassoCV, slice(None))):
        paths, fold = ours(x, y, alphas, folds=5, tolerance=1e-14, **settings)
        splits = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(5)]
        extra = {"l1_ratio": 0.5} if "l1_ratio" in settings else {}
        cv = model(alphas=down, cv=splits, **extra, **TIGHT).fit(x, y[:, columns])
        expected = cv.mse_path_.mean(axis=-1)
        check(f"{what}, curve, {n} x {m}", paths[0]["cv"], expected, expected)

verdict.finish()
