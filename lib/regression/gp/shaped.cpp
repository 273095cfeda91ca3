#include "regression/gp/shaped.hpp"

#include <algorithm>
#include <cmath>

#include "regression/gp/stationary.hpp"

namespace ersatz::gp {
namespace {

constexpr double pi = 3.14159265358979323846;

/// exp(-Σ_k h_k^power_k). Coefficients: 1/length, power.
class PowerExponential final : public Named {
 public:
  explicit PowerExponential(Index inputs) : Named("power-exponential", inputs) {}

  Index parameters() const override { return 2 * inputs_; }
  std::vector<Hyperparameter> hyperparameters(Index points) const override {
    auto all = Named::hyperparameters(points);
    for (Index k = 0; k < inputs_; ++k)
      all.push_back({"power", Hyperparameter::Role::shape, k, 1.8, 0.2, 2.0, false, name_});
    return all;
  }
  void prepare(const double* theta, double* coefficients) const override {
    Named::prepare(theta, coefficients);
    // exp(log 2) may end a rounding above 2, where the kernel is no longer positive definite.
    for (Index k = inputs_; k < 2 * inputs_; ++k) coefficients[k] = std::min(std::exp(theta[k]), 2.0);
  }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace&) const override {
    table_.power_exponential(x, points.columns, points.stride, points.size, inputs_, coefficients,
                             coefficients + inputs_, k);
  }

  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* f = weighted(x, points, coefficients, w, workspace);
    double* sums = workspace.take(2 * inputs_);
    table_.power_exponential_weighted(x, points.columns, points.stride, points.size, inputs_, coefficients,
                                      coefficients + inputs_, f, sums, sums + inputs_);
    for (Index p = 0; p < 2 * inputs_; ++p) gradient[p] += sums[p];
  }

  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* f = weighted(x, points, coefficients, w, workspace);
    double* sums = workspace.take(inputs_);
    table_.power_exponential_differences(x, points.columns, points.stride, points.size, inputs_, coefficients,
                                         coefficients + inputs_, f, sums);
    for (Index k = 0; k < inputs_; ++k) gradient[k] -= sums[k];
  }

 private:
  const double* weighted(const double* x, const Points& points, const double* coefficients, const double* w,
                         Workspace& workspace) const {
    double* f = workspace.take(points.size);
    row(x, points, coefficients, f, workspace);
    for (Index i = 0; i < points.size; ++i) f[i] *= w[i];
    return f;
  }
};

/// (1 + r²/(2 shape))^-shape. Coefficients: 1/length, shape.
class RationalQuadratic final : public Named {
 public:
  explicit RationalQuadratic(Index inputs) : Named("rational-quadratic", inputs) {}

  Index parameters() const override { return inputs_ + 1; }
  std::vector<Hyperparameter> hyperparameters(Index points) const override {
    auto all = Named::hyperparameters(points);
    all.push_back({"shape", Hyperparameter::Role::shape, -1, 1.0, 0.05, 100.0, false, name_});
    return all;
  }
  void prepare(const double* theta, double* coefficients) const override {
    Named::prepare(theta, coefficients);
    coefficients[inputs_] = std::exp(theta[inputs_]);
  }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace&) const override {
    table_.scaled_squared_distances(x, points.columns, points.stride, points.size, inputs_, coefficients, k);
    table_.rational_quadratic(k, points.size, coefficients[inputs_]);
  }

  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* by_shape = workspace.take(points.size);
    const double* f = weighted_slope(x, points, coefficients, w, by_shape, workspace);
    double* sums = workspace.take(inputs_);
    table_.weighted_squares(x, points.columns, points.stride, points.size, inputs_, f, sums);
    for (Index k = 0; k < inputs_; ++k) gradient[k] += coefficients[k] * coefficients[k] * sums[k];
    gradient[inputs_] += table_.dot(w, by_shape, points.size);
  }

  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* by_shape = workspace.take(points.size);
    const double* f = weighted_slope(x, points, coefficients, w, by_shape, workspace);
    double* sums = workspace.take(inputs_);
    table_.weighted_differences(x, points.columns, points.stride, points.size, inputs_, f, sums);
    for (Index k = 0; k < inputs_; ++k) gradient[k] -= coefficients[k] * coefficients[k] * sums[k];
  }

 private:
  const double* weighted_slope(const double* x, const Points& points, const double* coefficients,
                               const double* w, double* by_shape, Workspace& workspace) const {
    double* f = workspace.take(points.size);
    table_.scaled_squared_distances(x, points.columns, points.stride, points.size, inputs_, coefficients, f);
    table_.rational_quadratic_slopes(f, points.size, coefficients[inputs_], by_shape);
    for (Index i = 0; i < points.size; ++i) f[i] *= w[i];
    return f;
  }
};

/// exp(-2 Σ_k sin²(π (x_k - x'_k) / period_k) / length_k²). Coefficients: 1/length, 1/period.
class Periodic final : public Named {
 public:
  explicit Periodic(Index inputs) : Named("periodic", inputs) {}

