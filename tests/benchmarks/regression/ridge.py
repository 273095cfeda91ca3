#!/usr/bin/env python3
"""Ridge regression with leave-one-out over a path of penalties, against scikit-learn's RidgeCV and the same algorithm
written directly in NumPy; sparse polynomial chaos against OpenTURNS. Same data, machine and OpenBLAS threads.

    ridge.py path/to/polynomial_peer [threads [repeats]]

Prints versions, then times (the shortest of some repeats), their ratio, and what limits them: the flops of the Gram
matrix and of one product with the eigenvectors, at the speed of this machine's dgemm. RidgeCV gets features that are
standardised already, NumPy and we standardise them.
"""
import os
import sys

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair

fair.start(threads)

import platform
import time
import warnings

import numpy as np
import scipy
import sklearn
from sklearn.linear_model import RidgeCV

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peers", "regression"))
import polynomial_peer

warnings.filterwarnings("ignore")
program = sys.argv[1]
print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, Python "
      f"{platform.python_version()}, {threads} thread(s), shortest of {repeats}")


def shortest(work, count):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return min(times), result


def direct(x, y, alphas):
    """Eigenvectors of the Gram matrix, then residuals and leverages of all alphas by one product each."""
    n = len(x)
    z = x - x.mean(axis=0)
    z /= np.sqrt(np.einsum("ij,ij->j", z, z) / n)
    centred = y - y.mean()
    values, vectors = np.linalg.eigh(z.T @ z)
    u = z @ vectors
    shrink = 1.0 / (values[:, None] + alphas)
    residuals = centred[:, None] - u @ ((u.T @ centred)[:, None] * shrink)
    np.multiply(u, u, out=u)
    loo = residuals / (1.0 - 1.0 / n - u @ shrink)
    return np.mean(loo ** 2, axis=0)


rng = np.random.default_rng(1)
n, m, count = 10000, 1000, 100
x = rng.normal(size=(n, m)) * 10.0 ** (np.arange(m) % 3) + 5.0
y = (x[:, :50] / x[:, :50].std(axis=0)).sum(axis=1) + rng.normal(size=n)
alphas = np.logspace(-3, 5, count)
a = rng.normal(size=(2000, 2000))
gemm = 2 * 2000.0 ** 3 / shortest(lambda: a @ a, 5)[0]

ours = polynomial_peer.run(program, "path", x, y, x[:1], threads, repeats, degree=1, alpha=alphas)
as_called = polynomial_peer.run(program, "ridge", x, y, x[:1], threads, repeats, degree=1, alpha=alphas)
numpy_time, loo = shortest(lambda: direct(x, y, alphas), repeats)
z = (x - x.mean(axis=0)) / x.std(axis=0)
sklearn_time, model = shortest(lambda: RidgeCV(alphas=alphas, store_cv_values=True).fit(z, y), 2)
theirs = np.mean(model.cv_values_.reshape(n, count), axis=0)
found = ours.values[count:2 * count][::-1]
limit = (n * m ** 2 + 2.0 * n * m ** 2 + 4.0 * n * m * count) / gemm
print(f"ridge, leave-one-out over {count} alphas, {n} x {m}, one output:")
print(f"  ersatz {as_called.seconds:.3f} s (the path alone {ours.seconds:.3f} s)")
print(f"  scikit-learn {sklearn_time:.3f} s, ratio {sklearn_time / as_called.seconds:.2f}; direct NumPy "
      f"{numpy_time:.3f} s, ratio {numpy_time / as_called.seconds:.2f}")
print(f"  limit: dgemm at {gemm / 1e9:.0f} GFLOP/s would do the Gram matrix and the products in {limit:.3f} s; the "
      "eigenvectors come on top")
print(f"  largest relative difference of the errors: scikit-learn {np.max(np.abs(found / theirs - 1)):.1e}, NumPy "
      f"{np.max(np.abs(found / loo - 1)):.1e}")

