// The exact Gaussian process on ranks: against the serial fit and prediction, and what it refuses.
#include "ersatz/parallel/distributed_gp.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/diagnostics.hpp"
#include "ersatz/regression/gp/pointwise.hpp"
#include "ersatz/regression/gp/update.hpp"
#include "unit/regression/gp/functions.hpp"

namespace {

using namespace gp_test;

struct Answer {
  Matrix mean, variance;
};

Answer ask(const Predictor& predictor, const Matrix& at, Noise noise) {
  Workspace workspace;
  Answer a{Matrix(at.rows(), predictor.outputs()), Matrix(at.rows(), predictor.outputs())};
  predictor.mean_and_variance(at, a.mean, a.variance, noise, workspace);
  return a;
}

Answer ask(const DistributedGp& gp, const Matrix& at, Noise noise, Index batch = 256) {
  Answer a{Matrix(at.rows(), gp.outputs()), Matrix(at.rows(), gp.outputs())};
  gp.mean_and_variance(at, a.mean, a.variance, noise, batch);
  return a;
}

double apart(const Matrix& a, const Matrix& b) {
  return (a - b).cwiseAbs().maxCoeff() / (b.cwiseAbs().maxCoeff() + 1e-300);
}

void expect_agreement(const Communicator& comm, const DistributedGp& ours, const Fit& serial,
                      double tolerance, const std::string& what) {
  const Matrix at = 1.2 * design(70, ours.inputs(), 77);
  for (const Noise noise : {Noise::latent, Noise::observed}) {
    const Answer expected = ask(*serial.predictor, at, noise), got = ask(ours, at, noise, 40);
    EXPECT_LT(apart(got.mean, expected.mean), tolerance) << what;
    EXPECT_LT(apart(got.variance.cwiseSqrt(), expected.variance.cwiseSqrt()), tolerance) << what;
    std::vector<double> all(got.mean.data(), got.mean.data() + got.mean.size());
    all.insert(all.end(), got.variance.data(), got.variance.data() + got.variance.size());
    for (const Bytes& other : comm.all_gather(to_bytes(all))) EXPECT_EQ(other, to_bytes(all)) << what;
  }
  EXPECT_LT(apart(ours.summary().leave_one_out, serial.summary.leave_one_out), tolerance) << what;
  EXPECT_LT(apart(ours.summary().leave_one_out_std, serial.summary.leave_one_out_std), tolerance) << what;
  EXPECT_EQ(ours.summary().warnings, serial.summary.warnings) << what;
}

TEST(DistributedGp, AtGivenHyperparametersPredictsAsTheSerialOne) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const std::string kernel :
       {"matern52-product(length=[0.5, 0.8, 1.5])", "squared-exponential(length=0.7)",
        "matern32(length=1) * periodic(inputs=[0], length=1, period=0.4) + 0.3 * linear(length=1)"})
    for (const Index trend : {gp::Trend::zero, Index{0}, Index{1}}) {
      const Index block = trend == 1 ? 0 : 32;
      const TrainingData data = smooth_data(130, 3, 2, 21, 0.02);
      GpOptions options;
      options.kernel = kernel;
      options.trend = trend;
      options.nugget = 1e-4;
      options.method = "exact";
      options.shared = trend == 0;
      const Fit serial = make_gp_regressor(options)->fit(data, {});
      const DistributedGp ours = DistributedGp::fit(options, data, comm, {}, {block, 0, 0, 1});
      expect_agreement(comm, ours, serial, 1e-8, text(kernel, " trend ", trend, " block ", block));
      EXPECT_EQ(ours.summary().message, serial.summary.message);
    }
}

/// Minus the log likelihood that the summary gives for its first output.
double likelihood_of(const FitSummary& summary) {
  const std::string word = "-log likelihood ";
  for (const auto& [name, fact] : summary.facts)
    if (const auto at = fact.find(word); at != std::string::npos)
      return std::stod(fact.substr(at + word.size()));
  return std::nan("");
}

// Rounding takes a search along another path to the same optimum: it ends where a further iteration would
// gain less than a thousandth (SearchOptions::flat).
TEST(DistributedGp, TheSearchEndsWhereTheSerialOneDoes) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const int noise : {0, 1, 2}) {  // estimated, fixed, known for each point
    TrainingData data = smooth_data(60, 2, 2, 31, 0.03);
    GpOptions options;
    options.method = "exact";
    options.starts = noise == 0 ? 2 : 1;
    options.trend = 1;
    if (noise == 1) options.nugget = 1e-3;
    if (noise == 2) data.noise_std = Matrix::Constant(60, 2, 0.03) + 1e-4 * data.x;
    FitContext context;
    context.random = RandomStream(5);
    const Fit serial = make_gp_regressor(options)->fit(data, context);
    const DistributedGp ours = DistributedGp::fit(options, data, comm, context, {32, 0, 0, 1});
    EXPECT_NEAR(likelihood_of(ours.summary()), likelihood_of(serial.summary), 1e-3) << noise;
    expect_agreement(comm, ours, serial, 1e-2, text("noise ", noise));
  }
}

