#pragma once
// Draws from a density: an ensemble of walkers, or Hamiltonian trajectories.

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/progress.hpp"
#include "ersatz/inference/diagnostics.hpp"
#include "ersatz/inference/log_density.hpp"

namespace ersatz {

enum class SamplingMethod {
  /// The no-U-turn sampler (Hoffman & Gelman, J. Mach. Learn. Res. 15, 1593, 2014) with multinomial sampling
  /// of trajectories (Betancourt 2017, arXiv:1701.02434): independent chains. Needs gradients.
  nuts,
  /// Stretch moves of an affine-invariant ensemble (Goodman & Weare, Comm. App. Math. Comp. Sci. 5, 65,
  /// 2010).
  ensemble,
};
std::string_view to_string(SamplingMethod method);
SamplingMethod sampling_method_from_string(std::string_view name);  ///< throws UsageError

struct SamplingOptions {
  SamplingMethod method = SamplingMethod::nuts;
  Index chains = 4;     ///< of the ensemble: walkers, an even number of at least 2 size()
  Index warmup = 1000;  ///< steps that are not part of the sample, and adapt what there is to adapt
  Index steps = 1000;   ///< at most, after them
  std::uint64_t seed = 0;
  double stretch = 2.0;     ///< ensemble: moves are by factors of 1/stretch to stretch
  double acceptance = 0.8;  ///< nuts: mean probability that the step size is adapted to
  bool dense = true;        ///< nuts: mass matrix, else its diagonal alone
  Index depth = 10;         ///< nuts: trajectories have at most 2^depth - 1 steps
  /// Ends before all steps are done once every parameter has bulk and tail effective sizes of at least
  /// `target_size` (0: not asked for) and R-hat is at most `target_r_hat` (infinite: not asked for). Looked
  /// at after 200 steps, and each time that a fifth was added: so bits do not depend on when.
  double target_size = 0.0;
  double target_r_hat = std::numeric_limits<double>::infinity();
};

/// How a trajectory ended.
enum class TrajectoryEnd {
  turned,     ///< it began to come back
  diverged,   ///< its energy was off by 1000: the step is too large for the curvature there
  stopped,    ///< it came to a place where the density is zero
  exhausted,  ///< 2^depth - 1 steps were not enough
};

/// What one chain, or walker, went through: a row of numbers per step.
class Trace {
 public:
  static constexpr Index extra = 6;
  explicit Trace(Index size = 0) : size_(size) {}
  Index size() const { return size_; }  ///< of theta
  Index width() const { return size_ + extra; }
  Index steps() const { return static_cast<Index>(rows_.size()) / width(); }
  const double* theta(Index step) const { return row(step); }
  double log_prior(Index step) const { return row(step)[size_]; }
  double log_likelihood(Index step) const { return row(step)[size_ + 1]; }
  bool inside_domain(Index step) const { return row(step)[size_ + 2] != 0.0; }
  /// Whether the walker moved (0, 1), or the mean acceptance probability over a trajectory.
  double acceptance(Index step) const { return row(step)[size_ + 3]; }
  Index evaluations(Index step) const { return static_cast<Index>(row(step)[size_ + 4]); }
  TrajectoryEnd end(Index step) const {
    return static_cast<TrajectoryEnd>(static_cast<int>(row(step)[size_ + 5]));
  }

  /// Rows of width() numbers, in the order above.
  const std::vector<double>& rows() const { return rows_; }
  void append(const double* rows, Index count) { rows_.insert(rows_.end(), rows, rows + count * width()); }

 private:
  const double* row(Index step) const { return rows_.data() + step * width(); }
  Index size_;
  std::vector<double> rows_;
};

/// A sample, finished or under way: all that is needed to go on.
struct Chains {
  SamplingOptions options;  ///< those that it was drawn with
  std::vector<DensityParameter> parameters;
  std::vector<Trace> warmup, samples;      ///< one per chain
  std::vector<std::vector<double>> state;  ///< one per chain: where it stands and what it has adapted

  Index size() const { return static_cast<Index>(parameters.size()); }
  Index chains() const { return static_cast<Index>(samples.size()); }
  Index steps() const { return samples.empty() ? 0 : samples[0].steps(); }
  Index warmup_steps() const { return warmup.empty() ? 0 : warmup[0].steps(); }
  /// Draws of one parameter, chains × steps, without the warm-up.
  Matrix draws(Index parameter) const;
  /// All of them, chain after chain: (chains · steps) × size().
  Matrix all() const;
};

enum class SamplingEnd { finished, converged, stopped };

/// What surrounds a run; nothing of it changes a bit of the result.
struct SamplingContext {
  Executor* executor = nullptr;  ///< null: this thread
  Progress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;  ///< process 0's counts
  /// Called on process 0 with what there is: every `save_seconds`, and when a run is stopped.
  std::function<void(const Chains&)> save;
  double save_seconds = 30.0;
};

/// Begins at the rows of `starts` (options.chains × size(), in theta; none of density zero). Every step of
/// every chain has a random stream of its own: the same bits on any number of threads and ranks. Throws
/// UsageError for options that make no sense, for a start of density zero, and for nuts without gradients.
Chains begin_chains(const LogDensity& density, const SamplingOptions& options, const Matrix& starts);
/// Goes on until options.steps are done or the targets are reached. Chains that were stopped, saved and
/// loaded again go on with the bits of a run that never stopped.
SamplingEnd run_chains(const LogDensity& density, Chains& chains, const SamplingContext& context);

/// R-hat up to which chains are taken to agree: 1.01 (Vehtari et al. 2021); 1.05 for the walkers of an
/// ensemble, many and each of few independent draws, whose means scatter more.
double agreement(SamplingMethod method);
/// What is wrong with a sample, in words; empty where nothing is.
std::vector<std::string> sampling_warnings(const Chains& chains,
                                           const std::vector<MarginalSummary>& summaries);
/// One per parameter. Empty where there are fewer than four steps.
std::vector<MarginalSummary> summaries(const Chains& chains);

/// Means over all chains and steps after the warm-up.
struct SamplingFigures {
  double acceptance = 0.0;
  double evaluations = 0.0;                        ///< per step and chain
  Index diverged = 0, stopped = 0, exhausted = 0;  ///< trajectories
  double outside_domain = 0.0;                     ///< share of the draws
};
SamplingFigures figures(const Chains& chains);

/// Draws near the edges of an interval.
struct EdgeShare {
  static constexpr double much = 0.025;
  double at_lower = 0.0, at_upper = 0.0;  ///< shares of the draws within 5% of its width from each edge
  /// More than 2.5% at one: the 95% interval reaches it.
  bool leans() const { return at_lower > much || at_upper > much; }
};
/// Zeros where an edge is not finite.
EdgeShare edge_share(ConstMatrixRef draws, double lower, double upper);

}  // namespace ersatz
