#include "regression/gp/predictor.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {
namespace {
constexpr Index block = 64;        // points whose scaled inputs and kernel rows stay in cache
constexpr Index solve_block = 64;  // points that share one reading of the inverse factor
}  // namespace

GpPredictor::GpPredictor(GpState state) : state_(std::move(state)) {
  kernel_ = make_kernel(state_.kernel, static_cast<Index>(state_.active.size()));
  members_.resize(state_.correlations.size());
  for (Index o = 0; o < outputs(); ++o)
    if (const Index c = state_.outputs[static_cast<std::size_t>(o)].correlation; c >= 0)
      members_[static_cast<std::size_t>(c)].push_back(o);
}

Points GpPredictor::training() const {
  return {state_.points.data(), size(), size(), static_cast<Index>(state_.active.size())};
}

void GpPredictor::check(ConstMatrixRef X, Index rows, Index cols) const {
  if (X.cols() != inputs())
    throw UsageError(text("gp predictor: points have ", X.cols(), " inputs, expected ", inputs()));
  if (!X.allFinite())
    for (Index i = 0; i < X.rows(); ++i)
      for (Index k = 0; k < X.cols(); ++k)
        if (!std::isfinite(X(i, k)))
          throw DataError(text("gp predictor: input ", k, " of point ", i, " is ", X(i, k),
                               ", expected a finite number"));
  if (rows >= 0 && (rows != X.rows() || cols != outputs()))
    throw UsageError(text("gp predictor: result is ", rows, " × ", cols, ", expected ", X.rows(), " × ",
                          outputs(), " (points × outputs)"));
}

/// q × active, row by row, in internal units.
double* GpPredictor::scaled(ConstMatrixRef X, Workspace& workspace) const {
  const auto d = static_cast<Index>(state_.active.size());
  double* x = workspace.take(X.rows() * d);
  for (Index q = 0; q < X.rows(); ++q)
    for (Index k = 0; k < d; ++k)
      x[q * d + k] = (X(q, state_.active[static_cast<std::size_t>(k)]) - state_.lower[k]) / state_.range[k];
  return x;
}

void GpPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const {
  check(X, mean.rows(), mean.cols());
  const auto& table = kernels::table();
  const Points points = training();
  const Index n = size();
  for (Index o = 0; o < outputs(); ++o)
    if (state_.outputs[static_cast<std::size_t>(o)].correlation < 0)
      mean.col(o).setConstant(state_.outputs[static_cast<std::size_t>(o)].mean);
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    const double* x = scaled(X.middleRows(begin, count), workspace);
    double* k = workspace.take(n);
    for (std::size_t c = 0; c < members_.size(); ++c)
      for (Index q = 0; q < count; ++q) {
        kernel_->row(x + q * points.inputs, points, state_.correlations[c].coefficients.data(), k, workspace);
        for (const Index o : members_[c])
          mean(begin + q, o) = state_.outputs[static_cast<std::size_t>(o)].mean +
                               table.dot(state_.weights.row(o).data(), k, n);
      }
  }
}

void GpPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                    Workspace& workspace) const {
  check(X, mean.rows(), mean.cols());
  check(X, variance.rows(), variance.cols());
  const auto& table = kernels::table();
  const Points points = training();
  const Index n = size(), padded = kernels::panels_rounded(n), d = points.inputs;
  const bool observed = noise == Noise::observed;
  for (Index o = 0; o < outputs(); ++o) {
    const Output& output = state_.outputs[static_cast<std::size_t>(o)];
    if (output.correlation >= 0) continue;
    mean.col(o).setConstant(output.mean);
    variance.col(o).setConstant(output.process_variance + (observed ? output.noise_variance : 0.0));
  }
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    const double* x = scaled(X.middleRows(begin, count), workspace);
    double* k = workspace.take(padded * solve_block);
    double* y = workspace.take(padded * solve_block);
    double* prior = workspace.take(count);
    double* column = workspace.take(count * d);
    for (Index q = 0; q < count; ++q)
      for (Index i = 0; i < d; ++i) column[i * count + q] = x[q * d + i];
    for (Index q = 0; q < solve_block; ++q) std::fill(k + q * padded + n, k + (q + 1) * padded, 0.0);
    for (std::size_t c = 0; c < members_.size(); ++c) {
      const Correlation& r = state_.correlations[c];
      kernel_->diagonal({column, count, count, d}, r.coefficients.data(), prior);
      for (Index first = 0; first < count; first += solve_block) {
        const Index together = std::min(solve_block, count - first);
        for (Index q = 0; q < together; ++q)
          kernel_->row(x + (first + q) * d, points, r.coefficients.data(), k + q * padded, workspace);
        table.panels_product(r.panels.data(), k, padded, n, together, y);
        for (Index q = 0; q < together; ++q) {
          const double* kq = k + q * padded;
          const double explained = table.dot(y + q * padded, y + q * padded, padded);
          const double missing = 1.0 - table.dot(r.solved_ones.data(), kq, n);
          const double correlation =
              std::max(prior[first + q] - explained, 0.0) + missing * missing / r.information;
          for (const Index o : members_[c]) {
            const Output& output = state_.outputs[static_cast<std::size_t>(o)];
            mean(begin + first + q, o) = output.mean + table.dot(state_.weights.row(o).data(), kq, n);
            variance(begin + first + q, o) =
                output.process_variance * correlation + (observed ? output.noise_variance : 0.0);
          }
        }
      }
    }
  }
}

