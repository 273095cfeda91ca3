#include "transform/diagonal.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

DiagonalTransform::DiagonalTransform(std::vector<Entry> entries)
    : entries_(std::move(entries)), scale_(inputs()), shift_(inputs()) {
  for (Index i = 0; i < inputs(); ++i) {
    const Entry& e = entries_[static_cast<std::size_t>(i)];
    if (runs_.empty() || runs_.back().function != e.function) runs_.push_back({e.function, i, i});
    runs_.back().end = i + 1;
    scale_[i] = e.scale;
    shift_[i] = e.shift;
  }
}

std::shared_ptr<const DiagonalTransform> DiagonalTransform::joined(const std::vector<TransformPtr>& steps) {
  std::vector<Entry> entries;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const auto* step = dynamic_cast<const DiagonalTransform*>(steps[k].get());
    if (!step) return nullptr;
    if (k == 0) {
      entries = step->entries_;
      continue;
    }
    for (std::size_t j = 0; j < entries.size(); ++j) {
      const Entry& next = step->entries_[j];
      if (next.function != Function::identity) return nullptr;
      entries[j].shift += next.shift * entries[j].scale;
      entries[j].scale *= next.scale;
    }
  }
  return std::make_shared<DiagonalTransform>(std::move(entries));
}

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
  for (const Run& run : runs_) {
    const Index at = run.begin, n = run.end - run.begin;
    if (run.function == Function::log) {
      kernels::table().affine_exponentials(z + at, scale_.data() + at, shift_.data() + at, n, y + at);
      continue;
    }
    kernels::table().affine(z + at, scale_.data() + at, shift_.data() + at, n, y + at);
    if (run.function == Function::asinh)
      for (Index i = at; i < run.end; ++i)
        y[i] = entries_[static_cast<std::size_t>(i)].argument * std::sinh(y[i]);
  }
}

void DiagonalTransform::slopes_of_inverse(const Run& run, const double* z, double* slopes) const {
  const Index at = run.begin, n = run.end - run.begin;
  switch (run.function) {
    case Function::identity:
      std::copy_n(scale_.data() + at, n, slopes + at);
      break;
    case Function::log:
      kernels::table().affine_exponentials(z + at, scale_.data() + at, shift_.data() + at, n, slopes + at);
      for (Index i = at; i < run.end; ++i) slopes[i] *= scale_[i];
      break;
    case Function::asinh:
      for (Index i = at; i < run.end; ++i)
        slopes[i] = scale_[i] * entries_[static_cast<std::size_t>(i)].argument *
                    std::cosh(z[i] * scale_[i] + shift_[i]);
      break;
  }
}

void DiagonalTransform::inverse_and_slopes(const double* z, double* y, double* slopes) const {
  inverse(z, y);
  for (const Run& run : runs_) {
    if (run.function == Function::log)  // is its own slope
      for (Index i = run.begin; i < run.end; ++i) slopes[i] = y[i] * scale_[i];
    else
      slopes_of_inverse(run, z, slopes);
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
  for (const Run& run : runs_) slopes_of_inverse(run, z, dy);
  for (Index i = 0; i < inputs(); ++i) dy[i] *= dz[i];
}

void DiagonalTransform::variance_inverse(const double* z, const double* var_z, double* var_y) const {
  for (const Run& run : runs_) slopes_of_inverse(run, z, var_y);
  for (Index i = 0; i < inputs(); ++i) var_y[i] = var_y[i] * var_y[i] * var_z[i];
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