TEST(DistributedGp, MeansAreForUseAnywhere) {
  const Communicator comm(MPI_COMM_WORLD);
  const TrainingData data = smooth_data(60, 2, 2, 41, 0.01);
  GpOptions options;
  options.kernel = "matern52(length=[0.6, 0.9])";
  options.nugget = 1e-4;
  const DistributedGp ours = DistributedGp::fit(options, data, comm);
  const Matrix at = design(20, 2, 78);
  const Answer whole = ask(ours, at, Noise::latent);
  const h5::File file = h5::File::in_memory("means.h5");
  save_predictor(file.root(), *ours.means());
  for (const PredictorPtr& means : {ours.means(), load_predictor(file.root())}) {
    Workspace workspace;
    Matrix mean(20, 2), variance(20, 2), gradient(2, 2), covariance(20, 20);
    means->mean(at, mean, workspace);
    EXPECT_EQ(mean, whole.mean);
    EXPECT_TRUE(means->has_jacobian());
    means->jacobian(at.data(), gradient, workspace);
    EXPECT_TRUE(gradient.allFinite() && gradient.norm() > 0.0);
    EXPECT_FALSE(means->has_variance() || means->has_covariance() || means->has_variance_gradient());
    EXPECT_THROW(means->mean_and_variance(at, mean, variance, Noise::latent, workspace), UsageError);
    EXPECT_THROW(means->covariance(at, 0, covariance, Noise::latent, workspace), UsageError);
    EXPECT_THROW(means->variance_gradient(at.data(), gradient, workspace), UsageError);
    EXPECT_THROW(gp::append(*means, data.x.topRows(1), data.y.topRows(1)), UsageError);
    EXPECT_THROW(gp::leave_one_out(*means, 0), UsageError);
  }
}

TEST(DistributedGp, GatheredIsTheSerialPredictor) {
  const Communicator comm(MPI_COMM_WORLD);
  const TrainingData data = smooth_data(75, 3, 2, 51, 0.01);
  GpOptions options;
  options.kernel = "matern52-product(length=[0.6, 0.9, 1])";
  options.nugget = 1e-4;
  options.method = "exact";
  const DistributedGp ours = DistributedGp::fit(options, data, comm, {}, {16, 0, 0, 1});
  const PredictorPtr gathered = ours.gather();
  ASSERT_EQ(gathered != nullptr, comm.rank() == 0);
  if (!gathered) return;
  const Fit serial = make_gp_regressor(options)->fit(data, {});
  const h5::File file = h5::File::in_memory("gathered.h5");
  save_predictor(file.root(), *gathered);
  const PredictorPtr loaded = load_predictor(file.root());
  const Matrix at = design(20, 3, 79);
  const Answer expected = ask(*serial.predictor, at, Noise::observed),
               got = ask(*loaded, at, Noise::observed);
  EXPECT_LT(apart(got.mean, expected.mean), 1e-8);
  EXPECT_LT(apart(got.variance, expected.variance), 1e-8);
  Workspace workspace;
  Matrix covariance(20, 20), other(20, 20), gradient(2, 3), slope(2, 3);
  serial.predictor->covariance(at, 1, covariance, Noise::latent, workspace);
  loaded->covariance(at, 1, other, Noise::latent, workspace);
  EXPECT_LT(apart(other, covariance), 1e-8);
  serial.predictor->variance_gradient(at.data(), gradient, workspace);
  loaded->variance_gradient(at.data(), slope, workspace);
  EXPECT_LT(apart(slope, gradient), 1e-7);
}

TEST(DistributedGp, JitterGrowsAsInTheSerialFit) {
  const Communicator comm(MPI_COMM_WORLD);
  TrainingData data = smooth_data(100, 1, 1, 61);
  GpOptions options;
  options.kernel = "squared-exponential(length=2)";
  options.nugget = 0.0;
  options.method = "exact";
  const Fit serial = make_gp_regressor(options)->fit(data, {});
  ASSERT_FALSE(serial.summary.warnings.empty());
  ASSERT_NE(serial.summary.warnings.front().find("jitter"), std::string::npos);
  const DistributedGp ours = DistributedGp::fit(options, data, comm, {}, {16, 0, 0, 1});
  EXPECT_EQ(ours.summary().warnings, serial.summary.warnings);
}

