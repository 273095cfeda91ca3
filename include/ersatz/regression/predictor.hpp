#pragma once
// What a fitted regressor can be asked.

#include <memory>
#include <string>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// Latent: of the function behind the noise. Observed: of one more noisy value of it.
enum class Noise { latent, observed };

/// Fitted state from d inputs to p outputs; immutable, safe from many threads, each with its own Workspace.
/// The result for a point has the same bits alone and in a batch. Mean, variance, covariance and the
/// derivatives are separate requests: none pays for another.
class Predictor {
 public:
  virtual ~Predictor() = default;

  virtual std::string kind() const = 0;  ///< the loader's name
  virtual Index inputs() const = 0;      ///< d
  virtual Index outputs() const = 0;     ///< p
  virtual bool has_variance() const { return false; }
  virtual bool has_covariance() const { return false; }
  virtual bool has_jacobian() const { return false; }
  virtual bool has_variance_gradient() const { return false; }

  /// X: q × d, mean: q × p.
  virtual void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const = 0;

  /// Also the variance of each output, q × p. Throws UsageError where there is none.
  virtual void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                 Workspace& workspace) const;

  /// Covariance between the q points for one output, q × q. Throws UsageError where there is none.
  virtual void covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                          Workspace& workspace) const;

  /// d mean / d x at one point (d values), p × d. Throws UsageError where there is none.
  virtual void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const;

  /// d variance / d x at one point (d values), p × d; the same for latent and observed values, as noise does
  /// not depend on x. Throws UsageError where there is none.
  virtual void variance_gradient(const double* x, MatrixRef gradient, Workspace& workspace) const;

  /// Everything that `load_predictor` needs, without `kind`.
  virtual void save(const h5::Group& group) const = 0;

  /// Derivatives backwards, at one point (d values): where many outputs meet in one number, as in a
  /// likelihood, its gradient costs little more than the mean. First `record`: the mean and, unless null, the
  /// variance of latent values, p each, and on `tape` (tape_size() doubles) what `pull` makes use of. Then
  /// `pull`: gradient (d values) = Σ by_mean ∂mean/∂x + Σ by_variance ∂variance/∂x; by_variance may be null,
  /// and is where no variance was recorded. By the Jacobian unless overridden; throws as that.
  virtual Index tape_size() const { return 0; }
  virtual void record(const double* x, double* mean, double* variance, double* tape,
                      Workspace& workspace) const;
  virtual void pull(const double* x, const double* tape, const double* by_mean, const double* by_variance,
                    double* gradient, Workspace& workspace) const;
  /// Where variances of all outputs are one function of x times these numbers, p; else empty.
  virtual Vector variance_shares() const { return {}; }
};

using PredictorPtr = std::shared_ptr<const Predictor>;

class Executor;
/// Predictor::mean and mean_and_variance with the rows of X shared out among the executor's workers in this
/// process, in blocks whose size depends on their number; each task has a workspace of its own. The same bits
/// as in one call, whatever the number of workers.
void mean_in_parallel(const Predictor& predictor, ConstMatrixRef X, MatrixRef mean, Executor& executor);
void mean_and_variance_in_parallel(const Predictor& predictor, ConstMatrixRef X, MatrixRef mean,
                                   MatrixRef variance, Noise noise, Executor& executor);

/// For implementations, first thing in mean(): X must be q × d and finite, `result` q × p. Throws UsageError
/// on a shape, DataError naming point and input of the first value that is not finite.
void check_points(const Predictor& predictor, ConstMatrixRef X, const MatrixRef& result);
/// The same in covariance(), where the result is q × q and the output has to be there; and in jacobian() and
/// variance_gradient(): x has d values, the result is p × d.
void check_covariance(const Predictor& predictor, ConstMatrixRef X, Index output, const MatrixRef& result);
void check_derivatives(const Predictor& predictor, const double* x, const MatrixRef& result);
/// The same of points alone.
void check_points(const Predictor& predictor, ConstMatrixRef X);
/// For implementations, last thing in mean(): no NaN and no infinity leaves. Throws NumericalError naming
/// point and output; that happens when a point is so far away that powers of it overflow.
void check_predictions(const Predictor& predictor, const MatrixRef& result);

/// Writes kind and state; reads them back through the table of loaders in lib/regression/loaders.cpp.
void save_predictor(const h5::Group& group, const Predictor& predictor);
PredictorPtr load_predictor(const h5::Group& group);

/// A kind that lives outside of the library: from now on `load_predictor` reads it, in every thread. Throws
/// UsageError when the kind is taken. Kinds of the library stand in the table itself.
using PredictorLoader = PredictorPtr (*)(const h5::Group& group);
void register_predictor(const std::string& kind, PredictorLoader loader);

}  // namespace ersatz
