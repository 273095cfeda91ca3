// What every registered regressor promises. A new one is covered by being in the table.
#include <gtest/gtest.h>

#include <thread>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/samples.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

class Contract : public testing::TestWithParam<std::string> {
 protected:
  Fit fit(const TrainingData& data, Executor* executor = nullptr, std::uint64_t seed = 1) const {
    FitContext context;
    context.random = RandomStream(seed);
    context.executor = executor;
    return make_regressor(GetParam())->fit(data, context);
  }
};

::testing::AssertionResult same_bits(const Matrix& a, const Matrix& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return ::testing::AssertionFailure() << "shapes differ";
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < a.cols(); ++j)
      if (!(a(i, j) == b(i, j)))
        return ::testing::AssertionFailure()
               << "entry " << i << ", " << j << ": " << a(i, j) << " and " << b(i, j);
  return ::testing::AssertionSuccess();
}

Matrix observed_variance(const Predictor& p, const Matrix& X) {
  return predict_variance(p, X, Noise::observed).second;
}

TEST_P(Contract, NameAndSettingsAreThere) {
  const RegressorPtr r = make_regressor(GetParam());
  EXPECT_EQ(r->name(), GetParam());
  EXPECT_FALSE(r->settings().empty());
  EXPECT_THROW(make_regressor(GetParam(), {{"no such setting", 1.0}}), UsageError);
}

TEST_P(Contract, SameBitsAloneAndInABatch) {
  const Fit f = fit(smooth(40, 1, 0.05));
  const Matrix X = uniform(37, 3, 2);
  const Matrix batch = predict(*f.predictor, X);
  Matrix one(X.rows(), 2), variance(X.rows(), 2);
  for (Index i = 0; i < X.rows(); ++i) one.row(i) = predict(*f.predictor, X.row(i));
  EXPECT_TRUE(same_bits(batch, one));
  // Rows that stand apart in memory.
  Matrix wide = Matrix::Constant(X.rows(), 7, 1e300), out(X.rows(), 5);
  wide.leftCols(3) = X;
  Workspace workspace;
  f.predictor->mean(wide.leftCols(3), out.leftCols(2), workspace);
  EXPECT_TRUE(same_bits(batch, out.leftCols(2)));
  if (!f.predictor->has_variance()) return;
  for (const Noise noise : {Noise::latent, Noise::observed}) {
    const auto [mean, all] = predict_variance(*f.predictor, X, noise);
    EXPECT_TRUE(same_bits(batch, mean));
    for (Index i = 0; i < X.rows(); ++i)
      variance.row(i) = predict_variance(*f.predictor, X.row(i), noise).second;
    EXPECT_TRUE(same_bits(all, variance));
    EXPECT_GE(all.minCoeff(), 0.0);
  }
}

TEST_P(Contract, SaveAndLoadKeepTheBits) {
  const Fit f = fit(smooth(40, 3, 0.05));
  const h5::File file = h5::File::in_memory("contract");
  save_predictor(file.root().create_group("predictor"), *f.predictor);
  const PredictorPtr loaded = load_predictor(file.root().group("predictor"));
  const Matrix X = uniform(20, 3, 4);
  EXPECT_EQ(loaded->kind(), f.predictor->kind());
  EXPECT_EQ(loaded->has_variance(), f.predictor->has_variance());
  EXPECT_EQ(loaded->has_covariance(), f.predictor->has_covariance());
  EXPECT_EQ(loaded->has_jacobian(), f.predictor->has_jacobian());
  EXPECT_EQ(loaded->has_variance_gradient(), f.predictor->has_variance_gradient());
  EXPECT_TRUE(same_bits(predict(*f.predictor, X), predict(*loaded, X)));
  if (!f.predictor->has_variance()) return;
  for (const Noise noise : {Noise::latent, Noise::observed})
    EXPECT_TRUE(same_bits(predict_variance(*f.predictor, X, noise).second,
                          predict_variance(*loaded, X, noise).second));
}

