#pragma once
// The ranks of a communicator as the algorithms of bases see them.

#include "basis/ranks.hpp"
#include "ersatz/parallel/communicator.hpp"

namespace ersatz::parallel {

class RowRanks final : public Ranks {
 public:
  explicit RowRanks(const Communicator& comm) : comm_(comm) {}
  using Ranks::maximum;
  using Ranks::sum;

  int rank() const override { return comm_.rank(); }
  int size() const override { return comm_.size(); }
  void together(const std::function<void()>& work) const override { comm_.together(work); }
  void sum(double* values, Index count) const override { comm_.sum(values, count); }
  void maximum(double* values, Index count) const override;
  void gather(const double* mine, Index count, double* all) const override;
  void broadcast(double* values, Index count, int root) const override {
    comm_.broadcast(values, count, root);
  }
  Bytes combine(Bytes mine, const std::function<Bytes(Bytes, Bytes)>& join) const override;

 private:
  const Communicator& comm_;
};

}  // namespace ersatz::parallel
