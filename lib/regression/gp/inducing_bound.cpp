#include "regression/gp/inducing_bound.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::gp {
namespace {

constexpr double two_pi = 6.283185307179586476925;
constexpr Index block = 512;  // rows of data that are worked on together

using Dense = Eigen::MatrixXd;

bool cholesky(Dense& a) {
  const int n = static_cast<int>(a.rows());
  int info = 0;
  if (n > 0) dpotrf_("L", &n, a.data(), &n, &info);
  return info == 0;
}

/// b = op(L)⁻¹ b (side 'L') or b op(L)⁻¹ (side 'R') with b rows × columns.
void solve(const char* side, const char* transpose, const Dense& lower, double* b, Index rows, Index columns,
           Index stride) {
  const int m = static_cast<int>(rows), n = static_cast<int>(columns), lda = static_cast<int>(lower.rows()),
            ldb = static_cast<int>(stride);
  const double one = 1.0;
  if (m > 0 && n > 0) dtrsm_(side, "L", transpose, "N", &m, &n, &one, lower.data(), &lda, b, &ldb);
}

/// c = alpha a b + beta c; a: m × k (transposed: k × m), b: k × n.
void multiply(const char* transpose, Index m, Index n, Index k, double alpha, const double* a, Index lda,
              const double* b, Index ldb, double beta, double* c, Index ldc) {
  const int mi = static_cast<int>(m), ni = static_cast<int>(n), ki = static_cast<int>(k),
            la = static_cast<int>(lda), lb = static_cast<int>(ldb), lc = static_cast<int>(ldc);
  if (m > 0 && n > 0) dgemm_(transpose, "N", &mi, &ni, &ki, &alpha, a, &la, b, &lb, &beta, c, &lc);
}

/// Lower triangle of c += alpha aᵀ a, a: k × m.
void add_square(Index m, Index k, double alpha, const double* a, Index lda, double* c, Index ldc) {
  const int mi = static_cast<int>(m), ki = static_cast<int>(k), la = static_cast<int>(lda),
            lc = static_cast<int>(ldc);
  const double one = 1.0;
  dsyrk_("L", "T", &mi, &ki, &alpha, a, &la, &one, c, &lc);
}

}  // namespace

InducingData::InducingData(ConstMatrixRef x, ConstMatrixRef y, const Trend& trend)
    : n_(x.rows()), d_(x.cols()), p_(y.cols()), columns_(x.size()), rhs_(x.rows(), y.cols() + trend.size()) {
  const Index q = trend.size();
  if (n_ <= q)
    throw DataError(text("regressor gp: a mean with ", q, " coefficients needs more than ", n_, " points"));
  Eigen::Map<Dense>(columns_.data(), n_, d_) = x;
  rhs_.leftCols(p_) = y;
  rhs_.rightCols(q) = trend.matrix(x);
  const auto f = rhs_.rightCols(q);
  Dense gram = f.transpose() * f;
  // Monomials on [-1, 1]: a pivot that falls to rounding is a column that the others make up.
  Dense lower = gram;
  offset_ = f.transpose() * rhs_.leftCols(p_);
  if (!cholesky(lower) || (lower.diagonal().array().square() < 1e-13 * gram.diagonal().array()).any())
    throw DataError(text("regressor gp: the points do not determine the ", q, " coefficients of the mean"));
  solve("L", "N", lower, offset_.data(), q, p_, std::max<Index>(q, 1));
  solve("L", "T", lower, offset_.data(), q, p_, std::max<Index>(q, 1));
  rhs_.leftCols(p_) -= f * offset_;
}

InducingBound::InducingBound(KernelPtr kernel, const InducingData& data, Matrix locations,
                             const InducingOptions& options, Executor& executor)
    : kernel_(std::move(kernel)),
      data_(data),
      options_(options),
      prior_(options.priors, *kernel_, data.size(), options.nugget ? -1 : kernel_->parameters(), -1),
      executor_(executor),
      locations_(std::move(locations)),
      moved_(locations_),
      columns_(locations_.size()) {
  if (size() < 1 || locations_.cols() != data_.inputs())
    throw UsageError(text("inducing points are ", size(), " × ", locations_.cols(),
                          ", expected at least one of ", data_.inputs(), " inputs"));
}

