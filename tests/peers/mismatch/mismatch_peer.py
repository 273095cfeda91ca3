"""Mismatches against NumPy's FFT and SciPy's minimiser: flat and with a noise curve, over nothing, phase, time."""
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import minimize_scalar

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from verdict import check, finish

TIMES, MODES, STEP = 900, 2, 1 / 4096
rng = np.random.default_rng(1)
t = np.arange(TIMES) * STEP


def wave(shift, tilt, phase):
    """Two chirps through the band, their ends sudden."""
    u = t - shift
    phi = 2 * np.pi * (60 * u + (300 + tilt) * u**2)
    return np.array([(1 + u) * np.exp(-1j * (phi + phase)), 0.3 * np.exp(-0.5j * phi) + 0.1 * np.exp(1j * phi)])


truth = np.array([wave(0, 0, 0) for _ in range(6)])
other = np.array([wave(*p) for p in [(0, 0, 0.3), (0.0023, 0, 1), (0, 5, 0), (0.01, -20, 2), (0, 0.01, 0), (0, 0, 0)]])
other[-1] += 1e-4 * (rng.normal(size=(MODES, TIMES)) + 1j * rng.normal(size=(MODES, TIMES)))


def planck(n, start, end):
    u = np.arange(n) / (n - 1)
    w = np.ones(n)
    for share, x in ((start, u), (end, 1 - u)):
        v = np.clip(x / share, 1e-9, 1 - 1e-9)
        w *= np.where(x >= share, 1, 1 / (1 + np.exp(np.clip(1 / v - 1 / (1 - v), -700, 700))))
    w[0] = w[-1] = 0
    return w


def good_size(n):
    while True:
        rest = n
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return n
        n += 1


def mismatch(a, b, noisy, over):
    n = good_size(2 * TIMES)
    f = np.fft.fftfreq(n, STEP)
    f[n // 2] = abs(f[n // 2])  # half the sampling rate has either sign; ours is positive
    w = np.ones(n)
    if noisy:
        x = np.abs(f) / 245.4
        with np.errstate(divide="ignore"):
            w = 1 / (0.0152 * x**-4 + 0.2935 * x**2.25 + 2.7951 * x**1.5 - 6.5080 * x**0.75 + 17.7622)
        w[(np.abs(f) < 20) | (np.abs(f) > 1024)] = 0
        a, b = a * planck(TIMES, 0.1, 0.05), b * planck(TIMES, 0.1, 0.05)
    A, B = np.fft.fft(a, n), np.fft.fft(b, n)
    cross = (w * A.conj() * B).sum(0)
    size = np.sqrt((w * abs(A) ** 2).sum() * (w * abs(B) ** 2).sum())
    if over == 0:
        return 1 - cross.sum().real / size
    if over == 1:
        return 1 - abs(cross.sum()) / size
    peak = np.argmax(abs(np.fft.ifft(cross)))
    peak -= n if peak > n // 2 else 0
    best = minimize_scalar(lambda tau: -abs((cross * np.exp(2j * np.pi * f * tau * STEP)).sum()),
                           bounds=(peak - 1, peak + 1), method="bounded", options={"xatol": 1e-9})
    return 1 + best.fun / size


with tempfile.TemporaryDirectory() as folder:
    paths = [os.path.join(folder, name) for name in "ab"]
    truth.tofile(paths[0])
    other.tofile(paths[1])
    lines = subprocess.run([sys.argv[1], *paths, str(TIMES), str(MODES)], check=True, capture_output=True, text=True).stdout
worst = {}
for line in lines.splitlines():
    noisy, over, row, value = line.split()
    noisy, over, row = int(noisy), int(over), int(row)
    expected = mismatch(truth[row], other[row], noisy, over)
    key = ("advanced-ligo" if noisy else "flat") + ", maximised over " + ("nothing", "phase", "time and phase")[over]
    worst[key] = max(worst.get(key, 0), abs(float(value) - expected))
for key, difference in worst.items():
    check(key, difference, 1e-12)
if len(lines.splitlines()) != 36:
    check("lines", 1, 0)
finish()
