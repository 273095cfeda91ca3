#!/usr/bin/env python3
"""emcee drives the C library through ctypes, as examples/python/c_library.py does, and finds the posterior of the subcommand
infer: means within 0.1 posterior deviations, widths within 10 %. The data are as good as the emulator, so that a posterior
without its covariance is another one.

    c_from_python.py PROGRAM LIBRARY EXAMPLE
"""
import json
import os
import subprocess
import sys
import tempfile

import packages

packages.need("emcee", "numpy")
import numpy as np  # noqa: E402

PROGRAM, LIBRARY, EXAMPLE = (os.path.abspath(path) for path in sys.argv[1:4])
TIME = np.linspace(0.1, 3.0, 20)
SIGMA = 0.02


def signal(x):
    return x[0] * np.exp(-x[1] * TIME) + 0.3 * np.sin(4 * x[0] + 2 * x[1] * TIME)


def run(*arguments):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True).stdout


def infer(error):
    with open("infer.toml", "w", encoding="utf-8") as file:
        file.write(f'[data]\nfile = "data.csv"\n[likelihood]\nemulator_error = "{error}"\n')
    said = json.loads(run(PROGRAM, "infer", "model.h5", "--config", "infer.toml", "-o", "chain.h5", "--force", "--json",
                          "--quiet", "--steps", "5000", "--seed", "1"))
    return np.array([(p["mean"], p["standard_deviation"]) for p in said["parameters"]]).T


with tempfile.TemporaryDirectory(prefix="ersatz-c-") as folder:
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    random = np.random.default_rng(3)
    runs = np.stack([(random.permutation(14) + 0.5) / 14 for _ in range(2)], axis=1) * [1.0, 1.5] + [1.0, 0.5]
    np.savetxt("runs.csv", runs, delimiter=",", header="height,rate", comments="")
    np.savetxt("signals.csv", [signal(x) for x in runs], delimiter=",")
    run(PROGRAM, "import", "--parameters", "runs.csv", "--outputs", "signals.csv", "--name", "signal", "-o", "sims.h5")
    run(PROGRAM, "train", "sims.h5", "-o", "model.h5", "--quiet", "--test-fraction", "0")
    values = signal([1.45, 1.2]) + SIGMA * random.normal(size=TIME.size)
    np.savetxt("data.csv", np.stack([values, np.full(TIME.size, SIGMA)], axis=1), delimiter=",", header="value,error",
               comments="")

    print(run(sys.executable, EXAMPLE, LIBRARY, "model.h5", "data.csv", "draws.npy"), end="")
    draws = np.load("draws.npy")
    mean, width = infer("full")
    print(f"infer: {mean} ± {width}")
    shift, ratio = abs(draws.mean(axis=0) - mean) / width, draws.std(axis=0) / width
    print(f"means differ by {shift} deviations, widths by the factors {ratio}")
    assert np.all(shift < 0.1) and np.all(abs(ratio - 1) < 0.1)
    _, bare = infer("none")
    print(f"widths without the emulator's covariance: {bare / width} of those with it")
    assert np.any(bare < 0.8 * width), "the emulator's covariance plays no part: the test says little"
