#include "ersatz/regression/coefficients.hpp"

#include <map>
#include <utility>

#include "ersatz/core/error.hpp"
#include "regression/polynomial_predictor.hpp"

namespace ersatz {
namespace {

using Term = std::vector<std::pair<int, int>>;  // input and degree, in order of the input

// By total degree, then x0 before x1, and high degrees of early inputs first.
struct InOrder {
  static int total(const Term& t) {
    int sum = 0;
    for (const auto& factor : t) sum += factor.second;
    return sum;
  }
  bool operator()(const Term& a, const Term& b) const {
    const int ta = total(a), tb = total(b);
    if (ta != tb) return ta < tb;
    for (std::size_t f = 0; f < std::min(a.size(), b.size()); ++f) {
      if (a[f].first != b[f].first) return a[f].first < b[f].first;
      if (a[f].second != b[f].second) return a[f].second > b[f].second;
    }
    return a.size() < b.size();
  }
};

using Sums = std::map<Term, std::vector<long double>, InOrder>;

class Expansion {
 public:
  explicit Expansion(const PolynomialState& state) : state_(state) {}

  Sums operator()() {
    for (Index t = 0; t < state_.features.size(); ++t) {
      row_ = state_.coefficients.row(t).data();
      Term term;
      expand(t, 0, 1.0L, term);
    }
    return std::move(sums_);
  }

 private:
  // ((x - c) s)^e = Σ_j C(e, j) (-c)^(e - j) s^e x^j, for each input that enters as powers.
  void expand(Index t, Index k, long double factor, Term& term) {
    while (k < state_.features.inputs() && state_.features.exponents()(t, k) == 0) ++k;
    if (k == state_.features.inputs()) {
      auto& sum = sums_[term];
      sum.resize(static_cast<std::size_t>(state_.intercept.size()), 0.0L);
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += factor * static_cast<long double>(row_[j]);
      return;
    }
    const int e = state_.features.exponents()(t, k), input = static_cast<int>(k);
    if (state_.features.families()[static_cast<std::size_t>(k)] != PolynomialFamily::powers) {
      term.emplace_back(input, e);
      expand(t, k + 1, factor, term);
      term.pop_back();
      return;
    }
    const long double centre = static_cast<long double>(state_.features.standardisation().centre[k]);
    const long double scale = static_cast<long double>(state_.features.standardisation().inverse_scale[k]);
    long double coefficient = factor;
    for (int i = 0; i < e; ++i) coefficient *= scale;
    for (int j = e; j >= 0 && coefficient != 0.0L; --j) {  // from C(e, e) down
      if (j > 0) term.emplace_back(input, j);
      expand(t, k + 1, coefficient, term);
      if (j > 0) term.pop_back();
      coefficient *= -centre * static_cast<long double>(j) / static_cast<long double>(e - j + 1);
    }
  }

  const PolynomialState& state_;
  const double* row_ = nullptr;
  Sums sums_;
};

std::vector<std::string> scaling_of(const PolynomialFeatures& features,
                                    const std::vector<std::string>& names) {
  std::vector<std::string> lines;
  for (Index k = 0; k < features.inputs(); ++k) {
    const auto at = static_cast<std::size_t>(k);
    const PolynomialFamily family = features.families()[at];
    if (family == PolynomialFamily::powers || !(features.exponents().col(k).array() > 0).any()) continue;
    const std::string name = names.empty() ? text("x", k) : names[at];
    const bool legendre = family == PolynomialFamily::legendre;
    lines.push_back(text(legendre ? "P_e(" : "He_e(", name,
                         ") = ", legendre ? "sqrt(2e+1) Legendre_e(z)" : "Hermite_e(z) / sqrt(e!)", ", z = (",
                         name, " - ", features.standardisation().centre[k], ") / ",
                         features.standardisation().scale(k)));
  }
  return lines;
}

}  // namespace

PolynomialCoefficients polynomial_coefficients(const Predictor& predictor,
                                               const std::vector<std::string>& input_names) {
  const auto* polynomial = dynamic_cast<const PolynomialPredictor*>(&predictor);
  if (!polynomial)
    throw UsageError(text("coefficients: a predictor of kind '", predictor.kind(),
                          "' is not a polynomial; mean, linear, ridge, lasso and chaos make those"));
  if (!input_names.empty() && static_cast<Index>(input_names.size()) != predictor.inputs())
    throw UsageError(
        text("coefficients: ", input_names.size(), " names for ", predictor.inputs(), " inputs"));
  const PolynomialState& state = polynomial->state();
  const Index d = predictor.inputs(), p = predictor.outputs();
  const Sums sums = Expansion(state)();

  PolynomialCoefficients result;
  std::vector<long double> intercept(static_cast<std::size_t>(p));
  for (Index j = 0; j < p; ++j) {
    auto& sum = intercept[static_cast<std::size_t>(j)];
    sum = static_cast<long double>(state.intercept[j]);
    for (Index t = 0; t < state.features.size(); ++t)
      sum -= static_cast<long double>(state.centre[t]) * static_cast<long double>(state.coefficients(t, j));
  }
  std::vector<std::pair<const Term*, const std::vector<long double>*>> rows;
  for (const auto& [term, sum] : sums) {
    if (term.empty()) {
      for (std::size_t j = 0; j < sum.size(); ++j) intercept[j] += sum[j];
      continue;
    }
    bool used = false;
    for (const long double v : sum) used = used || v != 0.0L;
    if (used) rows.emplace_back(&term, &sum);
  }
  Exponents exponents = Exponents::Zero(static_cast<Index>(rows.size()), d);
  result.coefficients.resize(exponents.rows(), p);
  result.intercept.resize(p);
  for (Index j = 0; j < p; ++j)
    result.intercept[j] = static_cast<double>(intercept[static_cast<std::size_t>(j)]);
  for (Index t = 0; t < exponents.rows(); ++t) {
    const auto& [term, sum] = rows[static_cast<std::size_t>(t)];
    for (const auto& [input, degree] : *term) exponents(t, input) = degree;
    for (Index j = 0; j < p; ++j)
      result.coefficients(t, j) = static_cast<double>((*sum)[static_cast<std::size_t>(j)]);
  }
  Standardisation inputs = state.features.standardisation();
  for (Index k = 0; k < d; ++k)
    if (state.features.families()[static_cast<std::size_t>(k)] == PolynomialFamily::powers &&
        inputs.varies(k)) {
      inputs.centre[k] = 0.0;
      inputs.inverse_scale[k] = 1.0;
    }
  result.terms = PolynomialFeatures(std::move(inputs), std::move(exponents), state.features.families());
  result.names = result.terms.names(input_names);
  result.scaling = scaling_of(result.terms, input_names);
  return result;
}

}  // namespace ersatz
