// The language of kernels: what it takes, what it refuses and how it says so, units and names.

#include "ersatz/regression/gp/kernel_expression.hpp"

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"

namespace {

using namespace gp_test;
using gp::KernelInputs;

/// Three inputs of the user's; the middle one does not vary.
KernelInputs some_inputs() {
  KernelInputs inputs;
  inputs.count = 3;
  inputs.names = {"mass", "seed", "spin angle"};
  inputs.active = {0, 2};
  inputs.range.resize(2);
  inputs.range << 10.0, 4.0;
  return inputs;
}

std::string canonical(const std::string& expression) {
  return gp::make_kernel(expression, some_inputs())->expression();
}

std::string complaint(const std::string& expression) {
  try {
    gp::check_kernel(expression);
    gp::make_kernel(expression, some_inputs());
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

TEST(KernelExpression, NamesAndUnitsBecomeInternalOnes) {
  EXPECT_EQ(canonical("matern52"), "matern52");
  EXPECT_EQ(canonical(" ( ( matern52 ) ) "), "matern52");
  EXPECT_EQ(canonical("matern52(inputs=[mass, 'spin angle'])"), "matern52");
  EXPECT_EQ(canonical("matern52(inputs=[2, 0])"), "matern52(inputs=[1, 0])");
  EXPECT_EQ(canonical("periodic(inputs=\"spin angle\", period=6)"), "periodic(inputs=1, period=1.5)");
  EXPECT_EQ(canonical("periodic(inputs=2, length=0.5)"), "periodic(inputs=1, length=0.5)");
  EXPECT_EQ(canonical("squared-exponential(length=5)"), "squared-exponential(length=[0.5, 1.25])");
  EXPECT_EQ(canonical("squared-exponential(length=[5, 1])"), "squared-exponential(length=[0.5, 0.25])");
  EXPECT_EQ(canonical("squared-exponential(length=shared)"), "squared-exponential(length=shared)");
  EXPECT_EQ(canonical("squared-exponential(inputs=[mass], length=shared)"), "squared-exponential(inputs=0)");
  EXPECT_EQ(canonical("power-exponential(power=1.9)"), "power-exponential(power=[1.9, 1.9])");
  EXPECT_EQ(canonical("rational-quadratic(shape=2e0)"), "rational-quadratic(shape=2)");
  EXPECT_EQ(canonical("constant()"), "constant");
  EXPECT_EQ(canonical("matern52*(linear+0.5*periodic(inputs=0))"),
            "matern52 * (linear + 0.5 * periodic(inputs=0))");
  EXPECT_EQ(canonical("white + matern52 + linear"), "matern52 + linear");
  EXPECT_TRUE(gp::check_kernel("matern52 + white").white);
  EXPECT_FALSE(gp::check_kernel("matern52 * (linear + matern32)").white);
}

TEST(KernelExpression, MistakesAreNamedWithTheirPlace) {
  const auto expect = [](const std::string& expression, int position, const std::string& part) {
    const std::string said = complaint(expression);
    EXPECT_NE(said.find(text("position ", position, ":")), std::string::npos) << expression << "\n" << said;
    EXPECT_NE(said.find(part), std::string::npos) << expression << "\n" << said;
  };
  expect("matern52 * periodc(inputs=[mass])", 12,
         "\"periodc\" is not a kernel; known are squared-exponential");
  expect("matern52 + ", 12, "expected a kernel, a number or (, found the end");
  expect("matern52 linear", 10, "expected + or * or the end, found 'l'");
  expect("(matern52 + linear", 19, "expected +, * or ), found the end");
  expect("matern52(inputs=[mass)", 22, "expected a comma or ], found ')'");
  expect("matern52(mass)", 14, "expected = and a value, found ')'");
  expect("matern52(inputs=[\"mass])", 18, "never closed");
  expect("matern52(inputs=[weight])", 18, "\"weight\" is not an input; there are mass, seed, spin angle");
  expect("matern52(inputs=[3])", 18, "input 3 does not exist; there are 3, from 0");
  expect("matern52(inputs=[0.5])", 18, "expected a name or a number");
  expect("matern52(inputs=[mass, 0])", 24, "twice");
  expect("matern52(inputs=[0, 0])", 21, "twice");
  expect("matern52(period=3)", 10, "matern52 has no argument \"period\"; it has inputs, length");
  expect("constant(length=3)", 10, "constant has no argument \"length\"; it has inputs");
  expect("periodic(period=1, period=2)", 20, "\"period\" is there twice");
  expect("periodic(period=0)", 17, "expected a number above 0");
  expect("periodic(period=-1)", 17, "expected a number above 0");
  expect("periodic(period=long)", 17, "\"long\", expected a number above 0 or shared");
  expect("power-exponential(power=2.5)", 25, "the largest is 2");
  expect("matern52(length=[1, 2, 3])", 10, "length has 3 values, expected 1 or 2");
  expect("matern52(inputs=[0, 2], length=[1, 2, 3])", 25, "length has 3 values, expected 1 or 2");
  expect("white", 1, "white is noise alone");
  expect("matern52 * white", 12, "only as a term of the outermost sum");
  expect("matern52 * (linear + white)", 22, "only as a term of the outermost sum");
  expect("matern52 + 0.1 * white", 12, "nugget");
  expect("white + matern52 + white", 20, "twice");
  expect("2 * matern52", 1, "nothing to weigh against");
  expect("2 * matern52 + linear", 1, "leave it out");
  expect("matern52 + 0 * linear", 12, "expected a number above 0");
  expect("matern52 + 3", 12, "a number weighs");
  expect("matern52 + 3 * 4", 12, "numbers alone");
  expect("", 1, "expected a kernel");
  expect(std::string(5000, '('), 101, "parentheses");
  EXPECT_THROW(gp::make_kernel("periodic(inputs=[seed])", some_inputs()), DataError);
}

TEST(KernelExpression, TheRegressorRefusesWhatMakesNoSenseBeforeItHasData) {
  GpOptions options;
  options.kernel = "matern52 * periodc";
  EXPECT_THROW(make_gp_regressor(options), UsageError);
  options.kernel = "matern52 + white";
  EXPECT_NO_THROW(make_gp_regressor(options));
  options.nugget = 0.1;
  EXPECT_THROW(make_gp_regressor(options), UsageError);
}

TEST(KernelExpression, BrokenTextNeverDoesMoreThanThrow) {
  RandomStream random(3);
  const std::string good =
      "matern52 * periodic(inputs=[mass, 'spin angle'], period=3.5e0) + 0.5 * (linear + white)";
  const std::string letters = "()[],=*+'\"0.e- amx";
  for (int trial = 0; trial < 3000; ++trial) {
    std::string broken = good;
    for (int change = 0; change < 3; ++change) {
      const auto at = static_cast<std::size_t>(random.uniform() * static_cast<double>(broken.size()));
      const char c =
          letters[static_cast<std::size_t>(random.uniform() * static_cast<double>(letters.size()))];
      if (random.uniform() < 0.5)
        broken[at] = c;
      else
        broken.erase(at, 1 + static_cast<std::size_t>(10.0 * random.uniform()));
    }
    try {
      gp::make_kernel(gp::make_kernel(broken, some_inputs())->expression(), 2);
    } catch (const UsageError&) {
    } catch (const DataError&) {
    }
  }
}

TEST(KernelExpression, HyperparametersHaveNamesAndUnits) {
  const KernelInputs inputs = some_inputs();
  const std::vector<std::string> names = {"mass", "spin angle"};
  const auto said = [&](const std::string& expression) {
    const auto kernel = gp::make_kernel(expression, inputs);
    const std::vector<double> theta(static_cast<std::size_t>(kernel->parameters()), std::log(0.5));
    return gp::describe(*kernel, theta.data(), names, inputs.range);
  };
  EXPECT_EQ(said("matern52"), "lengths 5 2");
  EXPECT_EQ(said("matern52(length=shared)"), "length 0.5");
  EXPECT_EQ(said("matern52(length=1)"), "no hyperparameters to find");
  EXPECT_EQ(said("rational-quadratic"), "lengths 5 2, shape 0.5");
  EXPECT_EQ(said("power-exponential"), "lengths 5 2, powers 0.5 0.5");
  EXPECT_EQ(said("matern52 * periodic(inputs=2) + linear(length=1)"),
            "matern52: lengths 5 2; periodic: length of spin angle 0.5, period of spin angle 2; relative "
            "variance of "
            "linear 0.5");
  EXPECT_EQ(said("matern52(inputs=0) + matern52(inputs=2) * constant"),
            "matern52: length of mass 5; matern52 2: length of spin angle 2; relative variance of matern52 * "
            "constant "
            "0.5");
  const auto kernel =
      gp::make_kernel("matern52 * periodic(inputs=2) + rational-quadratic(length=shared)", inputs);
  std::vector<std::string> labels;
  for (const auto& h : kernel->hyperparameters(10)) labels.push_back(gp::label(h, names));
  EXPECT_EQ(labels,
            (std::vector<std::string>{"length of mass in matern52", "length of spin angle in matern52",
                                      "length of spin angle in periodic", "period of spin angle in periodic",
                                      "length in rational-quadratic", "shape in rational-quadratic",
                                      "relative variance of rational-quadratic"}));
  EXPECT_EQ(gp::label(kernel->hyperparameters(10)[1]), "length of input 1 in matern52");
}

}  // namespace
