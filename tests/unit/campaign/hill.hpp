#pragma once
// A small campaign to try things on.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "ersatz/campaign/learn.hpp"

namespace ersatz::testing {

// A smooth function of two parameters; fails beyond `wall` in the first; ends the process at run number
// `fatal`, or sets `stop` there.
class Hill final : public Simulator {
 public:
  double wall = 2.0;
  int fatal = -1;
  std::atomic<bool>* stop = nullptr;
  mutable std::atomic<int> count{0};

  std::string name() const override { return "hill"; }
  std::string description() const override { return "for tests"; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    if (count++ == fatal) {
      if (stop == nullptr) _exit(9);
      *stop = true;
    }
    if (x[0] > wall) return SimulationResult::failed("beyond the wall");
    return {{Vector::Constant(1, std::exp(-8.0 * x[0] * x[0]) + std::sin(3.0 * x[1]))}, ""};
  }

 private:
  ParameterSpace space_{{{"a", "", -1.0, 1.0}, {"b", "", 0.0, 1.0}}};
  std::vector<Axis> axes_{{"one", "", Vector::Zero(1)}};
  std::vector<OutputSpec> outputs_{{"y", "", "one", 1, false}};
};

inline LearnOptions small() {
  LearnOptions o;
  o.budget = 14;
  o.start = 8;
  o.batch = 2;
  o.candidates = 200;
  o.acquisition.settings.set("reference", 50.0);
  o.recipe.channel.regressor.settings.set("kernel", std::string("squared-exponential"));
  o.recipe.channel.regressor.settings.set("starts", 1.0);
  o.test_points = 30;
  o.seed = 5;
  return o;
}

/// Whether a campaign in a process of its own ends it in run number `fatal`. threads: 0: no executor.
inline bool dies_in_run(int fatal, LearnOptions options, Index threads = 0) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::unique_ptr<Executor> executor;
    if (threads > 0) executor = make_executor(threads);
    options.executor = executor.get();
    Hill hill;
    hill.fatal = fatal;
    try {
      learn(hill, options);
    } catch (...) {
    }
    _exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 9;
}

inline void expect_same(const Archive& a, const Archive& b) {
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.data_hash(), b.data_hash());
}

}  // namespace ersatz::testing
