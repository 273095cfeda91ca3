// Every kernel, alone and in sums and products: formulas, derivatives, positive definiteness, prediction.

#include "ersatz/regression/gp/kernel.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <functional>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "ersatz/regression/gp/pointwise.hpp"
#include "functions.hpp"
#include "regression/gp/kernel_table.hpp"

namespace {

using namespace gp_test;
using gp::KernelPtr;

/// A kernel at given hyperparameters (logarithms), on given points.
struct Placed {
  KernelPtr kernel;
  Eigen::MatrixXd columns;
  std::vector<double> coefficients;
  Workspace workspace;

  Placed(KernelPtr k, const Matrix& x, const std::vector<double>& theta)
      : kernel(std::move(k)), columns(x), coefficients(theta.size()) {
    kernel->prepare(theta.data(), coefficients.data());
  }
  gp::Points points() const { return {columns.data(), columns.rows(), columns.rows(), columns.cols()}; }
  Eigen::MatrixXd matrix() {
    Eigen::MatrixXd k(columns.rows(), columns.rows());
    for (Index i = 0; i < k.rows(); ++i) {
      const Vector x = columns.row(i);
      kernel->row(x.data(), points(), coefficients.data(), k.col(i).data(), workspace);
    }
    return k;
  }
};

std::vector<double> logs(std::vector<double> v) {
  for (double& e : v) e = std::log(e);
  return v;
}

TEST(GpKernels, ValuesAreTheFormulas) {
  const Matrix x = design(9, 3, 4);
  const auto h = [&](Index i, Index j, Index k, double length) {
    return std::abs(x(i, k) - x(j, k)) / length;
  };
  struct Case {
    std::string expression;
    std::vector<double> values;
    std::function<double(Index, Index)> formula;
  };
  const std::vector<Case> cases = {
      {"power-exponential",
       {0.5, 0.7, 0.9, 1.9, 1.0, 0.6},
       [&](Index i, Index j) {
         return std::exp(-std::pow(h(i, j, 0, 0.5), 1.9) - h(i, j, 1, 0.7) - std::pow(h(i, j, 2, 0.9), 0.6));
       }},
      {"rational-quadratic",
       {0.5, 0.7, 0.9, 1.3},
       [&](Index i, Index j) {
         const double r2 =
             std::pow(h(i, j, 0, 0.5), 2) + std::pow(h(i, j, 1, 0.7), 2) + std::pow(h(i, j, 2, 0.9), 2);
         return std::pow(1 + r2 / 2.6, -1.3);
       }},
      {"periodic(inputs=[2, 0])",
       {0.8, 1.2, 0.3, 0.45},
       [&](Index i, Index j) {
         const double a = std::sin(M_PI * h(i, j, 2, 0.3)) / 0.8, b = std::sin(M_PI * h(i, j, 0, 0.45)) / 1.2;
         return std::exp(-2 * (a * a + b * b));
       }},
      {"linear(inputs=[0, 2], length=[2, 0.5])",
       {},
       [&](Index i, Index j) {
         return (x(i, 0) - 0.5) * (x(j, 0) - 0.5) / 4 + (x(i, 2) - 0.5) * (x(j, 2) - 0.5) * 4;
       }},
      {"squared-exponential(length=shared) * constant + 0.25 * matern12(inputs=1)",
       {0.6, 0.4},
       [&](Index i, Index j) {
         const double r2 =
             std::pow(h(i, j, 0, 0.6), 2) + std::pow(h(i, j, 1, 0.6), 2) + std::pow(h(i, j, 2, 0.6), 2);
         return std::exp(-r2 / 2) + 0.25 * std::exp(-h(i, j, 1, 0.4));
       }},
      {"constant + matern12-product(inputs=[0, 2])",
       {0.5, 0.6, 3.0},
       [&](Index i, Index j) { return 1 + 3.0 * std::exp(-h(i, j, 0, 0.5) - h(i, j, 2, 0.6)); }},
  };
  for (const Case& c : cases) {
    Placed placed(gp::make_kernel(c.expression, 3), x, logs(c.values));
    ASSERT_EQ(placed.kernel->parameters(), static_cast<Index>(c.values.size())) << c.expression;
    const Eigen::MatrixXd k = placed.matrix();
    for (Index i = 0; i < 9; ++i)
      for (Index j = 0; j < 9; ++j) EXPECT_NEAR(k(j, i), c.formula(i, j), 2e-14) << c.expression;
  }
}

/// A random expression on d inputs, in canonical numbers.
std::string random_expression(RandomStream& random, Index d, int depth) {
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
  };
  if (depth == 0 || random.uniform() < 0.3) {
    const std::vector<std::string> names = {"squared-exponential",
                                            "matern12",
                                            "matern32",
                                            "matern52",
                                            "matern12-product",
                                            "matern32-product",
                                            "matern52-product",
                                            "power-exponential",
                                            "periodic",
                                            "rational-quadratic",
                                            "linear",
                                            "constant"};
    const std::string name = names[below(names.size())];
    std::string arguments;
    if (random.uniform() < 0.6) {
      std::string inputs;
      const auto order = random.permutation(d);
      for (std::size_t k = 0; k <= below(static_cast<std::size_t>(d)); ++k)
        inputs += (inputs.empty() ? "" : ", ") + text(order[k]);
      arguments = "inputs=[" + inputs + "]";
    }
    const double choice = random.uniform();
    if (name != "constant" && choice < 0.4) {
      arguments += arguments.empty() ? "" : ", ";
      arguments += choice < 0.2 ? "length=shared" : text("length=", 0.3 + random.uniform());
    }
    return arguments.empty() ? name : name + "(" + arguments + ")";
  }
  const bool sum = random.uniform() < 0.5;
  std::string all = "(" + random_expression(random, d, depth - 1);
  for (std::size_t more = 0; more <= below(2); ++more) {
    all += sum ? " + " : " * ";
    if (sum && random.uniform() < 0.3) all += text(0.1 + random.uniform(), " * ");
    all += random_expression(random, d, depth - 1);
  }
  return all + ")";
}

