#include "ersatz/parallel/distributed_basis.hpp"

#include <type_traits>
#include <vector>

#include "basis/greedy_search.hpp"
#include "basis/pod_space.hpp"
#include "ersatz/core/error.hpp"
#include "parallel/row_ranks.hpp"
#include "storage/xxh64.hpp"

namespace ersatz {
namespace {

using parallel::RowRanks;

void add(Xxh64& hash, const Vector& v) {
  hash.update_number(static_cast<std::uint64_t>(v.size()));
  hash.update(v.data(), static_cast<std::size_t>(v.size()) * sizeof(double));
}
void add(Xxh64& hash, const Matrix& m) {
  hash.update_number(static_cast<std::uint64_t>(m.rows()));
  hash.update_number(static_cast<std::uint64_t>(m.cols()));
  hash.update(m.data(), static_cast<std::size_t>(m.size()) * sizeof(double));
}
template <class T>
void add(Xxh64& hash, const T& value) {
  static_assert(std::is_scalar_v<T>);
  hash.update(&value, sizeof value);
}

template <class... T>
std::uint64_t fingerprint(const T&... values) {
  Xxh64 hash;
  (add(hash, values), ...);
  return hash.digest();
}

std::uint64_t fingerprint_of(const SnapshotSource& s) {
  return fingerprint(s.rows(), s.width(), s.complex());
}

void agree(const Communicator& comm, const GreedyOptions& o) {
  comm.agree(fingerprint(o.tolerance, o.max_rank, o.normalise, o.seed.value_or(-1), o.weights),
             "the options of the greedy basis");
}

void agree(const Communicator& comm, const PodOptions& o) {
  comm.agree(fingerprint(o.method, o.tolerance, o.tolerance_of, o.max_rank, o.centred, o.weights, o.rotation,
                         o.folds, o.block_rows, o.seed, o.memory_limit),
             "the options of the POD");
}

/// The width that the ranks with rows have; those without take it over.
Index common_width(const Communicator& comm, ConstMatrixRef rows, bool complex) {
  comm.agree(complex ? 1 : 0, "whether the snapshots are complex");
  double width = rows.rows() > 0 ? static_cast<double>(rows.cols()) : -1.0;
  const double mine = width;
  RowRanks(comm).maximum(&width, 1);
  if (width < 0.0) width = static_cast<double>(rows.cols());  // no rows at all: told as in a serial run
  const Index common = static_cast<Index>(width);
  std::vector<double> all(static_cast<std::size_t>(comm.size()));
  RowRanks(comm).gather(&mine, 1, all.data());
  for (std::size_t r = 0; r < all.size(); ++r)
    for (std::size_t q = 0; q < r; ++q)
      if (all[q] >= 0.0 && all[r] >= 0.0 && all[q] != all[r])
        throw DataError(text("the snapshots of rank ", q, " have ", all[q], " values, those of rank ", r,
                             " have ", all[r], "; expected the same on every rank"));
  return common;
}

/// These rows, or none of the common width.
template <class Work>
auto with_common_width(const Communicator& comm, ConstMatrixRef rows, bool complex, const Work& work) {
  const Index width = common_width(comm, rows, complex);
  if (rows.rows() > 0) return work(rows);
  const Matrix none(0, width);
  return work(ConstMatrixRef(none));
}

}  // namespace

SnapshotSourcePtr shared_snapshots(const Communicator& comm, const std::string& path,
                                   const std::string& output) {
  SnapshotSourcePtr source;
  comm.together([&] { source = archive_snapshots(path, output); });
  comm.agree(fingerprint_of(*source), text("output ", output, " of ", path));
  return source;
}

GreedyBasis distributed_greedy(const Communicator& comm, ConstMatrixRef rows, bool complex,
                               const GreedyOptions& options, Executor& executor) {
  agree(comm, options);
  return with_common_width(comm, rows, complex, [&](ConstMatrixRef mine) {
    return greedy_basis(RowRanks(comm), mine, complex, options, executor);
  });
}

GreedyBasis distributed_greedy(const Communicator& comm, const SnapshotSource& snapshots,
                               const GreedyOptions& options, Executor& executor) {
  comm.agree(fingerprint_of(snapshots), "the size of the snapshots");
  const Part part = part_of(snapshots.rows(), comm.rank(), comm.size());
  Matrix rows;
  comm.together([&] {
    rows.resize(part.size(), snapshots.width());
    if (part.size() > 0) snapshots.read(part.begin, rows);
  });
  return distributed_greedy(comm, rows, snapshots.complex(), options, executor);
}

GreedyBasis continue_distributed_greedy(const Communicator& comm, const GreedyBasis& basis,
                                        ConstMatrixRef rows, const GreedyOptions& options, Executor& executor,
                                        Index set) {
  agree(comm, options);
  comm.agree(fingerprint(basis.elements, basis.errors, basis.weights, set), "the basis to go on from");
  return with_common_width(comm, rows, basis.complex, [&](ConstMatrixRef mine) {
    return continue_greedy(RowRanks(comm), basis, mine, options, executor, set);
  });
}

Pod distributed_pod(const Communicator& comm, ConstMatrixRef rows, bool complex, const PodOptions& options) {
  agree(comm, options);
  return with_common_width(comm, rows, complex, [&](ConstMatrixRef mine) {
    const RowRanks ranks(comm);
    return pod::fit_matrix(ranks, mine, complex, options);
  });
}

Pod distributed_pod(const Communicator& comm, const SnapshotSource& snapshots, const PodOptions& options) {
  agree(comm, options);
  comm.agree(fingerprint_of(snapshots), "the size of the snapshots");
  const RowRanks ranks(comm);
  pod::Snapshots s;
  s.source = &snapshots;
  s.rows = part_of(snapshots.rows(), comm.rank(), comm.size()).size();
  s.width = snapshots.width();
  s.complex = snapshots.complex();
  s.ranks = &ranks;
  return pod::fit(s, options);
}

}  // namespace ersatz