Index InducingBound::parameters() const {
  return kernel_->parameters() + (options_.nugget ? 0 : 1) + (options_.move ? locations_.size() : 0);
}

/// Depends on n only: the sums below must not depend on the number of threads.
Index InducingBound::slices() const { return std::clamp<Index>(data_.size() / (2 * block), 1, 32); }

template <class Work>
std::vector<double> InducingBound::sum(Index size, const Work& work) const {
  const Index count = slices(), n = data_.size();
  const std::vector<Bytes> parts = executor_.map(count, [&](Index slice) {
    std::vector<double> part(static_cast<std::size_t>(size), 0.0);
    Workspace workspace;
    const Index end = (slice + 1) * n / count;
    for (Index begin = slice * n / count; begin < end; begin += block)
      work(begin, std::min(block, end - begin), part.data(), workspace);
    return to_bytes(part);
  });
  std::vector<double> total = doubles_from_bytes(parts.front());
  for (std::size_t s = 1; s < parts.size(); ++s)
    for (std::size_t i = 0; i < total.size(); ++i) {
      double term = 0.0;
      std::memcpy(&term, parts[s].data() + i * sizeof term, sizeof term);
      total[i] += term;
    }
  return total;
}

/// K_cm: count × m, column j the kernel between location j and the rows.
void InducingBound::kernel_rows(Index begin, Index count, double* rows, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Points points = data_.points(begin, count);
  for (Index j = 0; j < size(); ++j)
    kernel_->row(moved_.row(j).data(), points, s_.coefficients.data(), rows + j * count, workspace);
}

/// Vᵀ of the rows, in place: K_cm L⁻ᵀ.
void InducingBound::whiten(Index count, double* rows) const {
  solve("R", "T", s_.lower, rows, count, size(), count);
}

bool InducingBound::assemble(const double* parameters) {
  const Index m = size(), c = data_.rhs().cols(), d = data_.inputs();
  const Index hyper = kernel_->parameters();
  s_.coefficients.resize(static_cast<std::size_t>(hyper));
  kernel_->prepare(parameters, s_.coefficients.data());
  s_.nugget = options_.nugget ? *options_.nugget : std::exp(parameters[hyper]);
  const double g = s_.nugget;
  if (options_.move) {
    const double* offset = parameters + hyper + (options_.nugget ? 0 : 1);
    for (Index j = 0; j < m; ++j)
      for (Index k = 0; k < d; ++k)
        moved_(j, k) = locations_(j, k) + options_.steps[static_cast<std::size_t>(k)] * offset[j * d + k];
    if (!moved_.allFinite()) return false;
  }
  Eigen::Map<Dense>(columns_.data(), m, d) = moved_;
  Workspace mine;
  s_.lower = Dense::Zero(m, m);
  gram_lower(*kernel_, {columns_.data(), m, m, d}, s_.coefficients.data(), s_.lower.data(), mine);
  s_.lower.diagonal().array() += options_.jitter * s_.lower.diagonal().mean();
  if (!cholesky(s_.lower)) return false;

  // V Vᵀ, V [y, F] and tr(K - Q).
  const Dense& rhs = data_.rhs();
  const Index n = data_.size(), square = m * m;
  const auto& table = kernels::table();
  const std::vector<double> first =
      sum(square + m * c + 1, [&](Index begin, Index count, double* part, Workspace& workspace) {
        const Workspace::Frame frame(workspace);
        double* v = workspace.take(count * m);
        double* diagonal = workspace.take(count);
        kernel_rows(begin, count, v, workspace);
        whiten(count, v);
        add_square(m, count, 1.0, v, count, part, m);
        multiply("T", m, c, count, 1.0, v, count, rhs.data() + begin, n, 1.0, part + square, m);
        kernel_->diagonal(data_.points(begin, count), s_.coefficients.data(), diagonal);
        double explained = 0.0;
        for (Index j = 0; j < m; ++j) explained += table.dot(v + j * count, v + j * count, count);
        for (Index i = 0; i < count; ++i) part[square + m * c] += diagonal[i];
        part[square + m * c] -= explained;
      });
  s_.trace = first[static_cast<std::size_t>(square + m * c)] / g;
  s_.scatter = Eigen::Map<const Dense>(first.data(), m, m) / g;
  s_.scatter.triangularView<Eigen::StrictlyUpper>() = s_.scatter.transpose();
  s_.lower_b = s_.scatter;
  s_.lower_b.diagonal().array() += 1.0;
  if (!cholesky(s_.lower_b)) return false;
  Dense u = Eigen::Map<const Dense>(first.data() + square, m, c) / g;
  solve("L", "N", s_.lower_b, u.data(), m, c, m);
  solve("L", "T", s_.lower_b, u.data(), m, c, m);
  s_.weights = u;
  solve("L", "T", s_.lower, s_.weights.data(), m, c, m);

  // [y, F]ᵀ C⁻¹ [y, F] as sums of squares; from the sums above alone it would be a small difference of large
  // numbers.
  const std::vector<double> second =
      sum(c * c, [&](Index begin, Index count, double* part, Workspace& workspace) {
        const Workspace::Frame frame(workspace);
        double* rows = workspace.take(count * m);
        double* r = workspace.take(count * c);
        kernel_rows(begin, count, rows, workspace);
        residual(begin, count, rows, r);
        add_square(c, count, 1.0, r, count, part, c);
      });
  s_.residuals = Eigen::Map<const Dense>(second.data(), c, c).selfadjointView<Eigen::Lower>();
  return concentrate(s_.residuals / g + u.transpose() * u);
}

