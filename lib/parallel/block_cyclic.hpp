#pragma once
// A covariance matrix in blocks on a grid of ranks, worked on by ScaLAPACK (Blackford et al. 1997).

#include <cstdlib>

#include "parallel/process_grid.hpp"
#include "regression/gp/covariance_matrix.hpp"

namespace ersatz::parallel {

/// Block (I, J) of block × block elements is on process (I mod rows, J mod columns): n²/ranks elements each,
/// and no n × n anywhere. Every call is collective. What it returns has the same bits on every rank, and
/// agrees with one process' DenseCovariance to rounding.
class BlockCyclicCovariance final : public gp::CovarianceMatrix {
 public:
  struct Options {
    Index block = 0;  ///< 0: by n and the grid
    int threads = 1;  ///< of each rank
  };
  /// x: n × d, the same on every rank. Throws UsageError where a rank's part is too large for ScaLAPACK's
  /// integers (2^31 elements), Error where memory is short, on all ranks.
  BlockCyclicCovariance(std::shared_ptr<const ProcessGrid> grid, ConstMatrixRef x, const Options& options);

  bool factor(const gp::Kernel& kernel, const double* coefficients, double nugget, double jitter,
              const double* noise) override;
  double log_determinant() const override;
  void solve(bool transposed, Index k, Eigen::MatrixXd& b) const override;
  void invert() override;
  Vector invert_factor() override;
  void update(double alpha, const Eigen::MatrixXd& w, Index k, double beta) override;
  double trace() const override;
  double weighted_trace(const Vector& v) const override;
  void shift_diagonal(double by) override;
  void contract(const gp::Kernel& kernel, const double* coefficients, double* gradient) override;
  void settle(double* values, Index count) const override;

  /// Once it holds L⁻¹: |L⁻¹ k(x_i, x)|² for each row x of `at` (q × d, the same on every rank).
  Vector explained(const gp::Kernel& kernel, const double* coefficients, ConstMatrixRef at) const;
  /// Once it holds L⁻¹: all of it on rank 0, in the layout of lib/core/kernels.hpp; empty on the others.
  Vector gather_panels() const;

  Index block() const { return rows_.block; }

 private:
  /// visit(local column, its index, first local row on or below the diagonal)
  template <class Visit>
  void for_columns(Index begin, Index end, const Visit& visit) const;
  /// visit(local row, local column, index) of each diagonal element here.
  template <class Visit>
  void for_diagonal(const Visit& visit) const;
  /// visit(first local row of the block's diagonal or below, first local column, columns) of each block
  /// column.
  template <class Visit>
  void for_blocks(const Visit& visit) const;
  void fill(const gp::Kernel& kernel, const double* coefficients);
  void invert_triangle();
  double* at(Index i, Index j) { return local_.get() + j * stride_ + i; }
  const double* at(Index i, Index j) const { return local_.get() + j * stride_ + i; }

  std::shared_ptr<const ProcessGrid> grid_;
  int threads_;
  Eigen::MatrixXd x_;  // n × d
  Cyclic rows_, columns_;
  Index m_ = 0, k_ = 0;               // rows and columns here
  Eigen::MatrixXd row_x_, column_x_;  // the points of the rows, and of the columns, here
  Index stride_ = 1;
  int descriptor_[9];
  struct Free {
    void operator()(double* p) const { std::free(p); }
  };
  std::unique_ptr<double, Free> local_;  // m × k, column major
  std::unique_ptr<gp::Team> team_;
};

}  // namespace ersatz::parallel
