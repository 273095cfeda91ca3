#include "transform/diagonal.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

using Entry = DiagonalTransform::Entry;
using Function = DiagonalTransform::Function;

/// dy/dz at z.
double slope_of_inverse(const Entry& e, double z) {
  switch (e.function) {
    case Function::identity:
      return e.scale;
    case Function::log:
      return e.scale * std::exp(z * e.scale + e.shift);
    case Function::asinh:
      return e.scale * e.argument * std::cosh(z * e.scale + e.shift);
  }
  return 0.0;
}

}  // namespace

void DiagonalTransform::forward(const double* y, double* z) const {
  for (const Entry& e : entries_) {
    double f = *y++;
    if (e.function == Function::log)
      f = std::log(std::max(f, e.argument));
    else if (e.function == Function::asinh)
      f = std::asinh(f / e.argument);
    *z++ = (f - e.shift) / e.scale;
  }
}

void DiagonalTransform::inverse(const double* z, double* y) const {
  for (const Entry& e : entries_) {
    const double f = *z++ * e.scale + e.shift;
    switch (e.function) {
      case Function::identity:
        *y++ = f;
        break;
      case Function::log:
        *y++ = std::exp(f);
        break;
      case Function::asinh:
        *y++ = e.argument * std::sinh(f);
        break;
    }
  }
}

void DiagonalTransform::push_forward(const double* y, const double* dy, double* dz) const {
  for (const Entry& e : entries_) {
    double slope = 1.0;
    if (e.function == Function::log)
      slope = *y > e.argument ? 1.0 / *y : 0.0;
    else if (e.function == Function::asinh)
      slope = 1.0 / std::hypot(*y, e.argument);
    ++y;
    *dz++ = slope / e.scale * *dy++;
  }
}

void DiagonalTransform::push_inverse(const double* z, const double* dz, double* dy) const {
  for (const Entry& e : entries_) *dy++ = slope_of_inverse(e, *z++) * *dz++;
}

void DiagonalTransform::variance_inverse(const double* z, const double* var_z, double* var_y) const {
  for (const Entry& e : entries_) {
    const double slope = slope_of_inverse(e, *z++);
    *var_y++ = slope * slope * *var_z++;
  }
}

TransformPtr DiagonalTransform::restricted(const std::vector<Index>& entries) const {
  std::vector<Entry> kept;
  for (const Index j : entries) {
    if (j < 0 || j >= inputs())
      throw UsageError(text("transform: entry ", j, " is asked for, there are ", inputs()));
    kept.push_back(entries_[static_cast<std::size_t>(j)]);
  }
  return std::make_shared<DiagonalTransform>(std::move(kept));
}

void DiagonalTransform::save(const h5::Group& group) const {
  std::vector<std::int64_t> functions;
  Matrix numbers(inputs(), 3);
  for (Index i = 0; i < inputs(); ++i) {
    const Entry& e = entries_[static_cast<std::size_t>(i)];
    functions.push_back(static_cast<std::int64_t>(e.function));
    numbers.row(i) << e.argument, e.shift, e.scale;
  }
  group.write("function", functions);
  group.write("argument_shift_scale", numbers);
}

TransformPtr DiagonalTransform::load(const h5::Group& group) {
  const auto functions = group.read_integers("function");
  const Matrix numbers = group.read_matrix("argument_shift_scale", static_cast<Index>(functions.size()), 3);
  std::vector<Entry> entries;
  for (Index i = 0; i < numbers.rows(); ++i) {
    const std::int64_t function = functions[static_cast<std::size_t>(i)];
    if (function < 0 || function > static_cast<std::int64_t>(Function::asinh))
      throw StorageError(text(group.where(), ": entry ", i, " has function ", function,
                              ", which this version of Ersatz does not know"));
    if (!numbers.row(i).allFinite() || numbers(i, 2) == 0.0)
      throw StorageError(text(group.where(), ": entry ", i, " has shift ", numbers(i, 1), " and scale ",
                              numbers(i, 2), "; they must be finite, and the scale not zero"));
    entries.push_back({static_cast<Function>(function), numbers(i, 0), numbers(i, 1), numbers(i, 2)});
  }
  return std::make_shared<DiagonalTransform>(std::move(entries));
}

}  // namespace ersatz
