#pragma once
// From data to hyperparameters and locations of inducing points, stage by stage.

#include <cmath>
#include <optional>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "regression/gp/scaled_data.hpp"

namespace ersatz::gp {

/// Below, a gradient by locations is a difference of terms so large that rounding is what is left of it.
constexpr double smallest_inducing_nugget = 1e-8;
/// Of the diagonal of the inducing points' covariance: tried, and ten times as much until it suffices.
constexpr double first_inducing_jitter = 1e-8, last_inducing_jitter = 1e-5;

/// What is found for outputs that share their inducing points; travels as bytes.
struct Stages {
  std::vector<double> theta;
  double nugget = 0.0, jitter = 0.0;
  Matrix points;                   // m × d
  double subset = 0.0;             // minus log likelihood of the full process on the subset
  double subset_noise = HUGE_VAL;  // and its noise variance there, of the first output
  double fixed_before = 0.0, fixed = 0.0, joint_before = 0.0, joint = 0.0;  // minus bounds
  double fixed_iterations = 0.0, joint_iterations = 0.0, evaluations = 0.0;
  double converged = 0.0, usable = 0.0;

  Bytes bytes() const;
  static Stages from(const Bytes& bytes);
};

/// Some of the rows (the first of `order`, all of them in their own order), and some of the outputs.
struct Sample {
  Matrix x, y;
  Sample(const ScaledData& data, const std::vector<Index>& outputs, const std::vector<Index>& order,
         Index rows);
};

/// Subset, locations, locations held, locations moved: see make_inducing_gp. `points`: how many at most. Not
/// usable where no jitter makes a bound.
Stages find_inducing(const GpOptions& options, Index points, const KernelPtr& kernel, const ScaledData& data,
                     const std::vector<Index>& outputs, std::optional<double> nugget,
                     const RandomStream& random, Executor& executor);

}  // namespace ersatz::gp
