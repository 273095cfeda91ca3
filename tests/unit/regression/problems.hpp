#pragma once
// Small problems that the tests of all regressors share.

#include <cmath>

#include "ersatz/regression/regressor.hpp"

namespace ersatz::problems {

inline Matrix uniform(Index n, Index d, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix X(n, d);
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < d; ++k) X(i, k) = random.uniform();
  return X;
}

/// Two smooth outputs of three inputs.
inline TrainingData smooth(Index n, std::uint64_t seed, double noise = 0.0) {
  TrainingData data;
  data.x = uniform(n, 3, seed);
  data.y.resize(n, 2);
  RandomStream random(seed + 1000);
  for (Index i = 0; i < n; ++i) {
    const double a = data.x(i, 0), b = data.x(i, 1), c = data.x(i, 2);
    data.y(i, 0) = std::sin(3.0 * a) + b * b + 0.3 * c + noise * random.normal();
    data.y(i, 1) = 100.0 + 20.0 * a * b - 5.0 * c + 20.0 * noise * random.normal();
  }
  return data;
}

/// The borehole function (Harper & Gupta 1983) at a point of its box, in raw units.
inline double borehole(const double* x) {
  const double rw = x[0], r = x[1], Tu = x[2], Hu = x[3], Tl = x[4], Hl = x[5], L = x[6], Kw = x[7];
  const double log_ratio = std::log(r / rw);
  return 2.0 * 3.14159265358979323846 * Tu * (Hu - Hl) /
         (log_ratio * (1.0 + 2.0 * L * Tu / (log_ratio * rw * rw * Kw) + Tu / Tl));
}

inline TrainingData borehole_data(Index n, std::uint64_t seed) {
  const double lower[8] = {0.05, 100, 63070, 990, 63.1, 700, 1120, 9855};
  const double upper[8] = {0.15, 50000, 115600, 1110, 116, 820, 1680, 12045};
  TrainingData data;
  data.x = uniform(n, 8, seed);
  data.y.resize(n, 1);
  data.input_names = {"rw", "r", "Tu", "Hu", "Tl", "Hl", "L", "Kw"};
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < 8; ++k) data.x(i, k) = lower[k] + (upper[k] - lower[k]) * data.x(i, k);
    data.y(i, 0) = borehole(data.x.row(i).data());
  }
  return data;
}

inline Matrix predict(const Predictor& predictor, const Matrix& X) {
  Workspace workspace;
  Matrix mean(X.rows(), predictor.outputs());
  predictor.mean(X, mean, workspace);
  return mean;
}

inline std::pair<Matrix, Matrix> predict_variance(const Predictor& predictor, const Matrix& X,
                                                  Noise noise = Noise::latent) {
  Workspace workspace;
  Matrix mean(X.rows(), predictor.outputs()), variance(X.rows(), predictor.outputs());
  predictor.mean_and_variance(X, mean, variance, noise, workspace);
  return {mean, variance};
}

/// Root mean square error over the standard deviation of the truth.
inline double nrmse(const Matrix& truth, const Matrix& predicted) {
  const Matrix centred = truth.rowwise() - truth.colwise().mean();
  return std::sqrt((truth - predicted).squaredNorm() / centred.squaredNorm());
}

inline std::string all_warnings(const FitSummary& summary) {
  std::string s;
  for (const auto& w : summary.warnings) s += w + "\n";
  return s;
}

}  // namespace ersatz::problems