try:
    import openturns as ot
except ImportError:
    sys.exit("OpenTURNS is not there: no comparison of polynomial chaos")
ot.Log.Show(ot.Log.NONE)
print(f"OpenTURNS {ot.__version__}: sparse polynomial chaos (least angle regression, corrected leave-one-out)")


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def borehole(x):
    rw, r, tu, hu, tl, hl, length, kw = x.T
    log = np.log(r / rw)
    return 2 * np.pi * tu * (hu - hl) / (log * (1 + 2 * length * tu / (log * rw ** 2 * kw) + tu / tl))


def openturns(x, y, lower, upper, degree):
    inputs = ot.ComposedDistribution([ot.Uniform(a, b) for a, b in zip(lower, upper)])
    product = ot.OrthogonalProductPolynomialFactory([ot.StandardDistributionPolynomialFactory(inputs.getMarginal(k))
                                                     for k in range(len(lower))])
    enumerate_ = product.getEnumerateFunction()
    selection = ot.LeastSquaresMetaModelSelectionFactory(ot.LARS(), ot.CorrectedLeaveOneOut())
    algorithm = ot.FunctionalChaosAlgorithm(
        ot.Sample(x.tolist()), ot.Sample([[v] for v in y]), inputs,
        ot.FixedStrategy(product, enumerate_.getStrataCumulatedCardinal(degree)), ot.LeastSquaresStrategy(selection))
    algorithm.run()
    return algorithm.getResult()


# The degree is OpenTURNS' to be told: the best of those given, which no user knows beforehand.
for name, function, lower, upper, sizes in (
        ("Ishigami", ishigami, [-np.pi] * 3, [np.pi] * 3, {100: (6, 8, 10), 300: (8, 10, 12), 500: (10, 12, 14)}),
        ("borehole", borehole, [0.05, 100, 63070, 990, 63.1, 700, 1120, 9855],
         [0.15, 50000, 115600, 1110, 116, 820, 1680, 12045], {100: (2, 3), 300: (3, 4)})):
    lower, upper = np.array(lower), np.array(upper)
    test = lower + (upper - lower) * np.random.default_rng(9).uniform(size=(5000, len(lower)))
    truth = function(test)
    for n, degrees in sizes.items():
        ot.RandomGenerator.SetSeed(1)
        unit = np.array(ot.SobolSequence(len(lower)).generate(n))
        x = lower + (upper - lower) * unit
        y = function(x)
        ours = polynomial_peer.run(program, "chaos", x, y, test, threads, 2, lower=lower, upper=upper)
        error = np.sqrt(np.mean((ours.values - truth) ** 2)) / truth.std()
        best = None
        for degree in degrees:
            seconds, result = shortest(lambda: openturns(x, y, lower, upper, degree), 1)
            values = np.array(result.getMetaModel()(ot.Sample(test.tolist()))).ravel()
            e = np.sqrt(np.mean((values - truth) ** 2)) / truth.std()
            if best is None or e < best[0]:
                best = (e, degree, seconds)
        print(f"  {name}, {n} Sobol points: ersatz error {error:.2e} (degree {ours.facts['degree']}, found by "
              f"itself, {ours.seconds:.3f} s for all degrees); OpenTURNS {best[0]:.2e} (degree {best[1]}, the best of "
              f"{degrees}, {best[2]:.3f} s for that one)", flush=True)
        if name == "Ishigami":
            first = [ours.sobol[k][0] for k in range(3)]
            print(f"    mean - 3.5 = {ours.mean - 3.5:.1e}, variance - 13.844588 = {ours.variance - 13.844588:.1e}, "
                  f"S1 - .313905 = {first[0] - .313905:.1e}, S2 - .442411 = {first[1] - .442411:.1e}, "
                  f"S13 - .243684 = {ours.sobol[2][1] - .243684:.1e}")
