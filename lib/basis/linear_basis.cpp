#include "basis/linear_basis.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

[[noreturn]] void fail_restricted() {
  throw UsageError("basis: it is restricted to some bins, and only whole rows can be projected");
}

void check_size(const char* what, Index found, Index expected) {
  if (found != expected)
    throw UsageError(text("basis: ", found, " values of ", what, ", expected ", expected));
}

Matrix columns(const Matrix& rows, const std::vector<Index>& entries) { return rows(Eigen::all, entries); }
Vector chosen(const Vector& values, const std::vector<Index>& entries) {
  return values.size() == 0 ? values : Vector(values(entries));
}

}  // namespace

void check_weights(const std::string& whose, const Vector& weights, Index bins) {
  if (weights.size() == 0) return;
  if (weights.size() != bins)
    throw UsageError(text(whose, ": ", weights.size(), " weights for ", bins, " bins"));
  for (Index j = 0; j < bins; ++j)
    if (!(weights[j] > 0.0 && std::isfinite(weights[j])))
      throw UsageError(text(whose, ": the weight of bin ", j, " is ", weights[j],
                            "; expected a positive number (leave out bins that do not count)"));
}

LinearBasis::LinearBasis(LinearBasisParts parts) : parts_(std::move(parts)) {
  const Matrix& rows = parts_.elements;
  const Index width = rows.cols(), bins = parts_.complex ? width / 2 : width;
  if (parts_.complex && width % 2 != 0)
    throw UsageError(
        text("basis: complex elements of ", width, " numbers; expected pairs of real and imaginary parts"));
  if (parts_.residual_modes.rows() == 0) parts_.residual_modes.resize(0, width);
  if (parts_.residual_variance.size() == 0) parts_.residual_variance = Vector::Zero(width);
  check_size("the residual variance", parts_.residual_variance.size(), width);
  check_size("each residual mode", parts_.residual_modes.cols(), width);
  if (parts_.offset.size() > 0) check_size("the offset", parts_.offset.size(), width);
  if (!parts_.complex) {
    elements_ = rows;
  } else {
    elements_.resize(2 * rows.rows(), width);
    for (Index k = 0; k < rows.rows(); ++k)
      for (Index j = 0; j < width; j += 2) {
        elements_(2 * k, j) = rows(k, j);
        elements_(2 * k, j + 1) = rows(k, j + 1);
        elements_(2 * k + 1, j) = -rows(k, j + 1);
        elements_(2 * k + 1, j + 1) = rows(k, j);
      }
  }
  if (parts_.weights.size() == 0) return;
  check_weights("basis", parts_.weights, bins);
  weighted_.resize(elements_.rows(), width);
  for (Index j = 0; j < width; ++j)
    weighted_.col(j) = parts_.weights[parts_.complex ? j / 2 : j] * elements_.col(j);
}

void LinearBasis::project(const double* row, double* coefficients) const {
  if (!whole_) fail_restricted();
  // For a complex element e, <e, row> has the real part e · row and the imaginary part (i e) · row, both as
  // real scalar products of interleaved rows: the rows of elements_.
  const Matrix& dual = weighted_.size() > 0 ? weighted_ : elements_;
  Vector centred;
  if (parts_.offset.size() > 0) {
    centred = Eigen::Map<const Vector>(row, width()) - parts_.offset;
    row = centred.data();
  }
  const auto& kernels = kernels::table();
  for (Index k = 0; k < dual.rows(); ++k) coefficients[k] = kernels.dot(dual.row(k).data(), row, width());
}

void LinearBasis::reconstruct(const double* coefficients, double* row) const {
  reconstruct_rows(coefficients, 1, row);
}

void LinearBasis::reconstruct_rows(const double* coefficients, Index n, double* rows) const {
  expand(coefficients, n, n, rows);
}

void LinearBasis::push(const double* tangent_coefficients, double* tangent_row) const {
  expand(tangent_coefficients, 1, 0, tangent_row);
}

void LinearBasis::reconstruct_and_push(const double* coefficients, Index n, double* rows) const {
  expand(coefficients, 1 + n, 1, rows);
}

void LinearBasis::expand(const double* coefficients, Index n, Index shifted, double* rows) const {
  const bool offset = parts_.offset.size() > 0;
  kernels::table().rows_product(coefficients, n, elements_.rows(), elements_.data(), width(),
                                parts_.offset.data(), offset ? shifted : 0, rows);
}

BasisPtr LinearBasis::restricted(const std::vector<Index>& bins) const {
  const std::vector<Index> entries = entries_of(bins, width(), parts_.complex);
  LinearBasisParts p = parts_;
  p.elements = columns(parts_.elements, entries);
  p.residual_modes = columns(parts_.residual_modes, entries);
  p.residual_variance = chosen(parts_.residual_variance, entries);
  p.offset = chosen(parts_.offset, entries);
  p.weights = chosen(parts_.weights, bins);
  auto basis = std::make_shared<LinearBasis>(std::move(p));
  basis->whole_ = false;
  return basis;
}

