#include <algorithm>
#include <cmath>

#include "basis/greedy_fit.hpp"
#include "basis/linear_basis.hpp"
#include "basis/svd.hpp"
#include "core/named_table.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index folds = 5;

/// Rank at which the root mean square of what is cut off falls to `tolerance` of the whole.
Index rank_for(const Vector& values, double tolerance, Index max_rank) {
  if (!(values[0] > 0.0)) return 1;
  const Vector singular_values = values / values[0];  // squares of very large or small ones leave the range
  const double total = singular_values.squaredNorm();
  double rest = 0.0;
  Index rank = singular_values.size();
  while (rank > 1) {
    const double next = rest + singular_values[rank - 1] * singular_values[rank - 1];
    if (next > tolerance * tolerance * total) break;
    rest = next;
    --rank;
  }
  // Directions below rounding carry nothing.
  while (rank > 1 && singular_values[rank - 1] < 1e-14) --rank;
  return std::min(rank, max_rank);
}

/// Mean square, per entry, of what `elements` (orthonormal, of complex rows if so) leave of the rows.
Vector left_over(const LinearBasis& basis, ConstMatrixRef rows) {
  Vector sum = Vector::Zero(rows.cols());
  Vector coefficients(basis.coefficients()), back(rows.cols());
  for (Index i = 0; i < rows.rows(); ++i) {
    basis.project(rows.row(i).data(), coefficients.data());
    basis.reconstruct(coefficients.data(), back.data());
    sum += (rows.row(i).transpose() - back).cwiseAbs2();
  }
  return sum;
}

LinearBasis with_elements(const Matrix& elements, bool complex) {
  LinearBasisParts parts;
  parts.complex = complex;
  parts.elements = elements;
  return LinearBasis(std::move(parts));
}

BasisPtr fit_pod(const Settings& settings, ConstMatrixRef rows, bool complex) {
  settings.check_known("basis pod", {"tolerance", "max_rank"});
  const double tolerance = settings.get("tolerance", 1e-7);
  const Index max_rank = settings.get("max_rank", Index{50});
  if (!(tolerance >= 0.0 && tolerance < 1.0))
    throw UsageError(text("basis pod: 'tolerance' must be from 0 to below 1, got ", tolerance));
  if (max_rank < 1) throw UsageError(text("basis pod: 'max_rank' must be at least 1, got ", max_rank));
  const SingularVectors svd = right_singular_vectors(rows, complex);
  const Index rank = rank_for(svd.values, tolerance, max_rank);

  // What new rows will lose is more than what the training rows do, since the basis was made for these. So it
  // is measured by cross-validation: elements from four fifths of the rows, residuals of the other fifth.
  Vector residual = Vector::Zero(rows.cols());
  const Index n = rows.rows();
  if (n >= 2 * folds) {
    for (Index f = 0; f < folds; ++f) {
      const Index out = (n - f + folds - 1) / folds;
      Matrix kept(n - out, rows.cols()), held(out, rows.cols());
      for (Index i = 0, a = 0, b = 0; i < n; ++i)
        if (i % folds == f)
          held.row(b++) = rows.row(i);
        else
          kept.row(a++) = rows.row(i);
      const SingularVectors part = right_singular_vectors(kept, complex);
      const Index r = std::min(rank, part.vectors.rows());
      residual += left_over(with_elements(part.vectors.topRows(r), complex), held);
    }
  } else {
    residual = left_over(with_elements(svd.vectors.topRows(rank), complex), rows);
  }
  residual /= static_cast<double>(n);
  LinearBasisParts parts;
  parts.name = "pod";
  parts.complex = complex;
  parts.elements = svd.vectors.topRows(rank);
  parts.residual_variance = residual;
  parts.singular_values = svd.values;
  parts.snapshots = n;
  return std::make_shared<LinearBasis>(std::move(parts));
}

BasisPtr fit_none(const Settings& settings, ConstMatrixRef rows, bool complex) {
  settings.check_known("basis none", {});
  return std::make_shared<IdentityBasis>(rows.cols(), complex);
}

struct Fitter {
  const char* name;
  BasisPtr (*fit)(const Settings&, ConstMatrixRef, bool);
};
constexpr Fitter fitters[] = {{"pod", fit_pod}, {"greedy", fit_greedy_basis}, {"none", fit_none}};

}  // namespace

std::vector<std::string> basis_names() { return names_in(fitters); }

BasisPtr fit_basis(const std::string& name, const Settings& settings, ConstMatrixRef snapshots,
                   bool complex) {
  if (snapshots.rows() == 0) throw DataError(text("basis ", name, ": there are no snapshots"));
  if (snapshots.cols() == 0) throw DataError(text("basis ", name, ": the snapshots are empty rows"));
  for (Index i = 0; i < snapshots.rows(); ++i)
    if (!snapshots.row(i).allFinite())
      throw DataError(text("basis ", name, ": snapshot ", i, " contains values that are not finite"));
  const Fitter& fitter = find_named(fitters, name, "basis");
  if (!settings.has("nodes") || name == "none") return fitter.fit(settings, snapshots, complex);
  const std::string nodes = settings.get("nodes", "none");
  Settings others;
  for (const auto& [key, value] : settings.values())
    if (key != "nodes") others.set(key, value);
  const BasisPtr basis = fitter.fit(others, snapshots, complex);
  if (nodes == "none") return basis;
  others.set("max_rank", static_cast<double>(basis->coefficients() / (complex ? 2 : 1)));
  return interpolation_basis(*basis, node_rule(nodes), snapshots,
                             [&](ConstMatrixRef some) { return fitter.fit(others, some, complex); });
}

}  // namespace ersatz
