#include "ersatz/regression/polynomial_features.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index most_features = 1000000;
constexpr int highest_power = 64;

// All exponents over `inputs` with a given total degree, in decreasing lexicographic order.
void append_degree(const std::vector<Index>& inputs, std::size_t from, int degree, std::vector<int>& current,
                   std::vector<std::vector<int>>& out) {
  if (from + 1 == inputs.size()) {
    current[static_cast<std::size_t>(inputs[from])] = degree;
    out.push_back(current);
    current[static_cast<std::size_t>(inputs[from])] = 0;
    return;
  }
  for (int e = degree; e >= 0; --e) {
    current[static_cast<std::size_t>(inputs[from])] = e;
    append_degree(inputs, from + 1, degree - e, current, out);
  }
  current[static_cast<std::size_t>(inputs[from])] = 0;
}

}  // namespace

PolynomialFeatures::PolynomialFeatures(Standardisation inputs, Exponents exponents)
    : inputs_(std::move(inputs)), exponents_(std::move(exponents)) {
  if (exponents_.cols() != inputs_.size())
    throw UsageError(
        text("polynomial features: exponents of ", exponents_.cols(), " inputs, expected ", inputs_.size()));
  begin_.push_back(0);
  for (Index t = 0; t < exponents_.rows(); ++t) {
    int total = 0;
    for (Index k = 0; k < exponents_.cols(); ++k) {
      const int e = exponents_(t, k);
      if (e < 0 || e > highest_power)
        throw UsageError(text("polynomial features: feature ", t, " has exponent ", e, " of input ", k,
                              ", expected 0 to ", highest_power));
      if (e == 0) continue;
      if (!inputs_.varies(k))
        throw UsageError(
            text("polynomial features: feature ", t, " needs input ", k, ", which does not vary"));
      factors_.push_back({k, e});
      total += e;
    }
    if (total == 0)
      throw UsageError(text("polynomial features: feature ", t, " is constant; the intercept is separate"));
    degree_ = std::max<Index>(degree_, total);
    begin_.push_back(factors_.size());
  }
}

Index PolynomialFeatures::total_degree_size(Index varying_inputs, Index degree) {
  Index size = 1;
  for (Index g = 1; g <= degree; ++g) {
    size = size * (varying_inputs + g) / g;  // C(v + g, g), exact
    if (size > most_features) return -1;
  }
  return size - 1;
}

PolynomialFeatures PolynomialFeatures::total_degree(const Standardisation& inputs, Index degree) {
  if (degree < 0 || degree > highest_power)
    throw UsageError(text("polynomial degree ", degree, " is outside of 0 to ", highest_power));
  std::vector<Index> varying;
  for (Index k = 0; k < inputs.size(); ++k)
    if (inputs.varies(k)) varying.push_back(k);
  const Index size = total_degree_size(static_cast<Index>(varying.size()), degree);
  if (size < 0)
    throw UsageError(text("a polynomial of degree ", degree, " in ", varying.size(),
                          " inputs has more than a million terms; lower the degree"));
  std::vector<std::vector<int>> rows;
  std::vector<int> current(static_cast<std::size_t>(inputs.size()), 0);
  if (!varying.empty())
    for (int g = 1; g <= degree; ++g) append_degree(varying, 0, g, current, rows);
  Exponents exponents(static_cast<Index>(rows.size()), inputs.size());
  for (Index t = 0; t < exponents.rows(); ++t)
    for (Index k = 0; k < exponents.cols(); ++k)
      exponents(t, k) = rows[static_cast<std::size_t>(t)][static_cast<std::size_t>(k)];
  return PolynomialFeatures(inputs, std::move(exponents));
}

void PolynomialFeatures::powers(const double* x, double* table) const {
  for (Index k = 0; k < inputs(); ++k) {
    const double z = (x[k] - inputs_.centre[k]) * inputs_.inverse_scale[k];
    double* row = table + k * (degree_ + 1);
    row[0] = 1.0;
    for (Index e = 1; e <= degree_; ++e) row[e] = row[e - 1] * z;
  }
}

void PolynomialFeatures::evaluate(const double* x, double* features, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  double* table = workspace.take(inputs() * (degree_ + 1));
  powers(x, table);
  for (std::size_t t = 0; t + 1 < begin_.size(); ++t) {
    double product = 1.0;
    for (std::size_t f = begin_[t]; f < begin_[t + 1]; ++f)
      product *= table[factors_[f].input * (degree_ + 1) + factors_[f].power];
    features[t] = product;
  }
}

Matrix PolynomialFeatures::evaluate(ConstMatrixRef X) const {
  Matrix F(X.rows(), size());
  Workspace workspace;
  for (Index i = 0; i < X.rows(); ++i)
    evaluate(X.data() + i * X.outerStride(), F.data() + i * size(), workspace);
  return F;
}

void PolynomialFeatures::derivatives(const double* x, double* derivatives, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  double* table = workspace.take(inputs() * (degree_ + 1));
  powers(x, table);
  std::fill(derivatives, derivatives + inputs() * size(), 0.0);
  for (std::size_t t = 0; t + 1 < begin_.size(); ++t)
    for (std::size_t f = begin_[t]; f < begin_[t + 1]; ++f) {
      const Index k = factors_[f].input;
      double product = factors_[f].power * table[k * (degree_ + 1) + factors_[f].power - 1];
      for (std::size_t g = begin_[t]; g < begin_[t + 1]; ++g)
        if (g != f) product *= table[factors_[g].input * (degree_ + 1) + factors_[g].power];
      derivatives[k * size() + static_cast<Index>(t)] = product * inputs_.inverse_scale[k];
    }
}

PolynomialFeatures PolynomialFeatures::subset(const std::vector<Index>& features) const {
  Exponents chosen(static_cast<Index>(features.size()), inputs());
  for (Index t = 0; t < chosen.rows(); ++t)
    chosen.row(t) = exponents_.row(features[static_cast<std::size_t>(t)]);
  return PolynomialFeatures(inputs_, std::move(chosen));
}

std::vector<std::string> PolynomialFeatures::names(const std::vector<std::string>& input_names) const {
  std::vector<std::string> names;
  for (std::size_t t = 0; t + 1 < begin_.size(); ++t) {
    std::string name;
    for (std::size_t f = begin_[t]; f < begin_[t + 1]; ++f) {
      const auto k = static_cast<std::size_t>(factors_[f].input);
      if (!name.empty()) name += ' ';
      name += k < input_names.size() ? input_names[k] : text("x", k);
      if (factors_[f].power > 1) name += text('^', factors_[f].power);
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace ersatz
