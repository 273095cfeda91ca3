#include "ersatz/inference/divergence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"

namespace ersatz {

double divergence(const LogDensity& p, const LogDensity& q, ConstMatrixRef draws) {
  if (p.size() != q.size() || draws.cols() != p.size() || draws.rows() == 0)
    throw UsageError(text("divergence: ", draws.rows(), " draws of ", draws.cols(),
                          " parameters of densities over ", p.size(), " and ", q.size()));
  Workspace workspace;
  Vector difference(draws.rows());
  for (Index i = 0; i < draws.rows(); ++i) {
    difference[i] = p.evaluate(draws.row(i).data(), nullptr, workspace).sum() -
                    q.evaluate(draws.row(i).data(), nullptr, workspace).sum();
    if (difference[i] == std::numeric_limits<double>::infinity()) return difference[i];
    if (!std::isfinite(difference[i]))
      throw UsageError(text("divergence: draw ", i, " is none, its density is zero"));
  }
  const double least = difference.minCoeff();
  const double ratio = std::log((-(difference.array() - least)).exp().mean()) - least;
  return std::max(0.0, difference.mean() + ratio);
}

}  // namespace ersatz
