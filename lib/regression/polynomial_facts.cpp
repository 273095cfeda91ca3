#include "regression/polynomial_facts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/coefficients.hpp"

namespace ersatz {
namespace {

constexpr Index outputs_told = 4;
constexpr Index terms_told = 6;
constexpr Index rows_looked_at = 200;

// Standard deviations of the terms over some of the points.
Vector deviations(const PolynomialFeatures& terms, ConstMatrixRef X) {
  const Index n = std::min(X.rows(), rows_looked_at);
  Matrix some(n, X.cols());
  for (Index i = 0; i < n; ++i) some.row(i) = X.row(i * X.rows() / n);
  const Standardisation s = Standardisation::of(terms.evaluate(some));
  Vector result(terms.size());
  for (Index t = 0; t < terms.size(); ++t) result[t] = s.scale(t);
  return result;
}

}  // namespace

void add_coefficient_facts(const Predictor& predictor, const TrainingData& data, FitSummary& summary) {
  const PolynomialCoefficients table = polynomial_coefficients(predictor, data.input_names);
  const Index m = table.terms.size();
  if (m == 0) return;
  const Vector deviation = deviations(table.terms, data.x);
  std::vector<Index> order(static_cast<std::size_t>(m));
  for (Index j = 0; j < std::min(predictor.outputs(), outputs_told); ++j) {
    const auto weight = [&](Index t) {
      const double w = std::abs(table.coefficients(t, j)) * deviation[t];
      return std::isfinite(w) ? w : 0.0;  // raw powers can overflow where the standardised ones do not
    };
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(m, terms_told));
    std::iota(order.begin(), order.end(), Index{0});
    std::partial_sort(order.begin(), end, order.end(), [&](Index a, Index b) {
      return weight(a) != weight(b) ? weight(a) > weight(b) : a < b;
    });
    std::string list = "intercept " + brief(table.intercept[j]);
    for (auto t = order.begin(); t != end; ++t)
      if (table.coefficients(*t, j) != 0.0)
        list += text(", ", table.names[static_cast<std::size_t>(*t)], ' ', brief(table.coefficients(*t, j)));
    summary.facts.emplace_back(text("largest coefficients of output ", j), list);
  }
}

}  // namespace ersatz
