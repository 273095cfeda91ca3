// What is asked of a greedy basis once it is there: errors, coefficients, report, file.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "basis/greedy_rows.hpp"
#include "basis/greedy_search.hpp"
#include "ersatz/basis/greedy.hpp"

namespace ersatz {
namespace {

constexpr Index piece_rows = 64;

void check_width(const GreedyBasis& basis, ConstMatrixRef snapshots) {
  if (snapshots.cols() != basis.elements.cols())
    throw UsageError(text("greedy basis: its elements have ", basis.elements.cols(),
                          " values and the snapshots ", snapshots.cols()));
}

template <class Scalar>
std::vector<Scalar> duals_of(const GreedyBasis& basis, const SnapshotRows<Scalar>& rows) {
  const auto* elements = reinterpret_cast<const Scalar*>(basis.elements.data());
  std::vector<Scalar> duals(elements, elements + basis.rank() * rows.bins());
  for (Index k = 0; k < basis.rank(); ++k)
    rows.weigh(elements + k * rows.bins(), duals.data() + k * rows.bins());
  return duals;
}

template <class Scalar>
Vector errors_of(const GreedyBasis& basis, ConstMatrixRef snapshots, Executor& executor) {
  const SingleThreadedBlas single;
  const SnapshotRows<Scalar> rows(snapshots, basis.weights, executor);
  const Vector norms = rows.norms();
  const std::vector<Scalar> duals = duals_of(basis, rows);
  std::vector<double> scale;
  for (const double norm : norms)
    scale.push_back(norm > 0.0 ? 1.0 / (basis.normalise ? norm : basis.reference) : 0.0);
  std::vector<Index> list(static_cast<std::size_t>(rows.count()));
  std::iota(list.begin(), list.end(), Index{0});
  Vector result(rows.count());
  rows.work(rows.all(piece_rows), [&](const RowPiece& piece) {
    const std::vector<double> found = residuals(rows, list, piece, scale, basis.rank(), duals.data(),
                                                reinterpret_cast<const Scalar*>(basis.elements.data()));
    std::copy(found.begin(), found.end(), result.begin() + piece.begin);
  });
  return result;
}

template <class Scalar>
Matrix coefficients_of(const GreedyBasis& basis, ConstMatrixRef snapshots, Executor& executor) {
  const SingleThreadedBlas single;
  const SnapshotRows<Scalar> rows(snapshots, basis.weights, executor);
  const std::vector<Scalar> duals = duals_of(basis, rows);
  Matrix result(rows.count(), basis.rank() * rows.width() / rows.bins());
  rows.work(rows.all(piece_rows), [&](const RowPiece& piece) {
    const Index p = piece.end - piece.begin;
    std::vector<Scalar> copy(static_cast<std::size_t>(p * rows.bins()));
    for (Index i = 0; i < p; ++i) rows.scaled(piece.begin + i, 1.0, copy.data() + i * rows.bins());
    inner_products(static_cast<int>(rows.bins()), static_cast<int>(basis.rank()), static_cast<int>(p),
                   duals.data(), copy.data(), reinterpret_cast<Scalar*>(result.row(piece.begin).data()));
  });
  return result;
}

}  // namespace

Vector squared_errors(const GreedyBasis& basis, ConstMatrixRef snapshots, Executor& executor) {
  check_width(basis, snapshots);
  return basis.complex ? errors_of<Complex>(basis, snapshots, executor)
                       : errors_of<double>(basis, snapshots, executor);
}

Matrix greedy_coefficients(const GreedyBasis& basis, ConstMatrixRef snapshots, Executor& executor) {
  check_width(basis, snapshots);
  return basis.complex ? coefficients_of<Complex>(basis, snapshots, executor)
                       : coefficients_of<double>(basis, snapshots, executor);
}

std::string how_it_ended(const GreedySummary& s, Index rank, double tolerance) {
  const std::string left = text(rank, rank == 1 ? " element" : " elements", ", largest squared error ",
                                brief(s.worst_error), " (snapshot ", s.worst_row, ")");
  switch (s.termination) {
    case GreedyTermination::tolerance:
      return text(left, ": within the tolerance of ", brief(tolerance));
    case GreedyTermination::max_rank:
      return text(left, ": the rank limit came before the tolerance of ", brief(tolerance));
    case GreedyTermination::complete:
      return text(left, ": as many elements as there are snapshots or bins");
    case GreedyTermination::rounding:
      break;
  }
  return text(left, ": rounding stops it at this level, the tolerance of ", brief(tolerance),
              " cannot be reached in double precision; what is left is not made into elements");
}

std::string full_report(const GreedyBasis& basis) {
  const GreedySummary& s = basis.summary;
  std::string report = text("greedy basis: ", s.message, "\n");
  if (s.zero_snapshots > 0) report += text(s.zero_snapshots, " snapshots are zero and were left out\n");
  report += text("snapshots were read ", brief(s.passes), " times\nelement  set  snapshot  squared error\n");
  for (Index k = 0; k < basis.rank(); ++k) {
    const GreedyPoint& p = basis.points[static_cast<std::size_t>(k)];
    report += text(k, "  ", p.set, "  ", p.row, "  ", brief(basis.errors[k], 6), "\n");
  }
  return report;
}

void save_greedy(const h5::Group& group, const GreedyBasis& basis) {
  group.set("complex", static_cast<std::int64_t>(basis.complex));
  group.set("normalise", static_cast<std::int64_t>(basis.normalise));
  group.set("reference", basis.reference);
  group.write("weights", basis.weights);
  group.write("elements", basis.elements);
  group.write("triangle", basis.triangle);
  group.write("errors", basis.errors);
  std::vector<std::int64_t> sets, rows;
  for (const GreedyPoint& p : basis.points) {
    sets.push_back(p.set);
    rows.push_back(p.row);
  }
  group.write("point_sets", sets);
  group.write("point_rows", rows);
  const GreedySummary& s = basis.summary;
  group.set("termination", static_cast<std::int64_t>(s.termination));
  group.set("message", s.message);
  group.set("summary", std::vector<double>{s.worst_error, static_cast<double>(s.worst_row), s.rounding,
                                           static_cast<double>(s.zero_snapshots), s.passes});
}

GreedyBasis load_greedy(const h5::Group& group) {
  GreedyBasis basis;
  basis.complex = group.get_integer("complex") != 0;
  basis.normalise = group.get_integer("normalise") != 0;
  basis.reference = group.get_double("reference");
  basis.weights = group.read_vector("weights");
  basis.elements = group.read_matrix("elements");
  const Index r = basis.rank(), bins = basis.elements.cols() / (basis.complex ? 2 : 1);
  if (basis.complex && basis.elements.cols() % 2 != 0)
    throw StorageError(text(group.where(), ": complex elements of ", basis.elements.cols(), " numbers"));
  if (basis.weights.size() != 0 && basis.weights.size() != bins)
    throw StorageError(text(group.where(), ": ", basis.weights.size(), " weights for ", bins, " bins"));
  basis.triangle = group.read_matrix("triangle", r, basis.complex ? 2 * r : r);
  basis.errors = group.read_vector("errors", r);
  const std::vector<std::int64_t> sets = group.read_integers("point_sets", r),
                                  rows = group.read_integers("point_rows", r);
  for (std::size_t k = 0; k < sets.size(); ++k) basis.points.push_back({sets[k], rows[k]});
  GreedySummary& s = basis.summary;
  const std::int64_t termination = group.get_integer("termination");
  const std::vector<double> numbers = group.get_doubles("summary");
  if (termination < 0 || termination > 3 || numbers.size() != 5)
    throw StorageError(text(group.where(), ": not the summary of a greedy basis"));
  s.termination = static_cast<GreedyTermination>(termination);
  s.message = group.get_string("message");
  s.worst_error = numbers[0];
  s.worst_row = static_cast<Index>(numbers[1]);
  s.rounding = numbers[2];
  s.zero_snapshots = static_cast<Index>(numbers[3]);
  s.passes = numbers[4];
  return basis;
}

}  // namespace ersatz