std::vector<double> random_theta(const gp::Kernel& kernel, RandomStream& random) {
  std::vector<double> theta;
  for (const auto& h : kernel.hyperparameters(20))
    theta.push_back(std::log(std::clamp(h.start * std::exp(2 * random.uniform() - 1), h.lower, h.upper)));
  return theta;
}

TEST(GpKernels, RandomExpressionsAreCovariances) {
  RandomStream random(8);
  for (int trial = 0; trial < 150; ++trial) {
    const Index d = 1 + trial % 4, n = 25;
    const std::string expression = random_expression(random, d, 2);
    const KernelPtr kernel = gp::make_kernel(expression, d);
    // Written and read back it is the same.
    const KernelPtr again = gp::make_kernel(kernel->expression(), d);
    EXPECT_EQ(again->expression(), kernel->expression()) << expression;
    ASSERT_EQ(again->parameters(), kernel->parameters()) << expression;
    ASSERT_EQ(kernel->hyperparameters(9).size(), static_cast<std::size_t>(kernel->parameters()))
        << expression;
    EXPECT_NO_THROW(gp::check_kernel(expression)) << expression;

    Matrix x = design(n, d, static_cast<std::uint64_t>(trial));
    x.row(n - 1) = x.row(0);  // a repeated point
    const auto theta = random_theta(*kernel, random);
    Placed placed(kernel, x, theta), twin(again, x, theta);
    const Eigen::MatrixXd k = placed.matrix();
    EXPECT_EQ(k, twin.matrix()) << expression;
    const double scale = k.diagonal().maxCoeff();
    EXPECT_LT((k - k.transpose()).cwiseAbs().maxCoeff(), 1e-14 * scale) << expression;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(k);
    EXPECT_GT(solver.eigenvalues().minCoeff(), -1e-13 * static_cast<double>(n) * scale) << expression;

    Vector diagonal(n);
    kernel->diagonal(placed.points(), placed.coefficients.data(), diagonal.data());
    EXPECT_LT((diagonal - k.diagonal()).cwiseAbs().maxCoeff(), 1e-14 * scale) << expression;
    if (kernel->stationary()) {
      EXPECT_LT(diagonal.maxCoeff() - diagonal.minCoeff(), 1e-14 * scale) << expression;
    }

    EXPECT_LT(gp::derivative_error(*kernel), 1e-9) << expression;
  }
}

