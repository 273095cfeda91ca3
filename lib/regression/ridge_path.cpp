#include "regression/ridge_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/blas.hpp"

namespace ersatz {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr Index block = 1024;  ///< points that are one task

// c = aᵀ b
Eigen::MatrixXd transpose_times(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  const int rows = static_cast<int>(a.cols()), cols = static_cast<int>(b.cols());
  const int inner = static_cast<int>(a.rows());
  Eigen::MatrixXd c = Eigen::MatrixXd::Zero(rows, cols);
  const double one = 1.0, zero = 0.0;
  if (rows > 0 && cols > 0 && inner > 0)
    dgemm_("T", "N", &rows, &cols, &inner, &one, a.data(), &inner, b.data(), &inner, &zero, c.data(), &rows);
  return c;
}

// What alpha leaves of each direction, r × alphas: alpha / (s² + alpha); for alpha = 0 the limit of that over
// alpha.
Eigen::MatrixXd shrinkage(const Vector& s, const std::vector<double>& alphas) {
  Eigen::MatrixXd shrink(s.size(), static_cast<Index>(alphas.size()));
  for (Index a = 0; a < shrink.cols(); ++a) {
    const double alpha = alphas[static_cast<std::size_t>(a)];
    for (Index l = 0; l < s.size(); ++l)
      shrink(l, a) = alpha > 0.0 ? alpha / (s[l] * s[l] + alpha) : 1.0 / (s[l] * s[l]);
  }
  return shrink;
}

// The points of one task.
struct Points {
  Eigen::MatrixXd u;  // r × count
  Vector free;  // what an unpenalised fit leaves free, 1 - 1/n - Σ u²; exactly 0 where that is rounding
  Eigen::MatrixXd rest;  // p × count: y - U Uᵀ y, 0 where nothing is free

  // 1 - h, alphas × count; where alpha is 0 and the point not free, the limit of (1 - h) / alpha.
  Eigen::MatrixXd left(const Eigen::MatrixXd& shrink, const std::vector<double>& alphas) const {
    Eigen::MatrixXd out = transpose_times(shrink, u.cwiseAbs2());
    for (Index i = 0; i < out.cols(); ++i)
      for (Index a = 0; a < out.rows(); ++a) {
        if (alphas[static_cast<std::size_t>(a)] > 0.0)
          out(a, i) += free[i];
        else if (free[i] > 0.0)
          out(a, i) = free[i];
      }
    return out;
  }

  // Residuals in the same sense, from `shrunk` = shrinkage times Uᵀ y.
  double residual(double shrunk, double alpha, Index output, Index i) const {
    if (alpha > 0.0) return rest(output, i) + shrunk;
    return free[i] > 0.0 ? rest(output, i) : shrunk;
  }
};

// Everything that depends on the points, in tasks of `block` of them.
class Path {
 public:
  Path(const Decomposition& d, const Eigen::MatrixXd& Y, Executor& executor)
      : d_(d), Y_(Y), executor_(executor), scaled_(d.scaled_v()), n_(d.points()), p_(Y.cols()) {
    if (d.keeps_u()) {
      rotated = Eigen::MatrixXd::Zero(d.rank(), p_);
      for (Index from = 0; from < n_; from += block)
        rotated += d.rows.middleRows(from, size(from)).transpose() * Y.middleRows(from, size(from));
    } else {
      Eigen::MatrixXd correlation(d.v.rows(), p_);
      const int m = static_cast<int>(d.v.rows()), p = static_cast<int>(p_), n = static_cast<int>(n_);
      const double one = 1.0, zero = 0.0;
      const int step = 1;
      if (p == 1)  // without copies of F
        dgemv_("N", &m, &n, &one, d.rows.data(), &m, Y.data(), &step, &zero, correlation.data(), &step);
      else
        dgemm_("N", "N", &m, &p, &n, &one, d.rows.data(), &m, Y.data(), &n, &zero, correlation.data(), &m);
      rotated = transpose_times(scaled_, correlation);
    }
  }

  Eigen::MatrixXd rotated;  // Uᵀ y, r × p

