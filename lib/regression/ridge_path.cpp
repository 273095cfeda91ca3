#include "regression/ridge_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// c = op(a) b
void multiply(bool transpose, const Eigen::MatrixXd& a, const double* b, Index b_cols, double* c) {
  const int rows = static_cast<int>(transpose ? a.cols() : a.rows());
  const int inner = static_cast<int>(transpose ? a.rows() : a.cols());
  const int cols = static_cast<int>(b_cols), lda = static_cast<int>(a.rows());
  if (rows == 0 || cols == 0) return;
  if (inner == 0) {
    std::fill(c, c + static_cast<Index>(rows) * cols, 0.0);
    return;
  }
  const double one = 1.0, zero = 0.0;
  dgemm_(transpose ? "T" : "N", "N", &rows, &cols, &inner, &one, a.data(), &lda, b, &inner, &zero, c, &rows);
}

bool decompose_gram(const Eigen::MatrixXd& F, Decomposition& out) {
  const int n = static_cast<int>(F.rows()), m = static_cast<int>(F.cols());
  const double one = 1.0, zero = 0.0;
  Eigen::MatrixXd gram(m, m);
  dsyrk_("L", "T", &m, &n, &one, F.data(), &n, &zero, gram.data(), &m);
  Vector lambda(m);
  int info = 0, work_size = -1, iwork_size = -1, iwork_best = 0;
  double work_best = 0.0;
  dsyevd_("V", "L", &m, gram.data(), &m, lambda.data(), &work_best, &work_size, &iwork_best, &iwork_size,
          &info);
  work_size = static_cast<int>(work_best);
  iwork_size = iwork_best;
  std::vector<double> work(static_cast<std::size_t>(work_size));
  std::vector<int> iwork(static_cast<std::size_t>(iwork_size));
  dsyevd_("V", "L", &m, gram.data(), &m, lambda.data(), work.data(), &work_size, iwork.data(), &iwork_size,
          &info);
  // Squaring the condition number costs digits: where that would show, the singular values decide.
  if (info != 0 || !(lambda[0] > 1e-6 * lambda[m - 1])) return false;
  out.s = lambda.reverse().cwiseSqrt();
  out.v = gram.rowwise().reverse();
  out.u.resize(n, m);
  multiply(false, F, out.v.data(), m, out.u.data());
  for (Index l = 0; l < m; ++l) out.u.col(l) /= out.s[l];
  out.from_gram = true;
  return true;
}

void decompose_singular_values(const Eigen::MatrixXd& F, Decomposition& out) {
  const int n = static_cast<int>(F.rows()), m = static_cast<int>(F.cols()), r = std::min(n, m);
  Eigen::MatrixXd a = F, u(n, r), vt(r, m);
  Vector s(r);
  int info = 0, work_size = -1;
  double work_best = 0.0;
  std::vector<int> iwork(static_cast<std::size_t>(8 * r));
  dgesdd_("S", &n, &m, a.data(), &n, s.data(), u.data(), &n, vt.data(), &r, &work_best, &work_size,
          iwork.data(), &info);
  work_size = static_cast<int>(work_best);
  std::vector<double> work(static_cast<std::size_t>(work_size));
  dgesdd_("S", &n, &m, a.data(), &n, s.data(), u.data(), &n, vt.data(), &r, work.data(), &work_size,
          iwork.data(), &info);
  if (info != 0)
    throw NumericalError(text("ridge regression: the singular value decomposition of ", n, " points by ", m,
                              " features did not converge (dgesdd info ", info, ")"));
  Index rank = 0;
  while (rank < r && s[rank] > s[0] * epsilon * std::max(n, m)) ++rank;
  rank = std::min<Index>(rank, n - 1);  // columns are centred
  out.u = u.leftCols(rank);
  out.s = s.head(rank);
  out.v = vt.topRows(rank).transpose();
}

struct Leverages {
  Eigen::MatrixXd squares;  // u²
  const Decomposition& d;