TEST_P(Contract, SameBitsOnOneAndThreeThreads) {
  const TrainingData data = smooth(50, 5, 0.1);
  ThreadExecutor three(3);
  const Fit a = fit(data), b = fit(data, &three);
  const Matrix X = uniform(20, 3, 6);
  const Matrix expected = predict(*a.predictor, X);
  EXPECT_TRUE(same_bits(expected, predict(*b.predictor, X)));
  if (a.predictor->has_variance()) {
    EXPECT_TRUE(same_bits(observed_variance(*a.predictor, X), observed_variance(*b.predictor, X)));
  }
  std::vector<Matrix> results(4);
  std::vector<std::thread> threads;
  for (auto& r : results) threads.emplace_back([&] { r = predict(*a.predictor, X); });
  for (auto& t : threads) t.join();
  for (const auto& r : results) EXPECT_TRUE(same_bits(expected, r));
}

TEST_P(Contract, RefusesWhatIsNotFinite) {
  TrainingData data = smooth(20, 7);
  data.input_names = {"mass", "spin", "angle"};
  const Fit f = fit(data);
  Matrix X = uniform(4, 3, 8);
  X(2, 1) = std::nan("");
  EXPECT_THROW(predict(*f.predictor, X), DataError);
  EXPECT_THROW(predict(*f.predictor, uniform(4, 2, 8)), UsageError);
  data.x(11, 1) = INFINITY;
  try {
    fit(data);
    FAIL() << "an infinite input was accepted";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("row 11"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("spin"), std::string::npos) << e.what();
  }
  data = smooth(20, 7);
  data.y(3, 1) = std::nan("");
  EXPECT_THROW(fit(data), DataError);
  data.y.conservativeResize(19, 2);
  EXPECT_THROW(fit(data), DataError);
}

TEST_P(Contract, ConstantOutputIsPredictedAsSuch) {
  TrainingData data = smooth(30, 9);
  data.y.col(1).setConstant(-7.25);
  const Fit f = fit(data);
  const Matrix X = uniform(10, 3, 10);
  const Matrix mean = predict(*f.predictor, X);
  for (Index i = 0; i < 10; ++i) EXPECT_NEAR(mean(i, 1), -7.25, 1e-12);
  EXPECT_FALSE(f.summary.warnings.empty());
  if (f.predictor->has_variance()) {
    EXPECT_TRUE(observed_variance(*f.predictor, X).allFinite());
  }
}

TEST_P(Contract, FewPointsAreEnough) {
  for (const Index n : {1, 2, 3, 4}) {
    const TrainingData data = smooth(n, 11);
    const Fit f = fit(data);
    const Matrix X = uniform(6, 3, 12);
    ASSERT_TRUE(predict(*f.predictor, X).allFinite()) << n << " points";
    if (n == 1) {
      EXPECT_NEAR((predict(*f.predictor, X).rowwise() - data.y.row(0)).cwiseAbs().maxCoeff(), 0.0, 1e-12);
      EXPECT_FALSE(f.summary.warnings.empty());
    }
    if (f.predictor->has_variance()) {
      EXPECT_TRUE(observed_variance(*f.predictor, X).allFinite()) << n << " points";
      EXPECT_GE(observed_variance(*f.predictor, X).minCoeff(), 0.0);
    }
  }
}

TEST_P(Contract, RepeatedPointsAreHandledAndReported) {
  TrainingData data = smooth(30, 13, 0.1);
  for (Index i = 20; i < 30; ++i) data.x.row(i) = data.x.row(i - 20);
  const Fit f = fit(data);
  EXPECT_TRUE(predict(*f.predictor, data.x).allFinite());
  EXPECT_NE(all_warnings(f.summary).find("10"), std::string::npos) << all_warnings(f.summary);
  // All of them the same.
  data.x.rowwise() = Matrix(data.x.row(0)).row(0);
  const Fit same = fit(data);
  const Matrix mean = predict(*same.predictor, data.x.topRows(1));
  EXPECT_NEAR((mean - data.y.colwise().mean()).cwiseAbs().maxCoeff(), 0.0, 1e-9);
}

