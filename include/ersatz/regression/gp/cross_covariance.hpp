#pragma once
// Posterior covariances between few points and very many.

#include <memory>
#include <vector>

#include "ersatz/regression/predictor.hpp"

namespace ersatz::gp {

/// Covariances of the function behind the noise, given the data, between r anchors and any other points, for
/// one output of a predictor that has covariances. Of an exact Gaussian process R⁻¹ K(X, anchors) is kept, so
/// that another point costs n kernel values and 2 n r flops; other predictors are asked for the covariance of
/// all points of a block together with the anchors. Immutable; safe from many threads.
class CrossCovariance {
 public:
  /// anchors: r × d. The predictor has to outlive this. Throws UsageError where it has no covariance. Cost
  /// for an exact Gaussian process: 2 n² r flops.
  CrossCovariance(const Predictor& predictor, ConstMatrixRef anchors, Index output);
  ~CrossCovariance();
  CrossCovariance(CrossCovariance&&) noexcept;

  Index anchors() const;  ///< r
  /// X: q × d, covariance: q × r. For any number of points; scratch memory is that of a block of them.
  void operator()(ConstMatrixRef X, MatrixRef covariance, Workspace& workspace) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The covariance of an output's function is `factor` times that of the output `like`.
struct Likeness {
  Index like = 0;
  double factor = 1.0;
};
/// For each output of a predictor: outputs of an exact Gaussian process that share a correlation are like the
/// first of them, all others like themselves.
std::vector<Likeness> likenesses(const Predictor& predictor);

}  // namespace ersatz::gp
