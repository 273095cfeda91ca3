#pragma once
// The tables that lasso fits share: standardised features in the order of the folds, and the sums over each
// fold from which every training part follows.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/regression/polynomial_features.hpp"
#include "regression/lasso_path.hpp"

namespace ersatz {

/// Which rows are held out together.
struct LassoBlocks {
  std::vector<Index> order;  ///< n: rows of the training data, block by block
  std::vector<Index> begin;  ///< blocks + 1: where each begins in `order`

  Index blocks() const { return static_cast<Index>(begin.size()) - 1; }
};
/// A random partition into folds as equal as can be, rows of a fold in increasing order.
LassoBlocks make_folds(Index n, Index folds, const RandomStream& random);
/// Rows as they stand, in a few blocks: for sums by several workers, without cross-validation.
LassoBlocks undivided(Index n);

struct LassoTable {
  PolynomialFeatures features;  ///< those that vary, m
  Standardisation scaling;      ///< of the features, m
  Matrix rows;                  ///< n × m, in the order of the blocks; mean 0, mean square 1
};
/// `inputs`: of X. Degree 1 takes one pass over X.
LassoTable make_lasso_table(const Standardisation& inputs, Index degree, ConstMatrixRef X,
                            const LassoBlocks& blocks);
/// Rows of values, standardised, in the order of the blocks; column major.
Eigen::MatrixXd standardised_columns(const Standardisation& scaling, ConstMatrixRef values,
                                     const LassoBlocks& blocks);

/// Rows F (n × m) and outputs Y (n × p) of all blocks, both roughly centred, with the sums over each block
/// where covariance updates serve: no more features than points, and Gram matrices of at most 2 GB in all.
/// Sums are tasks of the executor, one per block: 2 n m² / 2 flops in all.
class LassoSums {
 public:
  LassoSums(const Matrix& rows, const Eigen::MatrixXd& Y, const LassoBlocks& blocks, Executor& executor);

  bool covariance() const { return covariance_; }
  const Matrix& rows() const { return rows_; }
  const Eigen::MatrixXd& outputs() const { return Y_; }
  const LassoBlocks& blocks() const { return blocks_; }

 private:
  friend class LassoPart;
  const double* gram(Index block) const;  // lower triangle of Σ f fᵀ, m × m
  Eigen::Map<const Eigen::MatrixXd> correlation(Index block) const;
  Eigen::Map<const Vector> sum(Index block) const;

  const Matrix& rows_;
  const Eigen::MatrixXd& Y_;
  const LassoBlocks& blocks_;
  bool covariance_;
  std::vector<Bytes> sums_;  // per block: gram, FᵀY, Σ f
  std::vector<double> total_;
};

/// The points outside of one block (block -1: all points), for outputs first … first + count - 1.
class LassoPart {
 public:
  LassoPart(const LassoSums& sums, Index block, Index first, Index count);
  LassoPart(const LassoPart&) = delete;  // the problem points into it
  LassoPart& operator=(const LassoPart&) = delete;

  const LassoProblem& problem() const { return problem_; }
  const Vector& mean() const { return mean_; }      ///< of the features, m
  const Vector& y_mean() const { return y_mean_; }  ///< count

  /// Y - prediction at the points of the block, for coefficients of the features `used` (used × count·a):
  /// block rows × count·a, alpha by alpha.
  Eigen::MatrixXd held_out_errors(const std::vector<Index>& used, const Eigen::MatrixXd& coefficients) const;

 private:
  void from_sums();
  void from_rows();

  const LassoSums& sums_;
  const Index block_, first_, count_;
  Vector mean_, y_mean_;
  Eigen::MatrixXd columns_, y_;
  LassoProblem problem_;
};

}  // namespace ersatz
