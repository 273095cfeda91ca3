#include "ersatz/regression/gp/diagnostics.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/panels.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::gp {
namespace {

const GpPredictor& exact(const Predictor& predictor, Index output) {
  const auto* gp = dynamic_cast<const GpPredictor*>(&predictor);
  if (!gp)
    throw UsageError(text("leave-out diagnostics in closed form need an exact Gaussian process, not a ",
                          predictor.kind(), " predictor"));
  if (!gp->has_variance())
    throw UsageError("leave-out diagnostics: of this Gaussian process there are means only");
  if (output < 0 || output >= gp->outputs())
    throw UsageError(text("gp predictor: output ", output, " asked for, there are ", gp->outputs()));
  const Output& o = gp->state().outputs[static_cast<std::size_t>(output)];
  if (o.correlation < 0 && o.process_variance > 0.0)
    throw UsageError("leave-out diagnostics: no input varies in the data, all points are one");
  return *gp;
}

void check_folds(const std::vector<std::vector<Index>>& folds, Index n) {
  std::vector<char> seen(static_cast<std::size_t>(n), 0);
  for (std::size_t k = 0; k < folds.size(); ++k) {
    if (folds[k].empty()) throw UsageError(text("leave-out diagnostics: fold ", k, " is empty"));
    for (const Index i : folds[k]) {
      if (i < 0 || i >= n)
        throw UsageError(text("leave-out diagnostics: fold ", k, " has point ", i, ", there are ", n));
      if (seen[static_cast<std::size_t>(i)]++)
        throw UsageError(text("leave-out diagnostics: point ", i, " is left out twice"));
    }
  }
}

}  // namespace

std::vector<LeftOut> leave_out(const Predictor& predictor, Index output,
                               const std::vector<std::vector<Index>>& folds) {
  const GpPredictor& gp = exact(predictor, output);
  const Index n = gp.size(), q = gp.trend().size();
  check_folds(folds, n);
  const Output& o = gp.state().outputs[static_cast<std::size_t>(output)];
  std::vector<LeftOut> result;
  for (std::size_t k = 0; k < folds.size(); ++k) {
    const std::vector<Index>& fold = folds[k];
    const auto b = static_cast<Index>(fold.size());
    if (o.correlation < 0) {  // a constant
      result.push_back({Vector::Zero(b), Vector::Zero(b), Matrix::Zero(b, b)});
      continue;
    }
    const auto undetermined = [&] {
      return DataError(text("leave-out diagnostics: without the ", b, " points of fold ", k, " the other ",
                            n - b, " do not determine the ", q, " coefficients of the mean"));
    };
    if (n - b < std::max<Index>(q, 1)) throw undetermined();
    const Correlation& r = gp.state().correlations[static_cast<std::size_t>(o.correlation)];
    const Eigen::MatrixXd columns = panels_columns(r.panels, n, fold);
    Eigen::MatrixXd of_fold = columns.transpose() * columns;  // (R⁻¹)_II, then Q_II
    const Vector scale = of_fold.diagonal().cwiseSqrt().cwiseInverse();
    if (q > 0) {
      Eigen::MatrixXd of_mean = r.solved_trend(fold, Eigen::all).transpose();
      r.trend_factor.triangularView<Eigen::Lower>().solveInPlace(of_mean);
      of_fold -= of_mean.transpose() * of_mean;
    }
    of_fold = scale.asDiagonal() * of_fold * scale.asDiagonal();
    const Eigen::LLT<Eigen::MatrixXd> llt(of_fold);
    if (llt.info() != Eigen::Success || !(llt.matrixLLT().diagonal().array().square().minCoeff() > 1e-13))
      throw undetermined();
    LeftOut left;
    const Vector weights = gp.state().weights.row(output)(fold).transpose();
    left.residual = o.scale * scale.cwiseProduct(llt.solve(scale.cwiseProduct(weights)));
    left.covariance = o.process_variance *
                      (scale.asDiagonal() * llt.solve(Eigen::MatrixXd::Identity(b, b)) * scale.asDiagonal());
    left.deviation = left.covariance.diagonal().cwiseSqrt();
    result.push_back(std::move(left));
  }
  return result;
}

LeftOut leave_one_out(const Predictor& predictor, Index output) {
  const Index n = exact(predictor, output).size();
  std::vector<std::vector<Index>> folds(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) folds[static_cast<std::size_t>(i)] = {i};
  LeftOut all{Vector(n), Vector(n), Matrix()};
  const std::vector<LeftOut> each = leave_out(predictor, output, folds);
  for (Index i = 0; i < n; ++i) {
    all.residual[i] = each[static_cast<std::size_t>(i)].residual[0];
    all.deviation[i] = each[static_cast<std::size_t>(i)].deviation[0];
  }
  return all;
}

}  // namespace ersatz::gp