  Index parameters() const override { return 2 * inputs_; }
  std::vector<Hyperparameter> hyperparameters(Index) const override {
    // Lengths here are against a sine, not against ranges.
    std::vector<Hyperparameter> all;
    for (Index k = 0; k < inputs_; ++k)
      all.push_back({"length", Hyperparameter::Role::length, k, 1.0, 0.05, 50.0, false, name_});
    for (Index k = 0; k < inputs_; ++k)
      all.push_back({"period", Hyperparameter::Role::period, k, 1.0, 0.1, 4.0, true, name_});
    return all;
  }
  void prepare(const double* theta, double* coefficients) const override {
    for (Index p = 0; p < 2 * inputs_; ++p) coefficients[p] = std::exp(-theta[p]);
  }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace&) const override {
    table_.periodic(x, points.columns, points.stride, points.size, inputs_, coefficients,
                    coefficients + inputs_, k);
  }

  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* sums = weighted(x, points, coefficients, w, workspace);
    for (Index k = 0; k < inputs_; ++k) {
      const double factor = 4.0 * coefficients[k] * coefficients[k];
      gradient[k] += factor * sums[k];
      gradient[inputs_ + k] += factor * pi * sums[inputs_ + k];
    }
  }

  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* sums = weighted(x, points, coefficients, w, workspace);
    for (Index k = 0; k < inputs_; ++k)
      gradient[k] -=
          4.0 * pi * coefficients[k] * coefficients[k] * coefficients[inputs_ + k] * sums[2 * inputs_ + k];
  }

 private:
  /// Σ w k sin², Σ w k t sin cos and Σ w k sin cos, d values each.
  const double* weighted(const double* x, const Points& points, const double* coefficients, const double* w,
                         Workspace& workspace) const {
    double* f = workspace.take(points.size);
    double* sums = workspace.take(3 * inputs_);
    row(x, points, coefficients, f, workspace);
    for (Index i = 0; i < points.size; ++i) f[i] *= w[i];
    table_.periodic_weighted(x, points.columns, points.stride, points.size, inputs_, coefficients + inputs_,
                             f, sums, sums + inputs_, sums + 2 * inputs_);
    return sums;
  }
};

/// Σ_k (x_k - ½)(x'_k - ½) / length_k².
class Linear final : public Named {
 public:
  explicit Linear(Index inputs) : Named("linear", inputs) {}

  bool stationary() const override { return false; }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace&) const override {
    std::fill(k, k + points.size, 0.0);
    for (Index j = 0; j < inputs_; ++j) {
      const double* column = points.columns + j * points.stride;
      const double slope = coefficients[j] * coefficients[j] * (x[j] - 0.5);
      for (Index i = 0; i < points.size; ++i) k[i] += slope * (column[i] - 0.5);
    }
  }
  void diagonal(const Points& points, const double* coefficients, double* k) const override {
    std::fill(k, k + points.size, 0.0);
    for (Index j = 0; j < inputs_; ++j) {
      const double* column = points.columns + j * points.stride;
      for (Index i = 0; i < points.size; ++i) {
        const double z = coefficients[j] * (column[i] - 0.5);
        k[i] += z * z;
      }
    }
  }
  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* sums = weighted(points, w, workspace);
    for (Index j = 0; j < inputs_; ++j)
      gradient[j] -= 2.0 * coefficients[j] * coefficients[j] * (x[j] - 0.5) * sums[j];
  }
  void jacobian(const double*, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* sums = weighted(points, w, workspace);
    for (Index j = 0; j < inputs_; ++j) gradient[j] += coefficients[j] * coefficients[j] * sums[j];
  }

 private:
  /// Σ_i w_i (x_ij - ½) for each input j.
  const double* weighted(const Points& points, const double* w, Workspace& workspace) const {
    double* sums = workspace.take(inputs_);
    double* centred = workspace.take(points.size);
    for (Index j = 0; j < inputs_; ++j) {
      const double* column = points.columns + j * points.stride;
      for (Index i = 0; i < points.size; ++i) centred[i] = column[i] - 0.5;
      sums[j] = table_.dot(w, centred, points.size);
    }
    return sums;
  }
};

class Constant final : public Named {
 public:
  explicit Constant(Index inputs) : Named("constant", inputs) {}

  Index parameters() const override { return 0; }
  std::vector<Hyperparameter> hyperparameters(Index) const override { return {}; }
  void prepare(const double*, double*) const override {}
  void row(const double*, const Points& points, const double*, double* k, Workspace&) const override {
    std::fill(k, k + points.size, 1.0);
  }
  void contract(const double*, const Points&, const double*, const double*, double*,
                Workspace&) const override {}
  void jacobian(const double*, const Points&, const double*, const double*, double*,
                Workspace&) const override {}
};

}  // namespace

KernelPtr make_power_exponential_kernel(Index inputs) { return std::make_shared<PowerExponential>(inputs); }
KernelPtr make_rational_quadratic_kernel(Index inputs) { return std::make_shared<RationalQuadratic>(inputs); }
KernelPtr make_periodic_kernel(Index inputs) { return std::make_shared<Periodic>(inputs); }
KernelPtr make_linear_kernel(Index inputs) { return std::make_shared<Linear>(inputs); }
KernelPtr make_constant_kernel(Index inputs) { return std::make_shared<Constant>(inputs); }

}  // namespace ersatz::gp