TEST(GpKernels, ContractAndJacobianAddUpOverManyPoints) {
  RandomStream random(18);
  const Index n = 300, d = 3;  // more than one tile
  const Matrix x = design(n, d, 5);
  for (const std::string expression :
       {"power-exponential", "periodic(inputs=[2, 0]) * matern52", "rational-quadratic + linear",
        "(matern12 + 0.5 * periodic(inputs=[0, 1], period=shared)) * squared-exponential(inputs=2)"}) {
    const KernelPtr kernel = gp::make_kernel(expression, d);
    Placed placed(kernel, x, random_theta(*kernel, random));
    Vector w = Vector::NullaryExpr(n, [&] { return random.normal(); });
    const Vector at = Vector::NullaryExpr(d, [&] { return random.uniform(); });
    const auto sums = [&](bool by_theta, bool together) {
      Vector sum = Vector::Zero(by_theta ? kernel->parameters() : d);
      for (Index i = 0; i < n; i += together ? n : 1) {
        gp::Points points = placed.points().from(i);
        if (!together) points.size = 1;
        if (by_theta)
          kernel->contract(at.data(), points, placed.coefficients.data(), &w[i], sum.data(),
                           placed.workspace);
        else
          kernel->jacobian(at.data(), points, placed.coefficients.data(), &w[i], sum.data(),
                           placed.workspace);
      }
      return sum;
    };
    for (const bool by_theta : {true, false})
      EXPECT_LT((sums(by_theta, true) - sums(by_theta, false)).cwiseAbs().maxCoeff(), 1e-11) << expression;
  }
}

TEST(GpKernels, JacobiansOfSeveralWeightsAreThoseOfEach) {
  RandomStream random(19);
  const Index n = 77, d = 4, count = 5;
  const Matrix x = design(n, d, 6), w = Matrix::NullaryExpr(count, n + 3, [&] { return random.normal(); });
  std::vector<std::string> expressions = gp::kernel_names();
  expressions.emplace_back("rational-quadratic + linear");
  for (const std::string& expression : expressions) {
    const KernelPtr kernel = gp::make_kernel(expression, d);
    Placed placed(kernel, x, random_theta(*kernel, random));
    const Vector at = Vector::NullaryExpr(d, [&] { return random.uniform(); });
    Matrix together = Matrix::Ones(count, d), each = together;  // both add
    kernel->jacobians(at.data(), placed.points(), placed.coefficients.data(), w.data(), w.cols(), count,
                      together.data(), placed.workspace);
    for (Index o = 0; o < count; ++o)
      kernel->jacobian(at.data(), placed.points(), placed.coefficients.data(), w.row(o).data(),
                       each.row(o).data(), placed.workspace);
    EXPECT_LT((together - each).cwiseAbs().maxCoeff(), 1e-12 * each.cwiseAbs().maxCoeff()) << expression;
  }
}

