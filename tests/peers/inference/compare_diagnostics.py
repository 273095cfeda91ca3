"""R-hat, effective sizes and autocorrelation time against a twin written from Vehtari, Gelman, Simpson, Carpenter &
Bürkner (Bayesian Anal. 16, 667, 2021) and Geyer (Stat. Sci. 7, 473, 1992) with sums in place of Fourier transforms, and,
where it is there, emcee's autocorrelation time.

    compare_diagnostics.py path/to/inference_peer
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy import stats

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

program = sys.argv[1]


def ours(draws):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "draws")
        draws.astype(float).tofile(path)
        words = subprocess.run([program, "diagnose", path, str(len(draws))], check=True, capture_output=True,
                               text=True).stdout.split()
        return [float(w) for w in words]


def split(x):
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def normal_scores(x):
    return stats.norm.ppf((stats.rankdata(x).reshape(x.shape) - 3 / 8) / (x.size + 1 / 4))


def split_r_hat(x):
    n = x.shape[1]
    within = x.var(axis=1, ddof=1).mean()
    between = n * x.mean(axis=1).var(ddof=1)
    return np.sqrt(((n - 1) / n * within + between / n) / within)


def r_hat(x):
    x = split(x)
    return max(split_r_hat(normal_scores(x)), split_r_hat(normal_scores(abs(x - np.median(x)))))


def autocovariance(x, lag):
    y = x - x.mean(axis=1, keepdims=True)
    return np.sum(y[:, :x.shape[1] - lag] * y[:, lag:], axis=1) / x.shape[1]


def effective_size(x):
    m, n = x.shape
    within = x.var(axis=1, ddof=1).mean()
    variance = (n - 1) / n * within + x.mean(axis=1).var(ddof=1)

    def correlation(lag):
        return 1 - (within - np.mean(autocovariance(x, lag))) / variance

    pairs = [1 + correlation(1)]
    last = None
    for lag in range(2, n - 2, 2):
        even, odd = correlation(lag), correlation(lag + 1)
        last = even
        if even + odd < 0:
            break
        pairs.append(even + odd)
    else:
        pairs.pop()  # the paper's sum ends one pair before the end of the chain
    pairs = np.minimum.accumulate(pairs)
    tau = -1 + 2 * np.sum(pairs) + max(last, 0)
    return m * n / max(tau, 1 / np.log10(m * n))


def tail_size(x):
    return min(effective_size(split((x <= np.quantile(x, p)) * 1.0)) for p in (0.05, 0.95))


def autocorrelation_time(x):
    rho = np.mean([[autocovariance(row[None], lag)[0] / autocovariance(row[None], 0)[0] for lag in range(x.shape[1])]
                   for row in x], axis=0)
    tau = 2 * np.cumsum(rho) - 1
    window = np.argmax(np.arange(len(tau)) >= 5 * tau)
    return tau[window]


def chains(m, n, phi, rng, spread=0.0):
    x = np.empty((m, n))
    x[:, 0] = rng.normal(size=m)
    for t in range(1, n):
        x[:, t] = phi * x[:, t - 1] + np.sqrt(1 - phi**2) * rng.normal(size=m)
    return x + spread * rng.normal(size=(m, 1))


rng = np.random.default_rng(1)
cases = {"white noise": chains(4, 400, 0.0, rng), "slow": chains(4, 501, 0.9, rng), "fast": chains(3, 400, -0.4, rng),
         "apart": chains(4, 300, 0.5, rng, spread=1.0), "one chain": chains(1, 1000, 0.7, rng),
         "heavy tails": np.tan(1.5 * np.tanh(chains(4, 400, 0.6, rng))), "ties": np.round(chains(4, 400, 0.6, rng), 1),
         "many": chains(40, 200, 0.8, rng)}
for name, x in cases.items():
    found = ours(x)
    expected = [r_hat(x), effective_size(normal_scores(split(x))), tail_size(x), autocorrelation_time(x)]
    for what, a, b in zip(("R-hat", "bulk size", "tail size", "autocorrelation time"), found, expected):
        verdict.check(f"{name}: {what} {b:.4f}, relative difference", abs(a / b - 1), 1e-9)
try:
    import emcee
    for name, x in cases.items():
        there = emcee.autocorr.integrated_time(x.T[:, :, None], quiet=True)[0]
        verdict.check(f"{name}: autocorrelation time as emcee", abs(ours(x)[3] / there - 1), 1e-9)
except ImportError:
    pass
verdict.finish()
