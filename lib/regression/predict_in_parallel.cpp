#include <algorithm>

#include "ersatz/core/executor.hpp"
#include "ersatz/regression/predictor.hpp"

namespace ersatz {
namespace {

// Blocks large enough for predictors that gain from many points at a time, and several for each worker, so
// that none waits long for the others.
Index block_rows(Index rows, Index workers) {
  if (workers <= 1) return std::max<Index>(rows, 1);
  return std::clamp<Index>((rows + 8 * workers - 1) / (8 * workers), 64, 4096);
}

// predict(begin, size, mean, variance) for each block; both q × p, variance may be without rows.
template <class Predict>
void in_blocks(Index rows, MatrixRef mean, MatrixRef variance, Executor& executor, const Predict& predict) {
  Executor& workers = executor.local();
  const Index block = block_rows(rows, workers.workers());
  const bool both = variance.rows() > 0;
  workers.map((rows + block - 1) / block, [&](Index task) {
    const Index begin = task * block, size = std::min(block, rows - begin);
    predict(begin, size, mean.middleRows(begin, size),
            both ? MatrixRef(variance.middleRows(begin, size)) : variance);
    return Bytes();
  });
}

}  // namespace

void mean_in_parallel(const Predictor& predictor, ConstMatrixRef X, MatrixRef mean, Executor& executor) {
  check_points(predictor, X, mean);  // before the rows are shared out: errors name the caller's row
  Matrix none(0, mean.cols());
  in_blocks(X.rows(), mean, none, executor, [&](Index begin, Index size, MatrixRef out, MatrixRef) {
    Workspace workspace;
    predictor.mean(X.middleRows(begin, size), out, workspace);
  });
}

void mean_and_variance_in_parallel(const Predictor& predictor, ConstMatrixRef X, MatrixRef mean,
                                   MatrixRef variance, Noise noise, Executor& executor) {
  check_points(predictor, X, mean);
  check_points(predictor, X, variance);
  in_blocks(X.rows(), mean, variance, executor,
            [&](Index begin, Index size, MatrixRef out, MatrixRef spread) {
              Workspace workspace;
              predictor.mean_and_variance(X.middleRows(begin, size), out, spread, noise, workspace);
            });
}

}  // namespace ersatz
