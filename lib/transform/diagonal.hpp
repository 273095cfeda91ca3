#pragma once
// The transforms that act on each entry by itself: standardise, center, minmax, log, asinh are all this one.

#include <vector>

#include "ersatz/transform/transform.hpp"

namespace ersatz {

/// z = (f(y) - shift) / scale, with f the identity, the logarithm of max(y, floor), or asinh(y / width).
class DiagonalTransform final : public Transform {
 public:
  enum class Function : std::int64_t { identity = 0, log = 1, asinh = 2 };
  struct Entry {
    Function function = Function::identity;
    double argument = 0.0;  ///< floor of the logarithm, width of asinh
    double shift = 0.0;
    double scale = 1.0;
  };

  explicit DiagonalTransform(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  static TransformPtr load(const h5::Group& group);

  std::string kind() const override { return "diagonal"; }
  Index inputs() const override { return static_cast<Index>(entries_.size()); }
  Index outputs() const override { return inputs(); }
  void forward(const double* y, double* z) const override;
  void inverse(const double* z, double* y) const override;
  void push_forward(const double* y, const double* dy, double* dz) const override;
  void push_inverse(const double* z, const double* dz, double* dy) const override;
  void variance_inverse(const double* z, const double* var_z, double* var_y) const override;
  TransformPtr restricted(const std::vector<Index>& entries) const override;
  void save(const h5::Group& group) const override;

 private:
  std::vector<Entry> entries_;
};

}  // namespace ersatz
