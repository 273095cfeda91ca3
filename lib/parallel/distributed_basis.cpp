#include "ersatz/parallel/distributed_basis.hpp"

#include <algorithm>
#include <vector>

#include "basis/greedy_search.hpp"
#include "basis/pod_space.hpp"
#include "ersatz/core/error.hpp"
#include "parallel/row_ranks.hpp"

namespace ersatz {
namespace {

using parallel::RowRanks;

/// FNV-1a over what is added.
class Fingerprint {
 public:
  template <class T>
  Fingerprint& add(const T& value) {
    return bytes(&value, sizeof(T));
  }
  Fingerprint& add(const Vector& v) {
    add(v.size());
    return bytes(v.data(), static_cast<std::size_t>(v.size()) * sizeof(double));
  }
  Fingerprint& add(const Matrix& m) {
    add(m.rows()).add(m.cols());
    return bytes(m.data(), static_cast<std::size_t>(m.size()) * sizeof(double));
  }
  std::uint64_t value() const { return hash_; }

 private:
  Fingerprint& bytes(const void* data, std::size_t size) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) hash_ = (hash_ ^ p[i]) * 0x100000001b3ULL;
    return *this;
  }
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

void agree(const Communicator& comm, const GreedyOptions& o) {
  Fingerprint f;
  f.add(o.tolerance).add(o.max_rank).add(o.normalise).add(o.seed.value_or(-1)).add(o.weights);
  comm.agree(f.value(), "the options of the greedy basis");
}

void agree(const Communicator& comm, const PodOptions& o) {
  Fingerprint f;
  f.add(o.method).add(o.tolerance).add(o.tolerance_of).add(o.max_rank).add(o.centred).add(o.weights);
  f.add(o.folds).add(o.block_rows).add(o.seed).add(o.memory_limit);
  comm.agree(f.value(), "the options of the POD");
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

void agree(const Communicator& comm, const SnapshotSource& s) {
  comm.agree(Fingerprint().add(s.rows()).add(s.width()).add(s.complex()).value(),
             "the size of the snapshots");
}

}  // namespace

SnapshotSourcePtr shared_snapshots(const Communicator& comm, const std::string& path,
                                   const std::string& output) {
  SnapshotSourcePtr source;
  comm.together([&] { source = archive_snapshots(path, output); });
  comm.agree(Fingerprint().add(source->rows()).add(source->width()).add(source->complex()).value(),
             text("output ", output, " of ", path));
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
  agree(comm, snapshots);
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
  comm.agree(Fingerprint().add(basis.elements).add(basis.errors).add(basis.weights).add(set).value(),
             "the basis to go on from");
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
  agree(comm, snapshots);
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
