#!/usr/bin/env python3
"""Lasso paths: Ersatz against scikit-learn and, where R has it, glmnet: same standardised data, same alphas, same
OpenBLAS threads.

    lasso.py path/to/lasso_peer [threads [points features noise]]

100 alphas down to a thousandth of the largest, 50 features that matter; little noise keeps the path sparse, noise 1 takes
in most features at its end. Prints versions, the time of each (least of
several), the ratio to ours, and each one's KKT error: the largest violation of the optimality conditions over the
path, of standardised data, computed here for all of them. Our time is that of a user's call, from the table to
coefficients on the user's scale: checks, standardisation, Gram matrix, path; scikit-learn and glmnet are handed
standardised data. The limit is the Gram matrix alone (NumPy's X.T @ X: n m² flops). R is single-threaded apart from
its BLAS, which glmnet hardly uses.
"""
import os
import sys

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start(threads)

import platform
import shutil
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LassoCV, lasso_path

warnings.filterwarnings("ignore")
program = sys.argv[1]
n, m, noise = (int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])) if len(sys.argv) > 5 else (10000, 1000, 0.1)
folder = tempfile.mkdtemp()
print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
      f"{threads} thread(s); {n} points, {m} features, noise {noise}")

rng = np.random.default_rng(0)
x = rng.standard_normal((n, m))
w = np.zeros(m)
w[rng.choice(m, 50, replace=False)] = rng.standard_normal(50)
y = x @ w + noise * rng.standard_normal(n)
x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
top = np.max(np.abs(x.T @ y)) / n
alphas = top * 10.0 ** (-3.0 * np.arange(100) / 99)
files = {f: os.path.join(folder, f) for f in ("data", "x", "y", "alphas", "result", "beta", "times")}
np.hstack([x, y[:, None]]).tofile(files["data"])
alphas.tofile(files["alphas"])
xf = np.asfortranarray(x)


def best_of(work, repeats):
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return min(times), result


def kkt(beta):
    g = x.T @ (y[:, None] - x @ beta) / n
    return np.max(np.where(beta != 0.0, np.abs(g - alphas * np.sign(beta)), np.abs(g) - alphas))


def ours(task, repeats, **settings):
    words = [f"{k}={v}" for k, v in {"degree": 1, "alphas": files["alphas"], **settings}.items()]
    done = subprocess.run([program, task, str(m), "1", files["data"], files["result"], str(threads), str(repeats),
                           *words], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def line(what, seconds, reference, error=None, note=""):
    print(f"{what:58s} {seconds:8.3f} s   ratio {seconds / reference:5.2f}"
          + (f"   KKT error {error:.1e}" if error is not None else "") + note, flush=True)


gram = best_of(lambda: xf.T @ xf, 5)[0]
mine = ours("path", 7, folds=0, tolerance=1e-8)
table = np.fromfile(files["result"])[2:].reshape(len(alphas), -1)
print(f"limit: the Gram matrix, {gram:.3f} s, {n * m * m / gram * 1e-9:.0f} GFLOP/s; nonzero at the end: "
      f"{np.count_nonzero(table[-1, 8:])}")
line("path, ersatz, tolerance 1e-8", mine, mine, kkt(table[:, 8:].T))
for tol in (1e-4, 1e-8):
    seconds, result = best_of(lambda: lasso_path(xf, y, alphas=alphas, precompute=True, tol=tol, max_iter=100000), 5)
    line(f"path, scikit-learn with Gram matrix, tol {tol:g}", seconds, mine, kkt(result[1]))

rscript = shutil.which("Rscript")
if rscript and subprocess.run([rscript, "-e", "library(glmnet)"], capture_output=True).returncode == 0:
    x.T.tofile(files["x"])
    y.tofile(files["y"])
    script = f"""library(glmnet); r <- function(f, k) readBin(f, 'double', k)
x <- matrix(r('{files["x"]}', {n * m}), {n}, {m}); y <- r('{files["y"]}', {n}); a <- r('{files["alphas"]}', 100)
cat('glmnet', as.character(packageVersion('glmnet')), R.version.string, '\\n')
for (t in c(1e-7, 1e-14)) {{
  s <- Inf
  for (i in 1:2) s <- min(s, system.time(f <- glmnet(x, y, lambda=a, standardize=FALSE, intercept=FALSE, thresh=t,
                                                     maxit=1e7))[3])
  cat(t, s, '\\n')
  writeBin(as.numeric(as.matrix(f$beta)), sprintf('{files["beta"]}%g', t))
}}"""
    answer = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=True).stdout.splitlines()
    print(answer[0])
    for words in (text.split() for text in answer[1:]):
        beta = np.fromfile(files["beta"] + words[0]).reshape(len(alphas), m).T
        line(f"path, glmnet, thresh {words[0]}", float(words[1]), mine, kkt(beta))
else:
    print("skipped: glmnet, Rscript or its package glmnet is not installed")

mine = ours("fit", 3, folds=10, tolerance=1e-8)
line("10-fold cross-validation and fit, ersatz", mine, mine)
seconds = best_of(lambda: LassoCV(alphas=alphas, cv=10, n_jobs=threads, max_iter=100000).fit(xf, y), 1)[0]
line("10-fold cross-validation and fit, scikit-learn LassoCV", seconds, mine)
