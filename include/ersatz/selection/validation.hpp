#pragma once
// What predictions on held-out simulations are worth: scores, calibration of the error bars, and the cases to
// look at. Plain values; the report and the model file keep them.

#include <array>
#include <string>
#include <vector>

#include "ersatz/core/axis.hpp"
#include "ersatz/selection/mismatch.hpp"

namespace ersatz {

/// Upper ends of the intervals of the domain score by which errors are told; one more interval follows:
/// beyond the box and its constraints. Up to 1 is inside of the domain.
inline constexpr std::array<double, 5> domain_edges{0.25, 0.5, 0.75, 1.0, 1e300};

/// Scores of one output over all held-out rows. NaN stands for "does not exist" (no variation, no error
/// bars); JSON writes it as null.
struct OutputScores {
  std::string name;
  double rmse = 0.0;                ///< root mean square error over rows and bins
  double nrmse = 0.0;               ///< over the root mean square of truth minus its mean row
  double r2 = 0.0;                  ///< 1 - nrmse²
  double max_abs = 0.0;             ///< largest absolute error
  double median_relative_l2 = 0.0;  ///< |prediction - truth| / |truth| per row
  double p95_relative_l2 = 0.0;
  // Over bins that vary; complex outputs by real and imaginary part. Intervals are those of the emulator's
  // calibration, where it has one, else of a normal distribution.
  double coverage_68 = 0.0;
  double coverage_95 = 0.0;
  double crps = 0.0;        ///< mean continuous ranked probability score, Gaussian closed form
  double log_score = 0.0;   ///< mean negative log predictive density
  Index constant_bins = 0;  ///< left out of the calibration figures
  // Complex outputs only (else NaN), as Validation::mismatch says.
  double mismatch_median = 0.0;
  double mismatch_p95 = 0.0;
  std::string missing{};  ///< why a complex output has no mismatch
};

/// One held-out run beside its prediction. Rows are `width` doubles (complex interleaved); std is empty
/// without error bars.
struct HeldOutCase {
  Index row = 0;       ///< in the held-out set
  Vector parameters;   ///< d
  double error = 0.0;  ///< relative L2, unless said otherwise
  bool inside_domain = true;
  Vector truth, mean, std;
};

/// Complex outputs that belong together (the five modes): one mismatch over all of them, with one time and
/// one phase shift.
struct GroupScores {
  std::string name;
  std::vector<std::string> members;
  double mismatch_median = 0.0;
  double mismatch_p95 = 0.0;
  std::string missing{};   ///< why there is no mismatch
  Vector mismatch{};       ///< per held-out row
  std::string dominant{};  ///< the member that is largest in the worst run
  HeldOutCase worst{};     ///< that member of the run with the largest mismatch, which stands in `error`
};

/// What pictures of one output need.
struct OutputDiagnostics {
  OutputSpec spec;
  Vector axis;  ///< bins
  std::string axis_unit;
  Vector rmse;      ///< per bin
  Vector spread;    ///< per bin: root mean square of truth minus its mean row
  Vector mean_std;  ///< per bin: root mean square of the predicted deviation (empty: none)
  Vector coverage_68,
      coverage_95;  ///< per bin: share of values that the intervals hold (empty: no error bars)
  /// Root mean square error over that of truth minus its mean row, of the runs in each interval of the domain
  /// score; 0 where there are none (empty: the truth does not vary).
  Vector domain_error;
  Vector relative_l2;        ///< per held-out row
  Vector mismatch;           ///< per held-out row (complex only)
  Vector nominal, observed;  ///< coverage levels asked for and found (empty: no error bars)
  Vector pit;                ///< histogram of the probability integral transform, 20 bins, fractions
  Vector scatter_truth, scatter_mean, scatter_std;  ///< at most 600 values drawn over rows and varying bins
  HeldOutCase median, worst;
};

struct Validation {
  Index n = 0;                ///< held-out rows
  Index outside_domain = 0;   ///< of them, flagged by the domain guard
  Vector domain_runs;         ///< of them, in each interval of the domain score (domain_edges)
  std::string domain_rule{};  ///< how far the domain reaches and why, in words; empty: not known
  std::string source;         ///< "held-out file sims.h5", "60 of 300 training runs set aside"
  MismatchTerms mismatch;     ///< of all mismatches below
  /// Of runs that train_model() set aside before anything was fitted or chosen: their hash, and how many
  /// models of this file's name they have scored, this one included. Else empty and 0.
  std::string test_hash{};
  Index test_uses = 0;
  std::vector<OutputScores> outputs;
  std::vector<GroupScores> groups;
  std::vector<OutputDiagnostics> diagnostics;
  double predict_seconds = 0.0;  ///< per point, mean only, one at a time, one thread
  double batch_seconds = 0.0;    ///< per point, mean only, in one batch, one thread
};

}  // namespace ersatz