TEST_P(Contract, InputsThatDoNotVaryAreIgnoredAndReported) {
  TrainingData data = smooth(30, 14);
  const Fit without = fit(data);
  data.x.conservativeResize(30, 4);
  data.x.col(3).setConstant(0.1);
  const Fit f = fit(data);
  EXPECT_FALSE(f.summary.warnings.empty());
  Matrix X = uniform(8, 4, 15);
  const Matrix mean = predict(*f.predictor, X);
  X.col(3).setConstant(0.1);
  EXPECT_NEAR((mean - predict(*f.predictor, X)).cwiseAbs().maxCoeff(), 0.0, 1e-9);
  EXPECT_NEAR((mean - predict(*without.predictor, X.leftCols(3))).cwiseAbs().maxCoeff(), 0.0, 1e-4);
}

TEST_P(Contract, UnitsDoNotMatter) {
  const TrainingData data = smooth(40, 16, 0.02);
  TrainingData other = data;
  const auto change = [](Matrix X) {
    X.col(0) = X.col(0) * 1e6;
    X.col(1) = X.col(1).array() * 1e-7 + 3e-7;
    X.col(2) = X.col(2).array() * -32.0 + 1000.0;
    return X;
  };
  other.x = change(data.x);
  other.y = data.y * 1e-20;
  const Matrix X = uniform(20, 3, 17);
  const Fit a = fit(data), b = fit(other);
  const Matrix expected = predict(*a.predictor, X), found = predict(*b.predictor, change(X)) * 1e20;
  EXPECT_LT(nrmse(expected.col(0), found.col(0)), 1e-3);
  EXPECT_LT(nrmse(expected.col(1), found.col(1)), 1e-3);
}

TEST_P(Contract, JacobianAgreesWithDifferences) {
  const Fit f = fit(smooth(40, 18, 0.02));
  Workspace workspace;
  Matrix jacobian(2, 3);
  const Matrix X = uniform(5, 3, 19);
  if (!f.predictor->has_jacobian()) {
    EXPECT_THROW(f.predictor->jacobian(X.data(), jacobian, workspace), UsageError);
    return;
  }
  for (Index i = 0; i < X.rows(); ++i) {
    f.predictor->jacobian(X.row(i).data(), jacobian, workspace);
    for (Index k = 0; k < 3; ++k) {
      const double step = 1e-5;
      Matrix low = X.row(i), high = X.row(i);
      low(0, k) -= step;
      high(0, k) += step;
      const Matrix slope = (predict(*f.predictor, high) - predict(*f.predictor, low)) / (2.0 * step);
      for (Index j = 0; j < 2; ++j)
        EXPECT_NEAR(jacobian(j, k), slope(0, j), 1e-4 * (1.0 + std::abs(slope(0, j))));
    }
  }
}

TEST_P(Contract, VarianceGradientAgreesWithDifferences) {
  const Fit f = fit(smooth(40, 18, 0.02));
  Workspace workspace;
  Matrix gradient(2, 3);
  const Matrix X = uniform(5, 3, 19);
  if (!f.predictor->has_variance_gradient()) {
    EXPECT_THROW(f.predictor->variance_gradient(X.data(), gradient, workspace), UsageError);
    return;
  }
  for (Index i = 0; i < X.rows(); ++i) {
    f.predictor->variance_gradient(X.row(i).data(), gradient, workspace);
    for (Index k = 0; k < 3; ++k) {
      const double step = 1e-3;
      Matrix low = X.row(i), high = X.row(i);
      low(0, k) -= step;
      high(0, k) += step;
      const Matrix above = observed_variance(*f.predictor, high),
                   below = observed_variance(*f.predictor, low);
      for (Index j = 0; j < 2; ++j)
        EXPECT_NEAR(gradient(j, k) * 2.0 * step, above(0, j) - below(0, j),
                    1e-4 * (std::abs(above(0, j) - below(0, j)) + above(0, j)));
    }
  }
}

