#include "regression/lasso_working_set.hpp"

#include <cmath>
#include <limits>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"

namespace ersatz {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
// Changes below this, in units of the outputs' scale, are rounding.
constexpr double rounding = 16.0 * epsilon;
// Without many more points, a larger working set is left to residual sweeps: its Gram matrix leaves the
// cache.
constexpr Index most_compact = 2000;

double sign_of(double value) { return value > 0.0 ? 1.0 : (value < 0.0 ? -1.0 : 0.0); }

// B and the gradient over the working set.
struct Restricted {
  const Eigen::MatrixXd& gram;  // ≥k × ≥k
  Eigen::MatrixXd b, g, c;      // k × q: coefficients, gradient, FᵀY / n
  double y2, l1, l2;

  Index size() const { return b.rows(); }
  Index outputs() const { return b.cols(); }

  double relative_gap() const {
    GapTerms terms;
    terms.y2 = y2;
    if (outputs() == 1) {
      for (Index t = 0; t < size(); ++t)
        terms.dual_norm = std::max(terms.dual_norm, std::abs(g(t) - l2 * b(t)));
      terms.norm1 = b.lpNorm<1>();
    } else {
      for (Index t = 0; t < size(); ++t) {
        terms.dual_norm = std::max(terms.dual_norm, (g.row(t) - l2 * b.row(t)).norm());
        terms.norm1 += b.row(t).norm();
      }
    }
    terms.norm2 = b.squaredNorm();
    terms.fitted = b.cwiseProduct(c).sum();
    terms.left = b.cwiseProduct(g).sum();
    terms.rest2 = std::max(y2 - terms.fitted - terms.left, 0.0);
    return terms.relative_gap(l1, l2);
  }

  void take(const Eigen::MatrixXd& steps) {
    for (Index t = 0; t < steps.rows(); ++t) {
      if (!(b.row(t).dot(b.row(t) + steps.row(t)) > 0.0)) continue;
      for (Index o = 0; o < outputs(); ++o) {
        const double change = -steps(t, o);
        if (change == 0.0) continue;
        b(t, o) -= change;
        kernels::table().add_rows(&change, gram.col(t).data(), 1, size(), g.col(o).data());
      }
    }
  }

  // One pass of coordinate descent; the largest change in units of the outputs. `entered_or_left`: some
  // coefficient changed its sign.
  double sweep(bool& entered_or_left) {
    return outputs() == 1 ? sweep_single(entered_or_left) : sweep_rows();
  }

  double sweep_single(bool& entered_or_left) {
    const auto& table = kernels::table();
    double largest = 0.0;
    for (Index t = 0; t < size(); ++t) {
      const double diagonal = gram(t, t), before = b(t), z = g(t) + diagonal * before;
      const double after = std::abs(z) > l1 ? (z - sign_of(z) * l1) / (diagonal + l2) : 0.0;
      if (after == before) continue;
      b(t) = after;
      const double change = before - after;
      table.add_rows(&change, gram.col(t).data(), 1, size(), g.data());
      largest = std::max(largest, std::abs(change) * std::sqrt(diagonal));
      entered_or_left |= sign_of(after) != sign_of(before);
    }
    return largest;
  }