/// r = [y, F] - K_cm weights, count × (p + q).
void InducingBound::residual(Index begin, Index count, const double* rows, double* r) const {
  const Dense& rhs = data_.rhs();
  for (Index o = 0; o < rhs.cols(); ++o)
    std::copy_n(rhs.data() + o * rhs.rows() + begin, count, r + o * count);
  multiply("N", count, rhs.cols(), size(), -1.0, rows, count, s_.weights.data(), size(), 1.0, r, count);
}

/// From [y, F]ᵀ C⁻¹ [y, F].
bool InducingBound::concentrate(const Dense& gram) {
  const Index p = data_.outputs(), q = data_.trend_size(), n = data_.size();
  s_.lower_trend = gram.bottomRightCorner(q, q);
  if (!cholesky(s_.lower_trend)) return false;
  Dense half = gram.bottomLeftCorner(q, p);
  const Index stride = std::max<Index>(q, 1);
  solve("L", "N", s_.lower_trend, half.data(), q, p, stride);
  const double freedom = static_cast<double>(options_.estimator == Estimator::restricted ? n - q : n);
  s_.variance.resize(static_cast<std::size_t>(p));
  for (Index o = 0; o < p; ++o) {
    const double variance = (gram(o, o) - half.col(o).squaredNorm()) / freedom;
    if (!std::isfinite(variance) || variance <= 0.0) return false;
    s_.variance[static_cast<std::size_t>(o)] = variance;
  }
  s_.trend = half;
  solve("L", "T", s_.lower_trend, s_.trend.data(), q, p, stride);
  return true;
}

double InducingBound::value() const {
  const double n = static_cast<double>(data_.size()), p = static_cast<double>(data_.outputs());
  const bool restricted = options_.estimator == Estimator::restricted;
  const double freedom = restricted ? n - static_cast<double>(data_.trend_size()) : n;
  double determinant = n * std::log(s_.nugget) + 2.0 * s_.lower_b.diagonal().array().log().sum();
  if (restricted && data_.trend_size() > 0)
    determinant += 2.0 * s_.lower_trend.diagonal().array().log().sum();
  double sum = p * (determinant + s_.trace);
  for (const double variance : s_.variance) sum += freedom * (1.0 + std::log(two_pi) + std::log(variance));
  return 0.5 * sum;
}

