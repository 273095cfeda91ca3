#include "ersatz/regression/gp/trend.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {

Trend::Trend(Index inputs, Index degree) : inputs_(inputs), degree_(degree) {
  if (degree < zero || degree > 10)
    throw UsageError(text("the mean of a Gaussian process has degree ", degree, ", expected 0 to 10"));
  if (degree > 0 && inputs > 0)
    features_ = PolynomialFeatures::total_degree(
        Standardisation{Vector::Constant(inputs, 0.5), Vector::Constant(inputs, 2.0)}, degree);
}

void Trend::evaluate(const double* x, double* f, Workspace& workspace) const {
  if (size() == 0) return;
  f[0] = 1.0;
  if (features_.size() > 0) features_.evaluate(x, f + 1, workspace);
}

void Trend::derivatives(const double* x, double* derivatives, Workspace& workspace) const {
  const Index q = size(), m = features_.size();
  std::fill(derivatives, derivatives + inputs_ * q, 0.0);
  if (m == 0) return;
  const Workspace::Frame frame(workspace);
  double* of_features = workspace.take(inputs_ * m);
  features_.derivatives(x, of_features, workspace);
  for (Index k = 0; k < inputs_; ++k) std::copy_n(of_features + k * m, m, derivatives + k * q + 1);
}

Eigen::MatrixXd Trend::matrix(ConstMatrixRef x) const {
  if (x.cols() != inputs_) throw UsageError(text("trend: ", x.cols(), " inputs, expected ", inputs_));
  Eigen::MatrixXd f(x.rows(), size());
  Workspace workspace;
  Vector row(size());
  for (Index i = 0; i < x.rows(); ++i) {
    evaluate(x.data() + i * x.outerStride(), row.data(), workspace);
    f.row(i) = row.transpose();
  }
  return f;
}

std::vector<std::string> Trend::names(const std::vector<std::string>& input_names) const {
  if (size() == 0) return {};
  std::vector<std::string> all = {"1"};
  if (features_.size() > 0)
    for (auto& name : features_.names(input_names)) all.push_back(std::move(name));
  return all;
}

}  // namespace ersatz::gp
