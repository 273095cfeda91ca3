#!/usr/bin/env python3
"""Models over time: `ersatz monitor` and `ersatz diff` on the real program, by verdict and exit status.

    watch.py PROGRAM"""

import json
import os
import subprocess
import sys
import tempfile

import packages

packages.need("h5py")
import h5py  # noqa: E402

program = os.path.abspath(sys.argv[1])
problems = []


def run(line, status=0):
    done = subprocess.run([program, *line.split()], capture_output=True, text=True)
    if done.returncode != status:
        problems.append(f"{line}: status {done.returncode}, {status} is due\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(condition, what):
    if not condition:
        problems.append(what)


def simulations(name, simulator, n, seed):
    run(f"design --simulator {simulator} --method lhs -n {n} --seed {seed} -o {name}.csv --quiet")
    run(f"simulate --simulator {simulator} --design {name}.csv -o {name}.h5 --quiet")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("recipe.toml", "w", encoding="utf-8") as f:
        f.write('regressor = {name = "ridge", degree = 3}\ncalibration = "cross-validation"\n')
    for name, simulator, n, seed in (("first", "borehole", 200, 1), ("second", "borehole", 300, 2), ("fresh", "borehole", 100, 3),
                                     ("wing", "wing-weight", 60, 4)):
        simulations(name, simulator, n, seed)
    for name, archive in (("model", "first"), ("next", "second"), ("other", "wing")):
        run(f"train {archive}.h5 -o {name}.h5 --recipe recipe.toml --quiet")
    expect("Error bars calibrated: cross-validation, 5 folds of 200 runs"
           in run("train first.h5 -o again.h5 --recipe recipe.toml --quiet"), "train does not tell of the calibration")
    expect(json.loads(run("info model.h5 --json"))["calibration"].startswith("cross-validation"), "info: calibration")

    # The same simulator: it holds. Runs that went off by a fifth: it does not, in words and in JSON.
    expect("the model holds on 100 new runs" in run("monitor model.h5 fresh.h5"), "monitor: holds")
    report = json.loads(run("monitor model.h5 fresh.h5 --json"))
    expect(report["holds"] and report["n"] == 100 and len(report["inputs"]) == 8, "monitor --json: holds")
    with h5py.File("fresh.h5") as f, h5py.File("wrong.h5", "w") as g:
        name = next(iter(f["outputs"]))
        for key, value in f.attrs.items():
            if key in ("format", "version"):
                g.attrs[key] = value
        for item in ("parameters", "axes"):
            f.copy(item, g)
        f.copy("outputs", g)
        g["outputs"][name][...] = 1.2 * f["outputs"][name][...]
    expect("does NOT hold" in run("monitor model.h5 wrong.h5", status=5), "monitor: does not hold")
    report = json.loads(run("monitor model.h5 wrong.h5 --json", status=5))
    expect(not report["holds"] and any(t["negative"] and t["test"].startswith("bias") for t in report["tests"]),
           "monitor --json: bias")
    run("monitor model.h5 first.h5", status=2)

    # Two models of one simulator; one of another.
    expect("next.h5 may take the place of model.h5" in run("diff model.h5 next.h5"), "diff: compatible")
    same = json.loads(run("diff model.h5 model.h5 --json"))
    expect(same["compatible"] and same["same_data"] and all(o["rms"] == 0 for o in same["outputs"].values()), "diff --json: same")
    run("diff model.h5 next.h5 --tolerance 0.5")
    moved = json.loads(run("diff model.h5 next.h5 --tolerance 1e-9 --json", status=5))
    expect(moved["compatible"] and moved["moved"], "diff --tolerance")
    expect("can NOT take the place" in run("diff model.h5 other.h5", status=5), "diff: incompatible")
    foreign = json.loads(run("diff model.h5 other.h5 --json", status=5))
    expect(not foreign["compatible"] and "the parameters are" in foreign["incompatibilities"][0], "diff --json: incompatible")

print("\n".join(problems) if problems else "monitor and diff: verdicts and statuses as they must be")
sys.exit(1 if problems else 0)
