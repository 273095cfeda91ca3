"""The ensemble and NUTS against emcee on one density, a bent ridge with a cut tail: means, deviations, quantiles and a
correlation, in units of the Monte Carlo error of both; autocorrelation time and acceptance of the ensemble.

    compare_emcee.py path/to/inference_peer
"""
import os
import subprocess
import sys
import tempfile

import emcee
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

program = sys.argv[1]
WALKERS, WARMUP, STEPS = 40, 1000, 8000


def log_density(x):
    a, b, c = x.T
    with np.errstate(divide="ignore", invalid="ignore"):
        value = -0.5 * a**2 - 0.5 * (b - 0.5 * a**2)**2 / 0.25 + np.log(c) - 1.5 * c
    return np.where((c > 0) & (c < 20), value, -np.inf)


def ours(method, chains, steps, seed=3):
    with tempfile.TemporaryDirectory() as folder:
        result = os.path.join(folder, "draws")
        subprocess.run([program, "sample", method, str(chains), str(WARMUP), str(steps), str(seed), result], check=True)
        return np.fromfile(result).reshape(chains, steps, 3)


def statistics(draws):
    """Functions whose means are compared: first and second moments, tails."""
    a, b, c = draws[..., 0], draws[..., 1], draws[..., 2]
    return {"a": a, "b": b, "c": c, "a²": a**2, "b²": b**2, "c²": c**2, "a b": a * b, "c < 0.2": (c < 0.2) * 1.0,
            "b > 2": (b > 2) * 1.0, "a < -1.5": (a < -1.5) * 1.0}


def mean_and_error(values):
    """Of draws (chains, steps): the error by the autocorrelation time that emcee finds."""
    tau = emcee.autocorr.integrated_time(values.T[:, :, None], quiet=True)[0]
    return values.mean(), values.std() * np.sqrt(tau / values.size)


print("emcee", emcee.__version__)
rng = np.random.default_rng(1)
start = np.stack([rng.normal(size=WALKERS), rng.normal(size=WALKERS), rng.uniform(0.2, 3, WALKERS)], axis=1)
sampler = emcee.EnsembleSampler(WALKERS, 3, log_density, vectorize=True)
sampler.random_state = np.random.RandomState(2).get_state()
sampler.run_mcmc(start, WARMUP + STEPS)
theirs = sampler.get_chain(discard=WARMUP).transpose(1, 0, 2)

for method, draws in (("ensemble", ours("ensemble", WALKERS, STEPS)), ("nuts", ours("nuts", 4, 8000))):
    for (name, a), b in zip(statistics(draws).items(), statistics(theirs).values()):
        mean, error = mean_and_error(a)
        mean_there, error_there = mean_and_error(b)
        verdict.check(f"{method}, mean of {name}, in its errors (relative error {error / abs(a).mean():.1e})",
                      abs(mean - mean_there) / np.hypot(error, error_there), 4.0)
    if method == "ensemble":
        for i in range(3):
            tau, tau_there = (emcee.autocorr.integrated_time(d[:, :, i].T[:, :, None], quiet=True)[0]
                              for d in (draws, theirs))
            verdict.check(f"autocorrelation time of parameter {i}, ratio to emcee's {tau_there:.1f}, less 1",
                          abs(tau / tau_there - 1), 0.2)
        moved = np.mean(np.any(np.diff(draws, axis=1) != 0, axis=2))
        verdict.check("acceptance", abs(moved - sampler.acceptance_fraction.mean()), 0.01)
verdict.finish()
