#include "regression/training_data.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

void check_finite(const char* what, const Matrix& values, const std::vector<std::string>& names) {
  for (Index i = 0; i < values.rows(); ++i) {
    if (values.row(i).allFinite()) continue;
    for (Index k = 0; k < values.cols(); ++k)
      if (!std::isfinite(values(i, k))) {
        const auto column = static_cast<std::size_t>(k);
        throw DataError(text("training data: ", what, " of row ", i, ", column ", k,
                             column < names.size() ? " (" + names[column] + ")" : std::string(), " is ",
                             values(i, k), ", expected a finite number; drop the row or repair it"));
      }
  }
}

// "0, 4, 7, … (12 in all)"
std::string some_of(const std::vector<std::string>& items) {
  std::string s;
  for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 5); ++i) s += (i ? ", " : "") + items[i];
  if (items.size() > 5) s += text(", … (", items.size(), " in all)");
  return s;
}

}  // namespace

void TrainingData::check() const {
  if (x.rows() == 0 || x.cols() == 0 || y.cols() == 0)
    throw DataError(text("training data: inputs are ", x.rows(), " x ", x.cols(), ", outputs ", y.rows(),
                         " x ", y.cols(), "; expected at least one row, one input and one output"));
  if (y.rows() != x.rows())
    throw DataError(text("training data: ", x.rows(), " rows of inputs but ", y.rows(), " rows of outputs"));
  if (!input_names.empty() && static_cast<Index>(input_names.size()) != x.cols())
    throw DataError(text("training data: ", input_names.size(), " names for ", x.cols(), " inputs"));
  if (input_units.size() > 0 &&
      (input_units.size() != x.cols() || !(input_units.minCoeff() > 0.0) || !input_units.allFinite()))
    throw DataError(text("training data: ", input_units.size(), " input units for ", x.cols(),
                         " inputs; expected as many, all finite and above 0"));
  if (noise_std.size() > 0 && (noise_std.rows() != y.rows() || noise_std.cols() != y.cols()))
    throw DataError(text("training data: noise deviations are ", noise_std.rows(), " x ", noise_std.cols(),
                         ", expected ", y.rows(), " x ", y.cols(), " as the outputs, or none"));
  const Index bounds = std::max(input_lower.size(), input_upper.size());
  if (bounds > 0 && (input_lower.size() != x.cols() || input_upper.size() != x.cols()))
    throw DataError(text("training data: ", input_lower.size(), " lower and ", input_upper.size(),
                         " upper bounds for ", x.cols(), " inputs"));
  for (Index k = 0; k < bounds; ++k)
    if (!std::isfinite(input_lower[k]) || !std::isfinite(input_upper[k]) || input_lower[k] > input_upper[k])
      throw DataError(text("training data: bounds of input ", input_name(*this, k), " are ", input_lower[k],
                           " to ", input_upper[k], ", expected finite numbers in order"));
  check_finite("the input", x, input_names);
  check_finite("the output", y, {});
  check_finite("the noise deviation", noise_std, {});
  for (Index i = 0; i < noise_std.rows(); ++i)
    for (Index j = 0; j < noise_std.cols(); ++j)
      if (noise_std(i, j) < 0.0)
        throw DataError(text("training data: the noise deviation of row ", i, ", column ", j, " is ",
                             noise_std(i, j), ", expected 0 or more"));
}

std::string input_name(const TrainingData& data, Index k) {
  return data.input_names.empty() ? text("x", k) : data.input_names[static_cast<std::size_t>(k)];
}

std::vector<Index> first_of_equal_rows(ConstMatrixRef X) {
  const Index n = X.rows(), d = X.cols();
  const auto compare = [&](Index a, Index b) {
    for (Index k = 0; k < d; ++k) {
      if (X(a, k) < X(b, k)) return -1;
      if (X(a, k) > X(b, k)) return 1;
    }
    return 0;
  };
  // The first input beside the row number: most comparisons end there, without a visit to the row.
  std::vector<std::pair<double, Index>> order(static_cast<std::size_t>(n));
  std::vector<Index> first(order.size());
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = {X(i, 0), i};
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int c = compare(a.second, b.second);
    return c != 0 ? c < 0 : a.second < b.second;
  });
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Index row = order[i].second;
    const bool repeats = i > 0 && compare(order[i - 1].second, row) == 0;
    first[static_cast<std::size_t>(row)] =
        repeats ? first[static_cast<std::size_t>(order[i - 1].second)] : row;
  }
  return first;
}

void warn_about_data(const TrainingData& data, const Standardisation& inputs, const Standardisation& outputs,
                     FitSummary& summary) {
  std::vector<std::string> repeated, fixed_inputs, fixed_outputs;
  const auto first = first_of_equal_rows(data.x);
  for (std::size_t i = 0; i < first.size(); ++i)
    if (first[i] != static_cast<Index>(i)) repeated.push_back(text(i));
  if (!repeated.empty())
    summary.warnings.push_back(text(repeated.size(), " of ", data.x.rows(),
                                    " points repeat an earlier point: rows ", some_of(repeated)));
  if (data.x.rows() < 2) {
    summary.warnings.push_back("a single training point: the prediction is constant and has no variance");
    return;
  }
  for (Index k = 0; k < inputs.size(); ++k)
    if (!inputs.varies(k)) fixed_inputs.push_back(input_name(data, k));
  if (!fixed_inputs.empty())
    summary.warnings.push_back("inputs that do not vary in the training data are ignored: " +
                               some_of(fixed_inputs));
  for (Index j = 0; j < outputs.size(); ++j)
    if (!outputs.varies(j)) fixed_outputs.push_back(text(j));
  if (!fixed_outputs.empty())
    summary.warnings.push_back("outputs that do not vary in the training data are predicted as constant: " +
                               some_of(fixed_outputs));
}

Vector mean_noise_variance(const TrainingData& data) {
  if (data.noise_std.size() == 0) return Vector::Zero(data.y.cols());
  return data.noise_std.array().square().colwise().mean().transpose();
}

std::string list_of(const std::vector<double>& values) {
  if (values.empty()) return "none";
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low == *high) return brief(*low);
  if (values.size() > 8) return text(brief(*low), " … ", brief(*high), " (", values.size(), " values)");
  std::string s;
  for (const double v : values) s += (s.empty() ? "" : " ") + brief(v);
  return s;
}

}  // namespace ersatz
