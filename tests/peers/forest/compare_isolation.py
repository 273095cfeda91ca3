"""The domain guard's isolation against scikit-learn's IsolationForest with as many points in each sample: the same
scores, but for what trees differ by chance (a mean over ten seeds against 1000 trees) and for the length of paths that
is left to expect in a leaf (theirs takes logarithms for harmonic numbers, which for three points is 0.46 less).

    compare_isolation.py path/to/isolation_peer
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import scipy.stats
import sklearn
from sklearn.ensemble import IsolationForest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

program = sys.argv[1]
folder = tempfile.mkdtemp()


def ours(points, test, seed):
    files = [os.path.join(folder, f) for f in ("points", "test", "result")]
    points.tofile(files[0])
    test.tofile(files[1])
    subprocess.run([program, str(points.shape[1]), *files, str(seed)], check=True)
    values = np.fromfile(files[2])
    return values[:-1], values[-1]


print("scikit-learn", sklearn.__version__)
rng = np.random.default_rng(1)
cloud = 0.5 + 0.08 * rng.normal(size=(400, 4))
clusters = np.concatenate([0.2 + 0.05 * rng.normal(size=(150, 2)), [0.8, 0.3] + 0.1 * rng.normal(size=(150, 2))])
for what, points in (("a cloud in 4 dimensions", cloud), ("two clusters", clusters), ("a cube", rng.uniform(size=(300, 3)))):
    test = rng.uniform(-0.2, 1.2, size=(500, points.shape[1]))
    theirs = -IsolationForest(n_estimators=1000, max_samples=64, random_state=0).fit(points).score_samples(test)
    found = np.mean([ours(points, test, seed)[0] for seed in range(10)], axis=0)
    verdict.check(f"{what}: largest difference of scores", np.max(np.abs(found - theirs)), 0.03)
    verdict.check(f"{what}: mean difference of scores", np.mean(np.abs(found - theirs)), 0.015)
    verdict.check(f"{what}: 1 - rank correlation", 1 - scipy.stats.spearmanr(found, theirs)[0], 0.02)
verdict.finish()
