#!/usr/bin/env python3
"""The posterior of a model's parameters with emcee, through the C library alone: ctypes, no Python module.

    c_library.py libersatz_c.so MODEL.h5 DATA.csv [DRAWS.npy]

DATA has two columns under a line of names, value and error, a row for each bin of the model's row. The posterior is that of
`ersatz infer`: normal errors, the emulator's own with them; flat within the box, zero outside of the training domain.
"""
import ctypes
import sys

import emcee
import numpy as np

library = ctypes.CDLL(sys.argv[1])
library.ersatz_message.restype = ctypes.c_char_p


def call(name, *arguments):
    """A function of ersatz.h. Arrays go with their sizes, as it has them; integers as int64_t."""
    words = []
    for a in arguments:
        if isinstance(a, np.ndarray):
            words += [a.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(a.size)]
        else:
            words.append(ctypes.c_int64(a) if isinstance(a, int) else a)
    if getattr(library, name)(*words) != 0:
        raise RuntimeError(library.ersatz_message().decode())


def count(name):
    result = ctypes.c_int64()
    call(name, emulator, ctypes.byref(result))
    return result.value


emulator, workspace = ctypes.c_void_p(), ctypes.c_void_p()
call("ersatz_open", sys.argv[2].encode(), ctypes.byref(emulator))
call("ersatz_workspace_open", ctypes.byref(workspace))
row, names, box = count("ersatz_row_size"), [], []
for k in range(count("ersatz_parameter_count")):
    text, lower, upper = ctypes.c_char_p(), ctypes.c_double(), ctypes.c_double()
    call("ersatz_parameter", emulator, k, ctypes.byref(text), None, ctypes.byref(lower), ctypes.byref(upper), None)
    names.append(text.value.decode())
    box.append((lower.value, upper.value))
lower, upper = np.array(box).T

data, error = np.loadtxt(sys.argv[3], delimiter=",", skiprows=1, unpack=True)
score, mean, diagonal = np.empty(1), np.empty(row), np.empty(row)
factors = np.empty((count("ersatz_covariance_rank"), row))


def log_posterior(theta):
    call("ersatz_domain_score", emulator, workspace, 1, theta, score)  # infinite outside of the box
    if score[0] > 1.0:
        return -np.inf
    call("ersatz_mean", emulator, workspace, 1, theta, mean)
    call("ersatz_covariance_factors", emulator, workspace, theta, factors, diagonal)
    cholesky = np.linalg.cholesky(factors.T @ factors + np.diag(diagonal + error**2))
    return -0.5 * np.sum(np.linalg.solve(cholesky, data - mean)**2) - np.sum(np.log(np.diag(cholesky)))


random = np.random.default_rng(1)
guesses = lower + (upper - lower) * random.random((500, lower.size))
best = guesses[np.argmax([log_posterior(x) for x in guesses])]
walkers = max(24, 4 * lower.size)
start = np.clip(best + 0.01 * (upper - lower) * random.normal(size=(walkers, lower.size)), lower, upper)
sampler = emcee.EnsembleSampler(walkers, lower.size, log_posterior)
sampler.random_state = np.random.RandomState(1).get_state()
sampler.run_mcmc(start, 2500)
draws = sampler.get_chain(discard=500, flat=True)
for name, x in zip(names, draws.T):
    print(f"{name}: {x.mean():.4g} ± {x.std():.2g}")
if len(sys.argv) > 4:
    np.save(sys.argv[4], draws)
call("ersatz_workspace_close", workspace)
call("ersatz_close", emulator)
