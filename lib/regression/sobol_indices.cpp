#include "ersatz/regression/sobol_indices.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "regression/polynomial_predictor.hpp"

namespace ersatz {
namespace {

struct BySize {
  bool operator()(const std::vector<Index>& a, const std::vector<Index>& b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

}  // namespace

SobolIndices sobol_indices(const Predictor& predictor) {
  const auto* polynomial = dynamic_cast<const PolynomialPredictor*>(&predictor);
  if (!polynomial || !polynomial->state().features.orthonormal())
    throw UsageError(text("Sobol indices: a predictor of kind '", predictor.kind(),
                          "' without orthonormal features has none to read off; regressor chaos makes one"));
  const PolynomialState& s = polynomial->state();
  const Index m = s.features.size(), d = s.features.inputs(), p = s.intercept.size();
  SobolIndices result;
  result.mean = s.intercept;
  if (m > 0) result.mean -= s.coefficients.transpose() * s.centre;
  result.variance = Vector::Zero(p);
  std::map<std::vector<Index>, Vector, BySize> groups;
  for (Index t = 0; t < m; ++t) {
    std::vector<Index> group;
    for (Index k = 0; k < d; ++k)
      if (s.features.exponents()(t, k) > 0) group.push_back(k);
    Vector& share = groups.try_emplace(std::move(group), Vector::Zero(p)).first->second;
    share += s.coefficients.row(t).cwiseAbs2().transpose();
    result.variance += s.coefficients.row(t).cwiseAbs2().transpose();
  }
  result.first = result.total = Matrix::Zero(d, p);
  result.shares.resize(static_cast<Index>(groups.size()), p);
  Index g = 0;
  for (const auto& [group, share] : groups) {
    for (Index j = 0; j < p; ++j)
      result.shares(g, j) = result.variance[j] > 0.0 ? share[j] / result.variance[j] : 0.0;
    if (group.size() == 1) result.first.row(group[0]) = result.shares.row(g);
    for (const Index k : group) result.total.row(k) += result.shares.row(g);
    result.groups.push_back(group);
    ++g;
  }
  return result;
}

double SobolIndices::interaction(std::vector<Index> inputs, Index output) const {
  if (output < 0 || output >= shares.cols())
    throw UsageError(text("Sobol indices: output ", output, ", expected 0 to ", shares.cols() - 1));
  for (const Index k : inputs)
    if (k < 0 || k >= first.rows())
      throw UsageError(text("Sobol indices: input ", k, ", expected 0 to ", first.rows() - 1));
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  const auto at = std::find(groups.begin(), groups.end(), inputs);
  return at == groups.end() ? 0.0 : shares(at - groups.begin(), output);
}

std::string describe_sobol(const SobolIndices& indices, Index output,
                           const std::vector<std::string>& input_names) {
  constexpr std::size_t inputs_told = 8, groups_told = 4;
  const auto name = [&](Index k) {
    const auto at = static_cast<std::size_t>(k);
    return at < input_names.size() ? input_names[at] : text("x", k);
  };
  const auto sorted = [](Index size, std::size_t told, const auto& value) {
    std::vector<Index> order(static_cast<std::size_t>(size));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return value(a) > value(b); });
    if (order.size() > told) order.resize(told);
    return order;
  };
  const Index d = indices.first.rows();
  std::string s;
  for (const auto* table : {&indices.first, &indices.total}) {
    s += table == &indices.first ? "first order" : "; total";
    const auto value = [&](Index k) { return (*table)(k, output); };
    std::string list;
    for (const Index k : sorted(d, inputs_told, value))
      list += text(list.empty() ? " " : ", ", name(k), ' ', brief(value(k), 3));
    s += list;
  }
  const auto value = [&](Index g) {
    return indices.groups[static_cast<std::size_t>(g)].size() > 1 ? indices.shares(g, output) : 0.0;
  };
  std::string together;
  for (const Index g : sorted(static_cast<Index>(indices.groups.size()), groups_told, value)) {
    if (value(g) < 1e-3) continue;
    together += together.empty() ? "; together " : ", ";
    for (const Index k : indices.groups[static_cast<std::size_t>(g)]) together += name(k) + ' ';
    together += brief(value(g), 3);
  }
  return s + together;
}

}  // namespace ersatz