TEST(GpKernels, ArithmeticOfKernelsIsThatOfExpressions) {
  const auto kernel = [](const char* expression) { return gp::make_kernel(expression, 3); };
  const KernelPtr matern = kernel("matern52"), periodic = kernel("periodic(inputs=[1])"),
                  linear = kernel("linear");
  EXPECT_EQ((matern * periodic + linear)->expression(), "matern52 * periodic(inputs=1) + linear");
  EXPECT_EQ((matern * (periodic + linear))->expression(), "matern52 * (periodic(inputs=1) + linear)");
  EXPECT_EQ((matern + (periodic + linear))->expression(), "matern52 + (periodic(inputs=1) + linear)");
  EXPECT_EQ(((matern + periodic) + linear)->expression(), "matern52 + periodic(inputs=1) + linear");
  EXPECT_EQ((matern * (periodic * linear))->expression(), "matern52 * periodic(inputs=1) * linear");
  EXPECT_EQ(gp::sum(matern, linear, 0.25)->expression(), "matern52 + 0.25 * linear");
  EXPECT_EQ(kernel("2 * matern52 + 3 * (linear)")->expression(), "matern52 + 1.5 * linear");
  EXPECT_THROW(matern + gp::make_kernel("matern52", 2), UsageError);
  EXPECT_THROW(matern * gp::make_kernel("matern52", 2), UsageError);
  EXPECT_THROW(gp::sum(matern, linear, -1.0), UsageError);
  EXPECT_FALSE((matern + linear)->stationary());
  EXPECT_TRUE((matern + periodic)->stationary());
}

/// A function of a radius and an angle, the angle in [0, 2 pi).
TrainingData polar_data(Index n, std::uint64_t seed, double noise) {
  TrainingData data;
  data.input_names = {"radius", "phi"};
  data.x = design(n, 2, seed);
  data.x.col(0) *= 3.0;
  data.x.col(1) *= 2.0 * M_PI * 0.999;
  data.x(0, 1) = 0.0;
  data.y.resize(n, 1);
  RandomStream random(seed);
  for (Index i = 0; i < n; ++i) {
    const double r = data.x(i, 0), phi = data.x(i, 1);
    data.y(i, 0) = r * std::cos(phi) + 0.3 * std::sin(2 * phi + r) + noise * random.normal();
  }
  return data;
}

TEST(GpKernels, AnAngleComesRound) {
  const TrainingData data = polar_data(60, 3, 0.0);
  GpOptions options;
  options.kernel = "squared-exponential(inputs=[radius]) * periodic(inputs=[phi], period=6.283185307179586)";
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  Workspace workspace;
  Matrix x(3, 2), mean(3, 1);
  x << 1.3, 0.0, 1.3, 2.0 * M_PI, 1.3, -2.0 * M_PI;
  fit.predictor->mean(x, mean, workspace);
  EXPECT_NEAR(mean(0, 0), mean(1, 0), 1e-7);
  EXPECT_NEAR(mean(0, 0), mean(2, 0), 1e-7);
  EXPECT_NEAR(mean(0, 0), 1.3 + 0.3 * std::sin(1.3), 1e-3);
  // The report has names, and the angle's length; the period was given.
  std::string facts;
  for (const auto& [key, value] : fit.summary.facts) facts += key + ": " + value + "\n";
  EXPECT_NE(facts.find("length of phi"), std::string::npos) << facts;
  EXPECT_EQ(facts.find("period of phi"), std::string::npos) << facts;
  // Inputs by number say the same.
  options.kernel = "squared-exponential(inputs=0) * periodic(inputs=1, period=6.283185307179586)";
  Matrix numbered(3, 1);
  make_gp_regressor(options)->fit(data, {}).predictor->mean(x, numbered, workspace);
  EXPECT_EQ(mean, numbered);
}

TEST(GpKernels, FindsAPeriodAndGoesOnWithIt) {
  const auto truth = [](double x) { return std::exp(std::sin(x * (2.0 * M_PI / 1.7))); };
  TrainingData data;
  data.x = 10.0 * design(80, 1, 7);
  data.y.resize(80, 1);
  RandomStream random(4);
  for (Index i = 0; i < 80; ++i) data.y(i, 0) = truth(data.x(i, 0)) + 0.03 * random.normal();
  const auto at = [&](const std::string& kernel, double x) {
    GpOptions options;
    options.kernel = kernel;
    options.starts = 10;
    Workspace workspace;
    Matrix mean(1, 1);
    make_gp_regressor(options)->fit(data, {}).predictor->mean(Matrix::Constant(1, 1, x), mean, workspace);
    return mean(0, 0);
  };
  for (const double x : {12.325, 13.175}) {  // beyond the data, at a top and a bottom
    EXPECT_NEAR(at("periodic", x), truth(x), 0.1);
    EXPECT_GT(std::abs(at("squared-exponential", x) - truth(x)), 0.3);
  }
}

