#pragma once
// Does a model still hold, now that there are simulations that it has not seen?

#include <string>
#include <vector>

#include "ersatz/selection/pipeline.hpp"

namespace ersatz {

struct MonitorOptions {
  /// Of a false alarm in any of the tests that count together, if the model holds as it did.
  double significance = 0.01;
};

/// A test that counts: it is negative when its p-value falls below its share of the significance.
struct MonitorTest {
  std::string what;      ///< "coverage of flux", "bias of flux", "error of flux", "domain"
  double p_value = 1.0;  ///< Bonferroni's for the bins of an output
  bool negative = false;
  std::string says;  ///< a sentence
};

/// How one input of the new runs lies, against the training points. Told, but no reason to give up a model.
struct InputDrift {
  std::string name;
  double distance = 0.0;  ///< Kolmogorov and Smirnov's, between distribution functions
  double p_value = 1.0;
  bool drifted = false;
};

struct MonitorReport {
  Index n = 0;               ///< new runs
  Index outside_domain = 0;  ///< of them
  bool holds = true;         ///< no test is negative
  std::vector<MonitorTest> tests;
  std::vector<InputDrift> inputs;
  Validation validation;  ///< scores on the new runs
};

/// Coverage: the values that 95% intervals hold, by an exact binomial test in every bin that varies (runs are
/// independent, bins are not), and, where the file has held-out coverage, also by Fisher's exact test against
/// that: error bars that always were too narrow are no news. Bias: a t-test of the mean error in every bin,
/// where it is larger than half of the held-out error (without one, of the mean deviation). Error: the
/// relative error of runs against held-out ones by Wilcoxon's rank sum, where the median has grown by half.
/// Domain: more than a twentieth of the runs outside, by an exact binomial test. Throws DataError with fewer
/// than five completed runs, and as `validate` does.
MonitorReport monitor(const Model& model, const Archive& fresh, const MonitorOptions& options = {},
                      int threads = 1);

/// P(X <= k) of a binomial variable of n trials.
double binomial_at_most(Index k, Index n, double probability);
/// The two-sample statistic of Kolmogorov and Smirnov, and its p-value (Stephens 1970).
struct KolmogorovSmirnov {
  double distance = 0.0, p_value = 1.0;
};
KolmogorovSmirnov kolmogorov_smirnov(std::vector<double> a, std::vector<double> b);
/// Probability, under no difference, of ranks of `later` that are at least as high against `earlier`
/// (Wilcoxon's rank sum, normal approximation with ties and continuity).
double rank_sum_greater(const std::vector<double>& later, const std::vector<double>& earlier);

}  // namespace ersatz
