#!/usr/bin/env python3
"""The posterior of a spectrum's parameters through an emulator, with emcee.

The simulator here is a formula, so that the script runs in seconds and the answer can be checked: in the place of
`simulator` stands what takes minutes.
"""
import emcee
import numpy as np

import ersatz

wavelength = np.linspace(4000.0, 8000.0, 60)  # Angstrom


def simulator(x):
    """A continuum of a slope with an absorption line: depth, width in Angstrom, slope."""
    depth, width, slope = x
    continuum = (wavelength / 6000.0) ** slope
    return continuum * (1.0 - depth * np.exp(-0.5 * ((wavelength - 6150.0) / width) ** 2))


random = np.random.default_rng(1)
lower, upper = np.array([0.1, 100.0, -3.0]), np.array([0.8, 400.0, 0.0])
X = lower + (upper - lower) * random.random((120, 3))

# Train, save, open, evaluate.
emulator = ersatz.fit(X, [simulator(x) for x in X], names=["depth", "width", "slope"],
                      units=["", "Angstrom", ""], bounds=np.stack([lower, upper], axis=1), axis=wavelength)
emulator.save("spectrum.h5", overwrite=True)
emulator = ersatz.load("spectrum.h5")

truth, noise = np.array([0.45, 220.0, -1.4]), 0.02
data = simulator(truth) + noise * random.standard_normal(wavelength.size)


def log_density(points, predict):
    """Of many points at once: emcee's `vectorize`. Flat within the bounds."""
    inside = np.all((points >= lower) & (points <= upper), axis=1)
    mean, std = predict(np.clip(points, lower, upper))
    variance = noise**2 + std**2
    return np.where(inside, -0.5 * np.sum((data - mean) ** 2 / variance + np.log(variance), axis=1), -np.inf)


def posterior(predict, steps=600, walkers=24):
    start = truth + 0.02 * (upper - lower) * np.random.default_rng(2).standard_normal((walkers, 3))
    sampler = emcee.EnsembleSampler(walkers, 3, log_density, args=[predict], vectorize=True)
    sampler.random_state = np.random.RandomState(3).get_state()
    sampler.run_mcmc(start, steps)
    return sampler.get_chain(discard=steps // 4, flat=True)


by_emulator = posterior(lambda points: emulator.predict(points, std=True))
by_simulator = posterior(lambda points: (np.array([simulator(x) for x in points]), 0.0))
for name, unit, a, b in zip(emulator.names, emulator.units, by_emulator.T, by_simulator.T):
    print(f"{name}: {a.mean():.4g} ± {a.std():.2g} {unit} (by the simulator {b.mean():.4g} ± {b.std():.2g})")
shift = np.abs(by_emulator.mean(axis=0) - by_simulator.mean(axis=0)) / by_simulator.std(axis=0)
print(f"means differ by at most {shift.max():.2f} standard deviations; NRMSE {emulator.scores['y']['nrmse']:.2g}")
