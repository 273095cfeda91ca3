#include "regression/gp/team.hpp"

#include <new>
#include <system_error>
#include <utility>

namespace ersatz::gp {

Team::Team(std::ptrdiff_t threads) : scratch_(static_cast<std::size_t>(threads > 1 ? threads : 1)) {
  try {
    for (std::size_t t = 1; t < scratch_.size(); ++t)
      threads_.emplace_back([this, t] { serve(scratch_[t]); });
  } catch (const std::system_error&) {  // fewer threads take longer, but give the same results
  } catch (const std::bad_alloc&) {
  }
}

Team::~Team() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  begin_.notify_all();
  for (auto& t : threads_) t.join();
}

void Team::take_pieces(Workspace& scratch) {
  try {
    for (std::ptrdiff_t i = next_++; i < pieces_; i = next_++) (*work_)(i, scratch);
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    next_ = pieces_;  // what has not begun is left
  }
}

void Team::serve(Workspace& scratch) {
  std::size_t seen = 0;
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      begin_.wait(lock, [&] { return closed_ || round_ != seen; });
      if (closed_) return;
      seen = round_;
    }
    take_pieces(scratch);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      --busy_;
    }
    end_.notify_one();
  }
}

void Team::run(std::ptrdiff_t pieces, const Work& work) {
  if (threads_.empty() || pieces < 2) {
    for (std::ptrdiff_t i = 0; i < pieces; ++i) work(i, scratch_.front());
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_ = &work;
    pieces_ = pieces;
    next_ = 0;
    busy_ = threads_.size();
    ++round_;
  }
  begin_.notify_all();
  take_pieces(scratch_.front());
  std::unique_lock<std::mutex> lock(mutex_);
  end_.wait(lock, [&] { return busy_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace ersatz::gp
