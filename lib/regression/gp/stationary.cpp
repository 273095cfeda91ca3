#include "regression/gp/stationary.hpp"

#include <algorithm>
#include <cmath>

namespace ersatz::gp {

std::vector<Hyperparameter> length_hyperparameters(const std::string& part, Index inputs, Index points) {
  const double d = static_cast<double>(inputs), n = static_cast<double>(points);
  const double lower = std::min(0.05, 0.5 * std::pow(n, -1.0 / d));
  const double start = std::clamp(0.5 * std::sqrt(d), 2.0 * lower, 2.0);
  std::vector<Hyperparameter> all;
  for (Index k = 0; k < inputs; ++k)
    all.push_back({"length", Hyperparameter::Role::length, k, start, lower, 50.0, true, part});
  return all;
}

std::vector<Hyperparameter> Named::hyperparameters(Index points) const {
  return length_hyperparameters(name_, inputs_, points);
}

void Named::prepare(const double* theta, double* coefficients) const {
  for (Index k = 0; k < inputs_; ++k) coefficients[k] = std::exp(-theta[k]);
}

void Named::diagonal(const Points& points, const double*, double* k) const {
  std::fill(k, k + points.size, 1.0);
}

void Named::subtract_sums(const double* slopes, Index n, const double* w, Index stride, Index count,
                          const double* coefficients, double* gradients, Workspace& workspace) const {
  double* sums = workspace.take(inputs_ * count);
  table_.dots(slopes, inputs_, n, w, count, stride, n, sums, inputs_);
  for (Index o = 0; o < count; ++o)
    for (Index k = 0; k < inputs_; ++k)
      gradients[o * inputs_ + k] -= coefficients[k] * coefficients[k] * sums[o * inputs_ + k];
}

namespace {

using kernels::Table;

using InPlace = void (*Table::*)(double*, kernels::Size);

/// k = φ(r²); the slope is f = -2 φ'(r²).
class Radial final : public Named {
 public:
  Radial(std::string name, Index inputs, InPlace value, InPlace slope)
      : Named(std::move(name), inputs), value_(value), slope_(slope) {}

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace&) const override {
    table_.scaled_squared_distances(x, points.columns, points.stride, points.size, inputs_, coefficients, k);
    (table_.*value_)(k, points.size);
  }

  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* f = weighted_slope(x, points, coefficients, w, workspace);
    double* sums = workspace.take(inputs_);
    table_.weighted_squares(x, points.columns, points.stride, points.size, inputs_, f, sums);
    for (Index k = 0; k < inputs_; ++k) gradient[k] += coefficients[k] * coefficients[k] * sums[k];
  }

  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* f = weighted_slope(x, points, coefficients, w, workspace);
    double* sums = workspace.take(inputs_);
    table_.weighted_differences(x, points.columns, points.stride, points.size, inputs_, f, sums);
    for (Index k = 0; k < inputs_; ++k) gradient[k] -= coefficients[k] * coefficients[k] * sums[k];
  }

  void jacobians(const double* x, const Points& points, const double* coefficients, const double* w,
                 Index stride, Index count, double* gradients, Workspace& workspace) const override {
    if (count == 1) return jacobian(x, points, coefficients, w, gradients, workspace);
    const Workspace::Frame frame(workspace);
    const Index n = points.size;
    double* f = workspace.take(n);
    double* slopes = workspace.take(inputs_ * n);
    table_.scaled_squared_distances(x, points.columns, points.stride, n, inputs_, coefficients, f);
    (table_.*slope_)(f, n);
    table_.scaled_differences(x, points.columns, points.stride, n, inputs_, f, slopes);
    subtract_sums(slopes, n, w, stride, count, coefficients, gradients, workspace);
  }

 private:
  const double* weighted_slope(const double* x, const Points& points, const double* coefficients,
                               const double* w, Workspace& workspace) const {
    double* f = workspace.take(points.size);
    table_.scaled_squared_distances(x, points.columns, points.stride, points.size, inputs_, coefficients, f);
    (table_.*slope_)(f, points.size);
    for (Index i = 0; i < points.size; ++i) f[i] *= w[i];
    return f;
  }

  InPlace value_, slope_;
};

