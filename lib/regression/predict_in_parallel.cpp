#include <algorithm>
#include <cstring>

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
  const Index p = mean.cols(), block = block_rows(rows, executor.workers());
  const Index tasks = (rows + block - 1) / block;
  const bool both = variance.rows() > 0;
  if (executor.shares_memory()) {
    executor.map(tasks, [&](Index task) {
      const Index begin = task * block, size = std::min(block, rows - begin);
      predict(begin, size, mean.middleRows(begin, size),
              both ? MatrixRef(variance.middleRows(begin, size)) : variance);
      return Bytes();
    });
    return;
  }
  const auto parts = executor.map(tasks, [&](Index task) {
    const Index begin = task * block, size = std::min(block, rows - begin);
    Matrix out(size, p), spread(both ? size : 0, p);
    predict(begin, size, MatrixRef(out), MatrixRef(spread));
    Bytes bytes(static_cast<std::size_t>(out.size() + spread.size()) * sizeof(double), '\0');
    std::memcpy(bytes.data(), out.data(), static_cast<std::size_t>(out.size()) * sizeof(double));
    if (both)
      std::memcpy(bytes.data() + static_cast<std::size_t>(out.size()) * sizeof(double), spread.data(),
                  static_cast<std::size_t>(spread.size()) * sizeof(double));
    return bytes;
  });
  for (Index task = 0; task < tasks; ++task) {
    const Index begin = task * block, size = std::min(block, rows - begin);
    Matrix values(both ? 2 * size : size, p);
    std::memcpy(values.data(), parts[static_cast<std::size_t>(task)].data(),
                static_cast<std::size_t>(values.size()) * sizeof(double));
    mean.middleRows(begin, size) = values.topRows(size);
    if (both) variance.middleRows(begin, size) = values.bottomRows(size);
  }
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
