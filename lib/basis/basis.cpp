#include "ersatz/basis/basis.hpp"

#include <algorithm>

#include "basis/linear_basis.hpp"
#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

LinearBasis::LinearBasis(std::string name, bool complex, const Matrix& rows, Vector residual_variance,
                         Vector singular_values)
    : name_(std::move(name)),
      complex_(complex),
      residual_variance_(std::move(residual_variance)),
      singular_values_(std::move(singular_values)) {
  if (!complex_) {
    elements_ = rows;
    return;
  }
  elements_.resize(2 * rows.rows(), rows.cols());
  for (Index k = 0; k < rows.rows(); ++k)
    for (Index j = 0; j < rows.cols(); j += 2) {
      elements_(2 * k, j) = rows(k, j);
      elements_(2 * k, j + 1) = rows(k, j + 1);
      elements_(2 * k + 1, j) = -rows(k, j + 1);
      elements_(2 * k + 1, j + 1) = rows(k, j);
    }
}

void LinearBasis::project(const double* row, double* coefficients) const {
  // For a complex element e, <e, row> has the real part e · row and the imaginary part (i e) · row, both as
  // real scalar products of interleaved rows: the rows of elements_.
  const auto& kernels = kernels::table();
  for (Index k = 0; k < elements_.rows(); ++k)
    coefficients[k] = kernels.dot(elements_.row(k).data(), row, width());
}

void LinearBasis::push(const double* tangent_coefficients, double* tangent_row) const {
  std::fill(tangent_row, tangent_row + width(), 0.0);
  kernels::table().add_rows(tangent_coefficients, elements_.data(), elements_.rows(), width(), tangent_row);
}

void LinearBasis::save(const h5::Group& group) const {
  group.set("name", name_);
  group.set("complex", static_cast<std::int64_t>(complex_));
  // As given: every other row of a complex basis is i times the one before.
  group.write("elements", Matrix(elements_(Eigen::seq(0, Eigen::last, complex_ ? 2 : 1), Eigen::all)));
  group.write("residual_variance", residual_variance_);
  group.write("singular_values", singular_values_);
}

BasisPtr LinearBasis::load(const h5::Group& group) {
  const Matrix rows = group.read_matrix("elements");
  if (group.get_integer("complex") != 0 && rows.cols() % 2 != 0)
    throw StorageError(text(group.where(), ": complex elements of ", rows.cols(),
                            " numbers; expected pairs of real and imaginary parts"));
  return std::make_shared<LinearBasis>(group.get_string("name"), group.get_integer("complex") != 0, rows,
                                       group.read_vector("residual_variance", rows.cols()),
                                       group.read_vector("singular_values"));
}

IdentityBasis::IdentityBasis(Index width) : width_(width), zeros_(Vector::Zero(width)) {}

const Matrix& IdentityBasis::elements() const {
  std::call_once(built_, [this] { elements_.setIdentity(width_, width_); });
  return elements_;
}

void IdentityBasis::project(const double* row, double* coefficients) const {
  std::copy(row, row + width_, coefficients);
}
void IdentityBasis::reconstruct(const double* coefficients, double* row) const {
  std::copy(coefficients, coefficients + width_, row);
}
void IdentityBasis::push(const double* tangent_coefficients, double* tangent_row) const {
  std::copy(tangent_coefficients, tangent_coefficients + width_, tangent_row);
}
void IdentityBasis::save(const h5::Group& group) const {
  group.set("width", static_cast<std::int64_t>(width_));
}
BasisPtr IdentityBasis::load(const h5::Group& group) {
  return std::make_shared<IdentityBasis>(group.get_integer("width"));
}

void save_basis(const h5::Group& group, const Basis& basis) {
  group.set("kind", basis.kind());
  basis.save(group);
}

BasisPtr load_basis(const h5::Group& group) {
  const std::string kind = group.get_string("kind");
  if (kind == "linear") return LinearBasis::load(group);
  if (kind == "none") return IdentityBasis::load(group);
  throw StorageError(text(group.where(), ": this version of Ersatz knows no basis of kind '", kind, "'"));
}

}  // namespace ersatz