/// No covariance function: nothing makes its matrices positive definite.
class Negative final : public gp::PointwiseKernel {
 public:
  std::vector<gp::Hyperparameter> hyperparameters(Index) const override { return {}; }
  double value(const double*, const double*, const double*, double*, double* by_x) const override {
    if (by_x) *by_x = 0.0;
    return -1.0;
  }
};

gp::KernelPtr make_negative(Index inputs) {
  return gp::pointwise_kernel("negative", inputs, std::make_shared<Negative>());
}

TEST(DistributedGp, NothingPositiveDefiniteIsTheSameErrorOnAllRanks) {
  const Communicator comm(MPI_COMM_WORLD);
  gp::register_kernel("negative", make_negative);
  GpOptions options;
  options.kernel = "negative";
  options.nugget = 0.0;
  try {
    DistributedGp::fit(options, smooth_data(50, 1, 1, 61), comm, {}, {8, 0, 0, 1});
    ADD_FAILURE();
  } catch (const NumericalError& e) {
    EXPECT_NE(std::string(e.what()).find("no hyperparameters give a usable covariance matrix of 50 points"),
              std::string::npos)
        << e.what();
  }
  EXPECT_EQ(comm.sum(1.0), comm.size());  // and all are still in step
}

template <class Error>
void expect_refusal(const Communicator& comm, const GpOptions& options, const TrainingData& data,
                    const std::string& said, const FitContext& context = {}) {
  try {
    DistributedGp::fit(options, data, comm, context);
    ADD_FAILURE() << said;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(said), std::string::npos) << e.what();
  }
  EXPECT_EQ(comm.sum(1.0), comm.size());
}

TEST(DistributedGp, WhatOneRankCannotUseIsRefusedByAll) {
  const Communicator comm(MPI_COMM_WORLD);
  const int last = comm.size() - 1;
  const TrainingData good = smooth_data(30, 2, 1, 71);
  GpOptions options;
  TrainingData bad = good;
  if (comm.rank() == last) bad.x(17, 1) = std::nan("");
  expect_refusal<DataError>(comm, options, bad, "17");
  bad = good;
  if (comm.rank() == last) bad.y.conservativeResize(29, 1);
  expect_refusal<DataError>(comm, options, bad, "29");
  options.method = "vecchia";
  expect_refusal<UsageError>(comm, options, good, "vecchia");
  options.method = "exact";
  options.likelihood = gp::Estimator::leave_one_out;
  expect_refusal<UsageError>(comm, options, good, "leave-one-out");
  options.likelihood = gp::Estimator::restricted;
  options.trend = 7;
  expect_refusal<DataError>(comm, options, good, "lower the degree of the mean");
}

TEST(DistributedGp, RanksThatDisagreeAreNamed) {
  const Communicator comm(MPI_COMM_WORLD);
  if (comm.size() == 1) GTEST_SKIP();
  TrainingData data = smooth_data(30, 2, 1, 71);
  GpOptions options;
  if (comm.rank() == 1) data.y(3, 0) = std::nextafter(data.y(3, 0), 10.0);
  expect_refusal<DataError>(comm, options, data, "rank 1 differs from rank 0");
  data = smooth_data(30, 2, 1, 71);
  options.starts = comm.rank() == 1 ? 2 : 3;
  expect_refusal<DataError>(comm, options, data, "rank 1 differs from rank 0");
  options.starts = 3;
  FitContext context;
  context.random = RandomStream(comm.rank() == 1 ? 1 : 2);
  expect_refusal<DataError>(comm, options, data, "rank 1 differs from rank 0", context);
}

TEST(DistributedGp, WhatNeedsNoMatrixWorksToo) {
  const Communicator comm(MPI_COMM_WORLD);
  TrainingData data = smooth_data(12, 2, 2, 81);
  data.y.col(1).setConstant(3.0);
  GpOptions options;
  options.kernel = "matern52(length=0.8)";
  options.nugget = 1e-6;
  const DistributedGp ours = DistributedGp::fit(options, data, comm);
  expect_agreement(comm, ours, make_gp_regressor(options)->fit(data, {}), 1e-8, "a constant output");
  data = smooth_data(1, 2, 1, 81);
  const DistributedGp one = DistributedGp::fit(options, data, comm);
  EXPECT_EQ(ask(one, data.x, Noise::latent).mean(0, 0), data.y(0, 0));
}

}  // namespace
