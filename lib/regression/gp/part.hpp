#pragma once
// A kernel on some of the inputs, with some of its hyperparameters fixed or shared.

#include <algorithm>
#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// What becomes of one hyperparameter of a kernel.
struct Fate {
  enum class Kind { free, fixed, shared } kind = Kind::free;
  double value = 0.0;  ///< where fixed, in its natural unit
};

/// `kernel` on the inputs `selection` of d, in that order; fates in the order of its θ. Shared ones of one
/// name are one hyperparameter. The kernel itself where nothing changes.
KernelPtr make_part(const KernelPtr& kernel, Index d, const std::vector<Index>& selection,
                    const std::vector<Fate>& fates);

/// An expression without its arguments: "matern52 * periodic".
std::string title(const std::string& expression);

/// A few doubles on the stack, many on the heap: for `diagonal`, which has no workspace.
class Few {
 public:
  explicit Few(Index n) : heap_(n > 64 ? static_cast<std::size_t>(n) : 0) {}
  double* data() { return heap_.empty() ? stack_ : heap_.data(); }

 private:
  double stack_[64];
  std::vector<double> heap_;
};

constexpr Index tile_size = 256;
/// work(tile of points, index of its first point).
template <class Work>
void in_tiles(const Points& points, Work work) {
  for (Index at = 0; at < points.size; at += tile_size)
    work(Points{points.columns + at, points.stride, std::min(tile_size, points.size - at), points.inputs},
         at);
}

}  // namespace ersatz::gp
