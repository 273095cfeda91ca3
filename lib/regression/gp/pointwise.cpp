#include "ersatz/regression/gp/pointwise.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "regression/gp/part.hpp"

namespace ersatz::gp {
namespace {

/// Coefficients: the hyperparameters in their natural units.
class Adapter final : public Kernel {
 public:
  Adapter(std::string name, Index inputs, std::shared_ptr<const PointwiseKernel> pointwise)
      : name_(std::move(name)), inputs_(inputs), pointwise_(std::move(pointwise)) {
    parameters_ = static_cast<Index>(pointwise_->hyperparameters(2).size());
  }

  std::string expression() const override { return name_; }
  Index inputs() const override { return inputs_; }
  Index parameters() const override { return parameters_; }
  std::vector<Hyperparameter> hyperparameters(Index points) const override {
    auto all = pointwise_->hyperparameters(points);
    for (auto& h : all) h.part = name_;
    return all;
  }
  void prepare(const double* theta, double* coefficients) const override {
    for (Index p = 0; p < parameters_; ++p) coefficients[p] = std::exp(theta[p]);
  }
  bool stationary() const override { return pointwise_->stationary(); }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* y = workspace.take(inputs_);
    for (Index i = 0; i < points.size; ++i) {
      points.gather(i, y);
      k[i] = pointwise_->value(x, y, coefficients, nullptr, nullptr);
    }
  }
  void diagonal(const Points& points, const double* coefficients, double* k) const override {
    Few y(inputs_);
    for (Index i = 0; i < points.size; ++i) {
      points.gather(i, y.data());
      k[i] = pointwise_->value(y.data(), y.data(), coefficients, nullptr, nullptr);
    }
  }
  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    accumulate(x, points, coefficients, w, parameters_, true, gradient, workspace);
  }
  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    accumulate(x, points, coefficients, w, inputs_, false, gradient, workspace);
  }

 private:
  void accumulate(const double* x, const Points& points, const double* coefficients, const double* w,
                  Index count, bool by_theta, double* gradient, Workspace& workspace) const {
    const Workspace::Frame frame(workspace);
    double* y = workspace.take(inputs_);
    double* slope = workspace.take(count);
    double* sums = workspace.take(count);
    std::fill(sums, sums + count, 0.0);
    for (Index i = 0; i < points.size; ++i) {
      points.gather(i, y);
      pointwise_->value(x, y, coefficients, by_theta ? slope : nullptr, by_theta ? nullptr : slope);
      for (Index p = 0; p < count; ++p) sums[p] += w[i] * slope[p];
    }
    for (Index p = 0; p < count; ++p) gradient[p] += sums[p];
  }

  std::string name_;
  Index inputs_, parameters_;
  std::shared_ptr<const PointwiseKernel> pointwise_;
};

}  // namespace

KernelPtr pointwise_kernel(const std::string& name, Index inputs,
                           std::shared_ptr<const PointwiseKernel> pointwise) {
  if (!pointwise) throw UsageError(text("kernel ", name, ": no pointwise kernel given"));
  return std::make_shared<Adapter>(name, inputs, std::move(pointwise));
}

double derivative_error(const Kernel& kernel) {
  const Index d = kernel.inputs(), parameters = kernel.parameters();
  const auto size = [](Index n) { return static_cast<std::size_t>(n); };
  Workspace workspace;
  RandomStream random(1);
  std::vector<double> theta, x(size(d)), y(size(d)), coefficients(size(parameters)),
      gradient(size(std::max(d, parameters)));
  const auto hyperparameters = kernel.hyperparameters(10);
  theta.resize(hyperparameters.size());
  const Points other{y.data(), 1, 1, d};
  const double one = 1.0;
  const auto value = [&](double* moved, double start, double step) {
    *moved = start + step;
    double k = 0.0;
    kernel.prepare(theta.data(), coefficients.data());
    kernel.row(x.data(), other, coefficients.data(), &k, workspace);
    *moved = start;
    return k;
  };
  double worst = 0.0;
  const auto compare = [&](double* moved, double given) {
    constexpr double h = 1e-3;
    const double start = *moved;
    const auto at = [&](double steps) { return value(moved, start, steps * h); };
    // Of sixth order: 1e-18 from the series, 1e-13 from rounding.
    const double difference =
        (45.0 * (at(1) - at(-1)) - 9.0 * (at(2) - at(-2)) + at(3) - at(-3)) / (60.0 * h);
    const double error = std::abs(given - difference) / (1.0 + std::abs(difference));
    worst = error <= worst ? worst : error;  // a NaN is the worst
  };
  for (int pair = 0; pair < 20; ++pair) {
    for (std::size_t p = 0; p < theta.size(); ++p) {
      const auto& h = hyperparameters[p];
      theta[p] =
          std::log(std::clamp(h.start * std::exp(random.uniform() - 0.5), 1.1 * h.lower, h.upper / 1.1));
    }
    // Apart in every input: some kernels have a kink where points meet.
    for (std::size_t k = 0; k < x.size(); ++k) {
      y[k] = random.uniform();
      x[k] = std::fmod(y[k] + 0.1 + 0.8 * random.uniform(), 1.0);
    }
    kernel.prepare(theta.data(), coefficients.data());
    std::fill(gradient.begin(), gradient.end(), 0.0);
    kernel.contract(x.data(), other, coefficients.data(), &one, gradient.data(), workspace);
    const auto by_theta = gradient;
    for (Index p = 0; p < parameters; ++p) compare(&theta[size(p)], by_theta[size(p)]);
    kernel.prepare(theta.data(), coefficients.data());
    std::fill(gradient.begin(), gradient.end(), 0.0);
    kernel.jacobian(x.data(), other, coefficients.data(), &one, gradient.data(), workspace);
    const auto by_x = gradient;
    for (Index k = 0; k < d; ++k) compare(&x[size(k)], by_x[size(k)]);
  }
  return worst;
}

}  // namespace ersatz::gp
