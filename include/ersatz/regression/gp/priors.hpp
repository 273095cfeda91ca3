#pragma once
// Prior densities of hyperparameters: with them a search finds the maximum a posteriori.

#include <optional>
#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// The density of a positive hyperparameter t itself, not of its logarithm: no Jacobian is added, so the
/// maximum is the one in t.
///
///   gamma(shape a, rate b)          b^a / Γ(a) t^(a - 1) exp(-b t)
///   inverse-gamma(shape a, scale b) b^a / Γ(a) t^(-a - 1) exp(-b / t)
///   log-normal(mu, sigma)           exp(-(log t - mu)² / (2 sigma²)) / (t sigma √(2π))
class Density {
 public:
  enum class Family { gamma, inverse_gamma, log_normal };

  /// Throws UsageError on parameters that are not those of a density.
  Density(Family family, double first, double second);
  /// "inverse-gamma(3, 1)"; `what` begins the message of the UsageError.
  static Density parse(const std::string& text, const std::string& what);
  std::string text() const;

  /// log p(t) at t = exp(log_t), and its derivative by log_t.
  double log_density(double log_t) const;
  double slope(double log_t) const;

 private:
  Family family_;
  double first_, second_;
};

struct Priors {
  /// RobustGaSP's jointly robust prior on t = Σ_k C_k / length_k + nugget: t^a exp(-b t) with a = 0.2,
  /// b = n^(-1/d) (a + d), C_k = n^(-1/d) × range (Gu 2018, Gu, Palomo & Berger 2019). Keeps lengths from
  /// running to zero, and all of them together from running to infinity.
  bool robust = true;
  std::optional<Density> length;    ///< of every length, in ranges of its input
  std::optional<Density> nugget;    ///< where it is a hyperparameter
  std::optional<Density> variance;  ///< the process variance over the output's, where a hyperparameter

  static Priors none() {
    Priors p;
    p.robust = false;
    return p;
  }
  /// Throws UsageError when lengths or nugget have two priors.
  void check() const;
  /// For tables: "robust prior", "no prior", "length ~ gamma(2, 1)"
  std::string text() const;
};

/// The priors of one objective's parameters: the kernel's θ first, then what else there is.
class LogPrior {
 public:
  /// nugget, variance: where they are among the parameters, -1: they are not. n: number of points.
  LogPrior(const Priors& priors, const Kernel& kernel, Index n, Index nugget, Index variance);

  /// Subtracts the log density from `value` and its gradient from `gradient` (may be null). The robust
  /// prior, which is improper, goes without a constant.
  void subtract(const double* parameters, double* value, double* gradient) const;

 private:
  Priors priors_;
  std::vector<Index> lengths_;
  Index nugget_, variance_;
  double spacing_;  ///< n^(-1/d)
};

}  // namespace ersatz::gp
