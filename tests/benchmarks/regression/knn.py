#!/usr/bin/env python3
"""Nearest neighbours: Ersatz against plain nanoflann, SciPy and scikit-learn, same kind of points, same machine.

    knn.py path/to/knn_benchmark [crossover]

Uniform points, k = 8, the average of the neighbours. Prints versions, then times to predict (and to build), and ratios.
With "crossover": tree and scan over dimensions and numbers of points.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start()  # kd-trees call no BLAS

import platform
import time

import numpy as np
import scipy
import sklearn
from scipy.spatial import cKDTree
from sklearn.neighbors import KNeighborsRegressor

program = sys.argv[1]
repeats = 5
rng = np.random.default_rng(1)


def run(*words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=True)
    return done.stdout


if sys.argv[2:] == ["crossover"]:
    print("microseconds for one query of 512, k = 8: tree, scan, automatic")
    for n in (1000, 10000, 100000):
        for d in (2, 4, 6, 8, 10, 12, 16, 20, 32):
            print(f"n = {n:6d}, d = {d:2d}:", *run("search", n, d).split(), flush=True)
    sys.exit()


def best_of(work):
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


header = subprocess.run(["grep", "-h", "define NANOFLANN_VERSION", "/usr/include/nanoflann.hpp"], capture_output=True,
                        text=True).stdout.split()
print(f"scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}, nanoflann "
      f"{header[-1] if header else 'of unknown version'}, Python {platform.python_version()}")
n = q = 100000
k = 8
for d in (4, 8):
    x, points, y = rng.random((n, d)), rng.random((q, d)), rng.random(n)
    for threads in (1, 2):
        found = dict(line.split() for line in run("predict", n, q, d, k, threads, repeats).splitlines())
        ersatz, plain = float(found["ersatz"]), float(found["nanoflann"])
        tree = cKDTree(x)
        theirs = best_of(lambda: y[tree.query(points, k, workers=threads)[1]].mean(axis=1))
        model = KNeighborsRegressor(k, n_jobs=threads).fit(x, y)
        learn = best_of(lambda: model.predict(points))
        print(f"d = {d}, {threads} thread(s): ersatz {ersatz:.3f} s (build {float(found['ersatz_build']):.3f}), nanoflann "
              f"{plain:.3f} ({float(found['nanoflann_build']):.3f}), SciPy {theirs:.3f}, scikit-learn {learn:.3f}; ratios "
              f"{plain / ersatz:.2f}, {theirs / ersatz:.2f}, {learn / ersatz:.2f}", flush=True)
