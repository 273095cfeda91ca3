#include "basis/pod_rows.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {
namespace {

class Generated final : public SnapshotSource {
 public:
  Generated(Index rows, Index width, bool complex, std::function<void(Index, MatrixRef)> fill)
      : rows_(rows), width_(width), complex_(complex), fill_(std::move(fill)) {
    if (!fill_ || rows < 0 || width < 0 || (complex && width % 2 != 0))
      throw UsageError(text("generated snapshots: ", rows, " rows of ", width,
                            " doubles and a function that fills them are expected (complex: an even width)"));
  }
  Index rows() const override { return rows_; }
  Index width() const override { return width_; }
  bool complex() const override { return complex_; }
  void read(Index first, MatrixRef block) const override { fill_(first, block); }

 private:
  Index rows_, width_;
  bool complex_;
  std::function<void(Index, MatrixRef)> fill_;
};

class Archived final : public SnapshotSource {
 public:
  Archived(const std::string& path, const std::string& output) : rows_(path, output) {}
  Index rows() const override { return rows_.rows(); }
  Index width() const override { return rows_.width(); }
  bool complex() const override { return rows_.complex(); }
  void read(Index first, MatrixRef block) const override { rows_.read(first, block); }

 private:
  ArchiveRows rows_;
};

}  // namespace

SnapshotSourcePtr generated_snapshots(Index rows, Index width, bool complex,
                                      std::function<void(Index first, MatrixRef block)> fill) {
  return std::make_shared<Generated>(rows, width, complex, std::move(fill));
}

SnapshotSourcePtr archive_snapshots(const std::string& path, const std::string& output) {
  return std::make_shared<Archived>(path, output);
}

namespace pod {
namespace {

void square_norms(Index first, const double* rows, Index count, Index width, Index stride, double* norms) {
  const auto& kernels = kernels::table();
  for (Index i = 0; i < count; ++i) {
    const double* row = rows + i * stride;
    norms[i] = kernels.dot(row, row, width);
    if (std::isfinite(norms[i])) continue;
    for (Index j = 0; j < width; ++j)
      if (!std::isfinite(row[j]))
        throw DataError(text("basis pod: snapshot ", first + i, " contains values that are not finite"));
    throw DataError(text("basis pod: snapshot ", first + i,
                         " is too large to compute with beside the others; choose another unit"));
  }
}

}  // namespace

void Scaling::apply(MatrixRef block) const {
  if (offset.size() > 0) block.rowwise() -= offset.transpose();
  if (root_weights.size() > 0) block.array().rowwise() *= root_weights.transpose().array();
  if (unit != 1.0) block *= unit;
}

Matrix Scaling::unscale(Matrix elements) const {
  if (root_weights.size() > 0) elements.array().rowwise() /= root_weights.transpose().array();
  return elements;
}

void read_block(const Snapshots& s, const Scaling& scaling, Index first, MatrixRef block, double* norms) {
  if (s.in_memory())
    block = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(s.data + first * s.stride, block.rows(),
                                                              s.width, Eigen::OuterStride<>(s.stride));
  else
    s.source->read(first, block);
  scaling.apply(block);
  if (norms) square_norms(first, block.data(), block.rows(), s.width, block.outerStride(), norms);
}

namespace {
Index part_rows(const Snapshots& s) { return std::max<Index>(128, (s.rows + 63) / 64); }
/// About 8 MB, where rows have to be copied.
Index copied_rows(const Snapshots& s) { return std::max<Index>(1, 1000000 / std::max<Index>(s.width, 1)); }
}  // namespace

Index part_count(const Snapshots& s) { return (s.rows + part_rows(s) - 1) / part_rows(s); }

template <class T>
void for_each_part(const Snapshots& s, const Scaling& scaling, Executor* executor, double* norms,
                   const std::function<void(const Part&, RowsView<T>)>& work) {
  const Index size = part_rows(s);
  const bool copied = !s.in_memory() || !scaling.none();
  const auto task = [&](Index number) {
    const Index end = std::min(s.rows, (number + 1) * size);
    Matrix block;
    for (Index first = number * size; first < end;) {
      const Part part{number, first, copied ? std::min(copied_rows(s), end - first) : end - first};
      double* part_norms = norms ? norms + first : nullptr;
      if (copied) {
        block.resize(part.count, s.width);
        read_block(s, scaling, first, block, part_norms);
        work(part, dense::view<T>(block.data(), part.count, s.width, s.width));
      } else {
        const double* rows = s.data + first * s.stride;
        if (part_norms) square_norms(first, rows, part.count, s.width, s.stride, part_norms);
        work(part, dense::view<T>(rows, part.count, s.width, s.stride));
      }
      first += part.count;
    }
    return Bytes();
  };
  SerialExecutor serial;
  Executor& runs = executor ? executor->local() : serial;
  runs.map(part_count(s), task);
}
template void for_each_part<double>(const Snapshots&, const Scaling&, Executor*, double*,
                                    const std::function<void(const Part&, RowsView<double>)>&);
template void for_each_part<Complex>(const Snapshots&, const Scaling&, Executor*, double*,
                                     const std::function<void(const Part&, RowsView<Complex>)>&);

Vector mean_row(const Snapshots& s, Executor* executor) {
  Matrix sums = Matrix::Zero(part_count(s), s.width);
  for_each_part<double>(s, {}, executor, nullptr, [&](const Part& part, RowsView<double> a) {
    sums.row(part.number) += a.colwise().sum();
    if (sums.row(part.number).allFinite()) return;
    for (Index i = 0; i < a.rows(); ++i)
      if (!a.row(i).allFinite())
        throw DataError(text("basis pod: snapshot ", part.first + i, " contains values that are not finite"));
  });
  return sums.colwise().sum() / static_cast<double>(s.rows);
}

double unit_of(const Snapshots& s) {
  const Index step = std::max<Index>(1, s.rows / 16);
  double largest = 0.0;
  Matrix row(1, s.width);
  for (Index i = 0; i < s.rows; i += step) {
    read_block(s, {}, i, row, nullptr);
    for (Index j = 0; j < s.width; ++j)
      if (std::isfinite(row(0, j))) largest = std::max(largest, std::abs(row(0, j)));
  }
  if (largest == 0.0 || (largest > 1e-60 && largest < 1e60)) return 1.0;
  return std::ldexp(1.0, -std::clamp(std::ilogb(largest), -1000, 1000));
}

}  // namespace pod
}  // namespace ersatz
