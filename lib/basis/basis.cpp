#include "ersatz/basis/basis.hpp"

#include "basis/interpolation_basis.hpp"
#include "basis/linear_basis.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

const std::vector<Index>& Basis::nodes() const {
  static const std::vector<Index> none;
  return none;
}

void Basis::reconstruct_rows(const double* coefficients, Index n, double* rows) const {
  for (Index i = 0; i < n; ++i) reconstruct(coefficients + i * this->coefficients(), rows + i * width());
}

void Basis::reconstruct_and_push(const double* coefficients, Index n, double* rows) const {
  reconstruct(coefficients, rows);
  for (Index i = 1; i <= n; ++i) push(coefficients + i * this->coefficients(), rows + i * width());
}

std::vector<Index> entries_of(const std::vector<Index>& bins, Index width, bool complex) {
  const Index count = complex ? width / 2 : width;
  std::vector<Index> entries;
  for (const Index bin : bins) {
    if (bin < 0 || bin >= count)
      throw UsageError(text("basis: there is no bin ", bin, ": its rows have bins 0 to ", count - 1));
    entries.push_back(complex ? 2 * bin : bin);
    if (complex) entries.push_back(2 * bin + 1);
  }
  return entries;
}

void save_basis(const h5::Group& group, const Basis& basis) {
  group.set("kind", basis.kind());
  basis.save(group);
}

BasisPtr load_basis(const h5::Group& group) {
  const std::string kind = group.get_string("kind");
  if (kind == "linear") return LinearBasis::load(group);
  if (kind == "interpolation") return InterpolationBasis::load(group);
  if (kind == "none") return IdentityBasis::load(group);
  throw StorageError(text(group.where(), ": this version of Ersatz knows no basis of kind '", kind, "'"));
}

}  // namespace ersatz
