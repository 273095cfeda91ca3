#include "regression/gp/inducing_predictor.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/panels.hpp"
#include "regression/loaders.hpp"

namespace ersatz::gp {
namespace {

constexpr Index block = 48;  // points that share one reading of the factors

}  // namespace

/// Points in internal units, row by row, and the trend's functions there.
struct InducingPredictor::Scaled {
  const double* x;  // q × active
  const double* f;  // q × size of the trend
};

InducingPredictor::InducingPredictor(InducingState state)
    : state_(std::move(state)),
      kernel_(make_kernel(state_.kernel, state_.dimension())),
      trend_(state_.dimension(), state_.trend),
      members_(state_.sets.size()) {
  for (const InducingSet& set : state_.sets) largest_ = std::max(largest_, set.points.cols());
  for (Index o = 0; o < outputs(); ++o)
    if (const Index s = state_.outputs[static_cast<std::size_t>(o)].set; s >= 0)
      members_[static_cast<std::size_t>(s)].push_back(o);
}

Points InducingPredictor::points(const InducingSet& set) const {
  return {set.points.data(), set.points.cols(), set.points.cols(), set.points.rows()};
}

InducingPredictor::Scaled InducingPredictor::scale(ConstMatrixRef X, Workspace& workspace) const {
  const auto d = state_.dimension(), q = trend_.size();
  double* x = workspace.take(X.rows() * d);
  double* f = workspace.take(X.rows() * q);
  for (Index i = 0; i < X.rows(); ++i) {
    state_.scale(X.row(i).data(), x + i * d);
    trend_.evaluate(x + i * d, f + i * q, workspace);
  }
  return {x, f};
}

double InducingPredictor::mean_at(const InducingOutput& output, const double* k, const double* f) const {
  double trend = output.constant;
  for (Index t = 0; t < output.trend.size(); ++t) trend += output.trend[t] * f[t];
  return trend + kernels::table().dot(output.weights.data(), k, output.weights.size());
}

void InducingPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const {
  check_points(*this, X, mean);
  for (Index o = 0; o < outputs(); ++o)
    if (const auto& output = state_.outputs[static_cast<std::size_t>(o)]; output.set < 0)
      mean.col(o).setConstant(output.constant);
  const auto d = state_.dimension(), q = trend_.size();
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    const Scaled scaled = scale(X.middleRows(begin, count), workspace);
    double* k = workspace.take(largest_);
    for (std::size_t s = 0; s < members_.size(); ++s)
      for (Index i = 0; i < count; ++i) {
        const InducingSet& set = state_.sets[s];
        kernel_->row(scaled.x + i * d, points(set), set.coefficients.data(), k, workspace);
        for (const Index o : members_[s])
          mean(begin + i, o) = mean_at(state_.outputs[static_cast<std::size_t>(o)], k, scaled.f + i * q);
      }
  }
  check_predictions(*this, mean);
}

/// For `count` points from `first`, each with `padded` (size of the set, rounded) entries: k(x, Z),
/// left = L⁻¹ k, given = (L L_B)⁻¹ k, and q entries of missing = L_A⁻¹ (f - what the data explain of it).
void InducingPredictor::explain(const InducingSet& set, const Scaled& scaled, Index first, Index count,
                                double* k, double* left, double* given, double* missing,
                                Workspace& workspace) const {
  const auto& table = kernels::table();
  const Index m = set.points.cols(), padded = kernels::panels_rounded(m), d = set.points.rows(),
              q = trend_.size();
  for (Index i = 0; i < count; ++i) {
    double* ki = k + i * padded;
    kernel_->row(scaled.x + (first + i) * d, points(set), set.coefficients.data(), ki, workspace);
    std::fill(ki + m, ki + padded, 0.0);
    const Workspace::Frame frame(workspace);
    double* h = workspace.take(q);
    for (Index t = 0; t < q; ++t)
      h[t] = scaled.f[(first + i) * q + t] - table.dot(set.trend_weights.row(t).data(), ki, m);
    for (Index t = 0; t < q; ++t) {
      double sum = 0.0;
      for (Index u = 0; u <= t; ++u) sum += set.trend_inverse(t, u) * h[u];
      missing[i * q + t] = sum;
    }
  }
  table.panels_product(set.panels.data(), k, padded, m, count, left);
  table.panels_product(set.panels_given.data(), k, padded, m, count, given);
}

void InducingPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                          Workspace& workspace) const {
  check_points(*this, X, mean);
  check_points(*this, X, variance);
  const auto& table = kernels::table();
  const auto d = state_.dimension(), q = trend_.size();
  const bool observed = noise == Noise::observed;
  for (Index o = 0; o < outputs(); ++o)
    if (const auto& output = state_.outputs[static_cast<std::size_t>(o)]; output.set < 0) {
      mean.col(o).setConstant(output.constant);
      variance.col(o).setConstant(output.process_variance + (observed ? output.noise_variance : 0.0));
    }
  const Index most = kernels::panels_rounded(largest_);
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    const Scaled scaled = scale(X.middleRows(begin, count), workspace);
    double* columns = workspace.take(count * d);
    for (Index i = 0; i < count; ++i)
      for (Index k = 0; k < d; ++k) columns[k * count + i] = scaled.x[i * d + k];
    double* k = workspace.take(most * count);
    double* left = workspace.take(most * count);
    double* given = workspace.take(most * count);
    double* missing = workspace.take(q * count);
    double* prior = workspace.take(count);
    for (std::size_t s = 0; s < members_.size(); ++s) {
      const InducingSet& set = state_.sets[s];
      const Index padded = kernels::panels_rounded(set.points.cols());
      kernel_->diagonal({columns, count, count, d}, set.coefficients.data(), prior);
      explain(set, scaled, 0, count, k, left, given, missing, workspace);
      for (Index i = 0; i < count; ++i) {
        const auto square = [&](const double* v, Index size) {
          return table.dot(v + i * size, v + i * size, size);
        };
        const double correlation =
            std::max(prior[i] - square(left, padded), 0.0) + square(given, padded) + square(missing, q);
        for (const Index o : members_[s]) {
          const InducingOutput& output = state_.outputs[static_cast<std::size_t>(o)];
          mean(begin + i, o) = mean_at(output, k + i * padded, scaled.f + i * q);
          variance(begin + i, o) =
              output.process_variance * correlation + (observed ? output.noise_variance : 0.0);
        }
      }
    }
  }
  check_predictions(*this, mean);
  check_predictions(*this, variance);
}

void InducingPredictor::covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                                   Workspace& workspace) const {
  const Index rows = X.rows(), q = trend_.size();
  check_covariance(*this, X, output, covariance);
  const InducingOutput& o = state_.outputs[static_cast<std::size_t>(output)];
  const double noise_variance = noise == Noise::observed ? o.noise_variance : 0.0;
  if (o.set < 0) {
    covariance.setConstant(o.process_variance);
    covariance.diagonal().array() += noise_variance;
    return;
  }
  const auto& table = kernels::table();
  const InducingSet& set = state_.sets[static_cast<std::size_t>(o.set)];
  const Index d = set.points.rows(), padded = kernels::panels_rounded(set.points.cols());
  const Workspace::Frame frame(workspace);
  const Scaled scaled = scale(X, workspace);
  double* columns = workspace.take(rows * d);
  for (Index i = 0; i < rows; ++i)
    for (Index k = 0; k < d; ++k) columns[k * rows + i] = scaled.x[i * d + k];
  double* left = workspace.take(padded * rows);
  double* given = workspace.take(padded * rows);
  double* missing = workspace.take(q * rows);
  double* prior = workspace.take(rows);
  double* k = workspace.take(padded * std::min(block, rows));
  for (Index first = 0; first < rows; first += block)
    explain(set, scaled, first, std::min(block, rows - first), k, left + first * padded,
            given + first * padded, missing + first * q, workspace);
  for (Index a = 0; a < rows; ++a) {
    kernel_->row(scaled.x + a * d, {columns, rows, rows, d}, set.coefficients.data(), prior, workspace);
    for (Index b = 0; b <= a; ++b) {
      const auto product = [&](const double* v, Index size) {
        return table.dot(v + a * size, v + b * size, size);
      };
      double conditional = prior[b] - product(left, padded);
      if (a == b) conditional = std::max(conditional, 0.0);
      covariance(a, b) = covariance(b, a) =
          o.process_variance * (conditional + product(given, padded) + product(missing, q));
    }
    covariance(a, a) += noise_variance;
  }
  check_predictions(*this, covariance);
}

void InducingPredictor::jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const {
  check_derivatives(*this, x, jacobian);
  const Eigen::Map<const Matrix> point(x, 1, inputs());
  const Workspace::Frame frame(workspace);
  const auto d = state_.dimension(), q = trend_.size();
  const Scaled scaled = scale(point, workspace);
  double* slopes = workspace.take(d * q);
  double* gradient = workspace.take(d);
  trend_.derivatives(scaled.x, slopes, workspace);
  jacobian.setZero();
  for (Index o = 0; o < outputs(); ++o) {
    const InducingOutput& output = state_.outputs[static_cast<std::size_t>(o)];
    if (output.set < 0) continue;
    const InducingSet& set = state_.sets[static_cast<std::size_t>(output.set)];
    for (Index k = 0; k < d; ++k) {
      gradient[k] = 0.0;
      for (Index t = 0; t < q; ++t) gradient[k] += slopes[k * q + t] * output.trend[t];
    }
    kernel_->jacobian(scaled.x, points(set), set.coefficients.data(), output.weights.data(), gradient,
                      workspace);
    state_.unscale(gradient, 1.0, jacobian.row(o));
  }
}

