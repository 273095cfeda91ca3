#pragma once
// What the samplers have in common. Not installed.

#include <memory>
#include <mutex>
#include <vector>

#include "ersatz/core/random.hpp"
#include "ersatz/inference/sampling.hpp"

namespace ersatz {

class Sampler {
 public:
  virtual ~Sampler() = default;
  /// States at the rows of `starts`.
  virtual std::vector<std::vector<double>> begin(const Matrix& starts) const = 0;
  /// Steps first … first + count - 1 of all chains (those before options.warmup are the warm-up); their rows
  /// are appended to rows[chain]. Same on all processes.
  virtual void advance(std::vector<std::vector<double>>& states, Index first, Index count, Executor& executor,
                       std::vector<std::vector<double>>& rows) const = 0;
};

/// Throw UsageError for options that make no sense. Keep a reference to the density.
std::unique_ptr<Sampler> make_ensemble(const LogDensity& density, const SamplingOptions& options);
std::unique_ptr<Sampler> make_nuts(const LogDensity& density, const SamplingOptions& options);

/// Workspaces that outlive the threads that use them.
class WorkspacePool {
 public:
  class Loan {
   public:
    explicit Loan(WorkspacePool& pool) : pool_(pool), workspace_(pool.take()) {}
    ~Loan() { pool_.give(std::move(workspace_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Workspace& operator*() const { return *workspace_; }

   private:
    WorkspacePool& pool_;
    std::unique_ptr<Workspace> workspace_;
  };

 private:
  std::unique_ptr<Workspace> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) return std::make_unique<Workspace>();
    auto workspace = std::move(free_.back());
    free_.pop_back();
    return workspace;
  }
  void give(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(workspace));
  }
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

}  // namespace ersatz
