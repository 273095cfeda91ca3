"""Against OpenTURNS at fixed hyperparameters: universal kriging with a linear and a quadratic mean. Mean and
variance of the prediction, to 1e-8.

    compare_openturns.py path/to/gp_peer
"""
import os
import sys
import tempfile

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import openturns as ot

folder_of_this = os.path.dirname(os.path.abspath(__file__))
sys.path += [folder_of_this, os.path.dirname(folder_of_this)]
import peer
from verdict import check, finish

ot.Log.Show(ot.Log.NONE)
program = sys.argv[1]
folder = tempfile.mkdtemp()
data_file, points_file = os.path.join(folder, "data"), os.path.join(folder, "points")
rng = np.random.default_rng(11)
n, d, nugget, lengths = 60, 3, 1e-4, [0.4, 0.7, 1.3]
x, points = rng.random((n, d)), 1.5 * rng.random((40, d))  # some of them outside
y = 2 * x[:, 0] - x[:, 1] + np.sin(5 * x[:, 2]) * x[:, 0]
peer.write_data(data_file, x, y)
peer.write_points(points_file, points)
bases = {0: ot.ConstantBasisFactory, 1: ot.LinearBasisFactory, 2: ot.QuadraticBasisFactory}
for degree, basis in bases.items():
    ours = peer.run(program, "kriging", "squared-exponential", degree, data_file, points_file, nugget, *lengths)
    # OpenTURNS' nugget factor is part of its covariance: its variances are those of noisy values.
    model = ot.SquaredExponential(lengths, [np.sqrt(ours["process_variance"][0])])
    model.setNuggetFactor(nugget)
    algorithm = ot.KrigingAlgorithm(ot.Sample(x), ot.Sample(y.reshape(-1, 1)), model, basis(d).build())
    algorithm.setOptimizeParameters(False)
    algorithm.run()
    result = algorithm.getResult()
    mean = np.array(result.getConditionalMean(ot.Sample(points)))
    check(f"mean of degree {degree}: prediction", np.abs(ours["mean"] - mean.ravel()).max() / np.std(y), 1e-8)
    variance = np.array(result.getConditionalMarginalVariance(ot.Sample(points))).ravel()
    noise = nugget * ours["process_variance"][0]
    check(f"mean of degree {degree}: variance", np.abs(ours["variance"] + noise - variance).max() / variance.max(),
          1e-8)
finish()
