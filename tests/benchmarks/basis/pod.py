"""POD of 10 000 x 2 000 snapshots of numerical rank about 60 at tolerance 1e-6: Ersatz against NumPy, scikit-learn
and the method of snapshots, same data, machine and threads.

    pod.py path/to/pod_peer [threads]

Prints versions, then for each: seconds (least of several), times ours, rank, projection error over the optimum at
that rank, loss of orthogonality. For ours also the passes over the data and the time that reading it so often takes
at the speed of memory.
"""
import os
import sys

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start(threads)

import platform
import time

import numpy as np
import scipy
import sklearn
from sklearn.utils.extmath import randomized_svd

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peers", "basis"))
import pod_peer

n, m, tolerance = 10000, 2000, 1e-6
random = np.random.default_rng(0)
left = np.linalg.qr(random.standard_normal((n, 100)))[0]
right = np.linalg.qr(random.standard_normal((m, 100)))[0]
s = 10.0 ** (-np.arange(100) / 9.0)
rows = (left * s) @ right.T
total = np.linalg.norm(s)


def least(work, repeats):
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def line(name, seconds, elements, extra=""):
    r = len(elements)
    error = pod_peer.projection_error(rows, elements)
    optimum = np.linalg.norm(s[r:]) / total
    lost = abs(elements @ elements.T - np.eye(r)).max()
    print(f"{name:34s} {seconds:7.3f} s {seconds / ours:6.1f} times  rank {r}  error {error:.3e} "
          f"(optimum times {error / optimum:.4f})  orthogonal to {lost:.0e} {extra}", flush=True)


print(f"NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}, "
      f"Python {platform.python_version()}, {threads} thread(s)")
pods = pod_peer.Pods(sys.argv[1], rows)
found = {}
for method in ("randomised", "streaming"):
    found[method] = pods.fit(method, tolerance, threads=threads, repeats=7 if method == "randomised" else 3)
ours = found["randomised"][2]["seconds"]
reading = least(lambda: rows.sum(), 5)[0]
for method, (_, elements, facts) in found.items():
    line(f"Ersatz, {method}", facts["seconds"], elements,
         f"passes {facts['passes']} (reading: {facts['passes'] * reading:.3f} s), "
         f"{facts['bytes'] / 1e6:.0f} MB beside the snapshots")
rank = found["randomised"][2]["rank"]

for iterations in (0, 1, 2, 4):  # fewer iterations are faster; the first that is as good counts
    seconds, (_, _, vt) = least(lambda: randomized_svd(rows, rank, n_iter=iterations, random_state=0), 5)
    line(f"randomized_svd, n_iter={iterations}", seconds, vt)


def snapshots():
    values, vectors = np.linalg.eigh(rows.T @ rows)
    return vectors[:, ::-1][:, :rank].T


seconds, elements = least(snapshots, 2)
line("method of snapshots, m x m", seconds, elements)
seconds, (_, _, vt) = least(lambda: np.linalg.svd(rows, full_matrices=False), 2)
line("numpy.linalg.svd", seconds, vt[:rank])
