#!/usr/bin/env python3
"""The posterior that an emulator gives against that of the simulator itself, on data that the simulator made.

    agreement.py PROGRAM [--only supernova-6,waveform-aligned] [--recipe FILE] [--error full] [--steps 2000] [--draws 1500]
                 [--threads 2] [--quadrature 0.01] [--json out.json]

For each simulator: learns an emulator, simulates a point that it has not seen, adds noise, and runs `ersatz infer`. The
simulator's posterior is that of the same draws weighted by the ratio of the likelihoods (importance sampling): every so many
draws the simulator is run at, exactly and at a price. Printed for each parameter: both means and widths, the difference of means
in posterior standard deviations and the ratio of widths; the effective number of weighted draws; seconds of `ersatz infer`, from
its start to its end, and two prices of the simulator on as many threads. As many evaluations: those of warm-up and sample, each with its
gradient, for which the simulator would have to run several times; that is left out, and so are the few from which the maximum
is found. As many effective draws: a simulator has no gradients, so that walkers draw from its posterior; their evaluations
for an effective draw (of the slowest parameter, in the bulk) are those that `--method ensemble` takes with the emulator."""
import argparse
import json
import os
import subprocess
import tempfile
import time

import h5py
import numpy as np

# An emulator that is linear in its coefficients, with one correlation for all: its likelihood costs microseconds.
LINEAR = """decoder = "identity"
transform = ["center"]
basis = {name = "pod", max_rank = 40}
regressor = {name = "gp", kernel = "matern52-product", shared = true}
"""
# Phases that are known far better than the noise: amplitude and phase, from a basis that leaves 1e-6 of them out.
PHASES = """inputs = [{name = "aligned-spins"}]
decoder = "amplitude-phase"
transform = "center"
basis = {name = "pod", tolerance = 1e-6}
regressor = {name = "gp", kernel = "squared-exponential", mean = "quadratic", shared = true}
"""
# The phase tells one combination of the spins and hardly another: a prior for the smaller body's.
SLOW = """[prior]
chi2z = {name = "normal", mean = 0, deviation = 0.1}
"""
# Runs to learn from, recipe, the truth in the unit cube, the output, noise (its deviation over the root mean square of the
# output's variation), how much of the emulator's error counts, and priors that are not uniform.
CASES = {
    "supernova-6": (400, LINEAR, [0.4, 0.6, 0.5, 0.45, 0.55, 0.5], "flux", 0.3, "full", ""),
    "waveform-aligned": (300, PHASES, [0.4, 0.6, 0.45], "h22", 0.3, "none", SLOW),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--json")
    parser.add_argument("--recipe", help="of the emulator, in place of the case's own")
    parser.add_argument("--error", choices=("full", "diagonal", "none"), help="emulator_error, in place of the case's own")
    parser.add_argument("--quadrature", type=float, default=0.01, help="reduced_quadrature of the waveform; 0: all of its bins")
    for name, value in (("steps", 2000), ("draws", 1500), ("threads", 2), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=value)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    results = {}
    for simulator in options.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            results[simulator] = agreement(program, folder, simulator, options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)


def agreement(program, folder, simulator, options):
    runs, recipe, unit, output, noise, error, prior = CASES[simulator]
    error = options.error or error
    if options.recipe:
        with open(options.recipe, encoding="utf-8") as file:
            recipe = file.read()

    def ersatz(*line):
        result = subprocess.run([program, *line, "--quiet", "--threads", str(options.threads)], cwd=folder, text=True,
                                capture_output=True)
        if result.returncode:
            raise SystemExit(f"ersatz {' '.join(line)}: status {result.returncode}: {result.stderr}")
        return result.stdout

    def simulate(points, name):
        np.savetxt(os.path.join(folder, name + ".csv"), points, fmt="%.17g", delimiter=",", header=",".join(names), comments="")
        ersatz("simulate", "--simulator", simulator, "--design", name + ".csv", "-o", name + ".h5")
        with h5py.File(os.path.join(folder, name + ".h5")) as file:
            return as_numbers(file["outputs/" + output][:]), float(np.mean(file["seconds"][:]))

    ersatz("design", "--simulator", simulator, "-n", str(runs), "--seed", str(options.seed), "-o", "design.csv")
    ersatz("simulate", "--simulator", simulator, "--design", "design.csv", "-o", "runs.h5")
    with open(os.path.join(folder, "recipe.toml"), "w", encoding="utf-8") as file:
        file.write(recipe)
    ersatz("train", "runs.h5", "--recipe", "recipe.toml", "-o", "model.h5", "--test-fraction", "0")
    with h5py.File(os.path.join(folder, "runs.h5")) as file:
        names = [n.decode() if isinstance(n, bytes) else str(n) for n in file["parameters"].attrs["names"]]
        lower, upper = file["parameters"].attrs["lower"], file["parameters"].attrs["upper"]
        values = as_numbers(file["outputs/" + output][:])
        axis_name = file["outputs/" + output].attrs["axis"]
        axis_name = axis_name.decode() if isinstance(axis_name, bytes) else str(axis_name)
        axis = file["axes/" + axis_name][:]
    truth = lower + np.array(unit) * (upper - lower)
    clean, _ = simulate(truth[None, :], "truth")
    deviation = noise * np.sqrt(np.mean((values - values.mean(axis=0)) ** 2))
    observed = clean[0] + deviation * np.random.default_rng(options.seed).normal(size=clean.shape[1])
    complex_bins = observed.size == 2 * axis.size
    columns = [axis, observed[0::2], observed[1::2]] if complex_bins else [axis, observed]
    header = [axis_name] + ([output + "_re", output + "_im"] if complex_bins else [output])
    np.savetxt(os.path.join(folder, "data.csv"), np.column_stack(columns), fmt="%.17g", delimiter=",",
               header=",".join(header), comments="")
    with open(os.path.join(folder, "infer.toml"), "w", encoding="utf-8") as file:
        file.write(f'[[data]]\nfile = "data.csv"\noutput = "{output}"\ndeviation = {float(deviation)!r}\n'
                   f'[likelihood]\nemulator_error = "{error}"\n'
                   + (f"reduced_quadrature = {options.quadrature}\n" if error == "none" and options.quadrature else "") + prior)
    def infer(output, *more):
        """Seconds, evaluations, and the effective size of the parameter that has fewest."""
        begin = time.time()
        said = ersatz("infer", "model.h5", "--config", "infer.toml", "-o", output, "--steps", str(options.steps), "--seed",
                      str(options.seed), "--json", *more)
        seconds = time.time() - begin
        with h5py.File(os.path.join(folder, output)) as file:
            evaluations = float(np.sum(file["evaluations"][:]) + np.sum(file["warmup/evaluations"][:]))
        return seconds, evaluations, min(p["bulk_effective_size"] for p in json.loads(said)["parameters"])

    seconds, evaluations, worth = infer("chain.h5")
    _, walkers_evaluations, walkers_worth = infer("walkers.h5", "--method", "ensemble")
    with h5py.File(os.path.join(folder, "chain.h5")) as file:
        samples = file["samples"][:]
        likelihood = file["log_likelihood"][:].reshape(-1)
    draws = samples.reshape(-1, samples.shape[-1])
    chosen = np.linspace(0, len(draws) - 1, options.draws).astype(int)
    predicted, each = simulate(draws[chosen], "draws")
    exact = -0.5 * np.sum(((predicted - observed) / deviation) ** 2, axis=1)
    weight = exact - likelihood[chosen]
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    effective = 1.0 / np.sum(weight ** 2)
    print(f"{simulator}: {runs} runs, noise {noise} of the variation; {options.draws} draws weighted, worth {effective:.0f}")
    print(f"  {'':12s} {'truth':>10s} {'emulator':>22s} {'simulator':>22s}  {'means apart':>11s}  {'widths':>7s}")
    table = []
    # The same draws, so that what differs is the weights alone.
    for k, name in enumerate(names):
        x = draws[chosen, k]
        mean = float(np.sum(weight * x))
        width = float(np.sqrt(np.sum(weight * (x - mean) ** 2)))
        apart, ratio = (float(x.mean()) - mean) / width, float(x.std()) / width
        table.append({"parameter": name, "apart": apart, "ratio": ratio})
        print(f"  {name:12s} {truth[k]:10.4g} {x.mean():11.5g} ± {x.std():8.3g} {mean:11.5g} ± {width:8.3g}  {apart:11.3f}  "
              f"{ratio:7.3f}")
    spent = evaluations * each / options.threads
    print(f"  {seconds:.2f} s with {evaluations:.0f} evaluations, {1e6 * seconds * options.threads / evaluations:.0f} us of a thread "
          f"each; the simulator takes {1e3 * each:.1f} ms, {spent:.0f} s for them: {spent / seconds:.0f} times as long")
    walkers = walkers_evaluations / walkers_worth * worth * each / options.threads
    print(f"  {worth:.0f} effective draws, one from {evaluations / worth:.0f} evaluations; walkers take "
          f"{walkers_evaluations / walkers_worth:.0f}, with the simulator {walkers:.0f} s for as many: {walkers / seconds:.0f} times "
          f"as long\n", flush=True)
    return {"parameters": table, "effective": effective, "chain_seconds": seconds, "evaluations": evaluations,
            "simulator_seconds": spent, "ratio": spent / seconds, "effective_ratio": walkers / seconds}


def as_numbers(values):
    """Rows of real numbers; complex ones as pairs."""
    if values.dtype.names:
        return np.stack([values["r"], values["i"]], axis=-1).reshape(len(values), -1)
    if np.iscomplexobj(values):
        return np.ascontiguousarray(values).view(float).reshape(len(values), -1)
    return values


if __name__ == "__main__":
    main()
