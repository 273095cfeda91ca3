#include "basis/svd.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "basis/products.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

void check(const char* routine, int info) {
  if (info != 0)
    throw NumericalError(text("LAPACK's ", routine, " failed on the snapshots (info ", info, ")"));
}

}  // namespace

SingularVectors right_singular_vectors(ConstMatrixRef rows, bool complex) {
  // A row-major n × m matrix is, to LAPACK, its transpose (m × n, column major): A^T = V S U^T, so the left
  // singular vectors that LAPACK returns are the columns of V, in memory one after the other: our rows.
  const int n = static_cast<int>(rows.rows());
  const int m = static_cast<int>(complex ? rows.cols() / 2 : rows.cols());
  const int k = std::min(n, m);
  SingularVectors result;
  result.values.resize(k);
  result.vectors.resize(k, rows.cols());
  Matrix a = Matrix::Zero(n + spare_rows(rows.cols()), rows.cols());
  a.topRows(n) = rows;
  std::vector<int> iwork(static_cast<std::size_t>(8 * k));
  int info = 0;
  const int query = -1;
  if (!complex) {
    Matrix vt(n, k);
    double size = 0.0;
    dgesdd_("S", &m, &n, a.data(), &m, result.values.data(), result.vectors.data(), &m, vt.data(), &k, &size,
            &query, iwork.data(), &info);
    check("dgesdd", info);
    const int lwork = static_cast<int>(size);
    std::vector<double> work(static_cast<std::size_t>(lwork));
    dgesdd_("S", &m, &n, a.data(), &m, result.values.data(), result.vectors.data(), &m, vt.data(), &k,
            work.data(), &lwork, iwork.data(), &info);
    check("dgesdd", info);
  } else {
    ComplexMatrix vt(n, k);
    Complex size = 0.0;
    const std::size_t mx = static_cast<std::size_t>(std::max(n, m)), mn = static_cast<std::size_t>(k);
    std::vector<double> rwork(std::max(5 * mn * mn + 5 * mn, 2 * mx * mn + 2 * mn * mn + mn));
    auto* av = reinterpret_cast<Complex*>(a.data());
    auto* u = reinterpret_cast<Complex*>(result.vectors.data());
    zgesdd_("S", &m, &n, av, &m, result.values.data(), u, &m, vt.data(), &k, &size, &query, rwork.data(),
            iwork.data(), &info);
    check("zgesdd", info);
    const int lwork = static_cast<int>(size.real());
    std::vector<Complex> work(static_cast<std::size_t>(lwork));
    zgesdd_("S", &m, &n, av, &m, result.values.data(), u, &m, vt.data(), &k, work.data(), &lwork,
            rwork.data(), iwork.data(), &info);
    check("zgesdd", info);
  }
  return result;
}

}  // namespace ersatz
