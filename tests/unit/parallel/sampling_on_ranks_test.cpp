// Samplers on ranks: the bits of one process, on each of them.
#include <gtest/gtest.h>

#include "ersatz/inference/maximum.hpp"
#include "ersatz/inference/sampling.hpp"
#include "ersatz/parallel/mpi_executor.hpp"
#include "unit/inference/densities.hpp"

namespace {

using namespace ersatz;

/// The banana, slowly, so that the walkers are spread over the ranks.
class Slow final : public LogDensity {
 public:
  explicit Slow(bool slow) : slow_(slow) {}
  const std::vector<DensityParameter>& parameters() const override { return fast_.parameters(); }
  bool has_gradient() const override { return true; }
  LogDensityValue evaluate(const double* theta, double* gradient, Workspace& workspace) const override {
    volatile double sum = 0.0;
    if (slow_)
      for (int i = 0; i < 100000; ++i) sum = sum + 1.0;
    return fast_.evaluate(theta, gradient, workspace);
  }

 private:
  bool slow_;
  decltype(ersatz::testing::banana_density()) fast_ = ersatz::testing::banana_density();
};

std::vector<double> drawn(const LogDensity& density, SamplingMethod method, Executor& executor) {
  const Matrix guesses = Matrix::Constant(3, 2, 0.5);
  const auto maxima = find_maxima(density, guesses, {}, executor);
  SamplingOptions o;
  o.method = method;
  o.chains = method == SamplingMethod::nuts ? 3 : 8;
  o.warmup = 30;
  o.steps = 25;
  Chains chains = begin_chains(density, o, starting_points(density, maxima, o.chains, RandomStream(1)));
  SamplingContext context;
  context.executor = &executor;
  run_chains(density, chains, context);
  std::vector<double> all(maxima[0].theta.begin(), maxima[0].theta.end());
  for (const Trace& t : chains.samples) all.insert(all.end(), t.rows().begin(), t.rows().end());
  for (const auto& s : chains.state) all.insert(all.end(), s.begin(), s.end());
  return all;
}

TEST(SamplingOnRanks, BitsOfOneProcess) {
  for (const bool slow : {false, true}) {
    const Slow density(slow);
    for (const auto method : {SamplingMethod::nuts, SamplingMethod::ensemble}) {
      SerialExecutor serial;
      const auto alone = drawn(density, method, serial);
      for (const Index threads : {1, 2}) {
        MpiExecutor executor(MPI_COMM_WORLD, threads);
        EXPECT_EQ(drawn(density, method, executor), alone) << to_string(method) << slow;
      }
    }
  }
}

// Rank 0's signal stops all, and its file alone is written.
TEST(SamplingOnRanks, StopsTogether) {
  MpiExecutor executor(MPI_COMM_WORLD);
  const Slow density(false);
  const std::atomic<bool> stop{executor.process() == 0};
  SamplingOptions o;
  o.chains = 2;
  Chains chains = begin_chains(density, o, Matrix::Constant(2, 2, 0.5));
  int saved = 0;
  SamplingContext context;
  context.executor = &executor;
  context.stop = &stop;
  context.save = [&](const Chains&) { ++saved; };
  EXPECT_EQ(run_chains(density, chains, context), SamplingEnd::stopped);
  EXPECT_EQ(chains.warmup_steps(), 1);
  EXPECT_EQ(saved, executor.process() == 0 ? 1 : 0);
}

}  // namespace
