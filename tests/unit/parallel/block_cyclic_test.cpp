// The covariance matrix in blocks on ranks: against the one in the memory of one process, and brute force.
#include "parallel/block_cyclic.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "regression/gp/factor.hpp"
#include "unit/regression/gp/functions.hpp"

namespace {

using namespace gp_test;
using parallel::BlockCyclicCovariance;
using parallel::Cyclic;
using parallel::ProcessGrid;

std::shared_ptr<const ProcessGrid> grid_of(const Communicator& comm, parallel::GridShape shape = {0, 0}) {
  return std::make_shared<const ProcessGrid>(comm, shape);
}

/// Whether all ranks hold the same bits.
void expect_same_bits(const Communicator& comm, const std::vector<double>& values) {
  const Bytes mine = to_bytes(values);
  for (const Bytes& other : comm.all_gather(mine)) EXPECT_EQ(other, mine);
}

TEST(Cyclic, DealsOutBlocksInTurn) {
  for (const Index n : {0, 1, 5, 16, 37})
    for (const Index block : {1, 4, 16})
      for (const int processes : {1, 2, 3, 5})
        for (int p = 0; p < processes; ++p) {
          const Cyclic c{n, block, p, processes};
          Index local = 0;
          for (Index i = 0; i < n; ++i) {
            const bool mine = (i / block) % processes == p;
            EXPECT_EQ(c.owns(i), mine);
            EXPECT_EQ(c.first_from(i), local);
            if (mine) {
              EXPECT_EQ(c.global(local++), i);
            }
          }
          EXPECT_EQ(c.size(), local);
        }
}

TEST(Grid, IsNearlySquareAndUsesMostRanks) {
  const auto shape = [](int ranks) {
    const auto s = parallel::grid_shape(ranks);
    return std::make_pair(s.rows, s.columns);
  };
  EXPECT_EQ(shape(1), std::make_pair(1, 1));
  EXPECT_EQ(shape(2), std::make_pair(1, 2));
  EXPECT_EQ(shape(3), std::make_pair(1, 3));
  EXPECT_EQ(shape(4), std::make_pair(2, 2));
  EXPECT_EQ(shape(5), std::make_pair(2, 2));
  EXPECT_EQ(shape(7), std::make_pair(2, 3));
  EXPECT_EQ(shape(8), std::make_pair(2, 4));
  EXPECT_EQ(shape(1024), std::make_pair(32, 32));
  for (int ranks = 1; ranks < 5000; ++ranks) {
    const auto s = parallel::grid_shape(ranks);
    EXPECT_LE(s.rows, s.columns);
    EXPECT_LE(s.rows * s.columns, ranks);
    EXPECT_GE(s.rows * s.columns, 3 * ranks / 4) << ranks;
  }
  const Communicator comm(MPI_COMM_WORLD);
  EXPECT_THROW(ProcessGrid(comm, {comm.size() + 1, 1}), UsageError);
}

struct Case {
  std::string kernel;
  Index trend, outputs;
  std::string noise;  // "fixed", "estimated", "known", "both"
  gp::Estimator estimator;
};

std::vector<Case> cases() {
  using gp::Estimator;
  const std::string sum =
      "matern32 * periodic(inputs=[0]) + 0.5 * linear + squared-exponential(inputs=[1, 2])";
  return {{"matern52-product", 0, 1, "estimated", Estimator::restricted},
          {"matern52-product", gp::Trend::zero, 3, "fixed", Estimator::profile},
          {"squared-exponential", 1, 1, "fixed", Estimator::restricted},
          {"squared-exponential", 2, 2, "estimated", Estimator::restricted},
          {"matern12", 0, 1, "known", Estimator::restricted},
          {"matern52", 1, 1, "both", Estimator::profile},
          {sum, 0, 2, "estimated", Estimator::restricted},
          {"rational-quadratic", 1, 1, "known", Estimator::restricted}};
}

gp::ObjectiveOptions options_of(const Case& c, Index n) {
  gp::ObjectiveOptions options;
  options.estimator = c.estimator;
  options.trend = c.trend;
  if (c.noise == "fixed" || c.noise == "known") options.nugget = 1e-3;
  if (c.noise == "known" || c.noise == "both") options.noise = Vector::LinSpaced(n, 1e-3, 5e-2);
  return options;
}

/// Value and gradient at a place away from the optimum, with and without ranks.
void expect_agreement(const Communicator& comm, const Case& c, Index n, Index block, int threads = 1,
                      double jitter = 0.0, parallel::GridShape shape = {0, 0}) {
  const std::string what = text(c.kernel, " trend ", c.trend, " noise ", c.noise, " n ", n, " block ", block);
  const TrainingData data = smooth_data(n, 3, c.outputs, 11, 0.05);
  const gp::KernelPtr kernel = gp::make_kernel(c.kernel, 3);
  gp::ObjectiveOptions options = options_of(c, n);
  options.jitter = jitter;
  const auto serial = gp::make_objective(kernel, data.x, data.y, options);
  const auto spread =
      gp::make_objective(kernel, data.x, data.y, options,
                         std::make_shared<BlockCyclicCovariance>(
                             grid_of(comm, shape), data.x, BlockCyclicCovariance::Options{block, threads}));
  std::vector<double> theta;
  for (const auto& h : kernel->hyperparameters(n)) theta.push_back(std::log(0.7 * h.start));
  while (static_cast<Index>(theta.size()) < serial->parameters()) theta.push_back(std::log(2e-2));
  const auto count = static_cast<std::size_t>(serial->parameters());
  std::vector<double> expected(count), gradient(count);
  double value = 0.0, other = 0.0, alone = 0.0;
  ASSERT_TRUE(serial->evaluate(theta.data(), &value, expected.data())) << what;
  ASSERT_TRUE(spread->evaluate(theta.data(), &alone, nullptr)) << what;
  ASSERT_TRUE(spread->evaluate(theta.data(), &other, gradient.data())) << what;
  EXPECT_EQ(alone, other) << what;
  EXPECT_NEAR(other, value, 1e-9 * (1.0 + std::abs(value))) << what;
  double size = 0.0;
  for (const double g : expected) size = std::max(size, std::abs(g));
  for (std::size_t p = 0; p < count; ++p)
    EXPECT_NEAR(gradient[p], expected[p], 1e-9 * size) << what << " parameter " << p;
  gradient.push_back(other);
  expect_same_bits(comm, gradient);
}

TEST(BlockCyclic, LikelihoodAndGradientAreTheSerialOnes) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const Case& c : cases()) expect_agreement(comm, c, 110, 16);
}

