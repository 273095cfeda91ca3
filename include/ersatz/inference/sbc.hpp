#pragma once
// Simulation-based calibration: does the posterior hold the truth as often as it says? Talts, Betancourt,
// Simpson, Vehtari & Gelman 2018 (arXiv:1804.06788).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/progress.hpp"
#include "ersatz/inference/posterior.hpp"
#include "ersatz/inference/sampling.hpp"

namespace ersatz {

struct SbcOptions {
  Index data_sets = 200;
  Index draws =
      99;  ///< of each posterior, thinned so that they are as good as independent: ranks are 0 … draws
  Index bins = 20;  ///< of the histograms of ranks; they divide draws + 1, and hold five data sets at least
  /// Where the layout has no errors: these are as large as the emulator's own, times this. Data with much
  /// larger errors do not see the emulator's, and the test would pass whatever its covariance.
  double noise = 1.0;
  GaussianOptions likelihood;              ///< without degrees of freedom: it says how data are made
  std::map<std::string, PriorPtr> priors;  ///< see Posterior
  /// Method, chains and seed are set here: nuts where there are gradients, else an ensemble.
  Index warmup = 300, steps = 4000;
  std::uint64_t seed = 0;
};

/// The ranks of the truths of one parameter among the draws.
struct RankHistogram {
  std::string parameter;
  Vector counts;         ///< bins
  double chi2 = 0.0;     ///< against equal counts
  double p_value = 0.0;  ///< of chi² with bins - 1 degrees of freedom
};

struct SbcResult {
  std::string likelihood;  ///< in words
  std::vector<DensityParameter> parameters;
  Matrix truths, ranks;    ///< data sets × parameters
  Vector effective_sizes;  ///< of each data set's chains: the smallest of its parameters
  std::vector<RankHistogram> histograms;
  Index draws = 0;
  double lower = 0.0, upper = 0.0;  ///< a bin's count lies within, both included, with probability 99%
  Index outside = 0;  ///< truths that were drawn again, as they lay outside of the emulator's domain
  Index failed = 0;   ///< … as the simulator had no result there
  Index too_few = 0;  ///< data sets whose chains have fewer effective draws than were taken
  /// No parameter's p-value is below 0.01 over their number.
  bool uniform() const;
};

/// An observation of all bins of these outputs (all, where none is named), without values and errors.
Observation observation_layout(const Emulator& emulator, const std::vector<std::string>& outputs = {});

/// Truths are drawn from the prior (within the emulator's domain where points outside are rejected) and data
/// from the simulator with noise; each posterior is sampled with the emulator. `layout` says which bins are
/// seen; its errors or covariance are those of the data, or empty: then each bin's error is the root mean
/// square, over the prior, of the emulator's deviation there (and at least 1% of what that is over all bins
/// of the output). The same bits on any number of threads and ranks. Throws UsageError where simulator and
/// emulator do not fit together, options make no sense, or the likelihood is a Student t; NumericalError
/// where hardly any draw of the prior can be simulated.
SbcResult simulation_based_calibration(const Emulator& emulator, const Simulator& simulator,
                                       Observation layout, const SbcOptions& options, Executor& executor,
                                       Progress* progress = nullptr);

/// The histogram of ranks (data sets × parameters, each 0 … draws) and its test.
std::vector<RankHistogram> rank_histograms(ConstMatrixRef ranks, const std::vector<std::string>& parameters,
                                           Index draws, Index bins);

/// One HTML file: histograms with the band that 99% of the bins should lie in, for each result.
std::string render_html(const std::string& title, const std::vector<SbcResult>& results);

}  // namespace ersatz
