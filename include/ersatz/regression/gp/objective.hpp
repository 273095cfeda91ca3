#pragma once
// What a search for hyperparameters minimises.

#include "ersatz/core/matrix.hpp"

namespace ersatz::gp {

/// A function of the logarithms of hyperparameters, smaller is better. Holds its buffers, reused by every
/// evaluation; one object per thread.
class Objective {
 public:
  virtual ~Objective() = default;

  virtual Index parameters() const = 0;

  /// False when there is no value here (a matrix that is not positive definite in double precision).
  /// `gradient` may be null.
  bool evaluate(const double* parameters, double* value, double* gradient) {
    ++evaluations_;
    return compute(parameters, value, gradient);
  }
  Index evaluations() const { return evaluations_; }

 private:
  virtual bool compute(const double* parameters, double* value, double* gradient) = 0;

  Index evaluations_ = 0;
};

}  // namespace ersatz::gp
