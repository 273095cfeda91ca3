"""Against scikit-learn: the errors of a whole ridge path (leave-one-out to 1e-8, generalised cross-validation from the
residuals and traces of its fits), its coefficients, more features than points; and where OpenTURNS is there, its sparse
polynomial chaos on the same points.

    compare_polynomial.py path/to/polynomial_peer
"""
import os
import sys
import warnings

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import sklearn
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import polynomial_peer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import verdict

warnings.filterwarnings("ignore")
program = sys.argv[1]


def check(what, found, expected, tolerance=1e-8):
    verdict.check(what, np.max(np.abs(found - expected) / (np.abs(expected) + 1e-300)), tolerance)


print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
rng = np.random.default_rng(5)
for n, d, degree in ((80, 4, 3), (20, 4, 3), (500, 100, 1), (100, 450, 1)):
    x = rng.uniform(size=(n, d)) * 10.0 ** (np.arange(d) % 4) + 3.0
    y = np.stack([np.sin(x[:, 0]) + 0.1 * rng.normal(size=n), 1e4 * x[:, 1] + 1e3 * rng.normal(size=n)], axis=1)
    alphas = 10.0 ** np.linspace(4, -3, 30)
    found = polynomial_peer.run(program, "path", x, y, x, degree=degree, alpha=alphas).values
    prepare = make_pipeline(StandardScaler(), PolynomialFeatures(degree, include_bias=False), StandardScaler())
    f = prepare.fit_transform(x)
    m, count = f.shape[1], len(alphas)
    what = f"{n} points, {m} features"
    assert np.allclose(found[:count], alphas)
    loo, gcv = found[count:3 * count].reshape(count, 2), found[3 * count:5 * count].reshape(count, 2)
    cv = RidgeCV(alphas=alphas, alpha_per_target=True, store_cv_values=True).fit(f, y)
    check(f"leave-one-out errors, {what}", loo, np.mean(cv.cv_values_, axis=0).T)
    singular = np.linalg.svd(f, compute_uv=False) ** 2
    fits = [Ridge(alpha=a).fit(f, y) for a in alphas]
    open_ = [n - 1 - np.sum(singular / (singular + a)) for a in alphas]
    expected = [n * np.sum((y - r.predict(f)) ** 2, axis=0) / o ** 2 for r, o in zip(fits, open_)]
    check(f"generalised cross-validation, {what}", gcv, np.array(expected))
    rest = found[5 * count:].reshape(count, 2 * (m + 1))
    features = make_pipeline(StandardScaler(), PolynomialFeatures(degree, include_bias=False)).fit_transform(x)
    for a in (0, 12, 29):
        ours = features @ rest[a, 2:].reshape(m, 2) + rest[a, :2]
        check(f"fitted values at alpha {alphas[a]:.3g}, {what}", (ours - y.mean(axis=0)) / y.std(axis=0) + 10,
              (fits[a].predict(f) - y.mean(axis=0)) / y.std(axis=0) + 10)

try:
    import openturns as ot
except ImportError:
    print("OpenTURNS is not there: no comparison of polynomial chaos")
    verdict.finish()

print("OpenTURNS", ot.__version__)
ot.Log.Show(ot.Log.NONE)
# Full expansions of degree 4 by least squares on the same points agree to rounding.
x = rng.uniform(-1, 1, size=(200, 3))
y = np.exp(x[:, 0]) * np.cos(2 * x[:, 1]) + x[:, 2] ** 2
test = rng.uniform(-1, 1, size=(50, 3))
product = ot.OrthogonalProductPolynomialFactory([ot.LegendreFactory()] * 3, ot.LinearEnumerateFunction(3))
strategy = ot.FixedStrategy(product, product.getEnumerateFunction().getStrataCumulatedCardinal(4))
algorithm = ot.FunctionalChaosAlgorithm(ot.Sample(x.tolist()), ot.Sample([[v] for v in y]),
                                        ot.ComposedDistribution([ot.Uniform(-1, 1)] * 3), strategy,
                                        ot.LeastSquaresStrategy())
algorithm.run()
model = algorithm.getResult().getMetaModel()
theirs = np.array(model(ot.Sample(test.tolist()))).ravel()
ours = polynomial_peer.run(program, "linear", x, y, test, degree=4, features="legendre", lower=[-1] * 3,
                           upper=[1] * 3).values
check("full expansion of degree 4 against OpenTURNS", ours + 10, theirs + 10)
# Sobol indices of a function that both represent exactly.
y = (1 + x[:, 0]) * (2 - x[:, 1] ** 2) + x[:, 2]
algorithm = ot.FunctionalChaosAlgorithm(ot.Sample(x.tolist()), ot.Sample([[v] for v in y]),
                                        ot.ComposedDistribution([ot.Uniform(-1, 1)] * 3), strategy,
                                        ot.LeastSquaresStrategy())
algorithm.run()
indices = ot.FunctionalChaosSobolIndices(algorithm.getResult())
found = polynomial_peer.run(program, "chaos", x, y, test, lower=[-1] * 3, upper=[1] * 3)
for k in range(3):
    check(f"Sobol indices of input {k} against OpenTURNS", np.array(found.sobol[k]),
          np.array([indices.getSobolIndex(k), indices.getSobolTotalIndex(k)]))
verdict.finish()