  double sweep_rows() {
    const auto& table = kernels::table();
    const Index q = outputs();
    Vector z(q);
    double largest = 0.0;
    for (Index t = 0; t < size(); ++t) {
      const double diagonal = gram(t, t);
      z = g.row(t) + diagonal * b.row(t);
      const double norm = z.norm();
      const double factor = norm > l1 ? (1.0 - l1 / norm) / (diagonal + l2) : 0.0;
      double change2 = 0.0;
      for (Index o = 0; o < q; ++o) {
        const double after = factor * z[o], change = b(t, o) - after;
        if (change == 0.0) continue;
        b(t, o) = after;
        table.add_rows(&change, gram.col(t).data(), 1, size(), g.col(o).data());
        change2 += change * change;
      }
      largest = std::max(largest, std::sqrt(change2 * diagonal));
    }
    return largest;
  }
};

// Newton's method on the coefficients that are not zero: with their signs held it is one linear solve. A step
// that would change a sign ends there, and the coefficient that became zero leaves.
class DirectSolve {
 public:
  // False: the columns in use are too close to dependent, or too many steps ended early.
  bool operator()(Restricted& r) {
    const Index k = r.size();
    for (int step = 0; step < most_steps; ++step) {
      if (!factorise(r)) return false;
      const Index s = static_cast<Index>(support_.size());
      Vector d(s);
      for (Index a = 0; a < s; ++a) {
        const Index t = support_[static_cast<std::size_t>(a)];
        d[a] = r.g(t) - r.l2 * r.b(t) - r.l1 * sign_of(r.b(t));
      }
      factor_.triangularView<Eigen::Lower>().solveInPlace(d);
      factor_.triangularView<Eigen::Lower>().transpose().solveInPlace(d);
      double length = 1.0;
      Index first = -1;
      for (Index a = 0; a < s; ++a) {
        const double b = r.b(support_[static_cast<std::size_t>(a)]);
        if (sign_of(b + d[a]) != sign_of(b) && -b / d[a] < length) {
          length = -b / d[a];
          first = a;
        }
      }
      for (Index a = 0; a < s; ++a) {
        const Index t = support_[static_cast<std::size_t>(a)];
        const double before = r.b(t);
        r.b(t) = a == first ? 0.0 : before + length * d[a];
        const double change = before - r.b(t);
        kernels::table().add_rows(&change, r.gram.col(t).data(), 1, k, r.g.data());
      }
      if (first < 0) return true;
    }
    return false;
  }

 private:
  static constexpr int most_steps = 8;

  bool factorise(const Restricted& r) {
    std::vector<Index> support;
    for (Index t = 0; t < r.size(); ++t)
      if (r.b(t) != 0.0) support.push_back(t);
    if (support == support_) return usable_;
    support_ = std::move(support);
    const Index s = static_cast<Index>(support_.size());
    factor_.resize(s, s);
    for (Index j = 0; j < s; ++j)
      for (Index i = j; i < s; ++i)
        factor_(i, j) = r.gram(support_[static_cast<std::size_t>(i)], support_[static_cast<std::size_t>(j)]);
    factor_.diagonal().array() += r.l2;
    const Vector diagonal = factor_.diagonal();
    const int size = static_cast<int>(s);
    int info = 0;
    if (size > 0) dpotrf_("L", &size, factor_.data(), &size, &info);
    usable_ = info == 0;
    for (Index a = 0; a < s && usable_; ++a) usable_ = factor_(a, a) * factor_(a, a) > 1e-10 * diagonal[a];
    return usable_;
  }

  std::vector<Index> support_;
  Eigen::MatrixXd factor_;
  bool usable_ = true;
};

void enlarge(Eigen::MatrixXd& matrix, Index rows, Index cols) {
  if (matrix.rows() >= rows && matrix.cols() >= cols) return;
  const Index old_rows = matrix.rows(), old_cols = matrix.cols();
  Eigen::MatrixXd larger(std::max(rows, old_rows), std::max(cols, old_cols));
  larger.topLeftCorner(old_rows, old_cols) = matrix;
  matrix = std::move(larger);
}

}  // namespace

void extend(const LassoProblem& problem, const std::vector<Index>& entering, LassoWorkingSet& working) {
  if (entering.empty()) return;
  const Index before = working.size(), k = before + static_cast<Index>(entering.size());
  const Index rows = problem.covariance() ? problem.features() : problem.columns->rows();
  const Index room =
      std::min(problem.features(), std::max<Index>(2 * working.basis.cols(), std::max<Index>(k, 64)));
  if (working.basis.cols() < k) enlarge(working.basis, rows, room);
  for (const Index j : entering) {
    double* column = working.basis.col(working.size()).data();
    if (problem.gram_column)
      problem.gram_column(j, column);
    else
      std::copy_n((problem.covariance() ? *problem.gram : *problem.columns).col(j).data(), rows, column);
    working.features.push_back(j);
    working.member[static_cast<std::size_t>(j)] = 1;
  }
  if (!problem.covariance() && k > most_compact && k > 4 * rows) working.residual_sweeps = true;
  if (working.residual_sweeps) return;
  if (working.gram.cols() < k) enlarge(working.gram, room, room);
  if (problem.covariance()) {
    for (Index t = before; t < k; ++t)
      for (Index a = 0; a < k; ++a)
        working.gram(a, t) = working.basis(working.features[static_cast<std::size_t>(a)], t);
  } else {
    const int a = static_cast<int>(k), b = static_cast<int>(k - before), n = static_cast<int>(rows);
    const int ld = static_cast<int>(working.gram.rows());
    const double scale = 1.0 / problem.points, zero = 0.0;
    dgemm_("T", "N", &a, &b, &n, &scale, working.basis.data(), &n, working.basis.col(before).data(), &n,
           &zero, working.gram.col(before).data(), &ld);
  }
  for (Index t = before; t < k; ++t)
    for (Index a = 0; a < before; ++a) working.gram(t, a) = working.gram(a, t);
}

