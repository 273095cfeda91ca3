#!/usr/bin/env python3
"""What a learning campaign saves for precessing waveforms at high spins, against random points.

    waveform.py PROGRAM [--budget 900] [--random 1500] [--start 300] [--batch 150] [--seeds 20] [--test 300]
                [--interest 0] [--acquisition integrated-variance] [--recipe FILE] [--threads 1] [--json out.json]

For each seed: `--random` points, uniform in the space of `waveform`, are simulated and learnt from; a campaign spends
`--budget` simulations; both are scored on fresh runs with both spins as long as they may be (0.8), where the error is
largest: NRMSE over the five modes together, and the mismatch (flat noise, nothing maximised; median and 95%). Printed are
means over seeds with the half width of a 95% interval of the logarithm, and the simulations at which the campaign's NRMSE
passed that of the random points. With `--interest` the campaign is told where the error counts: so many other points
with both spins longest."""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

from learning import interval, needed

MODES = ["h22", "h21", "h20", "h2m1", "h2m2"]
NAMES = ["q", "chi1x", "chi1y", "chi1z", "chi2x", "chi2y", "chi2z"]
LONGEST = 0.8


def points(random, count, longest):
    """Uniform in the mass ratio and in the magnitude of each spin, isotropic in its direction."""
    def spin():
        direction = random.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = np.full((count, 1), LONGEST * (1 - 1e-12)) if longest else random.uniform(0, LONGEST, (count, 1))
        return direction * length
    return np.hstack([random.uniform(1, 4, (count, 1)), spin(), spin()])


def one_seed(program, options, seed):
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        def ersatz(*line):
            result = subprocess.run([program, *line, "--json", "--quiet", "--threads", str(options.threads)], cwd=folder,
                                    text=True, capture_output=True)
            if result.returncode:
                raise SystemExit(f"ersatz {' '.join(line)}: status {result.returncode}: {result.stderr}")
            return json.loads(result.stdout)

        def score(model):
            said = ersatz("validate", model, "test.h5", "--maximise", "none")
            group = next(iter(said["groups"].values()))
            return {"error": math.sqrt(np.mean([said["outputs"][m]["nrmse"] ** 2 for m in MODES])),
                    "median": group["mismatch_median"], "p95": group["mismatch_p95"]}

        for name, count, longest in (("test", options.test, True), ("random", options.random, False),
                                     ("interest", options.interest, True)):
            np.savetxt(os.path.join(folder, name + ".csv"), points(random, count, longest), fmt="%.17g", delimiter=",",
                       header=",".join(NAMES), comments="")
            if name != "interest":
                ersatz("simulate", "--simulator", "waveform", "--design", name + ".csv", "-o", name + ".h5")
        ersatz("train", "random.h5", "--recipe", options.recipe, "-o", "random-model.h5", "--test-fraction", "0")
        with open(os.path.join(folder, "campaign.toml"), "w", encoding="utf-8") as file:
            file.write(f'simulator = "waveform"\nbudget = {options.budget}\nstart = {options.start}\n'
                       f'batch = {options.batch}\ncandidates = {options.candidates}\ntest = "test.h5"\n'
                       f'acquisition = {options.acquisition}\nrecipe = "{options.recipe}"\n'
                       + ('interest = "interest.csv"\n' if options.interest else '') +
                       'output = "runs.h5"\nmodel = "model.h5"\n')
        learnt = ersatz("learn", "campaign.toml", "--seed", str(seed))
        random_score = score("random-model.h5")
        return {"random": random_score, "campaign": score("model.h5"),
                "needed": needed(learnt["rounds"], random_score["error"], "error"),
                "rounds": [[r["runs"], r["error"]] for r in learnt["rounds"]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    for name, value in (("budget", 900), ("random", 1500), ("start", 300), ("batch", 150), ("seeds", 20), ("test", 300),
                        ("threads", 1), ("candidates", 2000), ("interest", 0), ("first-seed", 1)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--acquisition", default='"integrated-variance"', help="as in a campaign's file (TOML)")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--recipe", default=os.path.join(here, "../../../examples/waveform/recipe.toml"))
    parser.add_argument("--json")
    options = parser.parse_args()
    options.recipe = os.path.abspath(options.recipe)
    said = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        said.append(one_seed(os.path.abspath(options.program), options, seed))
        s = said[-1]
        print(f"seed {seed}: {s['needed'] or 'more than all'} simulations; campaign {s['campaign']}, random {s['random']}",
              file=sys.stderr, flush=True)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"options": vars(options), "seeds": said}, file, indent=2)
    print(f"waveform, both spins {LONGEST}: {options.budget} simulations by {options.acquisition}, {options.random} at random; "
          f"{len(said)} seeds")
    for key in ("error", "median", "p95"):
        ratio, half = interval([math.log(s["campaign"][key] / s["random"][key]) for s in said])
        print(f"  {key:7s} campaign {np.mean([s['campaign'][key] for s in said]):.3g}, random "
              f"{np.mean([s['random'][key] for s in said]):.3g}; ratio {math.exp(ratio):.3f} times or over {math.exp(half):.3f}")
    reached = [s["needed"] for s in said if s["needed"]]
    if len(reached) > 1:
        mean, half = interval(reached)
        print(f"  the random points' error was reached with {mean:.0f} ± {half:.0f} simulations")
    print(f"  {len(said) - len(reached)} of {len(said)} seeds did not get there")


if __name__ == "__main__":
    main()