  Points points(Index from, Index count) const {
    Points points;
    points.u = d_.left(from, count, scaled_);
    points.free.setZero(count);
    if (!d_.saturated())
      for (Index i = 0; i < count; ++i) {
        const double left = 1.0 - 1.0 / static_cast<double>(n_) - points.u.col(i).squaredNorm();
        points.free[i] = left > 64.0 * epsilon ? left : 0.0;
      }
    points.rest = Y_.middleRows(from, count).transpose() - transpose_times(rotated, points.u);
    for (Index i = 0; i < count; ++i)
      if (points.free[i] == 0.0) points.rest.col(i).setZero();
    return points;
  }

  // Sums of squares of leave-one-out residuals, alphas × p, and of what no alpha can fit, p. `kept`: if not
  // null, gets 1 - h, alphas × n.
  void scores(const std::vector<double>& alphas, Eigen::MatrixXd& squares, Vector& rest2,
              Eigen::MatrixXd* kept) const {
    const Eigen::MatrixXd shrink = shrinkage(d_.s, alphas);
    const Index count = shrink.cols();
    const auto parts = executor_.map(blocks(), [&](Index b) {
      const Index from = b * block, size = this->size(from);
      const Points here = points(from, size);
      const Eigen::MatrixXd left = here.left(shrink, alphas);
      std::vector<double> out;
      for (Index j = 0; j < p_; ++j) {
        const Eigen::MatrixXd shrunk =
            transpose_times(shrink.array().colwise() * rotated.col(j).array(), here.u);
        Vector sum = Vector::Zero(count);
        for (Index i = 0; i < size; ++i)
          for (Index a = 0; a < count; ++a) {
            const double e =
                here.residual(shrunk(a, i), alphas[static_cast<std::size_t>(a)], j, i) / left(a, i);
            sum[a] += e * e;
          }
        out.insert(out.end(), sum.data(), sum.data() + count);
        out.push_back(here.rest.row(j).squaredNorm());
      }
      if (kept) out.insert(out.end(), left.data(), left.data() + left.size());
      return to_bytes(out);
    });
    squares.setZero(count, p_);
    rest2.setZero(p_);
    if (kept) kept->resize(count, n_);
    for (Index b = 0; b < blocks(); ++b) {
      const auto part = doubles_from_bytes(parts[static_cast<std::size_t>(b)]);
      const double* at = part.data();
      for (Index j = 0; j < p_; ++j, at += count + 1) {
        squares.col(j) += Eigen::Map<const Vector>(at, count);
        rest2[j] += at[count];
      }
      if (kept) std::copy(at, part.data() + part.size(), kept->data() + b * block * count);
    }
  }

  // 1 - h of each level (levels × n), residuals of each output at its own level (p × n) before division, and
  // what is free (n).
  struct Chosen {
    Eigen::MatrixXd left, residuals;
    Vector free;
  };
  Chosen chosen(const std::vector<double>& levels, const std::vector<std::size_t>& level_of) const {
    const Eigen::MatrixXd shrink = shrinkage(d_.s, levels);
    Eigen::MatrixXd weights(d_.rank(), p_);
    for (Index j = 0; j < p_; ++j)
      weights.col(j) = rotated.col(j).cwiseProduct(shrink.col(level(level_of, j)));
    const auto parts = executor_.map(blocks(), [&](Index b) {
      const Index from = b * block, size = this->size(from);
      const Points here = points(from, size);
      const Eigen::MatrixXd left = here.left(shrink, levels);
      Eigen::MatrixXd e = transpose_times(weights, here.u);
      for (Index i = 0; i < size; ++i)
        for (Index j = 0; j < p_; ++j)
          e(j, i) = here.residual(e(j, i), levels[level_of[static_cast<std::size_t>(j)]], j, i);
      std::vector<double> out(left.data(), left.data() + left.size());
      out.insert(out.end(), e.data(), e.data() + e.size());
      out.insert(out.end(), here.free.data(), here.free.data() + size);
      return to_bytes(out);
    });
    Chosen result{Eigen::MatrixXd(shrink.cols(), n_), Eigen::MatrixXd(p_, n_), Vector(n_)};
    for (Index b = 0; b < blocks(); ++b) {
      const auto part = doubles_from_bytes(parts[static_cast<std::size_t>(b)]);
      const Index from = b * block, size = this->size(from);
      const double* at = part.data();
      result.left.middleCols(from, size) = Eigen::Map<const Eigen::MatrixXd>(at, shrink.cols(), size);
      at += shrink.cols() * size;
      result.residuals.middleCols(from, size) = Eigen::Map<const Eigen::MatrixXd>(at, p_, size);
      result.free.segment(from, size) = Eigen::Map<const Vector>(at + p_ * size, size);
    }
    return result;
  }