TEST_P(Contract, CovarianceHasTheVarianceOnItsDiagonal) {
  const Fit f = fit(smooth(40, 23, 0.05));
  const Matrix X = uniform(9, 3, 24);
  Workspace workspace;
  Matrix covariance(9, 9);
  if (!f.predictor->has_covariance()) {
    EXPECT_THROW(f.predictor->covariance(X, 0, covariance, Noise::latent, workspace), UsageError);
    EXPECT_THROW(draw_samples(*f.predictor, X, 0, 1, Noise::latent, RandomStream(1)), UsageError);
    return;
  }
  for (const Noise noise : {Noise::latent, Noise::observed})
    for (Index o = 0; o < 2; ++o) {
      f.predictor->covariance(X, o, covariance, noise, workspace);
      const Matrix variance = predict_variance(*f.predictor, X, noise).second;
      EXPECT_EQ(covariance, covariance.transpose());
      EXPECT_LT((covariance.diagonal() - variance.col(o)).cwiseAbs().maxCoeff(), 1e-10 * variance.maxCoeff());
      const Matrix draws = draw_samples(*f.predictor, X, o, 3, noise, RandomStream(1));
      EXPECT_EQ(draws.rows(), 3);
      EXPECT_EQ(draws.cols(), 9);
      EXPECT_TRUE(draws.allFinite());
    }
}

TEST_P(Contract, BoreholeInRawUnitsBeatsTheAverage) {
  const Fit f = fit(borehole_data(120, 20));
  const TrainingData test = borehole_data(200, 21);
  const double error = nrmse(test.y, predict(*f.predictor, test.x));
  if (GetParam() == "mean")
    EXPECT_NEAR(error, 1.0, 0.1);
  else
    EXPECT_LT(error, GetParam() == "knn" ? 0.5 : 0.4);
}

TEST_P(Contract, ErrorBarsCoverOnAverage) {
  double covered = 0.0;
  const int sets = 8;
  for (int s = 0; s < sets; ++s) {
    const auto seed = static_cast<std::uint64_t>(300 + s);
    const Fit f = fit(borehole_data(60, seed));
    if (!f.predictor->has_variance()) GTEST_SKIP() << "no variance";
    const TrainingData test = borehole_data(500, seed + 100);
    const auto [mean, variance] = predict_variance(*f.predictor, test.x, Noise::observed);
    covered += ((test.y - mean).array().abs() < 1.96 * variance.array().sqrt()).cast<double>().mean() / sets;
  }
  EXPECT_GT(covered, 0.85);
  EXPECT_LT(covered, 0.99);
}

TEST_P(Contract, LeaveOneOutHasItsShapeAndDeviations) {
  const TrainingData data = smooth(40, 22, 0.1);
  const Fit f = fit(data);
  if (f.summary.leave_one_out.size() == 0) return;
  ASSERT_EQ(f.summary.leave_one_out.rows(), 40);
  ASSERT_EQ(f.summary.leave_one_out.cols(), 2);
  EXPECT_TRUE(f.summary.leave_one_out.allFinite());
  if (f.summary.leave_one_out_std.size() == 0) return;
  ASSERT_EQ(f.summary.leave_one_out_std.rows(), 40);
  EXPECT_GE(f.summary.leave_one_out_std.minCoeff(), 0.0);
}

INSTANTIATE_TEST_SUITE_P(Regressors, Contract, testing::ValuesIn(regressor_names()),
                         [](const auto& info) { return info.param; });

TEST(Registry, UnknownNamesAreRefusedWithTheKnownOnes) {
  try {
    make_regressor("oracle");
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("ridge"), std::string::npos);
  }
  const h5::File file = h5::File::in_memory("unknown kind");
  file.root().set("kind", "oracle");
  EXPECT_THROW(load_predictor(file.root()), StorageError);
}

}  // namespace
}  // namespace ersatz
