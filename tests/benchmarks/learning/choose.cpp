// What it takes to choose the next points.
//
//   learning_choose [candidates, 100000] [runs, 1000] [parameters, 8] [batch, 1] [threads, 0: one per core]
//
// Prints seconds (wall clock) for each acquisition that needs one Gaussian process of one output.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ersatz/acquisition/acquisition.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/design/design.hpp"
#include "ersatz/emulator/train.hpp"

namespace {

using namespace ersatz;

Archive runs_of(Index n, Index d) {
  std::vector<Parameter> parameters;
  for (Index k = 0; k < d; ++k) parameters.push_back({text("x", k), "", 0.0, 1.0});
  Archive a;
  a.space = ParameterSpace(parameters);
  a.parameters = make_design(DesignMethod::sobol, a.space, n, RandomStream(1));
  a.axes = {{"one", "", Vector::Zero(1)}};
  a.outputs = {{"y", "", "one", 1, false}};
  a.values.emplace_back(n, 1);
  for (Index i = 0; i < n; ++i) {
    double y = 0.0;
    for (Index k = 0; k < d; ++k)
      y += std::sin(3.0 * a.parameters(i, k) + static_cast<double>(k)) / static_cast<double>(k + 1);
    a.values[0](i, 0) = y;
  }
  a.status.assign(static_cast<std::size_t>(n), RunStatus::done);
  a.messages.assign(static_cast<std::size_t>(n), "");
  a.seconds.assign(static_cast<std::size_t>(n), 1.0);
  return a;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, Index fallback) {
    return argc > i ? static_cast<Index>(std::atol(argv[i])) : fallback;
  };
  const Index q = argument(1, 100000), n = argument(2, 1000), d = argument(3, 8), batch = argument(4, 1);
  const auto executor = make_executor(argument(5, 0));
  FitContext context;
  context.executor = executor.get();
  const Archive runs = runs_of(n, d);
  Recipe recipe;
  // The hyperparameters do not matter for the time.
  recipe.channel.regressor.settings =
      Settings{{"kernel", std::string("matern52-product(length=0.8)")}, {"nugget", 1e-6}, {"starts", 1.0}};
  const Emulator emulator = train_emulator(runs, recipe, context).emulator;
  DesignOptions shift;
  shift.digital_shift = true;
  const Matrix candidates = make_design(DesignMethod::sobol, runs.space, q, RandomStream(2), shift);
  const Knowledge knowledge{emulator, runs, Matrix(0, d), error_weights(runs), {}, {}};
  std::printf("%ld candidates, %ld runs, %ld parameters, batch %ld, %ld threads\n", static_cast<long>(q),
              static_cast<long>(n), static_cast<long>(d), static_cast<long>(batch),
              static_cast<long>(executor->workers()));
  for (const char* name :
       {"largest-variance", "integrated-variance", "expected-improvement", "space-filling"}) {
    double best = HUGE_VAL;
    for (int round = 0; round < 3; ++round) {
      const auto start = std::chrono::steady_clock::now();
      choose_batch(*make_acquisition(name), knowledge, candidates, batch, context);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::printf("  %-22s %8.3f s\n", name, best);
  }
  return 0;
}
