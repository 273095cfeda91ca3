#include "transform/periodic.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {
constexpr double two_pi = 6.28318530717958647692;
}

void PeriodicTransform::forward(const double* y, double* z) const {
  std::copy(y, y + inputs_, z);
  double* sine = z + inputs_;
  for (const Column& c : columns_) {
    const double angle = two_pi * (y[c.column] - c.origin) / c.period;
    z[c.column] = std::cos(angle);
    *sine++ = std::sin(angle);
  }
}

void PeriodicTransform::inverse(const double* z, double* y) const {
  std::copy(z, z + inputs_, y);
  const double* sine = z + inputs_;
  for (const Column& c : columns_) {
    double turn = std::atan2(*sine++, z[c.column]) / two_pi;
    if (turn < 0.0) turn += 1.0;
    y[c.column] = c.origin + turn * c.period;
  }
}

void PeriodicTransform::push_forward(const double* y, const double* dy, double* dz) const {
  std::copy(dy, dy + inputs_, dz);
  double* sine = dz + inputs_;
  for (const Column& c : columns_) {
    const double angle = two_pi * (y[c.column] - c.origin) / c.period;
    const double rate = two_pi / c.period * dy[c.column];
    dz[c.column] = -std::sin(angle) * rate;
    *sine++ = std::cos(angle) * rate;
  }
}

void PeriodicTransform::push_inverse(const double* z, const double* dz, double* dy) const {
  std::copy(dz, dz + inputs_, dy);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& c = columns_[i];
    const double co = z[c.column], si = z[inputs_ + static_cast<Index>(i)];
    const double r2 = std::max(co * co + si * si, 1e-300);
    dy[c.column] = c.period / two_pi * (co * dz[inputs_ + static_cast<Index>(i)] - si * dz[c.column]) / r2;
  }
}

void PeriodicTransform::variance_inverse(const double* z, const double* var_z, double* var_y) const {
  std::copy(var_z, var_z + inputs_, var_y);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& c = columns_[i];
    const double co = z[c.column], si = z[inputs_ + static_cast<Index>(i)];
    const double r2 = std::max(co * co + si * si, 1e-300);
    const double factor = c.period / two_pi / r2;
    var_y[c.column] =
        factor * factor * (co * co * var_z[inputs_ + static_cast<Index>(i)] + si * si * var_z[c.column]);
  }
}

void PeriodicTransform::save(const h5::Group& group) const {
  group.set("inputs", static_cast<std::int64_t>(inputs_));
  std::vector<std::int64_t> columns;
  Matrix numbers(static_cast<Index>(columns_.size()), 2);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns.push_back(columns_[i].column);
    numbers.row(static_cast<Index>(i)) << columns_[i].origin, columns_[i].period;
  }
  group.write("columns", columns);
  group.write("origin_period", numbers);
}

TransformPtr PeriodicTransform::load(const h5::Group& group) {
  const auto columns = group.read_integers("columns");
  const Matrix numbers = group.read_matrix("origin_period", static_cast<Index>(columns.size()), 2);
  const std::int64_t inputs = group.get_integer("inputs");
  std::vector<Column> result;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto row = static_cast<Index>(i);
    if (columns[i] < 0 || columns[i] >= inputs || !(numbers(row, 1) > 0.0))
      throw StorageError(text(group.where(), ": column ", columns[i], " with period ", numbers(row, 1),
                              "; expected one of ", inputs, " columns and a positive period"));
    result.push_back({columns[i], numbers(static_cast<Index>(i), 0), numbers(static_cast<Index>(i), 1)});
  }
  return std::make_shared<PeriodicTransform>(inputs, std::move(result));
}

}  // namespace ersatz