TEST(BlockCyclic, AnySizeBlockGridAndNumberOfThreads) {
  const Communicator comm(MPI_COMM_WORLD);
  const Case c = cases().front();
  // Fewer points than ranks, than a block, no multiple of it.
  const std::vector<std::pair<Index, Index>> sizes = {{2, 8},   {5, 64},   {17, 8},
                                                      {129, 0}, {129, 64}, {64, 16}};
  for (const auto& [n, block] : sizes) expect_agreement(comm, c, n, block);
  expect_agreement(comm, c, 11, 1);
  expect_agreement(comm, c, 70, 32, 2);
  expect_agreement(comm, c, 70, 32, 1, 1e-4);
  expect_agreement(comm, c, 70, 16, 1, 0.0, {comm.size(), 1});
  expect_agreement(comm, c, 70, 16, 1, 0.0, {1, comm.size()});
  expect_agreement(comm, c, 70, 16, 1, 0.0, {1, 1});  // all others hold nothing
}

TEST(BlockCyclic, TheFactorIsThatOfTheMatrix) {
  const Communicator comm(MPI_COMM_WORLD);
  const Index n = 83;
  const TrainingData data = smooth_data(n, 2, 1, 5);
  const gp::KernelPtr kernel = gp::make_kernel("matern32-product", 2);
  const std::vector<double> theta = {std::log(0.4), std::log(0.9)};
  std::vector<double> c(2);
  kernel->prepare(theta.data(), c.data());
  Eigen::MatrixXd r = correlation_matrix("matern32-product", data.x, Vector(Eigen::Vector2d(0.4, 0.9)));
  r.diagonal().array() += 1e-2;
  const Eigen::LLT<Eigen::MatrixXd> llt(r);
  const Eigen::MatrixXd inverse_factor = llt.matrixL().solve(Eigen::MatrixXd::Identity(n, n));

  BlockCyclicCovariance spread(grid_of(comm), data.x, {16, 1});
  ASSERT_TRUE(spread.factor(*kernel, c.data(), 1e-2, 0.0, nullptr));
  EXPECT_NEAR(spread.log_determinant(), 2.0 * Eigen::MatrixXd(llt.matrixL()).diagonal().array().log().sum(),
              1e-11);
  Eigen::MatrixXd b = Eigen::MatrixXd::Random(n, 4), kept = b;
  spread.solve(false, 3, b);
  EXPECT_LT((b.leftCols(3) - inverse_factor * kept.leftCols(3)).cwiseAbs().maxCoeff(), 1e-11);
  EXPECT_EQ(b.col(3), kept.col(3));
  b = kept;
  spread.solve(true, 4, b);
  EXPECT_LT((b - inverse_factor.transpose() * kept).cwiseAbs().maxCoeff(), 1e-11);

  const Vector diagonal = spread.invert_factor();
  EXPECT_LT((diagonal - inverse_factor.colwise().squaredNorm().transpose()).cwiseAbs().maxCoeff(), 1e-11);
  const Matrix at = design(21, 2, 9);
  Eigen::MatrixXd k(n, at.rows());
  for (Index q = 0; q < at.rows(); ++q)
    for (Index i = 0; i < n; ++i)
      k(i, q) = correlation("matern32-product", at.row(q).data(), data.x.row(i).data(),
                            Vector(Eigen::Vector2d(0.4, 0.9)));
  const Vector explained = spread.explained(*kernel, c.data(), at);
  EXPECT_LT((explained - (inverse_factor * k).colwise().squaredNorm().transpose()).cwiseAbs().maxCoeff(),
            1e-11);
  const Vector panels = spread.gather_panels();
  EXPECT_EQ(panels.size(), comm.rank() == 0 ? kernels::panels_size(n) : 0);
  for (Index i = 0; comm.rank() == 0 && i < n; ++i)
    for (Index j = 0; j <= i; ++j)
      EXPECT_NEAR(panels[kernels::panels_index(i, j)], inverse_factor(i, j), 1e-11);
}

