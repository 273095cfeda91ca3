#!/usr/bin/env python3
"""What a learning campaign saves: mean over seeds, with intervals, against random and space-filling points.

    learning.py PROGRAM SIMULATOR [--budget 120] [--start 40] [--batch 8] [--acquisition NAME …] [--seeds 20]
                [--test 500] [--recipe recipe.toml] [--told 0] [--jobs 1] [--json out.json]

For each seed and acquisition one `ersatz learn` is run, and compared with the same budget spent at random and along a
scrambled Sobol' sequence, all on the same random test points of that seed. Printed is, for each acquisition,
  - the error (NRMSE, and the 95% quantile over runs) at the end, with that of random and space-filling points: mean
    over seeds and the half width of a 95% interval (Student's t);
  - the simulations that the campaign needed for the error that the other way reaches with its whole budget, as a share
    of that budget: mean over seeds with its interval; seeds that never reached it count as 1 and are counted.
A campaign's curve is read between its rounds by interpolation of the logarithm of the error.

With --told N, campaigns are told more than one can know: their points of interest are, of N other points, the fifth
where an emulator of the whole budget along a Sobol' sequence is truly worst. That bounds from below what a choice of
places can save, as far as a large error is a matter of place."""
import argparse
import concurrent.futures
import json
import math
import os
import subprocess
import tempfile

import h5py
import numpy as np

STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228,
           14: 2.145, 19: 2.093, 24: 2.064, 29: 2.045, 49: 2.010}


def interval(values):
    """Mean, and half the width of its 95% interval."""
    values = np.asarray(values, float)
    n = len(values)
    if n < 2:
        return float(values.mean()), math.nan
    freedom = max(k for k in STUDENT if k <= n - 1)
    return float(values.mean()), STUDENT[freedom] * float(values.std(ddof=1)) / math.sqrt(n)


def component(acquisition):
    """A name, or a component as campaign files have it: {name = "integrated-variance", local = true}."""
    return acquisition if acquisition.startswith("{") else f'"{acquisition}"'


def run(program, folder, *arguments):
    result = subprocess.run([program, *map(str, arguments), "--quiet"], cwd=folder, text=True, capture_output=True)
    if result.returncode not in (0, 4):
        raise SystemExit(f"{' '.join(map(str, arguments))}: status {result.returncode}: {result.stderr}")
    return result.stdout


def errors(runs, predictions):
    """Of each run: the root of the mean over outputs of its squared error over the output's variance."""
    total, outputs = 0.0, list(runs["outputs"])
    for name in outputs:
        truth, mean = runs[f"outputs/{name}"][:], predictions[f"outputs/{name}/mean"][:]
        truth, mean = (a.reshape(len(a), -1) for a in (truth, mean))
        spread = np.mean(np.abs(truth - truth.mean(0)) ** 2)
        total = total + np.mean(np.abs(truth - mean) ** 2, axis=1) / spread
    return np.sqrt(total / len(outputs))


def tell(program, options, folder, seed):
    """Writes interest.csv: where an emulator of evenly spread runs is worst, found by running the simulator there."""
    common = ("--threads", options.threads)
    for name, count, scramble in (("even", options.budget, "shift"), ("others", options.told, "owen")):
        run(program, folder, "design", "--simulator", options.simulator, "-n", count, "--scramble", scramble, "--seed",
            1000 + seed, "-o", name + ".csv")
        run(program, folder, "simulate", "--simulator", options.simulator, "--design", name + ".csv", "-o", name + ".h5",
            *common)
    recipe = ("--recipe", os.path.abspath(options.recipe)) if options.recipe else ()
    run(program, folder, "train", "even.h5", *recipe, "-o", "even-model.h5", *common)
    run(program, folder, "predict", "even-model.h5", "others.csv", "--no-std", "-o", "predictions.h5", *common)
    with h5py.File(os.path.join(folder, "others.h5")) as runs, \
            h5py.File(os.path.join(folder, "predictions.h5")) as predictions:
        worst = np.argsort(-errors(runs, predictions))[:options.told // 5]
    with open(os.path.join(folder, "others.csv"), encoding="utf-8") as file:
        header, *rows = file.read().splitlines()
    with open(os.path.join(folder, "interest.csv"), "w", encoding="utf-8") as file:
        file.write("\n".join([header] + [rows[i] for i in sorted(worst)]) + "\n")


def campaign(program, options, acquisition, seed):
    toml = [f'simulator = "{options.simulator}"', f"budget = {options.budget}", f"start = {options.start}",
            f"batch = {options.batch}", f"test = {options.test}", f"acquisition = {component(acquisition)}",
            f"candidates = {options.candidates}", 'output = "runs.h5"', 'compare = ["random", "space-filling"]']
    if options.recipe:
        toml.append(f'recipe = "{os.path.abspath(options.recipe)}"')
    with tempfile.TemporaryDirectory() as folder:
        if options.told:
            tell(program, options, folder, seed)
            toml.append('interest = "interest.csv"')
        with open(os.path.join(folder, "campaign.toml"), "w", encoding="utf-8") as file:
            file.write("\n".join(toml) + "\n")
        return json.loads(run(program, folder, "learn", "campaign.toml", "--json", "--seed", seed, "--threads",
                              options.threads))


def needed(rounds, goal, key):
    """Simulations at which the curve first reaches the goal; None if it does not."""
    before = None
    for r in rounds:
        if r[key] <= goal:
            if before is None or before[key] <= r[key]:
                return r["runs"]
            share = math.log(before[key] / goal) / math.log(before[key] / r[key])
            return before["runs"] + share * (r["runs"] - before["runs"])
        before = r
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("simulator")
    for name, value in (("budget", 120), ("start", 40), ("batch", 8), ("seeds", 20), ("test", 500), ("jobs", 1),
                        ("threads", 1), ("candidates", 2000), ("first-seed", 1), ("told", 0)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--acquisition", nargs="+", default=["integrated-variance", "largest-variance", "residual"])
    parser.add_argument("--recipe")
    parser.add_argument("--json")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print(f"{options.simulator}: {options.budget} simulations, {options.start} of them to start with, batches of "
          f"{options.batch}; {options.seeds} seeds; {options.test} test points")
    table = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for acquisition in options.acquisition:
            said = list(pool.map(lambda seed, a=acquisition: campaign(program, options, a, seed), seeds))
            lines = {}
            for key in ("error", "error_p95"):
                lines[key] = {acquisition: interval([s["rounds"][-1][key] for s in said])}
                for other in ("random", "space-filling"):
                    ends = [s["comparison"][other][-1][key] for s in said]
                    runs = [needed(s["rounds"], goal, key) for s, goal in zip(said, ends)]
                    share = [1.0 if r is None else r / options.budget for r in runs]
                    lines[key][other] = interval(ends)
                    lines[key]["share of " + other] = interval(share)
                    lines[key]["never reached " + other] = sum(r is None for r in runs)
            table[acquisition] = lines
            print(f"\n{acquisition}")
            for key, line in lines.items():
                ends = ", ".join(f"{name} {line[name][0]:.4g} ± {line[name][1]:.2g}"
                                 for name in (acquisition, "random", "space-filling"))
                print(f"  {key + ':':11s} {ends}")
                for other in ("random", "space-filling"):
                    mean, half = line["share of " + other]
                    print(f"              what {other} points reach takes {100 * mean:.0f}% ± {100 * half:.0f}% of the "
                          f"budget" + (f" ({line['never reached ' + other]} of {len(said)} seeds did not get there)"
                                       if line["never reached " + other] else ""))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"options": vars(options), "results": table}, file, indent=2)


if __name__ == "__main__":
    main()
