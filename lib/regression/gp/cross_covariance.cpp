#include "ersatz/regression/gp/cross_covariance.hpp"

#include <algorithm>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/panels.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::gp {
namespace {

constexpr Index block = 256;  ///< points whose kernel rows are held at a time

/// c (rows × cols, row major, rows `stride` apart) -= a (rows × inner) b (cols × inner)ᵀ, both row major and
/// without gaps.
void subtract_product(const double* a, const double* b, Index rows, Index cols, Index inner, double* c,
                      Index stride) {
  if (rows == 0 || cols == 0 || inner == 0) return;
  const int m = static_cast<int>(cols), n = static_cast<int>(rows), k = static_cast<int>(inner);
  const int ldc = static_cast<int>(stride);
  const double minus = -1.0, one = 1.0;
  dgemm_("T", "N", &m, &n, &k, &minus, b, &k, a, &k, &one, c, &ldc);
}

}  // namespace

struct CrossCovariance::State {
  const Predictor& predictor;
  Matrix anchors;  ///< r × d
  Index output;
  const GpPredictor* exact = nullptr;

  // Of an exact process; all in internal units.
  const Correlation* correlation = nullptr;  ///< null: no input matters
  double process_variance = 0.0;
  Matrix columns;  ///< active × r: the anchors, inputs in columns
  Matrix solved;   ///< r × n: R⁻¹ K(X, anchor)
  Matrix missing;  ///< r × q: L_A⁻¹ (f - Fᵀ R⁻¹ k) of the anchor, negated

  void prepare();
  /// L_A⁻¹ (f - Fᵀ R⁻¹ k) of one point.
  void whiten(const double* u, const double* k, double* result, Workspace& workspace) const;
  void exact_block(ConstMatrixRef X, MatrixRef covariance, Workspace& workspace) const;
  void any_block(ConstMatrixRef X, MatrixRef covariance, Workspace& workspace) const;
};

void CrossCovariance::State::whiten(const double* u, const double* k, double* result,
                                    Workspace& workspace) const {
  const Index terms = exact->trend().size(), n = exact->size();
  exact->trend().evaluate(u, result, workspace);
  for (Index i = 0; i < terms; ++i) {
    double left = result[i] - kernels::table().dot(correlation->solved_trend.col(i).data(), k, n);
    for (Index j = 0; j < i; ++j) left -= correlation->trend_factor(i, j) * result[j];
    result[i] = left / correlation->trend_factor(i, i);
  }
}

void CrossCovariance::State::prepare() {
  exact = dynamic_cast<const GpPredictor*>(&predictor);
  if (!exact) return;
  const Output& o = exact->state().outputs[static_cast<std::size_t>(output)];
  process_variance = o.process_variance;
  if (o.correlation < 0) return;
  correlation = &exact->state().correlations[static_cast<std::size_t>(o.correlation)];
  const Index r = anchors.rows(), n = exact->size(), padded = kernels::panels_rounded(n);
  Workspace workspace;
  const Points points = exact->training();
  const double* u = exact->scaled(anchors, workspace);
  columns = Eigen::Map<const Matrix>(u, r, points.inputs).transpose();
  solved.resize(r, n);
  missing.resize(r, exact->trend().size());
  Vector k = Vector::Zero(padded), y = Vector::Zero(padded);
  for (Index a = 0; a < r; ++a) {
    exact->kernel().row(u + a * points.inputs, points, correlation->coefficients.data(), k.data(), workspace);
    kernels::table().panels_product(correlation->panels.data(), k.data(), padded, n, 1, y.data());
    panels_transposed_product(correlation->panels.data(), y.data(), n, solved.row(a).data());
    if (missing.cols() > 0) whiten(u + a * points.inputs, k.data(), missing.row(a).data(), workspace);
  }
  missing *= -1.0;
}

void CrossCovariance::State::exact_block(ConstMatrixRef X, MatrixRef covariance, Workspace& workspace) const {
  const Index q = X.rows(), r = anchors.rows();
  if (!correlation) {
    covariance.setConstant(process_variance);
    return;
  }
  const Index n = exact->size(), terms = exact->trend().size();
  const Points points = exact->training();
  const Points fixed{columns.data(), r, r, points.inputs};
  const double* u = exact->scaled(X, workspace);
  double* k = workspace.take(q * n);
  double* own = workspace.take(q * terms);
  for (Index i = 0; i < q; ++i) {
    const double* x = u + i * points.inputs;
    exact->kernel().row(x, points, correlation->coefficients.data(), k + i * n, workspace);
    exact->kernel().row(x, fixed, correlation->coefficients.data(), covariance.row(i).data(), workspace);
    if (terms > 0) whiten(x, k + i * n, own + i * terms, workspace);
  }
  double* result = covariance.data();
  const Index stride = covariance.outerStride();
  subtract_product(k, solved.data(), q, r, n, result, stride);
  subtract_product(own, missing.data(), q, r, terms, result, stride);
  covariance *= process_variance;
}

void CrossCovariance::State::any_block(ConstMatrixRef X, MatrixRef covariance, Workspace& workspace) const {
  const Index q = X.rows(), r = anchors.rows();
  Matrix all(q + r, X.cols()), joint(q + r, q + r);
  all << X, anchors;
  predictor.covariance(all, output, joint, Noise::latent, workspace);
  covariance = joint.topRightCorner(q, r);
}

CrossCovariance::CrossCovariance(const Predictor& predictor, ConstMatrixRef anchors, Index output)
    : state_(new State{predictor, anchors, output, nullptr, nullptr, 0.0, {}, {}, {}}) {
  check_points(predictor, anchors);
  if (output < 0 || output >= predictor.outputs())
    throw UsageError(text("there is no output ", output, ", the predictor has ", predictor.outputs()));
  if (!predictor.has_covariance())
    throw UsageError(text("a ", predictor.kind(), " predictor has no covariances between points"));
  const SingleThreadedBlas single;
  state_->prepare();
}
CrossCovariance::~CrossCovariance() = default;
CrossCovariance::CrossCovariance(CrossCovariance&&) noexcept = default;

Index CrossCovariance::anchors() const { return state_->anchors.rows(); }

void CrossCovariance::operator()(ConstMatrixRef X, MatrixRef covariance, Workspace& workspace) const {
  check_points(state_->predictor, X);
  if (covariance.rows() != X.rows() || covariance.cols() != anchors())
    throw UsageError(text("the covariances of ", X.rows(), " points with ", anchors(), " others do not fit ",
                          covariance.rows(), " × ", covariance.cols()));
  const SingleThreadedBlas single;
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    if (state_->exact)
      state_->exact_block(X.middleRows(begin, count), covariance.middleRows(begin, count), workspace);
    else
      state_->any_block(X.middleRows(begin, count), covariance.middleRows(begin, count), workspace);
  }
}

std::vector<Likeness> likenesses(const Predictor& predictor) {
  std::vector<Likeness> result;
  const auto* exact = dynamic_cast<const GpPredictor*>(&predictor);
  for (Index o = 0; o < predictor.outputs(); ++o) {
    Likeness likeness{o, 1.0};
    if (exact) {
      const auto& outputs = exact->state().outputs;
      const Output& own = outputs[static_cast<std::size_t>(o)];
      for (Index other = 0; other < o && own.correlation >= 0; ++other) {
        const Output& first = outputs[static_cast<std::size_t>(other)];
        if (first.correlation != own.correlation || !(first.process_variance > 0.0)) continue;
        likeness = {other, own.process_variance / first.process_variance};
        break;
      }
    }
    result.push_back(likeness);
  }
  return result;
}

}  // namespace ersatz::gp
