#pragma once
// Scratch memory for evaluation: one per thread, allocates only until it has seen its largest request.

#include <cstddef>
#include <memory>
#include <vector>

namespace ersatz {

/// A stack of doubles (64-byte aligned). `take` hands out the next n (not initialised); a Frame gives back
/// all that was taken since it was made. Growing never moves what was handed out. Not thread safe: one each.
class Workspace {
 public:
  double* take(std::ptrdiff_t n);

  class Frame {
   public:
    explicit Frame(Workspace& w) : workspace_(w), block_(w.block_), used_(w.used_) {}
    ~Frame() {
      workspace_.block_ = block_;
      workspace_.used_ = used_;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    Workspace& workspace_;
    std::size_t block_, used_;
  };

 private:
  struct Free {
    void operator()(double* p) const;
  };
  struct Block {
    std::unique_ptr<double[], Free> data;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  ///< the block in use
  std::size_t used_ = 0;   ///< doubles used of it
};

}  // namespace ersatz