TEST(BlockCyclic, NotPositiveDefiniteIsToldToAllRanks) {
  const Communicator comm(MPI_COMM_WORLD);
  TrainingData data = smooth_data(120, 2, 1, 5);
  for (const Index where : {1, 63, 119}) {  // in the first, a middle and the last block
    Matrix x = data.x;
    x.row(where) = x.row(where - 1);
    BlockCyclicCovariance spread(grid_of(comm), x, {16, 1});
    const gp::KernelPtr kernel = gp::make_kernel("matern12", 2);
    const std::vector<double> c = {1.0, 1.0};
    // Exactly singular: the last pivot of the pair is 0 or below, less what noise takes away from the
    // diagonal.
    Vector noise = Vector::Zero(120);
    noise[where] = -1e-9;
    EXPECT_FALSE(spread.factor(*kernel, c.data(), 0.0, 0.0, noise.data())) << where;
    noise[where] = 1e-6;
    EXPECT_TRUE(spread.factor(*kernel, c.data(), 0.0, 0.0, noise.data())) << where;
  }
}

TEST(BlockCyclic, GroupsOfRanksWorkAtTheSameTime) {
  const Communicator world(MPI_COMM_WORLD);
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(world.handle(), world.rank() % 2, -world.rank(), &half);  // in reverse order, too
  {
    const Communicator comm(half);
    expect_agreement(comm, cases()[static_cast<std::size_t>(world.rank() % 2)], 100 + 20 * (world.rank() % 2),
                     16);
  }
  MPI_Comm_free(&half);
}

}  // namespace
