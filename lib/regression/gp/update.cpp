#include "ersatz/regression/gp/update.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/panels.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::gp {
namespace {

void check_values(ConstMatrixRef values, Index rows, Index cols, const char* what, double lower) {
  if (values.rows() != rows || values.cols() != cols)
    throw UsageError(text("append: ", what, " has ", values.rows(), " × ", values.cols(),
                          " values, expected ", rows, " × ", cols));
  for (Index i = 0; i < rows; ++i)
    for (Index o = 0; o < cols; ++o)
      if (!std::isfinite(values(i, o)) || values(i, o) < lower)
        throw DataError(text("append: ", what, " ", o, " of point ", i, " is ", values(i, o),
                             ", expected a finite number", lower == 0.0 ? " >= 0" : ""));
}

void check_constants(const GpState& s, ConstMatrixRef Y) {
  for (Index o = 0; o < Y.cols(); ++o) {
    const Output& output = s.outputs[static_cast<std::size_t>(o)];
    if (output.correlation >= 0) continue;
    if (output.process_variance > 0.0)
      throw UsageError("append: no input varied in the data, so none matters here; fit anew");
    for (Index i = 0; i < Y.rows(); ++i)
      if (std::abs(Y(i, o) - output.centre) > 1e-15 * std::abs(output.centre))
        throw DataError(text("append: output ", o, " was ", output.centre, " in all of the data, at point ",
                             i, " it is ", Y(i, o), "; fit anew"));
  }
}

/// Known noise variances of the new points over the process variance, for one correlation.
Vector relative_noise(const GpPredictor& gp, std::size_t c, const Matrix& noise_std) {
  const GpState& s = gp.state();
  if (noise_std.size() == 0) return {};
  const auto of = [&](Index o) {
    return Vector(noise_std.col(o).array().square() /
                  s.outputs[static_cast<std::size_t>(o)].process_variance);
  };
  const Vector noise = of(gp.members(c).front());
  for (const Index o : gp.members(c))
    if ((of(o) - noise).cwiseAbs().maxCoeff() > 1e-9 * noise.maxCoeff())
      throw UsageError(text("append: outputs ", gp.members(c).front(), " and ", o,
                            " share one correlation, but not the noise relative to their process variances"));
  return noise;
}

/// L Lᵀ becomes L Lᵀ + v vᵀ, by rotations.
void update_factor(Eigen::MatrixXd& l, Vector v) {
  for (Index j = 0; j < l.cols(); ++j) {
    const double length = std::hypot(l(j, j), v[j]), c = length / l(j, j), s = v[j] / l(j, j);
    l(j, j) = length;
    for (Index i = j + 1; i < l.rows(); ++i) {
      l(i, j) = (l(i, j) + s * v[i]) / c;
      v[i] = c * v[i] - s * l(i, j);
    }
  }
}

/// All of a state but its correlations, with room for more points.
GpState with_room(const GpPredictor& gp, ConstMatrixRef X) {
  const GpState& old = gp.state();
  const Index n = gp.size(), all = n + X.rows();
  GpState s;
  static_cast<InputFrame&>(s) = old;
  s.kernel = old.kernel;
  s.trend = old.trend;
  s.outputs = old.outputs;
  s.trends = old.trends;
  s.estimator = old.estimator;
  s.variance_given = old.variance_given;
  s.weights = Matrix::Zero(old.weights.rows(), all);
  s.weights.leftCols(n) = old.weights;
  s.points.resize(old.points.rows(), all);
  s.points.leftCols(n) = old.points;
  Workspace workspace;
  const double* x = gp.scaled(X, workspace);
  s.points.rightCols(X.rows()) = Eigen::Map<const Matrix>(x, X.rows(), s.points.rows()).transpose();
  return s;
}

Correlation with_room(const Correlation& old, Index n, Index all) {
  Correlation r;
  r.hyperparameters = old.hyperparameters;
  r.coefficients = old.coefficients;
  r.nugget = old.nugget;
  r.jitter = old.jitter;
  r.trend_factor = old.trend_factor;
  // Panels grow at their end: what was there stays where it is.
  r.panels.resize(kernels::panels_size(all));
  r.panels.head(old.panels.size()) = old.panels;
  r.panels.tail(r.panels.size() - old.panels.size()).setZero();
  r.solved_trend.resize(all, old.solved_trend.cols());
  r.solved_trend.topRows(n) = old.solved_trend;
  if (old.noise.size() > 0) {
    r.noise.resize(all);
    r.noise.head(n) = old.noise;
  }
  return r;
}

NumericalError singular(const GpState& s, Index n, Index first_new) {
  for (Index i = 0; i < n; ++i)
    if (s.points.col(i) == s.points.col(n))
      return NumericalError(text("append: point ", n - first_new, " repeats the inputs of ",
                                 i < first_new ? text("training point ", i) : text("point ", i - first_new),
                                 ", and a Gaussian process without noise cannot take both"));
  return NumericalError(text("append: point ", n - first_new,
                             " makes the covariance matrix singular: it lies where the points that are there "
                             "determine the function to rounding"));
}

/// Point n of s.points with `noise` joins the n before it; y: the internal value of every member. What each
/// adds to the weighted sum of squared residuals goes into `squares`: the recursive residuals of generalised
/// least squares (Brown, Durbin & Evans 1975).
void add_point(const GpPredictor& gp, const std::vector<Index>& members, Index n, Index first_new,
               double noise, const Vector& y, Correlation& r, GpState& s, Vector& squares) {
  const auto& table = kernels::table();
  const Index d = s.points.rows(), q = gp.trend().size(), all = s.points.cols();
  const Index padded = kernels::panels_rounded(n + 1);
  Workspace workspace;
  Vector x = s.points.col(n), k = Vector::Zero(padded), l = Vector::Zero(padded), solved(n), f(q);
  double prior = 0.0;
  gp.kernel().row(x.data(), {s.points.data(), all, n, d}, r.coefficients.data(), k.data(), workspace);
  gp.kernel().diagonal({x.data(), 1, 1, d}, r.coefficients.data(), &prior);
  gp.trend().evaluate(x.data(), f.data(), workspace);

  // R = [R k; kᵀ r]: with l = L⁻¹ k and lambda² = r - lᵀ l its inverse factor has the new row
  // [-(R⁻¹ k)ᵀ, 1] / lambda.
  table.panels_product(r.panels.data(), k.data(), padded, n, 1, l.data());
  panels_transposed_product(r.panels.data(), l.data(), n, solved.data());
  const double diagonal = prior + r.nugget + r.jitter + noise;
  const double rest = diagonal - table.dot(l.data(), l.data(), n);
  if (!(rest > std::numeric_limits<double>::epsilon() * static_cast<double>(n) * diagonal))
    throw singular(s, n, first_new);
  const double lambda = std::sqrt(rest);
  for (Index j = 0; j < n; ++j) r.panels[kernels::panels_index(n, j)] = -solved[j] / lambda;
  r.panels[kernels::panels_index(n, n)] = 1.0 / lambda;

  // missing = f - Fᵀ R⁻¹ k is the new row of L⁻¹ F times lambda; A gains missing missingᵀ / lambda², and the
  // coefficients A⁻¹ missing × (innovation / its variance), as in a Kalman filter.
  const Vector missing = f - r.solved_trend.topRows(n).transpose() * k.head(n);
  Vector gain = missing;
  r.trend_factor.triangularView<Eigen::Lower>().solveInPlace(gain);
  const double variance = rest + gain.squaredNorm();
  r.trend_factor.triangularView<Eigen::Lower>().transpose().solveInPlace(gain);
  for (std::size_t v = 0; v < members.size(); ++v) {
    const Index o = members[v];
    auto weights = s.weights.row(o);
    const double innovation = y[static_cast<Index>(v)] - s.trends.row(o).dot(f.transpose()) -
                              table.dot(weights.data(), k.data(), n);
    const double weight = innovation / variance;
    weights.head(n) -= weight * (solved + r.solved_trend.topRows(n) * gain).transpose();
    weights[n] = weight;
    s.trends.row(o) += weight * gain.transpose();
    squares[o] += innovation * weight;
  }
  r.solved_trend.topRows(n) -= solved * missing.transpose() / rest;
  r.solved_trend.row(n) = missing.transpose() / rest;
  update_factor(r.trend_factor, missing / lambda);
}

/// mean over i of (Q y)_i² / Q_ii: the process variance that leave-one-out finds, internal units.
double left_out_variance(const Correlation& r, const Eigen::Ref<const Eigen::RowVectorXd>& weights) {
  const Index n = weights.size();
  Vector free = Vector::Zero(n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) {
      const double inverse = r.panels[kernels::panels_index(i, j)];
      free[j] += inverse * inverse;
    }
  Eigen::MatrixXd of_mean = r.solved_trend.transpose();
  r.trend_factor.triangularView<Eigen::Lower>().solveInPlace(of_mean);
  free -= of_mean.colwise().squaredNorm().transpose();
  return (free.array() > 0.0).select(weights.transpose().array().square() / free.array(), 0.0).mean();
}

}  // namespace

