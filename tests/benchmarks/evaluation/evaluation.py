#!/usr/bin/env python3
"""Evaluation: Ersatz against its limits, and against scikit-learn's processes and principal components.

    evaluation.py path/to/evaluation_speed path/to/ersatz [FOLDER]

An emulator of supernova spectra (400 runs, 6 parameters, 20 coefficients, 1000 bins), with lengths of their own
for each coefficient and with one correlation for all. Prints each figure, what is asked for and whether it is
met. The models are made in FOLDER unless they are there (a minute or two); without one, in a temporary folder.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start()

import json
import subprocess
import tempfile
import time

import h5py
import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern

speed, ersatz = map(os.path.abspath, sys.argv[1:3])
folder = sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp()
os.makedirs(folder, exist_ok=True)


def run(*arguments):
    subprocess.run([ersatz, *arguments, "--quiet"], cwd=folder, check=True)


RECIPE = """
test_fraction = 0.0
basis = {name = "pod", max_rank = 20, tolerance = 1e-12}
regressor = {name = "gp", kernel = "squared-exponential", shared = %s}
"""

if not os.path.exists(os.path.join(folder, "sims.h5")):
    run("design", "--simulator", "supernova-6", "--method", "lhs", "-n", "400", "-o", "design.csv")
    run("simulate", "--simulator", "supernova-6", "--design", "design.csv", "-o", "sims.h5")
for model in ("lengths", "shared"):
    if not os.path.exists(os.path.join(folder, model + ".h5")):
        with open(os.path.join(folder, model + ".toml"), "w") as file:
            file.write(RECIPE % ("true" if model == "shared" else "false"))
        run("train", "sims.h5", "--recipe", model + ".toml", "-o", model + ".h5")
ours = json.loads(subprocess.run([speed, folder], check=True, capture_output=True).stdout)


def steps(group):
    if group.attrs["kind"] in ("chain", b"chain"):
        return [s for k in range(int(group.attrs["steps"])) for s in steps(group[f"step{k}"])]
    return [(group["function"][:], group["argument_shift_scale"][:].T)]


def forward(transform, y):
    for function, (_, shift, scale) in transform:
        y = (np.where(function == 1, np.log(np.where(function == 1, y, 1.0)), y) - shift) / scale
    return y


def inverse(transform, z):
    for function, (_, shift, scale) in reversed(transform):
        z = z * scale + shift
        if function.all():
            z = np.exp(z)
    return z


class Peer:
    """The same model of scikit-learn's parts: processes with our hyperparameters, and principal components."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.input_map = steps(file["input_map"])
            channel = file["channels/channel0"]
            self.transform = steps(channel["transform"])
            gp, basis = channel["predictor"], channel["basis"]
            kernel = gp.attrs["kernel"]
            kernel = kernel.decode() if isinstance(kernel, bytes) else kernel
            self.active, self.lower = gp["active_inputs"][:], gp["input_lower"][:]
            self.range = gp["input_range"][:]
            points, weights, trends = gp["points"][:].T, gp["weights"][:], gp["trends"][:]
            nugget = gp["correlations"][:].sum(axis=1)
            lengths = np.exp(gp["log_hyperparameters"][:])
            which, outputs = gp["output_correlation"][:], gp["outputs"][:]
            self.processes = []
            for o, c in enumerate(which):
                form = RBF(lengths[c]) if kernel == "squared-exponential" else Matern(lengths[c], nu=2.5)
                R = form(points) + nugget[c] * np.eye(len(points))
                process = GaussianProcessRegressor(form, alpha=nugget[c], optimizer=None)
                self.processes.append(process.fit(points, R @ weights[o]))
            self.centre = outputs[:, 0] + outputs[:, 1] * trends[:, 0]
            self.scale = outputs[:, 1]
            self.components = PCA(len(which))
            self.components.components_ = basis["elements"][:]
            self.components.mean_ = basis["offset"][:] if "offset" in basis else 0.0

    def mean(self, X):
        u = forward(self.input_map, X)[:, self.active]
        u = (u - self.lower) / self.range
        coefficients = np.stack([p.predict(u) for p in self.processes], axis=1)
        z = self.components.inverse_transform(self.centre + self.scale * coefficients)
        return inverse(self.transform, z)


def least(work, repeats):
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


failed = 0


def line(what, value, text, asked, met):
    global failed
    failed += not met
    print(f"{what:52s} {text.format(value):>16s}   {asked:28s} {'met' if met else 'missed'}", flush=True)


print(f"instructions {ours['instructions']}; scikit-learn {sklearn.__version__}, NumPy {np.__version__}")
for model, title in (("lengths", "lengths for each coefficient"), ("shared", "one correlation for all")):
    t = ours[model]
    shared = model == "shared"
    peer = Peer(os.path.join(folder, model + ".h5"))
    X = np.fromfile(os.path.join(folder, model + "-points.f64")).reshape(10000, -1)
    found = np.fromfile(os.path.join(folder, model + "-mean.f64")).reshape(200, -1)
    expected = peer.mean(X[:200])
    difference = np.abs(found / expected - 1.0).max()
    theirs = least(lambda: peer.mean(X), 2)
    theirs_single = least(lambda: peer.mean(X[:1]), 20)
    print(f"\n{title}: {t['coefficients']:.0f} coefficients, {t['bins']:.0f} bins; "
          f"means differ from scikit-learn's by at most {difference:.1e}")
    assert difference < 1e-5, "not the same model"
    asked = 8e-6 if shared else 25e-6
    line("mean at one point, µs", 1e6 * t["mean"], "{:.1f}", f"under {1e6 * asked:.0f}", t["mean"] < asked)
    if shared:
        line("mean and deviation at one point, µs", 1e6 * t["mean_and_std"], "{:.1f}", "under 60",
             t["mean_and_std"] < 60e-6)
    else:
        ratio = t["mean_and_std"] / t["read_factors"]
        line("mean and deviation at one point, µs", 1e6 * t["mean_and_std"], "{:.0f}",
             f"2 x reading = {2e6 * t['read_factors']:.0f}", ratio < 2.0)
    ratio = t["mean_and_jacobian"] / t["mean"]
    line("mean and Jacobian at one point, µs", 1e6 * t["mean_and_jacobian"], "{:.1f} (" + f"{ratio:.1f} x)",
         "under 4 x a mean", ratio < 4.0)
    line("10 000 means, ms", 1e3 * t["batch"], "{:.1f}", f"3 x limit = {3e3 * t['limit']:.1f}",
         t["batch"] < 3.0 * t["limit"])
    line("  scikit-learn over ours", theirs / t["batch"], "{:.0f}", "at least 50", theirs > 50.0 * t["batch"])
    print(f"  scikit-learn over ours, one point: {theirs_single / t['mean']:.0f}")
    ratio = t["batch"] / t["batch_two_threads"]
    line("  one thread over two", ratio, "{:.2f}", "at least 1.9", ratio >= 1.9)
    print(f"  one thread over two, limit: {t['limit'] / t['limit_two_threads']:.2f}")
    line("opening the model file, ms", 1e3 * t["open"], "{:.1f}", "under 20", t["open"] < 20e-3)
print(f"\n{failed} missed" if failed else "\nall met")
