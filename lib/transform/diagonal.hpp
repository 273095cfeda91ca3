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

  explicit DiagonalTransform(std::vector<Entry> entries);
  static TransformPtr load(const h5::Group& group);
  /// One that is to rounding the same as these steps, of which only the first has functions. Null where they
  /// are not such.
  static std::shared_ptr<const DiagonalTransform> joined(const std::vector<TransformPtr>& steps);

  std::string kind() const override { return "diagonal"; }
  Index inputs() const override { return static_cast<Index>(entries_.size()); }
  Index outputs() const override { return inputs(); }
  bool entrywise() const override { return true; }
  void forward(const double* y, double* z) const override;
  void inverse(const double* z, double* y) const override;
  void push_forward(const double* y, const double* dy, double* dz) const override;
  void push_inverse(const double* z, const double* dz, double* dy) const override;
  void inverse_and_slopes(const double* z, double* y, double* slopes) const override;
  void variance_inverse(const double* z, const double* var_z, double* var_y) const override;
  TransformPtr restricted(const std::vector<Index>& entries) const override;
  void save(const h5::Group& group) const override;

 private:
  /// Neighbours with one function.
  struct Run {
    Function function;
    Index begin, end;
  };
  /// dy/dz at z, of the entries of a run.
  void slopes_of_inverse(const Run& run, const double* z, double* slopes) const;

  std::vector<Entry> entries_;
  std::vector<Run> runs_;
  Vector scale_, shift_;  ///< of the entries
};

}  // namespace ersatz
