#include "regression/gp/scaled_data.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {

ScaledData scale_data(const TrainingData& data) {
  ScaledData p;
  const Index n = data.x.rows();
  std::vector<double> lower, range, centre, scale;
  for (Index k = 0; k < data.x.cols(); ++k) {
    const double low = data.x.col(k).minCoeff(), high = data.x.col(k).maxCoeff();
    if (!(high - low > 1e-13 * std::max(std::abs(low), std::abs(high)))) continue;
    p.active.push_back(k);
    lower.push_back(low);
    range.push_back(high - low);
  }
  for (Index o = 0; o < data.y.cols(); ++o) {
    const double low = data.y.col(o).minCoeff(), high = data.y.col(o).maxCoeff();
    if (!(high - low > 1e-15 * std::max(std::abs(low), std::abs(high))))
      continue;  // constant but for rounding
    const double mean = data.y.col(o).mean();
    p.varying.push_back(o);
    centre.push_back(mean);
    scale.push_back(std::sqrt((data.y.col(o).array() - mean).square().mean()));
  }
  const auto vector = [](const std::vector<double>& v) {
    return Vector(Eigen::Map<const Vector>(v.data(), static_cast<Index>(v.size())));
  };
  p.lower = vector(lower);
  p.range = vector(range);
  p.centre = vector(centre);
  p.scale = vector(scale);
  p.x.resize(n, static_cast<Index>(p.active.size()));
  for (Index k = 0; k < p.x.cols(); ++k)
    for (Index i = 0; i < n; ++i)
      p.x(i, k) = (data.x(i, p.active[static_cast<std::size_t>(k)]) - p.lower[k]) / p.range[k];
  p.y.resize(n, static_cast<Index>(p.varying.size()));
  for (Index o = 0; o < p.y.cols(); ++o)
    p.y.col(o) = (data.y.col(p.varying[static_cast<std::size_t>(o)]).array() - p.centre[o]) / p.scale[o];
  return p;
}

KernelInputs kernel_inputs(const TrainingData& data, const ScaledData& scaled) {
  KernelInputs inputs{data.x.cols(), data.input_names, scaled.active, scaled.range};
  if (data.input_units.size() > 0)
    for (Index k = 0; k < inputs.range.size(); ++k)
      inputs.range[k] *= data.input_units[inputs.active[static_cast<std::size_t>(k)]];
  return inputs;
}

Duplicates find_duplicates(const Matrix& x, const Matrix& y) {
  std::vector<Index> order(static_cast<std::size_t>(x.rows()));
  std::iota(order.begin(), order.end(), Index{0});
  const auto row = [&](Index i) { return x.data() + i * x.cols(); };
  std::sort(order.begin(), order.end(), [&](Index a, Index b) {
    const int c = [&] {
      for (Index k = 0; k < x.cols(); ++k)
        if (row(a)[k] != row(b)[k]) return row(a)[k] < row(b)[k] ? -1 : 1;
      return 0;
    }();
    return c != 0 ? c < 0 : a < b;
  });
  Duplicates found;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Index a = order[i - 1], b = order[i];
    if (!std::equal(row(a), row(a) + x.cols(), row(b))) continue;
    ++found.count;
    const bool conflict = y.row(a) != y.row(b);
    if (found.first < 0 || (conflict && !found.conflicting)) {
      found.first = a;
      found.second = b;
    }
    found.conflicting = found.conflicting || conflict;
  }
  return found;
}

std::string count_of(std::size_t count, Index total) {
  return text(count, " of ", total, total == 1 ? " output" : " outputs");
}

Matrix known_noise(const std::optional<double>& setting, const TrainingData& data) {
  if (!setting) return data.noise_std;
  if (data.noise_std.size() > 0)
    throw DataError("regressor gp: the noise is known twice, from its setting and from the data (noise_std)");
  return Matrix::Constant(data.y.rows(), data.y.cols(), *setting);
}

Scatter scatter_of(const TrainingData& data, Index output, FitSummary& summary) {
  const auto count = static_cast<double>(data.y.rows());
  const double mean = data.y.col(output).mean();
  const Vector left = data.y.col(output).array() - mean;
  const double variance = left.squaredNorm() / (count - 1.0), others = count / (count - 1.0);
  if (summary.leave_one_out.size() > 0) {
    summary.leave_one_out.col(output) = others * left;
    summary.leave_one_out_std.col(output).setConstant(std::sqrt(variance * others));
  }
  return {mean, variance};
}

void warn_about_scaling(const TrainingData& data, const ScaledData& scaled, FitSummary& summary) {
  const Index n = data.x.rows(), p = data.y.cols();
  for (Index k = 0; k < data.x.cols(); ++k)
    if (std::find(scaled.active.begin(), scaled.active.end(), k) == scaled.active.end())
      summary.warnings.push_back(
          text("input ", data.input_names.empty() ? text(k) : data.input_names[static_cast<std::size_t>(k)],
               " does not vary in the data and was dropped"));
  if (n == 1) summary.warnings.push_back("one point only: its value everywhere, with variance 0");
  if (const Index constant = p - static_cast<Index>(scaled.varying.size()); constant > 0 && n > 1)
    summary.warnings.push_back(text(count_of(static_cast<std::size_t>(constant), p),
                                    constant == 1 ? " does" : " do",
                                    " not vary: predicted as constant, with variance 0"));
}

}  // namespace ersatz::gp
