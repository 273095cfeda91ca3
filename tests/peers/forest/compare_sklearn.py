"""Our random forest against scikit-learn's RandomForestRegressor with the same settings: the root mean square error on
fresh points, a mean over three training sets, within 5 % (10 % where
inputs are drawn at each split and leaves are larger, which the two codes do each in its way).

    compare_sklearn.py path/to/regression_peer
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestRegressor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

program = sys.argv[1]
folder = tempfile.mkdtemp()


def ours(x, y, test, **settings):
    """Predictions and out-of-bag residuals."""
    files = [os.path.join(folder, f) for f in ("train", "test", "result")]
    np.column_stack([x, y]).tofile(files[0])
    test.tofile(files[1])
    words = [f"{k}={v}" for k, v in settings.items()]
    done = subprocess.run([program, "forest", str(x.shape[1]), "1", *files, "1", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"forest {words}: {done.stderr}")
    values = np.fromfile(files[2])
    return values[:len(test)], values[len(test):]


def borehole(u):
    lower = np.array([0.05, 100, 63070, 990, 63.1, 700, 1120, 9855])
    upper = np.array([0.15, 50000, 115600, 1110, 116, 820, 1680, 12045])
    rw, r, tu, hu, tl, hl, length, kw = (lower + (upper - lower) * u).T
    ratio = np.log(r / rw)
    return 2 * np.pi * tu * (hu - hl) / (ratio * (1 + 2 * length * tu / (ratio * rw ** 2 * kw) + tu / tl))


def step(u):
    return np.where(u[:, 0] + 0.2 * u[:, 1] > 0.6, 1.0, 0.0) + 0.3 * u[:, 2]


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


print("scikit-learn", sklearn.__version__)
for what, function, d, n, noise in (("borehole", borehole, 8, 200, 0.0), ("borehole, 600 points", borehole, 8, 600, 0.0),
                                    ("a step", step, 4, 300, 0.0), ("a step with noise", step, 4, 300, 0.3)):
    for leaf, inputs, limit in ((1, 1.0, 0.05), (5, 0.5, 0.1)):
        errors = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            x, test = rng.uniform(size=(n, d)), rng.uniform(size=(1000, d))
            y, truth = function(x) + noise * rng.normal(size=n), function(test)
            # By weight, so that a point drawn twice counts twice in a leaf, as with us.
            theirs = RandomForestRegressor(n_estimators=100, min_weight_fraction_leaf=leaf / n, max_features=inputs,
                                           oob_score=True, random_state=seed).fit(x, y)
            found, left_out = ours(x, y, test, leaf=leaf, inputs=inputs)
            errors.append([rms(found - truth), rms(theirs.predict(test) - truth), rms(left_out),
                           rms(theirs.oob_prediction_ - y)])
        ours_fresh, theirs_fresh, ours_oob, theirs_oob = np.mean(errors, axis=0)
        verdict.check(f"{what}, leaf {leaf}, inputs {inputs}: error", abs(ours_fresh / theirs_fresh - 1), limit)
        verdict.check(f"{what}, leaf {leaf}, inputs {inputs}: out-of-bag error", abs(ours_oob / theirs_oob - 1), limit)
verdict.finish()
