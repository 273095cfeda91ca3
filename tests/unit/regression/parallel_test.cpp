// Predictions shared out among workers, for every regressor.
#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

class Parallel : public testing::TestWithParam<std::string> {};

TEST_P(Parallel, SameBitsAsInOneCall) {
  const Fit f = make_regressor(GetParam())->fit(smooth(40, 101, 0.05), {});
  SerialExecutor serial;
  ThreadExecutor two(2), seven(7);
  for (const Index q : {0, 1, 300}) {
    const Matrix X = uniform(q, 3, 102), expected = predict(*f.predictor, X);
    for (Executor* executor : std::initializer_list<Executor*>{&serial, &two, &seven}) {
      // Into the middle of a larger matrix.
      Matrix out = Matrix::Zero(q, 4);
      mean_in_parallel(*f.predictor, X, out.middleCols(1, 2), *executor);
      EXPECT_TRUE(out.middleCols(1, 2) == expected);
      if (!f.predictor->has_variance()) continue;
      for (const Noise noise : {Noise::latent, Noise::observed}) {
        const Matrix spread = predict_variance(*f.predictor, X, noise).second;
        Matrix mean(q, 2), variance(q, 2);
        mean_and_variance_in_parallel(*f.predictor, X, mean, variance, noise, *executor);
        EXPECT_TRUE(mean == expected);
        EXPECT_TRUE(variance == spread);
      }
    }
  }
}

TEST_P(Parallel, ErrorsNameTheRow) {
  const Fit f = make_regressor(GetParam())->fit(smooth(20, 103), {});
  ThreadExecutor two(2);
  Matrix X = uniform(300, 3, 104), mean(300, 2);
  X(271, 1) = std::nan("");
  try {
    mean_in_parallel(*f.predictor, X, mean, two);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("point 271"), std::string::npos) << e.what();
  }
  Matrix small(299, 2);
  EXPECT_THROW(mean_in_parallel(*f.predictor, X, small, two), UsageError);
}

INSTANTIATE_TEST_SUITE_P(Regressors, Parallel, testing::ValuesIn(regressor_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ersatz
