#pragma once
// Invertible, differentiable maps with fitted state, on rows: inputs before a regressor, outputs before a
// basis.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

class Transform;
using TransformPtr = std::shared_ptr<const Transform>;

/// y (inputs() values) -> z (outputs() values). Immutable and thread safe. In and out never alias.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual std::string kind() const = 0;
  virtual Index inputs() const = 0;
  virtual Index outputs() const = 0;
  /// Every output comes from the input at its own place alone; there are as many.
  virtual bool entrywise() const { return false; }

  virtual void forward(const double* y, double* z) const = 0;
  virtual void inverse(const double* z, double* y) const = 0;

  /// dz = (dz/dy at y) dy, and dy = (dy/dz at z) dz.
  virtual void push_forward(const double* y, const double* dy, double* dz) const = 0;
  virtual void push_inverse(const double* z, const double* dz, double* dy) const = 0;
  /// y and dy/dz at z, one entry each. Throws UsageError unless entrywise.
  virtual void inverse_and_slopes(const double* z, double* y, double* slopes) const;
  /// Variances of independent entries of z to the variances of y, to first order.
  virtual void variance_inverse(const double* z, const double* var_z, double* var_y) const = 0;

  /// The same map for these entries alone, in this order. Throws UsageError where entries are mixed, or one
  /// is not there.
  virtual TransformPtr restricted(const std::vector<Index>& entries) const;

  virtual void save(const h5::Group& group) const = 0;
};

Matrix forward_rows(const Transform& transform, ConstMatrixRef rows);
Matrix inverse_rows(const Transform& transform, ConstMatrixRef rows);

/// One after the other; the identity when empty (of `width` values). Throws UsageError where one does not
/// take what the one before gives.
TransformPtr chain(std::vector<TransformPtr> steps, Index width);

void save_transform(const h5::Group& group, const Transform& transform);
TransformPtr load_transform(const h5::Group& group);

/// Fits the named transform to rows: "standardise", "center", "log", "asinh", "minmax", "periodic", "none".
/// Throws DataError where it cannot be (logarithm of values that are not positive and no floor given).
TransformPtr fit_transform(const std::string& name, const Settings& settings, ConstMatrixRef rows);
std::vector<std::string> transform_names();

}  // namespace ersatz