  // The same without U, from 1 - h of the whole path and the coefficients; alphas above 0.
  Chosen chosen(const Eigen::MatrixXd& path_left, const std::vector<std::size_t>& path_index,
                const std::vector<double>& levels, const std::vector<std::size_t>& level_of) const {
    Chosen result{Eigen::MatrixXd(static_cast<Index>(levels.size()), n_), Eigen::MatrixXd(p_, n_),
                  Vector::Zero(n_)};
    for (Index a = 0; a < result.left.rows(); ++a)
      result.left.row(a) = path_left.row(static_cast<Index>(path_index[static_cast<std::size_t>(a)]));
    Eigen::MatrixXd b(d_.v.rows(), p_);
    for (Index j = 0; j < p_; ++j)
      b.col(j) = ridge_coefficients(d_, rotated.col(j), levels[level_of[static_cast<std::size_t>(j)]]);
    const int m = static_cast<int>(d_.v.rows()), p = static_cast<int>(p_), n = static_cast<int>(n_);
    const double minus = -1.0, one = 1.0;
    result.residuals = Y_.transpose();
    const int step = 1;
    if (p == 1)
      dgemv_("T", &m, &n, &minus, d_.rows.data(), &m, b.data(), &step, &one, result.residuals.data(), &step);
    else
      dgemm_("T", "N", &p, &n, &m, &minus, b.data(), &m, d_.rows.data(), &m, &one, result.residuals.data(),
             &p);
    return result;
  }

 private:
  Index size(Index from) const { return std::min(block, n_ - from); }
  Index blocks() const { return (n_ + block - 1) / block; }
  static Index level(const std::vector<std::size_t>& level_of, Index j) {
    return static_cast<Index>(level_of[static_cast<std::size_t>(j)]);
  }

  const Decomposition& d_;
  const Eigen::MatrixXd& Y_;
  Executor& executor_;
  Eigen::MatrixXd scaled_;
  Index n_, p_;
};

// Golub, Heath & Wahba (1979), eq. 1.4, the intercept counted among the parameters:
//   GCV(alpha) = (1/n) |y - A y|² / ((1/n) tr(I - A))²; for alpha = 0 without a degree of freedom, the limit.
Eigen::MatrixXd generalised_cross_validation(const Decomposition& d, const Eigen::MatrixXd& rotated,
                                             const Vector& rest2, const std::vector<double>& alphas) {
  const Eigen::MatrixXd shrink = shrinkage(d.s, alphas);
  const double n = static_cast<double>(d.points());
  const double open = static_cast<double>(d.points() - 1 - d.rank());
  Eigen::MatrixXd gcv(shrink.cols(), rotated.cols());
  for (Index a = 0; a < gcv.rows(); ++a) {
    const bool limit = alphas[static_cast<std::size_t>(a)] == 0.0 && open == 0.0;
    const bool unpenalised = alphas[static_cast<std::size_t>(a)] == 0.0 && !limit;
    const double trace = unpenalised ? open : (limit ? 0.0 : open) + shrink.col(a).sum();
    for (Index j = 0; j < gcv.cols(); ++j) {
      const double shrunk = shrink.col(a).cwiseProduct(rotated.col(j)).squaredNorm();
      const double squares = unpenalised ? rest2[j] : (limit ? 0.0 : rest2[j]) + shrunk;
      gcv(a, j) = n * squares / (trace * trace);
    }
  }
  return gcv;
}

}  // namespace

