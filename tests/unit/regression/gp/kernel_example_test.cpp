// The kernel of docs/how-to-add-a-kernel.md: the code there is the code here.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "ersatz/regression/gp/pointwise.hpp"
#include "functions.hpp"

namespace {

using namespace gp_test;
using gp::KernelPtr;

// Wendland (1995): (1 - r)⁴ (4 r + 1) inside of r = 1, nothing outside; two continuous derivatives.
class Wendland final : public gp::PointwiseKernel {
 public:
  explicit Wendland(Index inputs) : inputs_(inputs) {}

  std::vector<gp::Hyperparameter> hyperparameters(Index) const override {
    std::vector<gp::Hyperparameter> lengths;
    for (Index k = 0; k < inputs_; ++k) {
      gp::Hyperparameter length;
      length.name = "length";
      length.role = gp::Hyperparameter::Role::length;
      length.input = k;
      length.start = 2.0;  // where inputs run over [0, 1]
      length.lower = 0.1;
      length.upper = 50.0;
      length.scaled = true;  // people give and read it in the input's own unit
      lengths.push_back(length);
    }
    return lengths;
  }

  double value(const double* x, const double* y, const double* length, double* by_log_length,
               double* by_x) const override {
    double r2 = 0.0;
    for (Index k = 0; k < inputs_; ++k) r2 += (x[k] - y[k]) * (x[k] - y[k]) / (length[k] * length[k]);
    const double r = std::sqrt(r2), inside = std::max(1.0 - r, 0.0), cube = inside * inside * inside;
    for (Index k = 0; k < inputs_; ++k) {
      const double h = x[k] - y[k], slope = 20.0 * cube / (length[k] * length[k]);
      if (by_log_length) by_log_length[k] = slope * h * h;
      if (by_x) by_x[k] = -slope * h;
    }
    return cube * inside * (4.0 * r + 1.0);
  }

  bool stationary() const override { return true; }

 private:
  Index inputs_;
};

KernelPtr make_wendland(Index inputs) {
  if (inputs > 3)
    throw UsageError("wendland is a covariance in up to 3 inputs; give it some with inputs=[…]");
  return gp::pointwise_kernel("wendland", inputs, std::make_shared<Wendland>(inputs));
}

void register_wendland() { gp::register_kernel("wendland", make_wendland); }

class KernelExample : public testing::Test {
 protected:
  static void SetUpTestSuite() { register_wendland(); }
};

TEST_F(KernelExample, FitsPredictsAndSurvivesTheFile) {
  TrainingData data = smooth_data(50, 2, 1, 4);
  data.input_names = {"mass", "spin"};

  GpOptions options;
  options.kernel = "wendland(inputs=[mass]) * matern52 + linear";
  const Fit fit = make_gp_regressor(options)->fit(data, {});

  EXPECT_LT(fit.summary.leave_one_out.norm() / std::sqrt(50.0), 0.01);
  const h5::File file = h5::File::in_memory("wendland.h5");
  save_predictor(file.root(), *fit.predictor);
  Workspace workspace;
  Matrix mean(50, 1), again(50, 1);
  fit.predictor->mean(data.x, mean, workspace);
  load_predictor(file.root())->mean(data.x, again, workspace);
  EXPECT_EQ(mean, again);
}

TEST_F(KernelExample, DerivativesAreRight) {
  const KernelPtr kernel = make_wendland(2);
  EXPECT_LT(gp::derivative_error(*kernel), 1e-9);
}

TEST_F(KernelExample, StandsInExpressionsAsAnyOther) {
  const auto kernel = gp::make_kernel("wendland(inputs=[2, 0], length=[1, 3]) + wendland(inputs=1)", 3);
  EXPECT_EQ(kernel->expression(), "wendland(inputs=[2, 0], length=[1, 3]) + wendland(inputs=1)");
  EXPECT_EQ(kernel->parameters(), 2);
  EXPECT_LT(gp::derivative_error(*kernel), 1e-9);
  gp::check_kernel("wendland(length=shared)");
  EXPECT_THROW(gp::check_kernel("wendland(inputs=[a, b, c, d])"), UsageError);
  EXPECT_THROW(gp::make_kernel("wendland", 4), UsageError);
}

// A kernel whose derivative is wrong: what derivative_error is for.
class Careless final : public gp::PointwiseKernel {
 public:
  std::vector<gp::Hyperparameter> hyperparameters(Index) const override { return {{"length"}}; }
  double value(const double* x, const double* y, const double* length, double* by_log,
               double* by_x) const override {
    const double h = (x[0] - y[0]) / length[0], k = std::exp(-0.5 * h * h);
    if (by_log) by_log[0] = k * h * h;
    if (by_x) by_x[0] = -k * h;  // not over the length
    return k;
  }
};

TEST_F(KernelExample, MistakesAreFound) {
  EXPECT_GT(gp::derivative_error(*gp::pointwise_kernel("careless", 1, std::make_shared<Careless>())), 1e-3);
  EXPECT_THROW(gp::register_kernel("wendland", make_wendland), UsageError);
  EXPECT_THROW(gp::register_kernel("matern52", make_wendland), UsageError);
  EXPECT_THROW(gp::register_kernel("white", make_wendland), UsageError);
  EXPECT_THROW(gp::register_kernel("my kernel", make_wendland), UsageError);
  EXPECT_THROW(gp::register_kernel("nothing", nullptr), UsageError);
  gp::register_kernel("misnamed", make_wendland);
  EXPECT_THROW(gp::make_kernel("misnamed", 2), UsageError);
}

TEST_F(KernelExample, AModelWithAKernelThatIsNotRegisteredIsRefused) {
  GpOptions options;
  options.kernel = "wendland";
  options.starts = 1;
  const h5::File file = h5::File::in_memory("elsewhere.h5");
  save_predictor(file.root(), *make_gp_regressor(options)->fit(smooth_data(10, 2, 1, 4), {}).predictor);
  file.root().set("kernel", std::string("askey"));
  try {
    load_predictor(file.root());
    FAIL();
  } catch (const StorageError& e) {
    const std::string said = e.what();
    EXPECT_NE(said.find("\"askey\" is not a kernel"), std::string::npos) << said;
    EXPECT_NE(said.find("registers"), std::string::npos) << said;
  }
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(KernelDocs, CodeInThePageIsTheCodeOfThisFile) {
  const std::string root = ERSATZ_SOURCE_DIR;
  const std::string page = read_text(root + "/docs/how-to-add-a-kernel.md");
  const std::string source = read_text(root + "/tests/unit/regression/gp/kernel_example_test.cpp");
  const std::string begin = "```cpp\n", end = "```";
  int blocks = 0;
  for (std::size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    const std::string code = page.substr(at, page.find(end, at) - at);
    EXPECT_NE(source.find(code), std::string::npos) << "not in kernel_example_test.cpp:\n" << code;
    ++blocks;
  }
  EXPECT_GE(blocks, 4);
}

}  // namespace