TEST(GpKernels, CompositesPredictAsAnyKernelDoes) {
  const TrainingData data = polar_data(40, 11, 0.05);
  for (const std::string expression :
       {"matern52 * periodic(inputs=[phi], period=6.283185307179586) + linear + white", "power-exponential",
        "rational-quadratic(length=shared) + 0.1 * constant", "matern12-product(inputs=[phi, radius])"}) {
    GpOptions options;
    options.kernel = expression;
    options.starts = 1;
    const Fit fit = make_gp_regressor(options)->fit(data, {});
    EXPECT_LT(fit.summary.leave_one_out.norm() / std::sqrt(40.0), 0.4) << expression;
    const h5::File file = h5::File::in_memory("kernel.h5");
    save_predictor(file.root(), *fit.predictor);
    const PredictorPtr loaded = load_predictor(file.root());

    const Index q = 70;
    Matrix x = design(q, 2, 12);
    x.col(0) *= 3.0;
    x.col(1) *= 6.0;
    Workspace workspace;
    Matrix mean(q, 1), variance(q, 1), one(1, 1), other(1, 1), jacobian(1, 2);
    fit.predictor->mean_and_variance(x, mean, variance, Noise::latent, workspace);
    EXPECT_GE(variance.minCoeff(), 0.0) << expression;
    for (Index i = 0; i < q; ++i) {
      loaded->mean_and_variance(x.row(i), one, other, Noise::latent, workspace);
      ASSERT_EQ(one(0, 0), mean(i, 0)) << expression;
      ASSERT_EQ(other(0, 0), variance(i, 0)) << expression;
    }
    const auto at = [&](Index k, double step) {
      Matrix moved = x.row(5);
      moved(0, k) += step;
      loaded->mean(moved, one, workspace);
      return one(0, 0);
    };
    loaded->jacobian(x.row(5).data(), jacobian, workspace);
    for (Index k = 0; k < 2; ++k)
      EXPECT_NEAR(jacobian(0, k), (at(k, 1e-5) - at(k, -1e-5)) / 2e-5, 1e-6) << expression;
  }
}

TEST(GpKernels, InputsThatDoNotVary) {
  TrainingData data = polar_data(20, 13, 0.0);
  data.x.col(1).setConstant(2.0);
  GpOptions options;
  options.starts = 1;
  options.kernel = "matern52 * periodic(inputs=[phi])";
  try {
    make_gp_regressor(options)->fit(data, {});
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("input phi does not vary"), std::string::npos) << e.what();
  }
  options.kernel = "matern52 + linear(inputs=[radius])";
  const PredictorPtr predictor = make_gp_regressor(options)->fit(data, {}).predictor;
  EXPECT_EQ(predictor->inputs(), 2);
  data.x.col(0).setConstant(1.0);  // nothing left to put a kernel on
  Workspace workspace;
  Matrix mean(20, 1);
  make_gp_regressor(options)->fit(data, {}).predictor->mean(data.x, mean, workspace);
  EXPECT_NEAR(mean(0, 0), data.y.mean(), 1e-12);
}

TEST(GpKernels, NothingToSearchIsAFitToo) {
  const TrainingData data = polar_data(30, 17, 0.0);
  GpOptions options;
  options.kernel = "matern52(length=[2, 3.5])";
  options.nugget = 1e-8;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  EXPECT_TRUE(fit.summary.usable);
  EXPECT_LT(fit.summary.leave_one_out.norm() / std::sqrt(30.0), 0.5);
}

}  // namespace
