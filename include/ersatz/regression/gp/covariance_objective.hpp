#pragma once
// What every objective on the full covariance matrix of the data shares.

#include <memory>
#include <optional>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/objective.hpp"
#include "ersatz/regression/gp/priors.hpp"
#include "ersatz/regression/gp/trend.hpp"

namespace ersatz::gp {

/// restricted: the mean's q coefficients integrated out (Patterson & Thompson 1971; variance over n - q).
/// profile: mean and process variance at their optimum (maximum likelihood, variance over n).
/// leave_one_out: the probability of each value given all others.
enum class Estimator { profile, restricted, leave_one_out };

struct ObjectiveOptions {
  Estimator estimator = Estimator::restricted;
  Index trend = 0;  ///< the mean's degree, see Trend
  Priors priors;
  /// Noise variance over process variance: a value, or empty to make its logarithm a parameter.
  std::optional<double> nugget;
  /// Known noise variances, n, in the square of the outputs' unit; empty: none. The process variance is then
  /// a parameter, no longer concentrated out.
  Vector noise;
  /// Threads that share one evaluation; the result has the same bits whatever their number.
  Index threads = 1;
  double jitter = 0.0;  ///< added to the diagonal, relative to its mean, and not seen as noise
};

/// y = mean + process variance × correlation: what is concentrated out, for each of m outputs that share one
/// correlation.
struct Concentrated {
  Matrix coefficients;           ///< m × q: the mean's
  std::vector<double> variance;  ///< m: the process variance
};

struct LeastSquares;
class CovarianceMatrix;

/// A function of the hyperparameters of m outputs that share one correlation matrix
///
///   R = K(θ) + (nugget + jitter) I + diag(noise) / process variance.
///
/// Parameters are logarithms: θ, then the nugget where it is estimated, then the process variance where
/// noise is known. No value where R is not positive definite. Holds one n × n matrix, in the memory of this
/// process unless given another one (of the same x), where ranks share it (lib/parallel).
class CovarianceObjective : public Objective {
 public:
  Index parameters() const override { return parameters_; }
  /// Of the last successful evaluation.
  const Concentrated& concentrated() const { return concentrated_; }
  void set_jitter(double jitter) { options_.jitter = jitter; }

 protected:
  CovarianceObjective(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const ObjectiveOptions& options,
                      std::shared_ptr<CovarianceMatrix> matrix = nullptr);

  const ObjectiveOptions& options() const { return options_; }
  Index points() const { return n_; }
  Index outputs() const { return m_; }
  Index mean_coefficients() const { return f_.cols(); }
  bool variance_is_parameter() const { return options_.noise.size() > 0; }

  /// From r, which holds the factor L, and what least squares made of it: the value.
  /// `variance` (m) is set where it is a parameter, else to be set. With `slope`, also the derivative by the
  /// log process variance while R stays, and r becomes the symmetric G with d value = Σ_ij G_ij dR_ij.
  virtual bool criterion(CovarianceMatrix& r, LeastSquares& squares, std::vector<double>& variance,
                         double* value, double* slope) = 0;

 private:
  bool compute(const double* parameters, double* value, double* gradient) override;

  KernelPtr kernel_;
  ObjectiveOptions options_;
  Index n_, m_, parameters_;
  LogPrior prior_;
  Eigen::MatrixXd y_, f_;  // n × m, n × q
  std::shared_ptr<CovarianceMatrix> r_;
  std::vector<double> coefficients_;
  Concentrated concentrated_;
};

/// The one that `options.estimator` names. Leave-one-out takes no matrix of others: UsageError.
std::unique_ptr<CovarianceObjective> make_objective(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y,
                                                    const ObjectiveOptions& options,
                                                    std::shared_ptr<CovarianceMatrix> matrix = nullptr);

}  // namespace ersatz::gp
