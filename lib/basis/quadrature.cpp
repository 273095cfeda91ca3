#include "ersatz/basis/quadrature.hpp"

#include <cmath>

#include "basis/products.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double turn = 6.283185307179586477;

void check_data(const DetectorData& data, bool shifted) {
  const Index m = data.data.size();
  if (m == 0) throw DataError("reduced-order quadrature: there are no data");
  if (data.weights.size() != m)
    throw UsageError(text("reduced-order quadrature: ", data.weights.size(), " weights for ", m, " bins"));
  if (shifted && data.frequencies.size() != m)
    throw UsageError(text("reduced-order quadrature: shifts in time need the frequency of each of the ", m,
                          " bins, got ", data.frequencies.size()));
  for (Index k = 0; k < m; ++k) {
    if (!std::isfinite(data.data[k].real()) || !std::isfinite(data.data[k].imag()))
      throw DataError(text("reduced-order quadrature: the data in bin ", k, " are not finite"));
    if (!(data.weights[k] >= 0.0 && std::isfinite(data.weights[k])))
      throw DataError(text("reduced-order quadrature: the weight of bin ", k, " is ", data.weights[k],
                           "; expected a number that is not negative"));
    if (shifted && !std::isfinite(data.frequencies[k]))
      throw DataError(text("reduced-order quadrature: the frequency of bin ", k, " is not finite"));
  }
}

void check_interpolation(const EmpiricalInterpolation& interpolation, bool complex, Index m,
                         const char* what) {
  if (interpolation.complex != complex)
    throw UsageError(text("reduced-order quadrature: the ", what, " interpolation must be ",
                          complex ? "complex" : "real (of |h|²)"));
  const Index bins = interpolation.matrix.cols() / (complex ? 2 : 1);
  if (bins != m)
    throw UsageError(
        text("reduced-order quadrature: the ", what, " interpolation has ", bins, " bins and the data ", m));
}

}  // namespace

ReducedOrderQuadrature::ReducedOrderQuadrature(const EmpiricalInterpolation& linear,
                                               const std::optional<EmpiricalInterpolation>& quadratic,
                                               const DetectorData& data, const Vector& times)
    : linear_nodes_(linear.nodes), times_(times.size() > 0 ? times : Vector(Vector::Zero(1))) {
  const Index m = data.data.size(), r = static_cast<Index>(linear_nodes_.size());
  check_data(data, times.size() > 0);
  if (!times_.allFinite()) throw DataError("reduced-order quadrature: the times are not all finite");
  check_interpolation(linear, true, m, "linear");
  const Eigen::Map<const ComplexMatrix> b(reinterpret_cast<const Complex*>(linear.matrix.data()), r, m);
  const ComplexVector weighted = data.data.conjugate().cwiseProduct(data.weights);
  data_squared_ = data.weights.dot(data.data.cwiseAbs2());

  // Times in blocks, so that their phases need not much memory. Rows of conj(phases) times the columns of
  // B^T.
  constexpr Index block = 256;
  const SingleThreadedBlas single;
  linear_weights_.resize(times_.size(), r);
  for (Index first = 0; first < times_.size(); first += block) {
    const Index count = std::min(block, times_.size() - first);
    ComplexMatrix conjugate(count, m);
    for (Index t = 0; t < count; ++t)
      for (Index k = 0; k < m; ++k) {
        const double angle =
            times.size() > 0 ? turn * std::remainder(data.frequencies[k] * times_[first + t], 1.0) : 0.0;
        conjugate(t, k) = std::conj(weighted[k]) * std::polar(1.0, angle);
      }
    Eigen::MatrixXcd products(count, r);
    inner_products(static_cast<int>(m), static_cast<int>(count), static_cast<int>(r), conjugate.data(),
                   b.data(), products.data());
    linear_weights_.middleRows(first, count) = products;
  }
  const ComplexMatrix scaled = b * data.weights.asDiagonal();
  form_.resize(r, r);
  inner_products(static_cast<int>(m), static_cast<int>(r), static_cast<int>(r), b.data(), scaled.data(),
                 form_.data());
  if (!quadratic) return;
  check_interpolation(*quadratic, false, m, "quadratic");
  quadratic_nodes_ = quadratic->nodes;
  quadratic_weights_ = quadratic->matrix * data.weights;
}

double ReducedOrderQuadrature::linear(const ComplexVector& values, Index time) const {
  if (values.size() != linear_weights_.cols())
    throw UsageError(text("reduced-order quadrature: ", values.size(), " values for ", linear_weights_.cols(),
                          " linear nodes"));
  if (time < 0 || time >= times_.size())
    throw UsageError(text("reduced-order quadrature: time number ", time, ", and there are ", times_.size()));
  return (linear_weights_.row(time).transpose().cwiseProduct(values)).sum().real();
}

double ReducedOrderQuadrature::quadratic(const Vector& squares) const {
  if (quadratic_nodes_.empty())
    throw UsageError(
        "reduced-order quadrature: it has no quadratic nodes; give the values at the linear ones");
  if (squares.size() != quadratic_weights_.size())
    throw UsageError(text("reduced-order quadrature: ", squares.size(), " values for ",
                          quadratic_weights_.size(), " quadratic nodes"));
  return quadratic_weights_.dot(squares);
}

double ReducedOrderQuadrature::quadratic(const ComplexVector& values) const {
  if (values.size() != form_.rows())
    throw UsageError(
        text("reduced-order quadrature: ", values.size(), " values for ", form_.rows(), " linear nodes"));
  return values.dot(form_ * values).real();
}

double ReducedOrderQuadrature::log_likelihood(const ComplexVector& values, const Vector& squares,
                                              Index time) const {
  return linear(values, time) - 0.5 * quadratic(squares) - 0.5 * data_squared_;
}

double ReducedOrderQuadrature::log_likelihood(const ComplexVector& values, Index time) const {
  return linear(values, time) - 0.5 * quadratic(values) - 0.5 * data_squared_;
}

double full_log_likelihood(const DetectorData& data, const ComplexVector& h, double time) {
  check_data(data, time != 0.0);
  if (h.size() != data.data.size())
    throw UsageError(text("likelihood: ", h.size(), " values of the model for ", data.data.size(), " bins"));
  double sum = 0.0;
  for (Index k = 0; k < h.size(); ++k) {
    const double angle = time != 0.0 ? turn * std::remainder(data.frequencies[k] * time, 1.0) : 0.0;
    sum += data.weights[k] * std::norm(data.data[k] - h[k] * std::polar(1.0, -angle));
  }
  return -0.5 * sum;
}

}  // namespace ersatz
