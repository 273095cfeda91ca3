#pragma once
// Intervals that hold whatever the distribution of the errors: conformal prediction. All that is asked for is
// that calibration runs and fresh ones are exchangeable (drawn in the same way, independently).
//
// A score says how far off a prediction is: |truth - mean|, over the predicted deviation where there is one
// (Lei et al. 2018, section 5.2), so that intervals are wide where the problem is difficult.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// The k-th smallest of n scores, k = ⌈(n + 1) level⌉: the score of a fresh run is no larger with a
/// probability from `level` to level + 1/(n + 1) (Vovk, Gammerman & Shafer 2005; Lei et al. 2018, theorem 2).
/// Infinite where k > n: so few runs say nothing about that level. Throws UsageError on a level that is not
/// between 0 and 1, DataError on a score that is NaN. Cost: n.
double conformal_quantile(std::vector<double> scores, double level);

/// The same for n × m scores of n runs taken together: of all n m scores that one below which the share k / n
/// of them lies. A fresh run's scores are covered with `level` on average over its m values. m = 1:
/// conformal_quantile.
double pooled_quantile(ConstMatrixRef scores, double level);

/// Of the largest score in each row: a fresh run's whole row lies within, with probability `level`.
double simultaneous_quantile(ConstMatrixRef scores, double level);

/// Column by column (m): each value of a fresh run lies within its own, with probability `level`.
Vector columnwise_quantiles(ConstMatrixRef scores, double level);

/// |truth - mean| / std, all n × m; without std (no rows) |truth - mean|. A deviation of zero counts as the
/// rounding of the mean. Throws UsageError on shapes that disagree.
Matrix conformal_scores(ConstMatrixRef truth, ConstMatrixRef mean, ConstMatrixRef std_dev);

struct Intervals {
  Matrix lower, upper;  ///< q × m; infinite where there are too few runs for the level
};

/// Split conformal: mean ± quantile (per column) of scores on runs that the model has not learnt from, times
/// std (no rows: 1). mean, std: q × m.
Intervals split_intervals(ConstMatrixRef calibration_scores, ConstMatrixRef mean, ConstMatrixRef std_dev,
                          double level);

/// What the models of a cross-validation say. With one run per fold it is leave-one-out.
struct CrossPredictions {
  std::vector<Index> fold;    ///< n: which fold each run was left out with
  Matrix scores;              ///< n × m: of each run, by the model that was fitted without its fold
  std::vector<Matrix> means;  ///< per fold: q × m, its model's predictions of the fresh points
  std::vector<Matrix> stds;   ///< per fold: q × m, in the units of the scores; empty: 1
};

/// CV+ (Barber, Candès, Ramdas & Tibshirani 2021, eq. 11); with one run per fold jackknife+ (their eq. 4).
/// With level = 1 - alpha a fresh value is covered with probability at least 1 - 2 alpha (jackknife+,
/// theorem 1), less min(2 (1 - 1/K) / (n/K + 1), (1 - K/n) / (K + 1)) with K folds (theorem 4); in practice
/// about 1 - alpha. Throws as above. Cost: q m n.
Intervals cross_intervals(const CrossPredictions& predictions, double level);

}  // namespace ersatz