  // 1 - h for each point (rows) and alpha (columns); for alpha = 0 at a point that is not free, the limit of
  // (1 - h) / alpha.
  Eigen::MatrixXd operator()(const std::vector<double>& alphas) const {
    const Index n = d.u.rows(), r = d.rank(), count = static_cast<Index>(alphas.size());
    Eigen::MatrixXd shrink(r, count), out(n, count);
    for (Index a = 0; a < count; ++a) {
      const double alpha = alphas[static_cast<std::size_t>(a)];
      for (Index l = 0; l < r; ++l)
        shrink(l, a) = alpha > 0.0 ? alpha / (d.s[l] * d.s[l] + alpha) : 1.0 / (d.s[l] * d.s[l]);
    }
    multiply(false, squares, shrink.data(), count, out.data());
    for (Index a = 0; a < count; ++a) {
      const bool penalised = alphas[static_cast<std::size_t>(a)] > 0.0;
      for (Index i = 0; i < n; ++i)
        out(i, a) = penalised ? d.free[i] + out(i, a) : (d.free[i] > 0.0 ? d.free[i] : out(i, a));
    }
    return out;
  }
};

// Leave-one-out residuals of one output, points × alphas. c = Uᵀ y, rest = y - U c.
Eigen::MatrixXd loo_residuals(const Decomposition& d, const Vector& c, const Vector& rest,
                              const std::vector<double>& alphas, const Eigen::MatrixXd& leverages) {
  const Index n = d.u.rows(), r = d.rank(), count = static_cast<Index>(alphas.size());
  Eigen::MatrixXd shrunk(r, count), out(n, count);
  for (Index a = 0; a < count; ++a) {
    const double alpha = alphas[static_cast<std::size_t>(a)];
    for (Index l = 0; l < r; ++l)
      shrunk(l, a) = c[l] * (alpha > 0.0 ? alpha / (d.s[l] * d.s[l] + alpha) : 1.0 / (d.s[l] * d.s[l]));
  }
  multiply(false, d.u, shrunk.data(), count, out.data());
  for (Index a = 0; a < count; ++a) {
    const bool penalised = alphas[static_cast<std::size_t>(a)] > 0.0;
    for (Index i = 0; i < n; ++i) {
      const double e = penalised ? rest[i] + out(i, a) : (d.free[i] > 0.0 ? rest[i] : out(i, a));
      out(i, a) = e / leverages(i, a);
    }
  }
  return out;
}

}  // namespace

FeatureTable make_feature_table(const PolynomialFeatures& features, ConstMatrixRef X) {
  Matrix F = features.evaluate(X);
  Standardisation scaling = Standardisation::of(F);
  std::vector<Index> kept;
  for (Index t = 0; t < F.cols(); ++t)
    // Rounding of a power that is constant at the data (a square over ±1) is not variation.
    if (scaling.varies(t) && scaling.scale(t) > 1e-12 * F.col(t).cwiseAbs().maxCoeff()) kept.push_back(t);
  FeatureTable table;
  table.features = features.subset(kept);
  const Index m = static_cast<Index>(kept.size());
  table.scaling.centre.resize(m);
  table.scaling.inverse_scale.resize(m);
  table.columns.resize(F.rows(), m);
  for (Index t = 0; t < m; ++t) {
    const Index from = kept[static_cast<std::size_t>(t)];
    table.scaling.centre[t] = scaling.centre[from];
    table.scaling.inverse_scale[t] = scaling.inverse_scale[from];
    table.columns.col(t) = (F.col(from).array() - scaling.centre[from]) * scaling.inverse_scale[from];
  }
  return table;
}

Decomposition decompose(const Eigen::MatrixXd& F) {
  const SingleThreadedBlas single;
  const Index n = F.rows(), m = F.cols();
  Decomposition d;
  if (n < 2 || m == 0) {
    d.u.resize(n, 0);
    d.s.resize(0);
    d.v.resize(m, 0);
  } else if (!(m >= 64 && n >= 4 * m && decompose_gram(F, d))) {
    decompose_singular_values(F, d);
  }
  d.free.setZero(n);
  if (!d.saturated())
    for (Index i = 0; i < n; ++i) {
      const double left = 1.0 - 1.0 / static_cast<double>(n) - d.u.row(i).squaredNorm();
      d.free[i] = left > 64.0 * epsilon ? left : 0.0;
    }
  return d;
}