void LinearBasis::save(const h5::Group& group) const {
  group.set("name", parts_.name);
  group.set("complex", static_cast<std::int64_t>(parts_.complex));
  group.set("restricted", static_cast<std::int64_t>(!whole_));
  group.set("snapshots", static_cast<std::int64_t>(parts_.snapshots));
  group.set("note", parts_.note);
  const BasisErrors& e = parts_.errors;
  group.set("errors",
            std::vector<double>{e.training_mean, e.training_worst, e.validation_mean, e.validation_worst});
  group.write("elements", parts_.elements);
  if (parts_.offset.size() > 0) group.write("offset", parts_.offset);
  if (parts_.weights.size() > 0) group.write("weights", parts_.weights);
  group.write("residual_modes", parts_.residual_modes);
  group.write("residual_variance", parts_.residual_variance);
  group.write("singular_values", parts_.singular_values);
}

BasisPtr LinearBasis::load(const h5::Group& group) {
  LinearBasisParts p;
  p.name = group.get_string("name");
  p.complex = group.get_integer("complex") != 0;
  p.elements = group.read_matrix("elements");
  const Index width = p.elements.cols();
  p.residual_variance = group.read_vector("residual_variance", width);
  p.singular_values = group.read_vector("singular_values");
  // What files of the first version do not have.
  if (group.has("residual_modes")) p.residual_modes = group.read_matrix("residual_modes", -1, width);
  if (group.has("offset")) p.offset = group.read_vector("offset", width);
  if (group.has("weights")) p.weights = group.read_vector("weights");
  if (group.has_attribute("note")) p.note = group.get_string("note");
  if (group.has_attribute("snapshots")) p.snapshots = group.get_integer("snapshots");
  if (group.has_attribute("errors")) {
    const std::vector<double> e = group.get_doubles("errors");
    if (e.size() != 4) throw StorageError(text(group.where(), ": ", e.size(), " errors; expected 4"));
    p.errors = {e[0], e[1], e[2], e[3]};
  }
  try {
    auto basis = std::make_shared<LinearBasis>(std::move(p));
    basis->whole_ = !group.has_attribute("restricted") || group.get_integer("restricted") == 0;
    return basis;
  } catch (const UsageError& e) {
    throw StorageError(text(group.where(), ": ", e.what()));
  }
}

// --------------------------------------------------------------------------------------------- rows as they
// are

IdentityBasis::IdentityBasis(Index coefficients, bool complex, std::vector<Index> entries, bool whole)
    : coefficients_(coefficients),
      complex_(complex),
      entries_(std::move(entries)),
      whole_(whole),
      no_modes_(0, static_cast<Index>(entries_.size())),
      zeros_(Vector::Zero(static_cast<Index>(entries_.size()))) {}

IdentityBasis::IdentityBasis(Index width, bool complex)
    : IdentityBasis(width, complex, std::vector<Index>(static_cast<std::size_t>(width)), true) {
  std::iota(entries_.begin(), entries_.end(), Index{0});
}

const Matrix& IdentityBasis::elements() const {
  std::call_once(built_, [this] {
    elements_.setZero(coefficients_, width());
    for (Index j = 0; j < width(); ++j) elements_(entries_[static_cast<std::size_t>(j)], j) = 1.0;
  });
  return elements_;
}

void IdentityBasis::project(const double* row, double* coefficients) const {
  if (!whole_) fail_restricted();
  std::copy(row, row + width(), coefficients);
}
void IdentityBasis::reconstruct(const double* coefficients, double* row) const {
  for (const Index e : entries_) *row++ = coefficients[e];
}
void IdentityBasis::push(const double* tangent_coefficients, double* tangent_row) const {
  reconstruct(tangent_coefficients, tangent_row);
}

BasisPtr IdentityBasis::restricted(const std::vector<Index>& bins) const {
  std::vector<Index> entries = entries_of(bins, width(), complex_);
  for (Index& e : entries) e = entries_[static_cast<std::size_t>(e)];
  return BasisPtr(new IdentityBasis(coefficients_, complex_, std::move(entries), false));
}

void IdentityBasis::save(const h5::Group& group) const {
  group.set("width", static_cast<std::int64_t>(coefficients_));
  group.set("complex", static_cast<std::int64_t>(complex_));
  if (!whole_) group.write("entries", std::vector<std::int64_t>(entries_.begin(), entries_.end()));
}

BasisPtr IdentityBasis::load(const h5::Group& group) {
  const Index width = group.get_integer("width");
  const bool complex = group.has_attribute("complex") && group.get_integer("complex") != 0;
  if (width < 0) throw StorageError(text(group.where(), ": rows of ", width, " values"));
  if (!group.has("entries")) return std::make_shared<IdentityBasis>(width, complex);
  std::vector<Index> entries;
  for (const std::int64_t e : group.read_integers("entries")) {
    if (e < 0 || e >= width)
      throw StorageError(text(group.where(), ": entry ", e, " of rows of ", width, " values"));
    entries.push_back(e);
  }
  return BasisPtr(new IdentityBasis(width, complex, std::move(entries), false));
}

}  // namespace ersatz
