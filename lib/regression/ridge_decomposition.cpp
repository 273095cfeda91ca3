#include "regression/ridge_decomposition.hpp"

#include <algorithm>
#include <limits>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/feature_table.hpp"

namespace ersatz {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr Index panel = 256;  ///< columns of a Gram matrix that are one task

// The lower triangle of A Aᵀ for A (m × n, column major), in panels of columns. How it is cut depends on m
// alone.
Eigen::MatrixXd product_with_transpose(const double* a, Index rows, Index inner, Index stride,
                                       Executor& executor) {
  const int n = static_cast<int>(inner), lda = static_cast<int>(stride);
  const double one = 1.0, zero = 0.0;
  Eigen::MatrixXd gram(rows, rows);
  if (rows < 2 * panel) {
    const int m = static_cast<int>(rows);
    dsyrk_("L", "N", &m, &n, &one, a, &lda, &zero, gram.data(), &m);
    return gram;
  }
  const Index panels = (rows + panel - 1) / panel;
  const auto parts = executor.map(panels, [&](Index p) {
    const Index from = p * panel;
    const int width = static_cast<int>(std::min(panel, rows - from)), height = static_cast<int>(rows - from);
    const int below = height - width;
    std::vector<double> part(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    dsyrk_("L", "N", &width, &n, &one, a + from, &lda, &zero, part.data(), &height);
    if (below > 0)
      dgemm_("N", "T", &below, &width, &n, &one, a + from + width, &lda, a + from, &lda, &zero,
             part.data() + width, &height);
    return to_bytes(part);
  });
  for (Index p = 0; p < panels; ++p) {
    const Index from = p * panel, width = std::min(panel, rows - from);
    const auto part = doubles_from_bytes(parts[static_cast<std::size_t>(p)]);
    gram.block(from, from, rows - from, width) =
        Eigen::Map<const Eigen::MatrixXd>(part.data(), rows - from, width);
  }
  return gram;
}

// Eigenvalues, ascending; vectors take the place of the matrix (lower triangle). False: did not converge.
bool eigenvectors(Eigen::MatrixXd& a, Vector& lambda) {
  const int m = static_cast<int>(a.rows());
  lambda.resize(m);
  int info = 0, work_size = -1, iwork_size = -1, iwork_best = 0;
  double work_best = 0.0;
  dsyevd_("V", "L", &m, a.data(), &m, lambda.data(), &work_best, &work_size, &iwork_best, &iwork_size, &info);
  work_size = static_cast<int>(work_best);
  iwork_size = iwork_best;
  std::vector<double> work(static_cast<std::size_t>(work_size));
  std::vector<int> iwork(static_cast<std::size_t>(iwork_size));
  dsyevd_("V", "L", &m, a.data(), &m, lambda.data(), work.data(), &work_size, iwork.data(), &iwork_size,
          &info);
  return info == 0;
}

// Many points. F, row major, is Fᵀ, column major.
bool decompose_gram(Matrix& F, Executor& executor, Decomposition& out) {
  const Index m = F.cols();
  Eigen::MatrixXd gram = product_with_transpose(F.data(), m, F.rows(), m, executor);
  Vector lambda;
  if (!eigenvectors(gram, lambda) || !(lambda[0] > 1e-6 * lambda[m - 1])) return false;
  out.s = lambda.reverse().cwiseSqrt();
  out.v = gram.rowwise().reverse();
  out.rows = std::move(F);
  out.way = Decomposition::Way::gram;
  return true;
}

// Many features. The mean of the columns is 0, so one eigenvalue is.
bool decompose_gram_of_rows(const Matrix& F, Executor& executor, Decomposition& out) {
  const Index n = F.rows(), m = F.cols(), r = n - 1;
  const Eigen::MatrixXd columns = column_major(F);
  Eigen::MatrixXd gram = product_with_transpose(columns.data(), n, m, n, executor);
  Vector lambda;
  if (!eigenvectors(gram, lambda) || !(lambda[1] > 1e-6 * lambda[n - 1])) return false;
  out.s = lambda.tail(r).reverse().cwiseSqrt();
  const Eigen::MatrixXd u = gram.rightCols(r).rowwise().reverse();
  out.rows = u;
  out.v.resize(m, r);
  const int rows = static_cast<int>(m), cols = static_cast<int>(r), inner = static_cast<int>(n);
  const double one = 1.0, zero = 0.0;
  dgemm_("N", "N", &rows, &cols, &inner, &one, F.data(), &rows, u.data(), &inner, &zero, out.v.data(), &rows);
  for (Index l = 0; l < r; ++l) out.v.col(l) /= out.s[l];
  out.way = Decomposition::Way::gram_of_rows;
  return true;
}

void decompose_singular_values(Matrix F, Decomposition& out) {
  const int n = static_cast<int>(F.rows()), m = static_cast<int>(F.cols()), r = std::min(n, m);
  Eigen::MatrixXd v(m, r), ut(r, n);
  Vector s(r);
  int info = 0, work_size = -1;
  double work_best = 0.0;
  std::vector<int> iwork(static_cast<std::size_t>(8 * r));
  dgesdd_("S", &m, &n, F.data(), &m, s.data(), v.data(), &m, ut.data(), &r, &work_best, &work_size,
          iwork.data(), &info);
  work_size = static_cast<int>(work_best);
  std::vector<double> work(static_cast<std::size_t>(work_size));
  dgesdd_("S", &m, &n, F.data(), &m, s.data(), v.data(), &m, ut.data(), &r, work.data(), &work_size,
          iwork.data(), &info);
  if (info != 0)
    throw NumericalError(text("ridge regression: the singular value decomposition of ", n, " points by ", m,
                              " features did not converge (dgesdd info ", info, ")"));
  Index rank = 0;
  while (rank < r && s[rank] > s[0] * epsilon * std::max(n, m)) ++rank;
  rank = std::min<Index>(rank, n - 1);  // columns are centred
  out.s = s.head(rank);
  out.v = v.leftCols(rank);
  out.rows = ut.topRows(rank).transpose();
}

}  // namespace

Eigen::MatrixXd Decomposition::scaled_v() const {
  if (keeps_u()) return {};
  return v * s.cwiseInverse().asDiagonal();
}

Eigen::MatrixXd Decomposition::left(Index from, Index count, const Eigen::MatrixXd& scaled) const {
  if (keeps_u()) return rows.middleRows(from, count).transpose();
  Eigen::MatrixXd u(rank(), count);
  const int r = static_cast<int>(rank()), n = static_cast<int>(count), m = static_cast<int>(v.rows());
  const double one = 1.0, zero = 0.0;
  dgemm_("T", "N", &r, &n, &m, &one, scaled.data(), &m, rows.data() + from * rows.cols(), &m, &zero, u.data(),
         &r);
  return u;
}

Decomposition decompose(Matrix F, Executor& executor) {
  const SingleThreadedBlas single;
  const Index n = F.rows(), m = F.cols();
  Decomposition d;
  if (n < 2 || m == 0) {
    d.rows.resize(n, 0);
    d.s.resize(0);
    d.v.resize(m, 0);
    return d;
  }
  if (m >= 64 && n >= 4 * m && decompose_gram(F, executor, d)) return d;
  if (n >= 64 && m >= 4 * n && decompose_gram_of_rows(F, executor, d)) return d;
  decompose_singular_values(std::move(F), d);
  return d;
}

}  // namespace ersatz