void InducingBound::differentiate(double* gradient) const {
  const Index m = size(), n = data_.size(), d = data_.inputs(), p = data_.outputs(), q = data_.trend_size(),
              c = p + q, hyper = kernel_->parameters();
  const double g = s_.nugget, outputs = static_cast<double>(p);
  const bool restricted = options_.estimator == Estimator::restricted;
  // d(value) = ½ tr(W dC) + ½ p d(trace), W = p C⁻¹ - G Gᵀ, G = C⁻¹ [y, F] T.
  Dense t = Dense::Zero(c, p + (restricted ? q : 0));
  for (Index o = 0; o < p; ++o) {
    const double deviation = std::sqrt(s_.variance[static_cast<std::size_t>(o)]);
    t(o, o) = 1.0 / deviation;
    t.col(o).tail(q) = -s_.trend.col(o) / deviation;
  }
  if (restricted && q > 0) {
    Dense inverse = Dense::Identity(q, q) * std::sqrt(outputs);
    solve("L", "T", s_.lower_trend, inverse.data(), q, q, q);
    t.bottomRightCorner(q, q) = inverse;
  }
  const Dense located = s_.weights * t;              // m × columns of T: L⁻ᵀ V G
  const Dense spread = t * located.transpose() / g;  // c × m
  const double squares = (t.transpose() * s_.residuals * t).trace() / (g * g);  // |G|²

  Dense shrunk = s_.scatter;  // B⁻¹ V Vᵀ / g = I - B⁻¹
  solve("L", "N", s_.lower_b, shrunk.data(), m, m, m);
  Dense half = shrunk;
  solve("L", "T", s_.lower_b, shrunk.data(), m, m, m);
  const double shrunk_trace = shrunk.trace();
  solve("R", "N", s_.lower, shrunk.data(), m, m, m);
  solve("R", "N", s_.lower, half.data(), m, m, m);

  // dQ = dK_nm M + Mᵀ dK_mn - Mᵀ dK_mm M, M = K_mm⁻¹ K_mn: through K_nm by rows of data …
  const double scale = outputs / g;
  const std::vector<double> rows = sum(hyper + m * d, [&](Index begin, Index count, double* part,
                                                          Workspace& workspace) {
    const Workspace::Frame frame(workspace);
    double* v = workspace.take(count * m);
    double* e = workspace.take(count * m);
    double* r = workspace.take(count * c);
    kernel_rows(begin, count, v, workspace);
    residual(begin, count, v, r);
    whiten(count, v);
    multiply("N", count, m, m, -scale, v, count, shrunk.data(), m, 0.0, e, count);
    multiply("N", count, m, c, -1.0, r, count, spread.data(), c, 1.0, e, count);
    const Points points = data_.points(begin, count);
    for (Index j = 0; j < m; ++j) {
      const double* z = moved_.row(j).data();
      kernel_->contract(z, points, s_.coefficients.data(), e + j * count, part, workspace);
      if (options_.move)
        kernel_->jacobian(z, points, s_.coefficients.data(), e + j * count, part + hyper + j * d, workspace);
    }
    // … the prior variances, which need not be 1 …
    double* x = workspace.take(d);
    const double weight = 0.5 * scale;
    for (Index i = 0; i < count; ++i) {
      const Points one = data_.points(begin + i, 1);
      one.gather(0, x);
      kernel_->contract(x, one, s_.coefficients.data(), &weight, part, workspace);
    }
  });
  std::copy_n(rows.begin(), hyper, gradient);
  // … and through K_mm.
  Dense w = Dense::Zero(m, m);
  add_square(m, m, 0.5 * outputs, half.data(), m, w.data(), m);
  w.triangularView<Eigen::Lower>() += 0.5 * located * located.transpose();
  w.diagonal().array() += options_.jitter * w.diagonal().mean();
  const Points points{columns_.data(), m, m, d};
  Workspace workspace;
  if (options_.move) {
    double* at = gradient + hyper + (options_.nugget ? 0 : 1);
    const Dense twice = 2.0 * Dense(w.selfadjointView<Eigen::Lower>());
    std::copy_n(rows.begin() + hyper, m * d, at);
    for (Index j = 0; j < m; ++j) {
      kernel_->jacobian(moved_.row(j).data(), points, s_.coefficients.data(), twice.col(j).data(), at + j * d,
                        workspace);
      for (Index k = 0; k < d; ++k) at[j * d + k] *= options_.steps[static_cast<std::size_t>(k)];
    }
  }
  gram_contract(*kernel_, points, s_.coefficients.data(), w.data(), gradient, workspace);
  if (!options_.nugget)
    gradient[hyper] = 0.5 * (outputs * (static_cast<double>(n) - shrunk_trace - s_.trace) - g * squares);
}