void GpPredictor::covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                             Workspace& workspace) const {
  check(X, -1, -1);
  const Index q = X.rows(), n = size();
  if (output < 0 || output >= outputs())
    throw UsageError(text("gp predictor: output ", output, " asked for, there are ", outputs()));
  if (covariance.rows() != q || covariance.cols() != q)
    throw UsageError(text("gp predictor: covariance is ", covariance.rows(), " × ", covariance.cols(),
                          ", expected ", q, " × ", q));
  const Output& o = state_.outputs[static_cast<std::size_t>(output)];
  const double noise_variance = noise == Noise::observed ? o.noise_variance : 0.0;
  if (o.correlation < 0) {
    covariance.setConstant(o.process_variance);
    covariance.diagonal().array() += noise_variance;
    return;
  }
  const auto& table = kernels::table();
  const Correlation& r = state_.correlations[static_cast<std::size_t>(o.correlation)];
  const Points points = training();
  const Index d = points.inputs, padded = kernels::panels_rounded(n);
  const Workspace::Frame frame(workspace);
  const double* x = scaled(X, workspace);
  double* column = workspace.take(q * d);
  for (Index a = 0; a < q; ++a)
    for (Index i = 0; i < d; ++i) column[i * q + a] = x[a * d + i];
  double* y = workspace.take(padded * q);
  double* missing = workspace.take(q);
  double* k = workspace.take(padded * solve_block);
  double* prior = workspace.take(q);
  for (Index v = 0; v < solve_block; ++v) std::fill(k + v * padded + n, k + (v + 1) * padded, 0.0);
  for (Index first = 0; first < q; first += solve_block) {
    const Index together = std::min(solve_block, q - first);
    for (Index v = 0; v < together; ++v) {
      kernel_->row(x + (first + v) * d, points, r.coefficients.data(), k + v * padded, workspace);
      missing[first + v] = 1.0 - table.dot(r.solved_ones.data(), k + v * padded, n);
    }
    table.panels_product(r.panels.data(), k, padded, n, together, y + first * padded);
  }
  for (Index a = 0; a < q; ++a) {
    kernel_->row(x + a * d, {column, q, q, d}, r.coefficients.data(), prior, workspace);
    for (Index b = 0; b <= a; ++b) {
      double left = prior[b] - table.dot(y + a * padded, y + b * padded, padded);
      if (a == b) left = std::max(left, 0.0);
      covariance(a, b) = covariance(b, a) =
          o.process_variance * (left + missing[a] * missing[b] / r.information);
    }
    covariance(a, a) += noise_variance;
  }
}

void GpPredictor::jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const {
  if (jacobian.rows() != outputs() || jacobian.cols() != inputs())
    throw UsageError(text("gp predictor: Jacobian is ", jacobian.rows(), " × ", jacobian.cols(),
                          ", expected ", outputs(), " × ", inputs(), " (outputs × inputs)"));
  const Workspace::Frame frame(workspace);
  const Points points = training();
  const Eigen::Map<const Matrix> point(x, 1, inputs());
  check(point, -1, -1);
  const double* u = scaled(point, workspace);
  double* gradient = workspace.take(points.inputs);
  jacobian.setZero();
  for (Index o = 0; o < outputs(); ++o) {
    const Index c = state_.outputs[static_cast<std::size_t>(o)].correlation;
    if (c < 0) continue;
    std::fill(gradient, gradient + points.inputs, 0.0);
    kernel_->jacobian(u, points, state_.correlations[static_cast<std::size_t>(c)].coefficients.data(),
                      state_.weights.row(o).data(), gradient, workspace);
    for (Index k = 0; k < points.inputs; ++k)
      jacobian(o, state_.active[static_cast<std::size_t>(k)]) = gradient[k] / state_.range[k];
  }
}

