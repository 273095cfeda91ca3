#include "basis/interpolation_basis.hpp"

#include "ersatz/core/error.hpp"

namespace ersatz {

InterpolationBasis::InterpolationBasis(LinearBasisParts expansion, std::vector<Index> nodes)
    : nodes_(std::move(nodes)), complex_(expansion.complex) {
  const Index bins = expansion.elements.cols() / (complex_ ? 2 : 1);
  if (static_cast<Index>(nodes_.size()) != expansion.elements.rows())
    throw UsageError(
        text("interpolation basis: ", nodes_.size(), " nodes for ", expansion.elements.rows(), " elements"));
  for (const Index node : nodes_)
    if (node < 0 || node >= bins)
      throw UsageError(text("interpolation basis: node ", node, " is not among the ", bins, " bins"));
  expansion_ = std::make_shared<LinearBasis>(std::move(expansion));
}

InterpolationBasis::InterpolationBasis(BasisPtr expansion, std::vector<Index> nodes, bool complex, bool whole)
    : expansion_(std::move(expansion)), nodes_(std::move(nodes)), complex_(complex), whole_(whole) {}

void InterpolationBasis::project(const double* row, double* coefficients) const {
  if (!whole_) throw UsageError("basis: it is restricted to some bins, and only whole rows can be projected");
  for (const Index node : nodes_)
    if (complex_) {
      *coefficients++ = row[2 * node];
      *coefficients++ = row[2 * node + 1];
    } else {
      *coefficients++ = row[node];
    }
}

BasisPtr InterpolationBasis::restricted(const std::vector<Index>& bins) const {
  return BasisPtr(new InterpolationBasis(expansion_->restricted(bins), nodes_, complex_, false));
}

void InterpolationBasis::save(const h5::Group& group) const {
  group.write("nodes", std::vector<std::int64_t>(nodes_.begin(), nodes_.end()));
  group.set("complex", static_cast<std::int64_t>(complex_));
  group.set("restricted", static_cast<std::int64_t>(!whole_));
  expansion_->save(group.create_group("expansion"));
}

BasisPtr InterpolationBasis::load(const h5::Group& group) {
  BasisPtr expansion = LinearBasis::load(group.group("expansion"));
  const bool complex = group.get_integer("complex") != 0;
  const Index count = expansion->coefficients() / (complex ? 2 : 1);
  const bool whole = group.get_integer("restricted") == 0;
  std::vector<Index> nodes;
  for (const std::int64_t node : group.read_integers("nodes", count)) {
    if (node < 0 || (whole && node >= expansion->width() / (complex ? 2 : 1)))
      throw StorageError(text(group.where(), ": node ", node, " is not a bin of the elements"));
    nodes.push_back(node);
  }
  return BasisPtr(new InterpolationBasis(std::move(expansion), std::move(nodes), complex, whole));
}

}  // namespace ersatz