void InducingPredictor::save(const h5::Group& group) const {
  group.set("kernel", state_.kernel);
  state_.InputFrame::save(group);
  group.set("trend_degree", static_cast<std::int64_t>(state_.trend));
  group.set("sets", static_cast<std::int64_t>(state_.sets.size()));
  const Index p = outputs(), q = trend_.size();
  Matrix scalars(p, 3), trend = Matrix::Zero(p, q);
  std::vector<std::int64_t> which;
  for (Index o = 0; o < p; ++o) {
    const InducingOutput& output = state_.outputs[static_cast<std::size_t>(o)];
    scalars.row(o) << output.constant, output.process_variance, output.noise_variance;
    if (output.set >= 0) trend.row(o) = output.trend.transpose();
    which.push_back(output.set);
  }
  group.write("output_set", which);
  group.write("outputs", scalars);
  group.set_on("outputs", "columns",
               std::vector<std::string>{"constant", "process_variance", "noise_variance"});
  group.write("trend", trend);
  for (std::size_t s = 0; s < state_.sets.size(); ++s) {
    const InducingSet& set = state_.sets[s];
    const h5::Group part = group.create_group(text("set", s));
    const Index m = set.points.cols();
    part.set("log_hyperparameters", set.hyperparameters);
    part.set("coefficients", set.coefficients);
    part.set("nugget", set.nugget);
    part.set("jitter", set.jitter);
    part.write("points", set.points);
    part.write("trend_weights", set.trend_weights);
    part.write("trend_inverse", set.trend_inverse);
    Matrix weights(static_cast<Index>(members_[s].size()), m);
    for (Index i = 0; i < weights.rows(); ++i)
      weights.row(i) = state_.outputs[static_cast<std::size_t>(members_[s][static_cast<std::size_t>(i)])]
                           .weights.transpose();
    part.write("weights", weights);
    Matrix factors(2, m * (m + 1) / 2);
    pack_panels(set.panels, m, factors.row(0).data());
    pack_panels(set.panels_given, m, factors.row(1).data());
    part.write("inverse_factors", factors);
  }
}

PredictorPtr InducingPredictor::load(const h5::Group& group) {
  InducingState s;
  static_cast<InputFrame&>(s) = InputFrame::load(group);
  s.kernel = group.get_string("kernel");
  s.trend = static_cast<Index>(group.get_integer("trend_degree"));
  const Index d = s.dimension();
  const Structure structure = read_structure(group, s.kernel, s.trend, d);
  const Index parameters = structure.kernel->parameters(), q = structure.trend.size();
  const auto which = group.read_integers("output_set");
  const auto p = static_cast<Index>(which.size());
  const auto sets = static_cast<Index>(group.get_integer("sets"));
  const Matrix scalars = group.read_matrix("outputs", p, 3), trend = group.read_matrix("trend", p, q);
  for (Index o = 0; o < p; ++o) {
    const auto set = static_cast<Index>(which[static_cast<std::size_t>(o)]);
    if (set < -1 || set >= sets) throw damaged(group, text("output ", o, " uses set ", set, " of ", sets));
    InducingOutput output;
    output.set = set;
    if (set >= 0) output.trend = trend.row(o).transpose();
    output.constant = scalars(o, 0);
    output.process_variance = scalars(o, 1);
    output.noise_variance = scalars(o, 2);
    s.outputs.push_back(std::move(output));
  }
  for (Index i = 0; i < sets; ++i) {
    const h5::Group part = group.group(text("set", i));
    InducingSet set;
    set.hyperparameters = part.get_doubles("log_hyperparameters");
    set.coefficients = part.get_doubles("coefficients");
    if (static_cast<Index>(set.coefficients.size()) != parameters ||
        static_cast<Index>(set.hyperparameters.size()) != parameters)
      throw damaged(
          group, text("set ", i, " has ", set.coefficients.size(), " coefficients, expected ", parameters));
    set.nugget = part.get_double("nugget");
    set.jitter = part.get_double("jitter");
    set.points = part.read_matrix("points", d);
    const Index m = set.points.cols();
    set.trend_weights = part.read_matrix("trend_weights", q, m);
    set.trend_inverse = part.read_matrix("trend_inverse", q, q);
    const Matrix factors = part.read_matrix("inverse_factors", 2, m * (m + 1) / 2);
    set.panels = unpack_panels(factors.row(0).data(), m);
    set.panels_given = unpack_panels(factors.row(1).data(), m);
    const Matrix weights = part.read_matrix("weights", -1, m);
    Index row = 0;
    for (InducingOutput& output : s.outputs)
      if (output.set == i) {
        if (row == weights.rows())
          throw damaged(group, text("set ", i, " has weights of ", row, " outputs only"));
        output.weights = weights.row(row++).transpose();
      }
    s.sets.push_back(std::move(set));
  }
  return std::make_shared<InducingPredictor>(std::move(s));
}

}  // namespace ersatz::gp

namespace ersatz {
PredictorPtr load_inducing_predictor(const h5::Group& group) { return gp::InducingPredictor::load(group); }
}  // namespace ersatz
