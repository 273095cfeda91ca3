#include "regression/lasso_data.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"

namespace ersatz {
namespace {

// Doubles of all Gram matrices together: 2 GB.
constexpr double most_gram_values = 2.5e8;

// values(order, chosen), standardised.
Matrix standardised_rows(const Standardisation& scaling, const std::vector<Index>& chosen,
                         ConstMatrixRef values, const LassoBlocks& blocks) {
  const Index m = static_cast<Index>(chosen.size());
  const bool all = m == values.cols();
  Vector centre(m), inverse(m);
  for (Index t = 0; t < m; ++t) {
    centre[t] = scaling.centre[chosen[static_cast<std::size_t>(t)]];
    inverse[t] = scaling.inverse_scale[chosen[static_cast<std::size_t>(t)]];
  }
  Matrix rows(values.rows(), m);
  for (Index i = 0; i < rows.rows(); ++i) {
    const double* from = values.data() + blocks.order[static_cast<std::size_t>(i)] * values.outerStride();
    double* to = rows.data() + i * m;
    if (all)
      for (Index t = 0; t < m; ++t) to[t] = (from[t] - centre[t]) * inverse[t];
    else
      for (Index t = 0; t < m; ++t)
        to[t] = (from[chosen[static_cast<std::size_t>(t)]] - centre[t]) * inverse[t];
  }
  return rows;
}

}  // namespace

LassoBlocks make_folds(Index n, Index folds, const RandomStream& random) {
  RandomStream stream = random.split("lasso folds");
  const auto order = stream.permutation(n);
  std::vector<std::vector<Index>> parts(static_cast<std::size_t>(folds));
  for (std::size_t i = 0; i < order.size(); ++i) parts[i % parts.size()].push_back(order[i]);
  LassoBlocks blocks;
  for (auto& part : parts) {
    std::sort(part.begin(), part.end());
    blocks.begin.push_back(static_cast<Index>(blocks.order.size()));
    blocks.order.insert(blocks.order.end(), part.begin(), part.end());
  }
  blocks.begin.push_back(n);
  return blocks;
}

LassoBlocks undivided(Index n) {
  LassoBlocks blocks;
  blocks.order.resize(static_cast<std::size_t>(n));
  std::iota(blocks.order.begin(), blocks.order.end(), Index{0});
  const Index count = n >= 1000 ? 4 : 1;
  for (Index b = 0; b <= count; ++b) blocks.begin.push_back(b * n / count);
  return blocks;
}

LassoTable make_lasso_table(const Standardisation& inputs, Index degree, ConstMatrixRef X,
                            const LassoBlocks& blocks) {
  LassoTable table;
  table.features = PolynomialFeatures::total_degree(inputs, degree);
  std::vector<Index> kept;
  if (degree == 1) {
    for (Index k = 0; k < inputs.size(); ++k)
      if (inputs.varies(k)) kept.push_back(k);
    table.scaling.centre.setZero(static_cast<Index>(kept.size()));
    table.scaling.inverse_scale.setOnes(static_cast<Index>(kept.size()));
    table.rows = standardised_rows(inputs, kept, X, blocks);
    return table;
  }
  const Matrix F = table.features.evaluate(X);
  const Standardisation scaling = Standardisation::of(F);
  for (Index t = 0; t < F.cols(); ++t)
    // Rounding of a power that is constant at the data (a square over ±1) is not variation.
    if (scaling.varies(t) && scaling.scale(t) > 1e-12 * F.col(t).cwiseAbs().maxCoeff()) kept.push_back(t);
  table.features = table.features.subset(kept);
  const Index m = static_cast<Index>(kept.size());
  table.scaling.centre.resize(m);
  table.scaling.inverse_scale.resize(m);
  for (Index t = 0; t < m; ++t) {
    table.scaling.centre[t] = scaling.centre[kept[static_cast<std::size_t>(t)]];
    table.scaling.inverse_scale[t] = scaling.inverse_scale[kept[static_cast<std::size_t>(t)]];
  }
  table.rows = standardised_rows(scaling, kept, F, blocks);
  return table;
}

Eigen::MatrixXd standardised_columns(const Standardisation& scaling, ConstMatrixRef values,
                                     const LassoBlocks& blocks) {
  std::vector<Index> all(static_cast<std::size_t>(values.cols()));
  std::iota(all.begin(), all.end(), Index{0});
  return standardised_rows(scaling, all, values, blocks);
}

LassoSums::LassoSums(const Matrix& rows, const Eigen::MatrixXd& Y, const LassoBlocks& blocks,
                     Executor& executor)
    : rows_(rows), Y_(Y), blocks_(blocks) {
  const Index n = rows.rows(), m = rows.cols(), p = Y.cols();
  const double values = static_cast<double>(m) * static_cast<double>(m);
  covariance_ = m > 0 && m <= n && values * static_cast<double>(blocks.blocks() + 1) <= most_gram_values;
  if (!covariance_) return;
  const Index size = m * m + m * p + m;
  sums_ = executor.map(blocks.blocks(), [&](Index b) {
    Bytes bytes(static_cast<std::size_t>(size) * sizeof(double), '\0');
    double* gram = reinterpret_cast<double*>(bytes.data());
    double* correlation = gram + m * m;
    double* sum = correlation + m * p;
    const Index from = blocks.begin[static_cast<std::size_t>(b)];
    const Index count = blocks.begin[static_cast<std::size_t>(b) + 1] - from;
    // Row-major n × m is column-major m × n.
    const int M = static_cast<int>(m), N = static_cast<int>(count), P = static_cast<int>(p);
    const int ldy = static_cast<int>(n);
    const double one = 1.0, zero = 0.0;
    const double* block = rows.data() + from * m;
    dsyrk_("L", "N", &M, &N, &one, block, &M, &zero, gram, &M);
    if (p >= 8) dgemm_("N", "N", &M, &P, &N, &one, block, &M, Y.data() + from, &ldy, &zero, correlation, &M);
    for (Index i = 0; i < count; ++i) {
      const double* row = block + i * m;
      for (Index j = 0; j < m; ++j) sum[j] += row[j];
      for (Index c = 0; c < p && p < 8; ++c) {
        const double y = Y(from + i, c);
        double* to = correlation + c * m;
        for (Index j = 0; j < m; ++j) to[j] += y * row[j];
      }
    }
    return bytes;
  });
  total_.assign(static_cast<std::size_t>(size), 0.0);
  for (const Bytes& bytes : sums_) {
    const double* values_of = reinterpret_cast<const double*>(bytes.data());
    for (Index j = 0; j < m; ++j)
      for (Index i = j * m + j; i < (j + 1) * m; ++i) total_[static_cast<std::size_t>(i)] += values_of[i];
    for (Index i = m * m; i < size; ++i) total_[static_cast<std::size_t>(i)] += values_of[i];
  }
}

const double* LassoSums::gram(Index block) const {
  return block < 0 ? total_.data()
                   : reinterpret_cast<const double*>(sums_[static_cast<std::size_t>(block)].data());
}

Eigen::Map<const Eigen::MatrixXd> LassoSums::correlation(Index block) const {
  const Index m = rows_.cols();
  return {gram(block) + m * m, m, Y_.cols()};
}

Eigen::Map<const Vector> LassoSums::sum(Index block) const {
  const Index m = rows_.cols();
  return {gram(block) + m * m + m * Y_.cols(), m};
}

LassoPart::LassoPart(const LassoSums& sums, Index block, Index first, Index count)
    : sums_(sums), block_(block), first_(first), count_(count) {
  const Index n = sums.rows().rows();
  const Index from = block < 0 ? n : sums.blocks().begin[static_cast<std::size_t>(block)];
  const Index to = block < 0 ? n : sums.blocks().begin[static_cast<std::size_t>(block) + 1];
  const Index points = n - (to - from);
  y_.resize(points, count);
  y_.topRows(from) = sums.outputs().block(0, first, from, count);
  y_.bottomRows(n - to) = sums.outputs().block(to, first, n - to, count);
  y_mean_ = y_.colwise().mean();
  y_.rowwise() -= y_mean_.transpose();
  problem_.points = static_cast<double>(points);
  problem_.y2 = y_.squaredNorm() / problem_.points;
  if (sums.covariance()) {
    from_sums();
  } else {
    from_rows();
  }
}

void LassoPart::from_sums() {
  const Index m = sums_.rows().cols();
  const double per_point = 1.0 / problem_.points;
  const double* all = sums_.gram(-1);
  const double* own = block_ < 0 ? nullptr : sums_.gram(block_);
  mean_ = sums_.sum(-1);
  problem_.correlation = sums_.correlation(-1).middleCols(first_, count_);
  if (own) {
    mean_ -= sums_.sum(block_);
    problem_.correlation -= sums_.correlation(block_).middleCols(first_, count_);
  }
  mean_ *= per_point;
  problem_.correlation *= per_point;
  problem_.correlation.noalias() -= mean_ * y_mean_.transpose();
  problem_.diagonal.resize(m);
  for (Index j = 0; j < m; ++j) {
    const Index at = j * m + j;
    problem_.diagonal[j] = std::max((all[at] - (own ? own[at] : 0.0)) * per_point - mean_[j] * mean_[j], 0.0);
  }
  problem_.gram_column = [m, per_point, all, own, mean = mean_.data()](Index j, double* column) {
    for (Index i = 0; i < j; ++i) column[i] = own ? all[i * m + j] - own[i * m + j] : all[i * m + j];
    for (Index i = j; i < m; ++i) column[i] = own ? all[j * m + i] - own[j * m + i] : all[j * m + i];
    for (Index i = 0; i < m; ++i) column[i] = column[i] * per_point - mean[i] * mean[j];
  };
}

void LassoPart::from_rows() {
  const Index n = sums_.rows().rows(), m = sums_.rows().cols(), points = y_.rows();
  const Index from = block_ < 0 ? n : sums_.blocks().begin[static_cast<std::size_t>(block_)];
  const auto& table = kernels::table();
  columns_.resize(points, m);
  // Transposed in tiles, which stay in the cache.
  constexpr Index tile = 32;
  for (Index i0 = 0; i0 < points; i0 += tile)
    for (Index j0 = 0; j0 < m; j0 += tile)
      for (Index i = i0; i < std::min(i0 + tile, points); ++i) {
        const double* row = sums_.rows().data() + (i < from ? i : i + n - points) * m;
        for (Index j = j0; j < std::min(j0 + tile, m); ++j) columns_(i, j) = row[j];
      }
  mean_ = columns_.colwise().mean();
  columns_.rowwise() -= mean_.transpose();
  problem_.diagonal.resize(m);
  problem_.correlation.resize(m, count_);
  for (Index j = 0; j < m; ++j) {
    const double* column = columns_.col(j).data();
    problem_.diagonal[j] = table.dot(column, column, points) / problem_.points;
    for (Index c = 0; c < count_; ++c)
      problem_.correlation(j, c) = table.dot(column, y_.col(c).data(), points) / problem_.points;
  }
  problem_.columns = &columns_;
  problem_.y = y_.data();
}

Eigen::MatrixXd LassoPart::held_out_errors(const std::vector<Index>& used,
                                           const Eigen::MatrixXd& coefficients) const {
  const Index from = sums_.blocks().begin[static_cast<std::size_t>(block_)];
  const Index rows = sums_.blocks().begin[static_cast<std::size_t>(block_) + 1] - from;
  const Index k = static_cast<Index>(used.size()), columns = coefficients.cols();
  Matrix F(rows, k);
  for (Index i = 0; i < rows; ++i) {
    const double* row = sums_.rows().data() + (from + i) * sums_.rows().cols();
    for (Index t = 0; t < k; ++t) {
      const Index j = used[static_cast<std::size_t>(t)];
      F(i, t) = row[j] - mean_[j];
    }
  }
  Eigen::MatrixXd errors(rows, columns);
  for (Index a = 0; a < columns; ++a)
    errors.col(a) =
        sums_.outputs().col(first_ + a % count_).segment(from, rows).array() - y_mean_[a % count_];
  const int M = static_cast<int>(rows), N = static_cast<int>(columns), K = static_cast<int>(k);
  const double minus = -1.0, one = 1.0;
  if (M > 0 && N > 0 && K > 0)
    dgemm_("T", "N", &M, &N, &K, &minus, F.data(), &K, coefficients.data(), &K, &one, errors.data(), &M);
  return errors;
}

}  // namespace ersatz
