#include "regression/gp/scaled_data.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/training_data.hpp"

namespace ersatz::gp {

ScaledData scale_data(const TrainingData& data) {
  ScaledData p;
  p.inputs = data.x.cols();
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

std::vector<std::vector<Index>> group_outputs(const ScaledData& data, bool shared) {
  std::vector<std::vector<Index>> groups;
  for (Index v = 0; v < static_cast<Index>(data.varying.size()); ++v)
    if (shared && v > 0)
      groups.front().push_back(v);
    else
      groups.push_back({v});
  return groups;
}

Duplicates find_duplicates(const Matrix& x, const Matrix& y) {
  const std::vector<Index> first = first_of_equal_rows(x);
  Duplicates found;
  for (Index i = 0; i < x.rows(); ++i) {
    const Index before = first[static_cast<std::size_t>(i)];
    if (before == i) continue;
    ++found.count;
    const bool conflict = y.row(before) != y.row(i);
    if (found.first < 0 || (conflict && !found.conflicting)) {
      found.first = before;
      found.second = i;
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

Vector scaled_noise(const ScaledData& data, const Matrix& noise, Index position) {
  if (noise.size() == 0) return {};
  const Index o = data.varying[static_cast<std::size_t>(position)];
  return (noise.col(o).array() / data.scale[position]).square();
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
