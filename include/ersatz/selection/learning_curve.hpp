#pragma once
// Error against number of simulations, and how many more it takes to reach a tolerance.

#include <optional>
#include <string>
#include <vector>

#include "ersatz/emulator/train.hpp"
#include "ersatz/selection/mismatch.hpp"

namespace ersatz {

/// error(n) = floor + scale · n^(-exponent), all three from 0 on.
struct PowerLaw {
  double floor = 0.0, scale = 0.0, exponent = 0.0;
  double at(double n) const;
  /// The n at which the error is `tolerance`; infinite where it never gets there.
  double runs_for(double tolerance) const;
};

/// Least squares of relative errors: for each exponent in 0.05 … 8, floor and scale are those of a linear
/// problem with both from 0 on; the exponent by a grid and golden sections. Throws DataError with fewer than
/// three sizes, UsageError where sizes or errors are not positive.
PowerLaw fit_power_law(const std::vector<double>& sizes, const std::vector<double>& errors);

struct CurveOptions {
  std::string score = "nrmse";  ///< an error (Score::is_error); see find_score
  Index folds = 10;
  std::vector<Index> sizes;  ///< runs to learn from, ascending; empty: seven, from a sixteenth of all on
  std::optional<double> tolerance;  ///< the error asked for
  Index draws = 500;                ///< of the bootstrap over folds
  double confidence = 0.9;          ///< of the intervals
  MismatchOptions mismatch;
};

/// A figure with the interval that the bootstrap over folds gives, widened as folds share training runs
/// (Nadeau & Bengio, Machine Learning 52, 239, 2003); may be infinite.
struct Estimate {
  double value = 0.0, lower = 0.0, upper = 0.0;
};

struct CurvePoint {
  Index runs = 0;               ///< learnt from
  double error = 0.0;           ///< mean over folds
  double standard_error = 0.0;  ///< of it
};

struct LearningCurve {
  std::vector<CurvePoint> points;
  PowerLaw law;
  Estimate exponent, floor;
  std::vector<std::pair<Index, Estimate>> ahead;  ///< errors to expect at twice and four times the runs
  std::optional<Estimate> runs_needed;            ///< in all, to reach the tolerance
  double never = 0.0;  ///< share of the bootstrap whose floor is above the tolerance
  Index runs = 0;      ///< completed, in the archive
};

/// Learns from parts of each fold's training runs (the smaller ones within the larger) and scores the same
/// test runs. Fold by size is a task on the context's executor. Throws UsageError for a score that is no
/// error, sizes that are not there; NumericalError where the recipe cannot be fitted to three sizes or the
/// error is zero.
LearningCurve learning_curve(const Archive& archive, const Recipe& recipe, const CurveOptions& options,
                             const FitContext& context);

}  // namespace ersatz