bool solve_on_working_set(const LassoProblem& problem, double l1, double l2, const LassoControl& control,
                          const Eigen::MatrixXd& guess, LassoState& state) {
  const LassoWorkingSet& working = state.working;
  const Index k = working.size(), q = problem.outputs();
  Restricted r{
      working.gram, Eigen::MatrixXd(k, q), Eigen::MatrixXd(k, q), Eigen::MatrixXd(k, q), problem.y2, l1, l2};
  for (Index a = 0; a < k; ++a) {
    const Index j = working.features[static_cast<std::size_t>(a)];
    r.b.row(a) = state.beta.row(j);
    r.g.row(a) = state.gradient.row(j);
    r.c.row(a) = problem.correlation.row(j);
  }
  r.take(guess);
  DirectSolve solve;
  const double target = 0.5 * control.tolerance;
  Index since = 0;
  double last_gap = 0.0;
  bool stands = false;
  while (state.sweeps < control.max_sweeps) {
    bool entered_or_left = false;
    const double change = r.sweep(entered_or_left);
    ++state.sweeps;
    ++since;
    stands = change <= rounding * std::sqrt(problem.y2);
    double gap = r.relative_gap();
    if (stands || gap <= target) break;
    // How many sweeps more at the rate of the last one, against what a direct solve costs (measured).
    const double rate = gap / last_gap;
    const double more = rate < 1.0 ? std::log(target / gap) / std::log(rate) : HUGE_VAL;
    last_gap = gap;
    const double cost = 4.0 + static_cast<double>((r.b.array() != 0.0).count()) / 50.0;
    if (q > 1 || entered_or_left || since < 2 || more < cost || state.sweeps >= control.max_sweeps) continue;
    solve(r);
    ++state.sweeps;
    since = 0;
    gap = r.relative_gap();
    if (gap <= target) break;
  }
  for (Index a = 0; a < k; ++a) state.beta.row(working.features[static_cast<std::size_t>(a)]) = r.b.row(a);
  return stands;
}

bool sweep_residuals(const LassoProblem& problem, double l1, double l2, double small,
                     const LassoControl& control, LassoState& state) {
  const auto& table = kernels::table();
  const LassoWorkingSet& working = state.working;
  const Index n = problem.columns->rows(), q = problem.outputs();
  const double scale = std::sqrt(problem.y2);
  Vector z(q);
  double largest = 0.0;
  do {
    if (state.sweeps >= control.max_sweeps) return false;
    ++state.sweeps;
    largest = 0.0;
    for (Index a = 0; a < working.size(); ++a) {
      const Index j = working.features[static_cast<std::size_t>(a)];
      const double* column = working.basis.col(a).data();
      const double diagonal = problem.diagonal[j];
      for (Index c = 0; c < q; ++c)
        z[c] =
            table.dot(column, state.residual.col(c).data(), n) / problem.points + diagonal * state.beta(j, c);
      const double norm = z.norm();
      const double factor = norm > l1 ? (1.0 - l1 / norm) / (diagonal + l2) : 0.0;
      double change2 = 0.0;
      for (Index c = 0; c < q; ++c) {
        const double after = factor * z[c], change = state.beta(j, c) - after;
        if (change == 0.0) continue;
        state.beta(j, c) = after;
        table.add_rows(&change, column, 1, n, state.residual.col(c).data());
        change2 += change * change;
      }
      largest = std::max(largest, std::sqrt(change2 * diagonal));
    }
  } while (largest > std::max(small, rounding * scale));
  return largest <= rounding * scale;
}

}  // namespace ersatz