void GpPredictor::save(const h5::Group& group) const {
  const auto m = static_cast<Index>(state_.correlations.size()), n = size(), p = outputs();
  const auto parameters = kernel_->parameters();
  group.set("kernel", state_.kernel);
  group.set("inputs", static_cast<std::int64_t>(state_.inputs));
  group.write("active_inputs", std::vector<std::int64_t>(state_.active.begin(), state_.active.end()));
  group.write("input_lower", state_.lower);
  group.write("input_range", state_.range);
  group.write("points", state_.points);
  group.write("weights", state_.weights);
  Matrix outputs(p, 3);
  std::vector<std::int64_t> which;
  for (Index o = 0; o < p; ++o) {
    const Output& output = state_.outputs[static_cast<std::size_t>(o)];
    outputs.row(o) << output.mean, output.process_variance, output.noise_variance;
    which.push_back(output.correlation);
  }
  group.write("output_correlation", which);
  group.write("outputs", outputs);
  group.set_on("outputs", "columns", std::vector<std::string>{"mean", "process_variance", "noise_variance"});
  Matrix hyperparameters(m, parameters), coefficients(m, parameters), scalars(m, 3), ones(m, n);
  Matrix inverse(m, n * (n + 1) / 2);
  for (Index c = 0; c < m; ++c) {
    const Correlation& r = state_.correlations[static_cast<std::size_t>(c)];
    for (Index i = 0; i < parameters; ++i) {
      hyperparameters(c, i) = r.hyperparameters[static_cast<std::size_t>(i)];
      coefficients(c, i) = r.coefficients[static_cast<std::size_t>(i)];
    }
    scalars.row(c) << r.nugget, r.jitter, r.information;
    ones.row(c) = r.solved_ones.transpose();
    for (Index i = 0, at = 0; i < n; ++i)
      for (Index j = 0; j <= i; ++j, ++at) inverse(c, at) = r.panels[kernels::panels_index(i, j)];
  }
  group.write("log_hyperparameters", hyperparameters);
  group.write("coefficients", coefficients);
  group.write("correlations", scalars);
  group.set_on("correlations", "columns", std::vector<std::string>{"nugget", "jitter", "information"});
  group.write("solved_ones", ones);
  group.write("inverse_factor", inverse);
}

PredictorPtr GpPredictor::load(const h5::Group& group) {
  GpState s;
  const auto wrong = [&](const std::string& what) {
    return StorageError(text(group.where(), ": ", what, "; the file is damaged or from a newer version"));
  };
  s.kernel = group.get_string("kernel");
  s.inputs = static_cast<Index>(group.get_integer("inputs"));
  for (const auto i : group.read_integers("active_inputs")) {
    if (i < 0 || i >= s.inputs) throw wrong(text("active input ", i, " of ", s.inputs));
    s.active.push_back(static_cast<Index>(i));
  }
  const auto d = static_cast<Index>(s.active.size());
  s.lower = group.read_vector("input_lower", d);
  s.range = group.read_vector("input_range", d);
  s.points = group.read_matrix("points", d);
  const Index n = s.points.cols();
  s.weights = group.read_matrix("weights", -1, n);
  const Index p = s.weights.rows();
  KernelPtr kernel;
  try {
    kernel = make_kernel(s.kernel, d);
  } catch (const UsageError& e) {
    throw wrong(e.what());
  }
  const Index parameters = kernel->parameters();
  const Matrix scalars = group.read_matrix("correlations", -1, 3);
  const Index m = scalars.rows();
  const Matrix hyperparameters = group.read_matrix("log_hyperparameters", m, parameters);
  const Matrix coefficients = group.read_matrix("coefficients", m, parameters);
  const Matrix ones = group.read_matrix("solved_ones", m, n);
  const Matrix inverse = group.read_matrix("inverse_factor", m, n * (n + 1) / 2);
  for (Index c = 0; c < m; ++c) {
    Correlation r;
    r.hyperparameters.assign(hyperparameters.row(c).begin(), hyperparameters.row(c).end());
    r.coefficients.assign(coefficients.row(c).begin(), coefficients.row(c).end());
    r.nugget = scalars(c, 0);
    r.jitter = scalars(c, 1);
    r.information = scalars(c, 2);
    r.solved_ones = ones.row(c).transpose();
    r.panels = Vector::Zero(kernels::panels_size(n));
    for (Index i = 0, at = 0; i < n; ++i)
      for (Index j = 0; j <= i; ++j, ++at) r.panels[kernels::panels_index(i, j)] = inverse(c, at);
    s.correlations.push_back(std::move(r));
  }
  const auto which = group.read_integers("output_correlation", p);
  const Matrix outputs = group.read_matrix("outputs", p, 3);
  for (Index o = 0; o < p; ++o) {
    const auto c = static_cast<Index>(which[static_cast<std::size_t>(o)]);
    if (c < -1 || c >= m) throw wrong(text("output ", o, " uses correlation ", c, " of ", m));
    s.outputs.push_back({c, outputs(o, 0), outputs(o, 1), outputs(o, 2)});
  }
  return std::make_shared<GpPredictor>(std::move(s));
}

}  // namespace ersatz::gp

namespace ersatz {
PredictorPtr load_gp_predictor(const h5::Group& group) { return gp::GpPredictor::load(group); }
}  // namespace ersatz
