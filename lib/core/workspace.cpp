#include "ersatz/core/workspace.hpp"

#include <algorithm>
#include <new>

namespace ersatz {

void Workspace::Free::operator()(double* p) const { ::operator delete[](p, std::align_val_t{64}); }

double* Workspace::take(std::ptrdiff_t n) {
  const std::size_t need = (static_cast<std::size_t>(n) + 7) / 8 * 8;
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < need) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? 2048 : blocks_.back().size;
    const std::size_t size = std::max(need, 2 * last);
    auto* p = static_cast<double*>(::operator new[](size * sizeof(double), std::align_val_t{64}));
    blocks_.push_back({std::unique_ptr<double[], Free>(p), size});
    used_ = 0;
  }
  double* p = blocks_[block_].data.get() + used_;
  used_ += need;
  return p;
}

}  // namespace ersatz
