// Gaussian processes by Vecchia's approximation and by inducing points, their likelihoods' data shared out
// among ranks: the same bits as in one process.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "ersatz/parallel/mpi_executor.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "unit/regression/gp/functions.hpp"

namespace {

using namespace gp_test;

struct Result {
  std::vector<double> numbers;  ///< means and variances at new points, leave-one-out residuals
  std::vector<std::pair<std::string, std::string>> facts;
  double seconds = 0.0;
};

Result fit(const GpOptions& options, const TrainingData& data, Executor* executor) {
  FitContext context;
  context.executor = executor;
  context.random = RandomStream(3);
  const auto began = std::chrono::steady_clock::now();
  const Fit fit = make_gp_regressor(options)->fit(data, context);
  Result result;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const Matrix at = design(50, data.x.cols(), 99);
  Matrix mean(50, data.y.cols()), variance(50, data.y.cols());
  Workspace workspace;
  fit.predictor->mean_and_variance(at, mean, variance, Noise::observed, workspace);
  for (const Matrix* m : std::initializer_list<const Matrix*>{&mean, &variance, &fit.summary.leave_one_out})
    result.numbers.insert(result.numbers.end(), m->data(), m->data() + m->size());
  result.facts = fit.summary.facts;
  return result;
}

void expect_same_bits(const GpOptions& options, const TrainingData& data, const std::string& what) {
  MpiExecutor executor(MPI_COMM_WORLD);
  const Communicator& comm = executor.communicator();
  const Result alone = fit(options, data, nullptr), together = fit(options, data, &executor);
  EXPECT_EQ(together.numbers, alone.numbers) << what;
  EXPECT_EQ(together.facts, alone.facts) << what;
  for (const Bytes& other : comm.all_gather(to_bytes(together.numbers)))
    EXPECT_EQ(other, to_bytes(together.numbers)) << what;
  if (comm.rank() == 0)
    std::printf("%s, n = %td: %.2f s in each process alone, %.2f s on %d ranks\n", what.c_str(),
                data.x.rows(), alone.seconds, together.seconds, comm.size());
}

TEST(GpOnRanks, VecchiaHasTheBitsOfOneProcess) {
  GpOptions options;
  options.method = "vecchia";
  options.starts = 1;
  options.max_iterations = 8;
  options.neighbours = 15;
  expect_same_bits(options, smooth_data(1500, 3, 1, 7, 0.05), "vecchia");
  options.trend = 1;
  expect_same_bits(options, smooth_data(400, 2, 3, 8, 0.05), "vecchia, three outputs");
}

TEST(GpOnRanks, InducingPointsHaveTheBitsOfOneProcess) {
  GpOptions options;
  options.method = "inducing";
  options.starts = 1;
  options.max_iterations = 8;
  options.points = 40;
  expect_same_bits(options, smooth_data(1500, 3, 1, 9, 0.05), "inducing points");
  options.shared = true;
  expect_same_bits(options, smooth_data(400, 2, 3, 10, 0.05), "inducing points, three outputs");
}

}  // namespace
