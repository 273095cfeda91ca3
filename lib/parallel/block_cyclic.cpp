#include "parallel/block_cyclic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "parallel/blas_threads.hpp"
#include "parallel/check.hpp"
#include "parallel/scalapack.hpp"

namespace ersatz::parallel {
namespace {

const int one = 1, zero = 0;
const double unit = 1.0;
constexpr Index columns_together = 64;  // of one piece of work for the team

/// Wide enough for matrix products at full speed (wider ones cost memory for their panels), and some ten
/// blocks on every side of the grid where n allows.
Index default_block(Index n, const ProcessGrid& grid) {
  const Index share = n / (10 * std::max(grid.rows(), grid.columns()));
  return std::clamp<Index>(share / 16 * 16, 16, 256);
}

Eigen::MatrixXd points_of(const Eigen::MatrixXd& x, const Cyclic& dimension, Index count) {
  Eigen::MatrixXd mine(count, x.cols());
  for (Index i = 0; i < count; ++i) mine.row(i) = x.row(dimension.global(i));
  return mine;
}

}  // namespace

BlockCyclicCovariance::BlockCyclicCovariance(std::shared_ptr<const ProcessGrid> grid, ConstMatrixRef x,
                                             const Options& options)
    : grid_(std::move(grid)), threads_(std::max(options.threads, 1)), x_(x) {
  const Index n = x.rows(), block = options.block > 0 ? options.block : default_block(n, *grid_);
  if (n > std::numeric_limits<int>::max() || block > std::numeric_limits<int>::max())
    throw UsageError(text("ScaLAPACK takes no ", n, " points in blocks of ", block));
  rows_ = {n, block, grid_->row(), grid_->rows()};
  columns_ = {n, block, grid_->column(), grid_->columns()};
  if (grid_->member()) {
    m_ = rows_.size();
    k_ = columns_.size();
  }
  stride_ = std::max<Index>(m_, 1);
  grid_->comm().together([&] {
    if (m_ * k_ > std::numeric_limits<int>::max())
      throw UsageError(text("ScaLAPACK counts the elements of a rank in 32 bits, and a matrix of ", n,
                            " points on ", grid_->rows(), " × ", grid_->columns(), " ranks has ", m_ * k_,
                            " in each; use more ranks"));
    row_x_ = points_of(x_, rows_, m_);
    column_x_ = points_of(x_, columns_, k_);
    // Zeros that the system gives when they are first touched: above the diagonal, never.
    local_.reset(static_cast<double*>(
        std::calloc(static_cast<std::size_t>(std::max<Index>(stride_ * k_, 1)), sizeof(double))));
    if (!local_)
      throw Error(text("a matrix of ", n, " points on ", grid_->rows(), " × ", grid_->columns(),
                       " ranks needs ", brief(8e-9 * static_cast<double>(m_) * static_cast<double>(k_)),
                       " GB on each"));
    team_ = std::make_unique<gp::Team>(threads_);
  });
  if (!grid_->member()) return;
  const int size = static_cast<int>(n), width = static_cast<int>(block), context = grid_->context(),
            stride = static_cast<int>(stride_);
  int info = 0;
  descinit_(descriptor_, &size, &size, &width, &width, &zero, &zero, &context, &stride, &info);
  if (info != 0) throw Error(text("descinit: argument ", -info, " is wrong"));
}

template <class Visit>
void BlockCyclicCovariance::for_columns(Index begin, Index end, const Visit& visit) const {
  for (Index j = begin; j < end; ++j) {
    const Index index = columns_.global(j);
    visit(j, index, rows_.first_from(index));
  }
}

template <class Visit>
void BlockCyclicCovariance::for_diagonal(const Visit& visit) const {
  if (m_ == 0) return;
  for_columns(0, k_, [&](Index j, Index index, Index first) {
    if (rows_.owns(index)) visit(first, j, index);
  });
}

template <class Visit>
void BlockCyclicCovariance::for_blocks(const Visit& visit) const {
  for (Index j = 0; j < k_; j += columns_.block) {
    const Index first = rows_.first_from(columns_.global(j));
    if (first < m_) visit(first, j, std::min(columns_.block, k_ - j));
  }
}

void BlockCyclicCovariance::fill(const gp::Kernel& kernel, const double* coefficients) {
  const Index d = x_.cols();
  team_->run((k_ + columns_together - 1) / columns_together, [&](Index piece, Workspace& workspace) {
    const Workspace::Frame frame(workspace);
    double* x = workspace.take(d);
    const gp::Points points{row_x_.data(), m_, m_, d}, centres{column_x_.data(), k_, k_, d};
    const Index begin = piece * columns_together;
    for_columns(begin, std::min(k_, begin + columns_together), [&](Index j, Index index, Index first) {
      // Above the diagonal, blocks on it are 0: products with L⁻¹ take whole blocks.
      std::fill(at(rows_.first_from(index - index % columns_.block), j), at(first, j), 0.0);
      if (first == m_) return;
      centres.gather(j, x);
      kernel.row(x, points.from(first), coefficients, at(first, j), workspace);
    });
  });
}

bool BlockCyclicCovariance::factor(const gp::Kernel& kernel, const double* coefficients, double nugget,
                                   double jitter, const double* noise) {
  const Communicator& comm = grid_->comm();
  double failed = 0.0;
  comm.together([&] {
    fill(kernel, coefficients);
    double more = nugget;
    if (jitter > 0.0) {
      Vector diagonal(x_.rows());
      kernel.diagonal({x_.data(), x_.rows(), x_.rows(), x_.cols()}, coefficients, diagonal.data());
      more += jitter * diagonal.mean();
    }
    for_diagonal([&](Index i, Index j, Index index) { *at(i, j) += more + (noise ? noise[index] : 0.0); });
  });
  if (grid_->member()) {
    const BlasThreads threads(threads_);
    const int n = static_cast<int>(x_.rows());
    int info = 0;
    pdpotrf_("L", &n, local_.get(), &one, &one, descriptor_, &info);
    failed = info != 0 ? 1.0 : 0.0;
  }
  return comm.sum(failed) == 0.0;
}

double BlockCyclicCovariance::log_determinant() const {
  double sum = 0.0;
  for_diagonal([&](Index i, Index j, Index) { sum += std::log(*at(i, j)); });
  return 2.0 * grid_->comm().sum(sum);
}

void BlockCyclicCovariance::solve(bool transposed, Index k, Eigen::MatrixXd& b) const {
  if (k == 0) return;
  // All of b's columns are on the first column of processes.
  const Index count = grid_->member() && grid_->column() == 0 ? m_ : 0;
  Eigen::MatrixXd mine(std::max<Index>(count, 1), k);
  for (Index i = 0; i < count; ++i) mine.row(i) = b.row(rows_.global(i)).head(k);
  if (grid_->member()) {
    const BlasThreads threads(threads_);
    const int n = static_cast<int>(x_.rows()), columns = static_cast<int>(k),
              block = static_cast<int>(rows_.block), context = grid_->context(),
              stride = static_cast<int>(stride_);
    if (count == 0) mine.resize(stride_, 1);
    int info = 0, descriptor[9];
    descinit_(descriptor, &n, &columns, &block, &columns, &zero, &zero, &context, &stride, &info);
    pdtrsm_("L", "L", transposed ? "T" : "N", "N", &n, &columns, &unit, local_.get(), &one, &one, descriptor_,
            mine.data(), &one, &one, descriptor);
  }
  b.leftCols(k).setZero();
  for (Index i = 0; i < count; ++i) b.row(rows_.global(i)).head(k) = mine.row(i);
  grid_->comm().sum(b.data(), b.rows() * k);
}

void BlockCyclicCovariance::invert_triangle() {
  if (!grid_->member()) return;
  const BlasThreads threads(threads_);
  const int n = static_cast<int>(x_.rows());
  int info = 0;
  pdtrtri_("L", "N", &n, local_.get(), &one, &one, descriptor_, &info);
}

void BlockCyclicCovariance::invert() {
  invert_triangle();
  if (!grid_->member()) return;
  const BlasThreads threads(threads_);
  const int n = static_cast<int>(x_.rows());
  pdlauum_("L", &n, local_.get(), &one, &one, descriptor_);
}

Vector BlockCyclicCovariance::invert_factor() {
  invert_triangle();
  Vector squares = Vector::Zero(x_.rows());
  for_columns(0, k_, [&](Index j, Index index, Index first) {
    squares[index] = Eigen::Map<const Vector>(at(first, j), m_ - first).squaredNorm();
  });
  grid_->comm().sum(squares.data(), squares.size());
  return squares;
}

void BlockCyclicCovariance::update(double alpha, const Eigen::MatrixXd& w, Index k, double beta) {
  if (m_ == 0 || k_ == 0) return;
  const BlasThreads threads(threads_);
  Eigen::MatrixXd by_row(m_, k), by_column(k_, k);
  for (Index i = 0; i < m_; ++i) by_row.row(i) = w.row(rows_.global(i)).head(k);
  for (Index j = 0; j < k_; ++j) by_column.row(j) = w.row(columns_.global(j)).head(k);
  const int depth = static_cast<int>(k), rows = static_cast<int>(m_), columns = static_cast<int>(k_),
            stride = static_cast<int>(stride_);
  for_blocks([&](Index first, Index j, Index count) {
    const int below = static_cast<int>(m_ - first), width = static_cast<int>(count);
    dgemm_("N", "T", &below, &width, &depth, &alpha, by_row.data() + first, &rows, by_column.data() + j,
           &columns, &beta, at(first, j), &stride);
  });
}

double BlockCyclicCovariance::trace() const {
  double sum = 0.0;
  for_diagonal([&](Index i, Index j, Index) { sum += *at(i, j); });
  return grid_->comm().sum(sum);
}

double BlockCyclicCovariance::weighted_trace(const Vector& v) const {
  double sum = 0.0;
  for_diagonal([&](Index i, Index j, Index index) { sum += v[index] * *at(i, j); });
  return grid_->comm().sum(sum);
}

void BlockCyclicCovariance::shift_diagonal(double by) {
  for_diagonal([&](Index i, Index j, Index) { *at(i, j) += by; });
}

void BlockCyclicCovariance::contract(const gp::Kernel& kernel, const double* coefficients, double* gradient) {
  const Index d = x_.cols(), pieces = (k_ + columns_together - 1) / columns_together;
  Vector sum = Vector::Zero(kernel.parameters());
  grid_->comm().together([&] {
    for_diagonal([&](Index i, Index j, Index) { *at(i, j) *= 0.5; });
    Eigen::MatrixXd halves = Eigen::MatrixXd::Zero(kernel.parameters(), pieces);
    team_->run(pieces, [&](Index piece, Workspace& workspace) {
      const Workspace::Frame frame(workspace);
      double* x = workspace.take(d);
      const gp::Points points{row_x_.data(), m_, m_, d}, centres{column_x_.data(), k_, k_, d};
      const Index begin = piece * columns_together;
      for_columns(begin, std::min(k_, begin + columns_together), [&](Index j, Index, Index first) {
        if (first == m_) return;
        centres.gather(j, x);
        kernel.contract(x, points.from(first), coefficients, at(first, j), halves.col(piece).data(),
                        workspace);
      });
    });
    sum = 2.0 * halves.rowwise().sum();
  });
  grid_->comm().sum(sum.data(), sum.size());
  for (Index p = 0; p < sum.size(); ++p) gradient[p] += sum[p];
}

void BlockCyclicCovariance::settle(double* values, Index count) const {
  grid_->comm().broadcast(values, count);
}

Vector BlockCyclicCovariance::explained(const gp::Kernel& kernel, const double* coefficients,
                                        ConstMatrixRef at_points) const {
  const Index count = at_points.rows();
  Vector squares = Vector::Zero(count);
  Eigen::MatrixXd product;
  grid_->comm().together([&] {
    const BlasThreads threads(threads_);
    product = Eigen::MatrixXd::Zero(m_, count);
    Eigen::MatrixXd k(k_, count);
    team_->run(k_ > 0 ? count : 0, [&](Index q, Workspace& workspace) {
      kernel.row(at_points.row(q).data(), {column_x_.data(), k_, k_, x_.cols()}, coefficients,
                 k.col(q).data(), workspace);
    });
    const int columns = static_cast<int>(count), rows = static_cast<int>(m_), depths = static_cast<int>(k_),
              stride = static_cast<int>(stride_);
    for_blocks([&](Index first, Index j, Index width) {
      const int below = static_cast<int>(m_ - first), depth = static_cast<int>(width);
      dgemm_("N", "N", &below, &columns, &depth, &unit, at(first, j), &stride, k.data() + j, &depths, &unit,
             product.data() + first, &rows);
    });
  });
  if (grid_->member()) {
    grid_->row_comm().sum(product.data(), product.size());
    if (grid_->column() == 0) squares = product.colwise().squaredNorm().transpose();
  }
  grid_->comm().sum(squares.data(), count);
  return squares;
}

Vector BlockCyclicCovariance::gather_panels() const {
  constexpr int tag = 1;
  const Communicator& comm = grid_->comm();
  const Index n = x_.rows();
  Vector panels;
  comm.together([&] {
    if (comm.rank() == 0) panels = Vector::Zero(kernels::panels_size(n));
  });
  Eigen::MatrixXd part;
  if (comm.rank() != 0) {
    for_blocks([&](Index first, Index j, Index width) {
      part = Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>>(at(first, j), m_ - first, width,
                                                                        Eigen::OuterStride<>(stride_));
      check(MPI_Send(part.data(), static_cast<int>(part.size()), MPI_DOUBLE, 0, tag, comm.handle()),
            "MPI_Send");
    });
    return panels;
  }
  for (int rank = 0; rank < grid_->rows() * grid_->columns(); ++rank) {
    const Cyclic rows{n, rows_.block, grid_->row_of(rank), grid_->rows()};
    const Cyclic columns{n, rows_.block, grid_->column_of(rank), grid_->columns()};
    const Index m = rows.size(), k = columns.size();
    for (Index j = 0; j < k; j += columns.block) {
      const Index first = rows.first_from(columns.global(j)), width = std::min(columns.block, k - j);
      if (first == m) continue;
      if (rank == 0) {
        part = Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>>(at(first, j), m - first, width,
                                                                          Eigen::OuterStride<>(stride_));
      } else {
        part.resize(m - first, width);
        check(MPI_Recv(part.data(), static_cast<int>(part.size()), MPI_DOUBLE, rank, tag, comm.handle(),
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
      }
      for (Index c = 0; c < width; ++c) {
        const Index column = columns.global(j + c);
        for (Index i = rows.first_from(column); i < m; ++i)
          panels[kernels::panels_index(rows.global(i), column)] = part(i - first, c);
      }
    }
  }
  return panels;
}

}  // namespace ersatz::parallel
