#include "regression/gp/blocked.hpp"

#include <algorithm>

#include "ersatz/core/blas.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

const double one = 1.0, minus_one = -1.0;

/// A square matrix seen as blocks of columns and rows.
class Blocks {
 public:
  explicit Blocks(Eigen::MatrixXd& a) : a_(a), n_(a.rows()) {
    // Wide enough for matrix products to run at full speed, and enough of them to share.
    width_ = std::clamp<Index>((n_ / 8 + 15) / 16 * 16, 64, 256);
    count_ = (n_ + width_ - 1) / width_;
  }
  Index count() const { return count_; }
  int stride() const { return static_cast<int>(n_); }
  Index begin(Index k) const { return std::min(k * width_, n_); }
  int width(Index k) const { return static_cast<int>(begin(k + 1) - begin(k)); }
  int below(Index k) const { return static_cast<int>(n_ - begin(k + 1)); }  ///< rows below block row k
  double* at(Index i, Index j) { return a_.data() + begin(j) * n_ + begin(i); }

 private:
  Eigen::MatrixXd& a_;
  Index n_, width_, count_;
};

}  // namespace

bool factor_blocked(Eigen::MatrixXd& a, Team& team) {
  Blocks b(a);
  const int s = b.stride();
  for (Index k = 0; k < b.count(); ++k) {
    const int w = b.width(k);
    int info = 0;
    dpotrf_("L", &w, b.at(k, k), &s, &info);
    if (info != 0) return false;
    const Index left = b.count() - k - 1;
    team.run(left, [&](Index piece, Workspace&) {
      const Index i = k + 1 + piece;
      const int rows = b.width(i);
      dtrsm_("R", "L", "T", "N", &rows, &w, &one, b.at(k, k), &s, b.at(i, k), &s);
    });
    team.run(left, [&](Index piece, Workspace&) {
      const Index j = k + 1 + piece;
      const int columns = b.width(j), below = b.below(j);
      dsyrk_("L", "N", &columns, &w, &minus_one, b.at(j, k), &s, &one, b.at(j, j), &s);
      if (below > 0)
        dgemm_("N", "T", &below, &columns, &w, &minus_one, b.at(j + 1, k), &s, b.at(j, k), &s, &one,
               b.at(j + 1, j), &s);
    });
  }
  return true;
}

void invert_lower_blocked(Eigen::MatrixXd& l, Team& team) {
  Blocks b(l);
  const int s = b.stride();
  for (Index k = 0; k < b.count(); ++k) {
    // Left of block row k the inverse of what is above is complete; below, its products so far.
    const int w = b.width(k), before = static_cast<int>(b.begin(k));
    team.run(b.count() - k - 1, [&](Index piece, Workspace&) {
      const Index i = k + 1 + piece;
      const int rows = b.width(i);
      dtrsm_("R", "L", "N", "N", &rows, &w, &minus_one, b.at(k, k), &s, b.at(i, k), &s);
      if (before > 0)
        dgemm_("N", "N", &rows, &before, &w, &one, b.at(i, k), &s, b.at(k, 0), &s, &one, b.at(i, 0), &s);
    });
    team.run(k, [&](Index j, Workspace&) {
      const int columns = b.width(j);
      dtrsm_("L", "L", "N", "N", &w, &columns, &one, b.at(k, k), &s, b.at(k, j), &s);
    });
    invert_lower(w, b.at(k, k), s);
  }
}

void multiply_lower_blocked(Eigen::MatrixXd& m, Team& team) {
  Blocks b(m);
  const int s = b.stride();
  for (Index k = 0; k < b.count(); ++k) {
    const int w = b.width(k);
    team.run(k, [&](Index j, Workspace&) {
      const int columns = b.width(j), between = static_cast<int>(b.begin(k) - b.begin(j + 1));
      dsyrk_("L", "T", &columns, &w, &one, b.at(k, j), &s, &one, b.at(j, j), &s);
      if (between > 0)
        dgemm_("T", "N", &between, &columns, &w, &one, b.at(k, j + 1), &s, b.at(k, j), &s, &one,
               b.at(j + 1, j), &s);
    });
    team.run(k, [&](Index j, Workspace&) {
      const int columns = b.width(j);
      dtrmm_("L", "L", "T", "N", &w, &columns, &one, b.at(k, k), &s, b.at(k, j), &s);
    });
    int info = 0;
    dlauum_("L", &w, b.at(k, k), &s, &info);
  }
}

void update_lower_blocked(double alpha, const Eigen::MatrixXd& w, Index k, double beta, Eigen::MatrixXd& c,
                          Team& team) {
  Blocks b(c);
  const int s = b.stride(), depth = static_cast<int>(k);
  if (k == 0 && beta == 1.0) return;
  team.run(b.count(), [&](Index j, Workspace&) {
    const int columns = b.width(j), below = b.below(j);
    const double* row = w.data() + b.begin(j);
    dsyrk_("L", "N", &columns, &depth, &alpha, row, &s, &beta, b.at(j, j), &s);
    if (below > 0)
      dgemm_("N", "T", &below, &columns, &depth, &alpha, row + columns, &s, row, &s, &beta, b.at(j + 1, j),
             &s);
  });
}

}  // namespace ersatz::gp