PredictorPtr append(const Predictor& predictor, ConstMatrixRef X, ConstMatrixRef Y, const Matrix& noise_std) {
  const auto* gp = dynamic_cast<const GpPredictor*>(&predictor);
  if (!gp)
    throw UsageError(text("append needs an exact Gaussian process, not a ", predictor.kind(), " predictor"));
  if (!gp->has_variance()) throw UsageError("append: of this Gaussian process there are means only");
  check_points(*gp, X);
  const Index n = gp->size(), more = X.rows(), all = n + more;
  check_values(Y, more, gp->outputs(), "output", -std::numeric_limits<double>::infinity());
  const GpState& old = gp->state();
  const bool known = std::any_of(old.correlations.begin(), old.correlations.end(),
                                 [](const Correlation& r) { return r.noise.size() > 0; });
  if (known != (noise_std.size() > 0) && !old.correlations.empty())
    throw UsageError(known ? "append: the data came with known noise (noise_std), so must further points"
                           : "append: noise_std is given, but the data came without");
  if (noise_std.size() > 0) check_values(noise_std, more, gp->outputs(), "noise_std of output", 0.0);
  check_constants(old, Y);

  GpState s = with_room(*gp, X);
  const double q = static_cast<double>(gp->trend().size());
  const double lost = s.estimator == Estimator::restricted ? q : 0.0;
  for (std::size_t c = 0; c < old.correlations.size(); ++c) {
    const std::vector<Index>& members = gp->members(c);
    s.correlations.push_back(with_room(old.correlations[c], n, all));
    Correlation& r = s.correlations.back();
    if (known) r.noise.tail(more) = relative_noise(*gp, c, noise_std);
    Vector y(static_cast<Index>(members.size())), squares = Vector::Zero(gp->outputs());
    for (Index t = 0; t < more; ++t) {
      for (std::size_t v = 0; v < members.size(); ++v) {
        const Output& output = s.outputs[static_cast<std::size_t>(members[v])];
        y[static_cast<Index>(v)] = (Y(t, members[v]) - output.centre) / output.scale;
      }
      add_point(*gp, members, n + t, n, known ? r.noise[n + t] : 0.0, y, r, s, squares);
    }
    for (const Index o : members) {
      Output& output = s.outputs[static_cast<std::size_t>(o)];
      const double unit = output.scale * output.scale;
      if (!s.variance_given)
        output.process_variance =
            s.estimator == Estimator::leave_one_out
                ? unit * left_out_variance(r, s.weights.row(o))
                : (output.process_variance * (static_cast<double>(n) - lost) + unit * squares[o]) /
                      (static_cast<double>(all) - lost);
      output.noise_variance = output.process_variance * (r.nugget + (known ? r.noise.mean() : 0.0));
    }
  }
  return std::make_shared<GpPredictor>(std::move(s));
}

}  // namespace ersatz::gp
