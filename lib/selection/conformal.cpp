#include "ersatz/selection/conformal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_level(double level) {
  if (!(level > 0.0 && level < 1.0))
    throw UsageError(text("conformal: a level of ", level, ", expected a number between 0 and 1"));
}

void check_scores(const double* scores, Index n) {
  for (Index i = 0; i < n; ++i)
    if (std::isnan(scores[i])) throw DataError(text("conformal: score ", i, " is not a number"));
}

/// ⌈(n + 1) level⌉, unharmed by the rounding of levels such as 0.95 = 19/20.
Index rank_of(Index n, double level) {
  return static_cast<Index>(std::ceil(static_cast<double>(n + 1) * level - 1e-9));
}

/// The rank-th smallest, from 1 on.
double smallest(std::vector<double>& values, Index rank) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<Index>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void check_shapes(ConstMatrixRef a, ConstMatrixRef b, const char* first, const char* second) {
  if (a.rows() != b.rows() || a.cols() != b.cols())
    throw UsageError(text("conformal: ", first, " has the shape ", a.rows(), " x ", a.cols(), ", ", second,
                          " ", b.rows(), " x ", b.cols()));
}

std::vector<double> column(ConstMatrixRef scores, Index j) {
  std::vector<double> values(static_cast<std::size_t>(scores.rows()));
  for (Index i = 0; i < scores.rows(); ++i) values[static_cast<std::size_t>(i)] = scores(i, j);
  return values;
}

}  // namespace

double conformal_quantile(std::vector<double> scores, double level) {
  check_level(level);
  const auto n = static_cast<Index>(scores.size());
  check_scores(scores.data(), n);
  const Index rank = rank_of(n, level);
  return rank > n ? infinity : smallest(scores, rank);
}

double pooled_quantile(ConstMatrixRef scores, double level) {
  check_level(level);
  const Index n = scores.rows(), m = scores.cols();
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(n * m));
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) values.push_back(scores(i, j));
  check_scores(values.data(), n * m);
  const Index rank = rank_of(n, level);
  return rank > n || m == 0 ? infinity : smallest(values, rank * m);
}

double simultaneous_quantile(ConstMatrixRef scores, double level) {
  if (scores.cols() == 0) throw UsageError("conformal: rows without values have no largest score");
  std::vector<double> largest;
  for (Index i = 0; i < scores.rows(); ++i) {
    double most = scores(i, 0);
    for (Index j = 0; j < scores.cols(); ++j)
      if (!std::isnan(most) && !(scores(i, j) <= most)) most = scores(i, j);  // NaN stays, and is found below
    largest.push_back(most);
  }
  return conformal_quantile(std::move(largest), level);
}

Vector columnwise_quantiles(ConstMatrixRef scores, double level) {
  Vector result(scores.cols());
  for (Index j = 0; j < scores.cols(); ++j) result[j] = conformal_quantile(column(scores, j), level);
  return result;
}

Matrix conformal_scores(ConstMatrixRef truth, ConstMatrixRef mean, ConstMatrixRef std_dev) {
  check_shapes(truth, mean, "the truth", "the mean");
  const bool normalised = std_dev.rows() > 0;
  if (normalised) check_shapes(truth, std_dev, "the truth", "the deviation");
  Matrix scores(truth.rows(), truth.cols());
  for (Index i = 0; i < truth.rows(); ++i)
    for (Index j = 0; j < truth.cols(); ++j) {
      const double deviation = normalised ? usable_deviation(std_dev(i, j), mean(i, j)) : 1.0;
      scores(i, j) = std::abs(truth(i, j) - mean(i, j)) / deviation;
    }
  return scores;
}

Intervals split_intervals(ConstMatrixRef calibration_scores, ConstMatrixRef mean, ConstMatrixRef std_dev,
                          double level) {
  if (calibration_scores.cols() != mean.cols())
    throw UsageError(
        text("conformal: scores of ", calibration_scores.cols(), " values, predictions of ", mean.cols()));
  const bool normalised = std_dev.rows() > 0;
  if (normalised) check_shapes(mean, std_dev, "the mean", "the deviation");
  const Vector width = columnwise_quantiles(calibration_scores, level);
  Intervals result{mean, mean};
  for (Index i = 0; i < mean.rows(); ++i)
    for (Index j = 0; j < mean.cols(); ++j) {
      const double half = std::isinf(width[j])
                              ? infinity
                              : width[j] * (normalised ? usable_deviation(std_dev(i, j), mean(i, j)) : 1.0);
      result.lower(i, j) -= half;
      result.upper(i, j) += half;
    }
  return result;
}

Intervals cross_intervals(const CrossPredictions& p, double level) {
  check_level(level);
  const Index n = p.scores.rows(), m = p.scores.cols();
  const auto folds = static_cast<Index>(p.means.size());
  if (folds == 0) throw UsageError("conformal: no folds");
  if (static_cast<Index>(p.fold.size()) != n)
    throw UsageError(text("conformal: ", p.fold.size(), " folds are named for the scores of ", n, " runs"));
  for (const Index f : p.fold)
    if (f < 0 || f >= folds)
      throw UsageError(text("conformal: a run of fold ", f, ", there are predictions of ", folds, " folds"));
  if (!p.stds.empty() && p.stds.size() != p.means.size())
    throw UsageError(text("conformal: deviations of ", p.stds.size(), " folds, means of ", folds));
  const Index q = p.means[0].rows();
  for (std::size_t f = 0; f < p.means.size(); ++f) {
    if (p.means[f].cols() != m)
      throw UsageError(
          text("conformal: fold ", f, " predicts ", p.means[f].cols(), " values, scores are of ", m));
    check_shapes(p.means[0], p.means[f], "the mean of fold 0", "that of another");
    if (!p.stds.empty()) check_shapes(p.means[0], p.stds[f], "the mean", "the deviation");
  }
  for (Index i = 0; i < n; ++i) check_scores(p.scores.row(i).data(), m);

  Intervals result{Matrix(q, m), Matrix(q, m)};
  const Index rank = rank_of(n, level);
  if (rank > n) {
    result.lower.setConstant(-infinity);
    result.upper.setConstant(infinity);
    return result;
  }
  std::vector<double> low(static_cast<std::size_t>(n)), high(low.size());
  for (Index x = 0; x < q; ++x)
    for (Index j = 0; j < m; ++j) {
      for (Index i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i), f = static_cast<std::size_t>(p.fold[at]);
        const double half = p.scores(i, j) * (p.stds.empty() ? 1.0 : p.stds[f](x, j));
        low[at] = -(p.means[f](x, j) - half);  // negated: the same rank from below
        high[at] = p.means[f](x, j) + half;
      }
      result.lower(x, j) = -smallest(low, rank);
      result.upper(x, j) = smallest(high, rank);
    }
  return result;
}

}  // namespace ersatz
