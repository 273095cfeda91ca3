"""POD by every method against NumPy's singular value decomposition (LAPACK's), real, complex and weighted.

    compare_pod.py path/to/pod_peer
"""
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pod_peer
import verdict

random = np.random.default_rng(1)
for kind in ("real", "complex"):
    for n, m in ((600, 300), (300, 700)):
        x = np.linspace(0.0, 1.0, m)
        p = random.uniform(size=(n, 3, 1))
        rows = np.exp(-(((x - p[:, 0]) / (0.1 + 0.3 * p[:, 1])) ** 2)) * np.cos(9.0 * p[:, 2] * x)
        if kind == "complex":
            rows = rows * np.exp(8j * (p[:, 1] + p[:, 2] * x))
        pods = pod_peer.Pods(sys.argv[1], rows)
        weights = 0.1 + random.uniform(size=m)
        for w in (None, weights):
            root = np.ones(m) if w is None else np.sqrt(w)
            s = np.linalg.svd(rows * root, compute_uv=False)
            for tolerance in (1e-3, 1e-6, 1e-10):
                tail = np.sqrt(np.append(np.cumsum((s**2)[::-1])[::-1], 0.0)) / np.linalg.norm(s)
                best = int(np.argmax(tail <= tolerance))
                for method in ("exact", "randomised", "streaming"):
                    values, elements, facts = pods.fit(method, tolerance, weights=w)
                    what = f"{kind} {n} x {m}, {'weighted' if w is not None else 'plain'}, {tolerance:g}, {method}"
                    r = facts["rank"]
                    gram = (elements * root**2) @ elements.conj().T
                    verdict.check(f"{what}: orthonormal", abs(gram - np.eye(r)).max(), 1e-13)
                    verdict.check(f"{what}: elements beyond the best {best}", r - best, 1)
                    error = pod_peer.projection_error(rows, elements, w)
                    verdict.check(f"{what}: error over tolerance", error / tolerance, 1.001)
                    verdict.check(f"{what}: error over the optimum", error / tail[r] - 1.0, 0.01)
                    verdict.check(f"{what}: leading values", abs(values[: r // 2] / s[: r // 2] - 1.0).max(), 1e-3)
verdict.finish()