using ProductRow = decltype(&Table::matern32_product);
using ProductWeighted = decltype(&Table::matern32_product_weighted);
using ProductSlopes = decltype(&Table::matern32_product_slopes);

/// k = Π_k g(h_k).
class ProductForm final : public Named {
 public:
  ProductForm(std::string name, Index inputs, ProductRow value, ProductWeighted weighted,
              ProductSlopes slopes)
      : Named(std::move(name), inputs), value_(value), weighted_(weighted), slopes_(slopes) {}

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace&) const override {
    (table_.*value_)(x, points.columns, points.stride, points.size, inputs_, coefficients, k);
  }

  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* sums = weighted_sums(x, points, coefficients, w, 2, workspace);
    for (Index k = 0; k < inputs_; ++k) gradient[k] += coefficients[k] * coefficients[k] * sums[k];
  }

  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const double* sums = weighted_sums(x, points, coefficients, w, 1, workspace);
    for (Index k = 0; k < inputs_; ++k) gradient[k] -= coefficients[k] * coefficients[k] * sums[k];
  }

  void jacobians(const double* x, const Points& points, const double* coefficients, const double* w,
                 Index stride, Index count, double* gradients, Workspace& workspace) const override {
    if (count == 1) return jacobian(x, points, coefficients, w, gradients, workspace);
    const Workspace::Frame frame(workspace);
    double* f = workspace.take(points.size);
    double* slopes = workspace.take(inputs_ * points.size);
    row(x, points, coefficients, f, workspace);
    (table_.*slopes_)(x, points.columns, points.stride, points.size, inputs_, coefficients, f, slopes);
    subtract_sums(slopes, points.size, w, stride, count, coefficients, gradients, workspace);
  }

 private:
  const double* weighted_sums(const double* x, const Points& points, const double* coefficients,
                              const double* w, int power, Workspace& workspace) const {
    double* f = workspace.take(points.size);
    double* sums = workspace.take(inputs_);
    row(x, points, coefficients, f, workspace);
    for (Index i = 0; i < points.size; ++i) f[i] *= w[i];
    (table_.*weighted_)(x, points.columns, points.stride, points.size, inputs_, coefficients, f, power, sums);
    return sums;
  }

  ProductRow value_;
  ProductWeighted weighted_;
  ProductSlopes slopes_;
};

}  // namespace

KernelPtr make_stationary_kernel(const std::string& name, Index inputs) {
  if (name == "squared-exponential")
    return std::make_shared<Radial>(name, inputs, &Table::squared_exponential, &Table::squared_exponential);
  if (name == "matern12")
    return std::make_shared<Radial>(name, inputs, &Table::matern12_radial, &Table::matern12_slope);
  if (name == "matern32")
    return std::make_shared<Radial>(name, inputs, &Table::matern32_radial, &Table::matern32_slope);
  if (name == "matern52")
    return std::make_shared<Radial>(name, inputs, &Table::matern52_radial, &Table::matern52_slope);
  if (name == "matern12-product")
    return std::make_shared<ProductForm>(name, inputs, &Table::matern12_product,
                                         &Table::matern12_product_weighted, &Table::matern12_product_slopes);
  if (name == "matern32-product")
    return std::make_shared<ProductForm>(name, inputs, &Table::matern32_product,
                                         &Table::matern32_product_weighted, &Table::matern32_product_slopes);
  if (name == "matern52-product")
    return std::make_shared<ProductForm>(name, inputs, &Table::matern52_product,
                                         &Table::matern52_product_weighted, &Table::matern52_product_slopes);
  return nullptr;
}

std::vector<std::string> stationary_kernel_names() {
  return {"squared-exponential", "matern12",         "matern32",        "matern52",
          "matern12-product",    "matern32-product", "matern52-product"};
}

}  // namespace ersatz::gp
