#pragma once
// Priors times a likelihood: what is sampled.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/random.hpp"
#include "ersatz/inference/likelihood.hpp"
#include "ersatz/inference/log_density.hpp"
#include "ersatz/inference/prior.hpp"

namespace ersatz {

/// The density over those parameters of a likelihood that are not fixed, in its order: the model's, then
/// nuisance parameters. Zero outside of the model's space, box and constraints: a prior that reaches further
/// is cut there.
class Posterior final : public LogDensity {
 public:
  /// Priors by parameter. The model's parameters without one are uniform over the box of its space (in the
  /// parameter itself, log scale or not); nuisance parameters without one are fixed. Throws UsageError for a
  /// name that there is not, a support beyond what a nuisance parameter can be or apart from the model's box,
  /// and when nothing is left free.
  Posterior(LikelihoodPtr likelihood, const std::map<std::string, PriorPtr>& priors);

  /// Bounds: those of the prior's support, or of the model's box where these are narrower.
  const std::vector<DensityParameter>& parameters() const override { return parameters_; }
  bool has_gradient() const override { return likelihood_->has_gradient(); }
  LogDensityValue evaluate(const double* theta, double* gradient, Workspace& workspace) const override;

  const Likelihood& likelihood() const { return *likelihood_; }
  const ForwardModel& model() const { return likelihood_->model(); }
  /// Of each of parameters().
  const Prior& prior(Index i) const {
    return *priors_[static_cast<std::size_t>(free_[static_cast<std::size_t>(i)])];
  }

  /// All of the likelihood's parameters (likelihood().size() values, the model's first) for size() free ones.
  void complete(const double* theta, double* all) const;
  /// n × size() draws of the prior, within bounds and constraints. Throws NumericalError where hardly any
  /// draw is.
  Matrix sample_prior(Index n, RandomStream& random) const;

 private:
  LikelihoodPtr likelihood_;
  std::vector<PriorPtr> priors_;  ///< of all parameters of the likelihood
  std::vector<Index> free_;       ///< which of them are sampled
  std::vector<DensityParameter> parameters_;
};

}  // namespace ersatz
