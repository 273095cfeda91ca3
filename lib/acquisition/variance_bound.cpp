#include "acquisition/variance_bound.hpp"

#include <algorithm>

#include "core/kernels.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::acquisition {
namespace {

constexpr Index smallest = 400;  ///< runs
constexpr Index block = 48;

}  // namespace

Index bounding_points(const Predictor& predictor) {
  const auto* process = dynamic_cast<const gp::GpPredictor*>(&predictor);
  if (!process || !process->has_variance() || process->size() < smallest) return 0;
  return process->size() / (4 * kernels::panel_rows) * kernels::panel_rows;
}

void mean_and_variance_bound(const Predictor& predictor, ConstMatrixRef X, MatrixRef mean, MatrixRef bound,
                             Workspace& workspace) {
  const auto& process = dynamic_cast<const gp::GpPredictor&>(predictor);
  const Index m = bounding_points(predictor);
  const auto& correlations = process.state().correlations;
  const auto& table = kernels::table();
  gp::Points first = process.training();
  first.size = m;
  Matrix explained(X.rows(), static_cast<Index>(correlations.size()));
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    const double* u = process.scaled(X.middleRows(begin, count), workspace);
    double* k = workspace.take(m * count);
    double* y = workspace.take(m * count);
    for (std::size_t c = 0; c < correlations.size(); ++c) {
      for (Index i = 0; i < count; ++i)
        process.kernel().row(u + i * first.inputs, first, correlations[c].coefficients.data(), k + i * m,
                             workspace);
      // The first rows of the inverse factor stand first, and see the first points alone.
      table.panels_product(correlations[c].panels.data(), k, m, m, count, y);
      for (Index i = 0; i < count; ++i)
        explained(begin + i, static_cast<Index>(c)) = table.dot(y + i * m, y + i * m, m);
    }
  }
  process.mean_and_variance_from(explained, X, mean, bound, Noise::latent, workspace);
}

}  // namespace ersatz::acquisition