bool interpolating(const Decomposition& decomposition, double alpha) {
  return alpha == 0.0 && decomposition.saturated() && !decomposition.full_rank();
}

std::vector<RidgeFit> fit_ridge(const Decomposition& d, const Eigen::MatrixXd& Y,
                                const std::vector<double>& alphas, Executor& executor) {
  const SingleThreadedBlas single;
  const Index n = d.u.rows(), r = d.rank(), p = Y.cols(), count = static_cast<Index>(alphas.size());
  Eigen::MatrixXd C(r, p);
  multiply(true, d.u, Y.data(), p, C.data());
  Eigen::MatrixXd rest(n, p);
  multiply(false, d.u, C.data(), p, rest.data());
  rest = Y - rest;
  for (Index i = 0; i < n; ++i)
    if (d.free[i] == 0.0) rest.row(i).setZero();

  std::vector<RidgeFit> fits(static_cast<std::size_t>(p));
  for (auto& fit : fits) fit.path_loo_mse.setZero(count);
  const Leverages leverages{d.u.cwiseAbs2(), d};
  if (n > 1 && count > 1) {
    const Index block = std::clamp<Index>(Index{4000000} / n, 1, count);
    for (Index from = 0; from < count; from += block) {
      const std::vector<double> some(alphas.begin() + from, alphas.begin() + std::min(from + block, count));
      const Eigen::MatrixXd free = leverages(some);
      const auto results = executor.map(p, [&](Index j) {
        const Eigen::MatrixXd e = loo_residuals(d, C.col(j), rest.col(j), some, free);
        std::vector<double> mse(some.size());
        for (std::size_t a = 0; a < some.size(); ++a)
          mse[a] = e.col(static_cast<Index>(a)).squaredNorm() / static_cast<double>(n);
        return to_bytes(mse);
      });
      for (Index j = 0; j < p; ++j) {
        const auto mse = doubles_from_bytes(results[static_cast<std::size_t>(j)]);
        std::copy(mse.begin(), mse.end(), fits[static_cast<std::size_t>(j)].path_loo_mse.data() + from);
      }
    }
  }
  for (Index j = 0; j < p; ++j) {
    RidgeFit& fit = fits[static_cast<std::size_t>(j)];
    Index best = 0;
    for (Index a = 1; a < count; ++a)
      if (fit.path_loo_mse[a] < fit.path_loo_mse[best] * (1.0 - 1e-10)) best = a;
    fit.alpha_index = static_cast<std::size_t>(best);
    fit.alpha = alphas[fit.alpha_index];
    fit.gamma.resize(r);
    for (Index l = 0; l < r; ++l) fit.gamma[l] = C(l, j) * d.s[l] / (d.s[l] * d.s[l] + fit.alpha);
    if (n < 2) continue;
    const std::vector<double> chosen = {fit.alpha};
    const Eigen::MatrixXd free = leverages(chosen);
    fit.leave_one_out = loo_residuals(d, C.col(j), rest.col(j), chosen, free).col(0);
    fit.loo_mse = fit.leave_one_out.squaredNorm() / static_cast<double>(n);
    fit.path_loo_mse[best] = fit.loo_mse;
    // E e_(-i)² = s² / (1 - h_i). Points that a full-rank fit passes through exactly say nothing about the
    // misfit of the model, however small 1 - h_i: it counts as a tenth at least.
    const bool floored = !interpolating(d, fit.alpha) && (fit.alpha == 0.0 || d.full_rank());
    Vector left = free.col(0);
    for (Index i = 0; i < n; ++i) {
      if (floored && d.free[i] == 0.0 && fit.alpha == 0.0) left[i] = 0.0;
      if (floored) left[i] = std::max(left[i], 0.1);
    }
    fit.residual = (left.array() * fit.leave_one_out.array().square()).mean();
    fit.loo_variance = fit.residual / left.array();
  }
  return fits;
}

}  // namespace ersatz