bool InducingBound::compute(const double* parameters, double* value, double* gradient) {
  const SingleThreadedBlas single;
  if (!assemble(parameters)) return false;
  *value = this->value();
  if (gradient) differentiate(gradient);
  prior_.subtract(parameters, value, gradient);
  return std::isfinite(*value);
}

void InducingBound::leave_one_out(Matrix& residual, Matrix& deviation) const {
  const Index n = data_.size(), m = size(), p = data_.outputs(), q = data_.trend_size(), c = p + q;
  residual.resize(n, p);
  deviation.resize(n, p);
  const SingleThreadedBlas single;
  const double g = s_.nugget;
  const Index count = slices();
  const auto& table = kernels::table();
  const std::vector<Bytes> parts = executor_.map(count, [&](Index slice) {
    const Index first = slice * n / count, end = (slice + 1) * n / count;
    std::vector<double> part;
    Workspace workspace;
    for (Index begin = first; begin < end; begin += block) {
      const Workspace::Frame frame(workspace);
      const Index rows = std::min(block, end - begin);
      double* v = workspace.take(rows * m);
      double* r = workspace.take(rows * c);
      double* left = workspace.take(rows);
      double* known = workspace.take(rows);
      kernel_rows(begin, rows, v, workspace);
      this->residual(begin, rows, v, r);
      whiten(rows, v);
      kernel_->diagonal(data_.points(begin, rows), s_.coefficients.data(), left);
      const auto subtract_squares = [&](double* from, double factor) {
        for (Index j = 0; j < m; ++j)
          for (Index i = 0; i < rows; ++i) from[i] -= factor * v[j * rows + i] * v[j * rows + i];
      };
      subtract_squares(left, 1.0);  // k_ii - q_ii
      std::fill_n(known, rows, 1.0);
      solve("R", "T", s_.lower_b, v, rows, m, rows);
      subtract_squares(known, 1.0 / g);  // g (C⁻¹)_ii
      // C⁻¹ - C⁻¹ F (Fᵀ C⁻¹ F)⁻¹ Fᵀ C⁻¹, C⁻¹ [y, F] = r / g.
      Dense s(q, rows);
      for (Index i = 0; i < rows; ++i)
        for (Index k = 0; k < q; ++k) s(k, i) = r[(p + k) * rows + i] / g;
      for (Index o = 0; o < p; ++o)
        for (Index i = 0; i < rows; ++i)
          for (Index k = 0; k < q; ++k) r[o * rows + i] -= g * s(k, i) * s_.trend(k, o);
      solve("L", "N", s_.lower_trend, s.data(), q, rows, std::max<Index>(q, 1));
      for (Index i = 0; i < rows; ++i) {
        const double precision =
            std::max(known[i], 1e-12) / g - table.dot(s.data() + i * q, s.data() + i * q, q);
        const double usable = std::max(precision, 1e-12 / g);
        for (Index o = 0; o < p; ++o) {
          const double latent = std::max(1.0 / usable - g, 0.0) + std::max(left[i], 0.0);
          part.push_back(r[o * rows + i] / g / usable);
          part.push_back(std::sqrt(s_.variance[static_cast<std::size_t>(o)] * latent));
        }
      }
    }
    return to_bytes(part);
  });
  for (Index slice = 0; slice < count; ++slice) {
    const std::vector<double> part = doubles_from_bytes(parts[static_cast<std::size_t>(slice)]);
    const Index first = slice * n / count, end = (slice + 1) * n / count;
    std::size_t at = 0;
    for (Index i = first; i < end; ++i)
      for (Index o = 0; o < p; ++o) {
        residual(i, o) = part[at++];
        deviation(i, o) = part[at++];
      }
  }
}

}  // namespace ersatz::gp
