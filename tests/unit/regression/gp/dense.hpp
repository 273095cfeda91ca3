#pragma once
// Universal kriging from the textbook (Santner, Williams & Notz 2003, section 3.3) with dense matrices: the
// brute force that predictions are compared with.

#include <Eigen/Dense>
#include <optional>

#include "functions.hpp"

namespace gp_test {

/// The textbook's y = F beta + process, in the user's own units. The mean's columns are raw monomials: any
/// basis of the same polynomials gives the same predictions.
struct Dense {
  std::string kernel;
  Vector lengths;
  Index degree = 0;  ///< -1 … 2
  double nugget = 0.0;
  Vector noise;  ///< relative to the process variance; empty: none
  bool restricted = true;
  std::optional<double> given_variance;

  Matrix x;
  Vector y;

  Eigen::MatrixXd r, f, a;
  Vector beta, weights;
  double variance = 0.0;
  Eigen::FullPivLU<Eigen::MatrixXd> lu, lu_a;

  static Eigen::MatrixXd columns(const Matrix& x, Index degree) {
    const Index d = x.cols(), q = degree < 0    ? 0
                                  : degree == 0 ? 1
                                  : degree == 1 ? 1 + d
                                                : 1 + d + d * (d + 1) / 2;
    Eigen::MatrixXd f(x.rows(), q);
    for (Index i = 0; i < x.rows() && q > 0; ++i) {
      Index at = 0;
      f(i, at++) = 1.0;
      for (Index k = 0; degree > 0 && k < d; ++k) f(i, at++) = x(i, k);
      for (Index k = 0; degree > 1 && k < d; ++k)
        for (Index l = 0; l <= k; ++l) f(i, at++) = x(i, k) * x(i, l);
    }
    return f;
  }
  Eigen::MatrixXd cross(const Matrix& left, const Matrix& right) const {
    Eigen::MatrixXd k(left.rows(), right.rows());
    for (Index i = 0; i < left.rows(); ++i)
      for (Index j = 0; j < right.rows(); ++j)
        k(i, j) = correlation(kernel, left.row(i).data(), right.row(j).data(), lengths);
    return k;
  }
  void solve() {
    r = cross(x, x);
    r.diagonal().array() += nugget;
    if (noise.size() > 0) r.diagonal() += noise;
    lu.compute(r);
    f = columns(x, degree);
    const Index q = f.cols();
    beta.resize(q);
    if (q > 0) {
      a = f.transpose() * lu.solve(f);
      lu_a.compute(a);
      beta = lu_a.solve(f.transpose() * lu.solve(y));
    }
    const Vector residual = y - f * beta;
    weights = lu.solve(residual);
    variance = residual.dot(weights) / static_cast<double>(restricted ? x.rows() - q : x.rows());
    if (given_variance) variance = *given_variance;
  }
  Vector mean(const Matrix& at) const { return columns(at, degree) * beta + cross(at, x) * weights; }
  /// Latent.
  Eigen::MatrixXd covariance(const Matrix& at) const {
    const Eigen::MatrixXd k = cross(x, at);
    Eigen::MatrixXd c = cross(at, at) - k.transpose() * lu.solve(k);
    if (f.cols() > 0) {
      const Eigen::MatrixXd missing = columns(at, degree).transpose() - f.transpose() * lu.solve(k);
      c += missing.transpose() * lu_a.solve(missing);
    }
    return variance * c;
  }
};

}  // namespace gp_test
