#include "ersatz/inference/posterior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_within(const std::string& name, const Prior& prior, double lower, double upper, const char* what) {
  if (prior.lower() >= lower && prior.upper() <= upper) return;
  throw UsageError(text("prior of '", name, "' (", prior.describe(), "): ", what, " from ", lower, " to ",
                        upper, "; cut it with 'lower' and 'upper'"));
}

}  // namespace

Posterior::Posterior(LikelihoodPtr likelihood, const std::map<std::string, PriorPtr>& priors)
    : likelihood_(std::move(likelihood)) {
  const ParameterSpace& space = model().space();
  std::map<std::string, PriorPtr> left = priors;
  const auto take = [&left](const std::string& name) -> PriorPtr {
    const auto at = left.find(name);
    if (at == left.end()) return nullptr;
    PriorPtr prior = at->second;
    left.erase(at);
    return prior;
  };
  for (const Parameter& p : space.parameters()) {
    PriorPtr prior = take(p.name);
    if (!prior) prior = uniform_prior(p.lower, p.upper);
    const double lower = std::max(prior->lower(), p.lower), upper = std::min(prior->upper(), p.upper);
    if (!(lower <= upper) || (lower == upper && !prior->fixed()))
      throw UsageError(text("prior of '", p.name, "' (", prior->describe(), "): nothing of it lies within ",
                            p.lower, " to ", p.upper, ", where the model is"));
    if (!prior->fixed()) {
      free_.push_back(static_cast<Index>(priors_.size()));
      parameters_.push_back({p.name, p.unit, lower, upper});
    }
    priors_.push_back(std::move(prior));
  }
  for (const NuisanceParameter& n : likelihood_->nuisance()) {
    const std::vector<std::string> names = space.names();
    if (std::find(names.begin(), names.end(), n.name) != names.end())
      throw UsageError(text("the model has a parameter '", n.name,
                            "', and so has the likelihood; rename the model's to use the other"));
    PriorPtr prior = take(n.name);
    if (!prior) prior = fixed_prior(n.neutral);
    check_within(n.name, *prior, n.lower, n.upper, "it makes sense");
    if (!prior->fixed()) {
      free_.push_back(static_cast<Index>(priors_.size()));
      parameters_.push_back({n.name, n.unit, prior->lower(), prior->upper()});
    }
    priors_.push_back(std::move(prior));
  }
  if (!left.empty()) {
    std::string known;
    for (const std::string& name : space.names()) known += (known.empty() ? "" : ", ") + name;
    for (const NuisanceParameter& n : likelihood_->nuisance()) known += ", " + n.name;
    throw UsageError(
        text("prior of '", left.begin()->first, "': there is no such parameter; there are: ", known));
  }
  if (free_.empty()) throw UsageError("posterior: all parameters are fixed; nothing is left to infer");
}

void Posterior::complete(const double* theta, double* all) const {
  for (std::size_t i = 0; i < priors_.size(); ++i) all[i] = priors_[i]->lower();
  for (std::size_t i = 0; i < free_.size(); ++i) all[free_[i]] = theta[i];
}

LogDensityValue Posterior::evaluate(const double* theta, double* gradient, Workspace& workspace) const {
  LogDensityValue value;
  const Workspace::Frame frame(workspace);
  double* all = workspace.take(likelihood_->size());
  complete(theta, all);
  for (Index i = 0; i < size(); ++i) value.log_prior += prior(i).log_density(theta[i]);
  if (std::isnan(value.log_prior) || value.log_prior == -infinity || !model().space().contains(all)) {
    value.log_prior = -infinity;
    return value;
  }
  double* slopes = gradient ? workspace.take(likelihood_->size()) : nullptr;
  const LikelihoodValue likelihood = likelihood_->evaluate(all, slopes, workspace);
  value.log_likelihood = likelihood.log;
  value.inside_domain = likelihood.inside_domain;
  if (gradient && std::isfinite(value.sum()))
    for (Index i = 0; i < size(); ++i)
      gradient[i] = slopes[free_[static_cast<std::size_t>(i)]] + prior(i).slope(theta[i]);
  return value;
}

Matrix Posterior::sample_prior(Index n, RandomStream& random) const {
  constexpr Index most_tries = 1000000;  ///< for one draw
  Matrix draws(n, size());
  Vector all(likelihood_->size());
  for (Index i = 0; i < n; ++i)
    for (Index tries = 0;; ++tries) {
      if (tries == most_tries)
        throw NumericalError(text("prior: none of ", most_tries,
                                  " draws lies within the bounds and constraints of the model's space"));
      for (Index k = 0; k < size(); ++k) draws(i, k) = prior(k).sample(random);
      complete(draws.row(i).data(), all.data());
      if (model().space().contains(all.data())) break;
    }
  return draws;
}

}  // namespace ersatz
