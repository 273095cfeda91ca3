#pragma once
// Angles as points on a circle, so that a regressor sees no seam.

#include <vector>

#include "ersatz/transform/transform.hpp"

namespace ersatz {

/// Each listed column becomes its cosine (in place) and its sine (appended after all columns).
class PeriodicTransform final : public Transform {
 public:
  struct Column {
    Index column;
    double origin, period;
  };

  PeriodicTransform(Index inputs, std::vector<Column> columns)
      : inputs_(inputs), columns_(std::move(columns)) {}
  static TransformPtr load(const h5::Group& group);

  std::string kind() const override { return "periodic"; }
  Index inputs() const override { return inputs_; }
  Index outputs() const override { return inputs_ + static_cast<Index>(columns_.size()); }
  void forward(const double* y, double* z) const override;
  void inverse(const double* z,
               double* y) const override;  ///< angles come back within one period of the origin
  void push_forward(const double* y, const double* dy, double* dz) const override;
  void push_inverse(const double* z, const double* dz, double* dy) const override;
  void variance_inverse(const double* z, const double* var_z, double* var_y) const override;
  void save(const h5::Group& group) const override;

 private:
  Index inputs_;
  std::vector<Column> columns_;
};

}  // namespace ersatz