bool interpolating(const Decomposition& decomposition, double alpha) {
  return alpha == 0.0 && decomposition.saturated() && !decomposition.full_rank();
}

Eigen::MatrixXd ridge_coefficients(const Decomposition& d, const Eigen::MatrixXd& rotated, double alpha) {
  const Vector shrink = d.s.array() / (d.s.array().square() + alpha);
  return d.v * (shrink.asDiagonal() * rotated);
}

RidgeFits fit_ridge(const Decomposition& d, const Eigen::MatrixXd& Y, const std::vector<double>& alphas,
                    RidgeSelection selection, Executor& executor) {
  const SingleThreadedBlas single;
  const Index n = d.points(), r = d.rank(), p = Y.cols(), count = static_cast<Index>(alphas.size());
  const Path path(d, Y, executor);
  RidgeFits fits;
  fits.rotated = path.rotated;
  fits.leave_one_out.setZero(count, p);
  fits.gcv.setZero(count, p);
  fits.outputs.resize(static_cast<std::size_t>(p));
  // U is made once where that is what costs: then 1 - h of the whole path is kept, which takes less memory
  // than the features.
  const bool once = !d.keeps_u() && count > 1 && d.v.rows() > count && alphas.back() > 0.0;
  Eigen::MatrixXd path_left;
  if (n > 1 && (count > 1 || alphas.back() > 0.0 || selection == RidgeSelection::gcv)) {
    Vector rest2;
    path.scores(alphas, fits.leave_one_out, rest2, once ? &path_left : nullptr);
    fits.leave_one_out /= static_cast<double>(n);
    fits.gcv = generalised_cross_validation(d, fits.rotated, rest2, alphas);
  }
  std::vector<double> levels;
  std::vector<std::size_t> path_index, level_of;
  const Eigen::MatrixXd& score = selection == RidgeSelection::gcv ? fits.gcv : fits.leave_one_out;
  for (Index j = 0; j < p; ++j) {
    RidgeFit& fit = fits.outputs[static_cast<std::size_t>(j)];
    Index best = 0;
    for (Index a = 1; a < count; ++a)
      if (score(a, j) < score(best, j) * (1.0 - 1e-10)) best = a;
    fit.alpha_index = static_cast<std::size_t>(best);
    fit.alpha = alphas[fit.alpha_index];
    fit.gamma.resize(r);
    for (Index l = 0; l < r; ++l) fit.gamma[l] = fits.rotated(l, j) * d.s[l] / (d.s[l] * d.s[l] + fit.alpha);
    const auto at = std::find(path_index.begin(), path_index.end(), fit.alpha_index);
    level_of.push_back(static_cast<std::size_t>(at - path_index.begin()));
    if (at != path_index.end()) continue;
    path_index.push_back(fit.alpha_index);
    levels.push_back(fit.alpha);
  }
  if (n < 2) return fits;

  const auto chosen =
      once ? path.chosen(path_left, path_index, levels, level_of) : path.chosen(levels, level_of);
  for (Index j = 0; j < p; ++j) {
    RidgeFit& fit = fits.outputs[static_cast<std::size_t>(j)];
    Vector left = chosen.left.row(static_cast<Index>(level_of[static_cast<std::size_t>(j)]));
    fit.leave_one_out = chosen.residuals.row(j).transpose().cwiseQuotient(left);
    fit.loo_mse = fit.leave_one_out.squaredNorm() / static_cast<double>(n);
    // E e_(-i)² = s² / (1 - h_i). Points that a full-rank fit passes through exactly say nothing about the
    // misfit of the model, however small 1 - h_i: it counts as a tenth at least.
    const bool floored = !interpolating(d, fit.alpha) && (fit.alpha == 0.0 || d.full_rank());
    for (Index i = 0; i < n; ++i) {
      if (floored && chosen.free[i] == 0.0 && fit.alpha == 0.0) left[i] = 0.0;
      if (floored) left[i] = std::max(left[i], 0.1);
    }
    fit.residual = (left.array() * fit.leave_one_out.array().square()).mean();
    fit.loo_variance = fit.residual / left.array();
  }
  return fits;
}

}  // namespace ersatz
