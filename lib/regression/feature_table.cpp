#include "regression/feature_table.hpp"

#include <algorithm>
#include <cmath>

namespace ersatz {

FeatureRows make_feature_rows(const PolynomialFeatures& features, ConstMatrixRef X, bool standardised) {
  FeatureRows table;
  Matrix F = features.evaluate(X);
  if (standardised) {
    table.features = features;
    table.scaling = {Vector::Zero(F.cols()), Vector::Ones(F.cols())};
    table.rows = std::move(F);
    return table;
  }
  const Standardisation scaling = Standardisation::of(F);
  std::vector<Index> kept;
  for (Index t = 0; t < F.cols(); ++t)
    // Rounding of a power that is constant at the data (a square over ±1) is not variation.
    if (scaling.varies(t) && scaling.scale(t) > 1e-12 * std::abs(scaling.centre[t])) kept.push_back(t);
  const Index m = static_cast<Index>(kept.size());
  table.features = m == F.cols() ? features : features.subset(kept);
  table.scaling.centre.resize(m);
  table.scaling.inverse_scale.resize(m);
  for (Index t = 0; t < m; ++t) {
    table.scaling.centre[t] = scaling.centre[kept[static_cast<std::size_t>(t)]];
    table.scaling.inverse_scale[t] = scaling.inverse_scale[kept[static_cast<std::size_t>(t)]];
  }
  if (m < F.cols()) {
    Matrix some(F.rows(), m);
    for (Index i = 0; i < F.rows(); ++i)
      for (Index t = 0; t < m; ++t) some(i, t) = F(i, kept[static_cast<std::size_t>(t)]);
    F = std::move(some);
  }
  for (Index i = 0; i < F.rows(); ++i)
    F.row(i).array() = (F.row(i).array() - table.scaling.centre.transpose().array()) *
                       table.scaling.inverse_scale.transpose().array();
  table.rows = std::move(F);
  return table;
}

FeatureTable make_feature_table(const PolynomialFeatures& features, ConstMatrixRef X) {
  FeatureRows rows = make_feature_rows(features, X);
  return {std::move(rows.features), std::move(rows.scaling), column_major(rows.rows)};
}

Eigen::MatrixXd column_major(ConstMatrixRef rows) {
  constexpr Index tile = 32;
  const Index n = rows.rows(), m = rows.cols();
  Eigen::MatrixXd columns(n, m);
  for (Index i = 0; i < n; i += tile)
    for (Index t = 0; t < m; t += tile) {
      const Index height = std::min(tile, n - i), width = std::min(tile, m - t);
      columns.block(i, t, height, width) = rows.block(i, t, height, width);
    }
  return columns;
}

}  // namespace ersatz
