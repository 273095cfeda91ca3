#include "regression/gp/vecchia_predictor.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {

constexpr Index lanes = kernels::lane_count;

VecchiaPredictor::VecchiaPredictor(VecchiaState state) : state_(std::move(state)) {
  const auto d = state_.dimension();
  if (state_.groups.empty()) return;
  kernel_ = make_kernel(state_.kernel, d);
  trend_ = Trend(d, state_.mean_degree);
  searches_.resize(state_.groups.size());
  for (std::size_t g = 0; g < searches_.size(); ++g) {
    const double* theta = state_.groups[g].hyperparameters.data();
    Search& s = searches_[g];
    s.coefficients.resize(static_cast<std::size_t>(kernel_->parameters()));
    kernel_->prepare(theta, s.coefficients.data());
    s.metric = vecchia_metric(*kernel_, theta);
    s.points = state_.points * s.metric.asDiagonal();
    s.tree = make_neighbour_tree(s.points.data(), s.points.rows(), d);
  }
}

VecchiaModel VecchiaPredictor::model(std::size_t g) const {
  const VecchiaGroup& group = state_.groups[g];
  return {kernel_.get(), searches_[g].coefficients.data(), group.nugget + group.jitter,
          group.noise.size() > 0 ? group.noise.data() : nullptr, state_.points.data()};
}

/// Row numbers of the `count` points nearest to x.
void VecchiaPredictor::find(std::size_t g, const double* x, Index count, double* rows,
                            Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const auto d = state_.dimension();
  double* z = workspace.take(d);
  double* squared = workspace.take(count);
  // So far away all are equally far: no overflow on the way to that.
  for (Index k = 0; k < d; ++k) z[k] = std::clamp(x[k] * searches_[g].metric[k], -1e100, 1e100);
  searches_[g].tree->nearest(z, count, squared, rows);
}

/// Eight points or fewer, x: count × active, each on its nearest neighbours.
void VecchiaPredictor::condition_on_nearest(std::size_t g, const double* x, Index count,
                                            std::int32_t* neighbours, VecchiaBlock& block,
                                            Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index m = state_.neighbours, d = block.d;
  double* rows = workspace.take(m);
  const double* targets[lanes] = {};
  for (Index l = 0; l < count; ++l) {
    targets[l] = x + l * d;
    find(g, targets[l], m, rows, workspace);
    for (Index j = 0; j < m; ++j) neighbours[l * m + j] = static_cast<std::int32_t>(rows[j]);
    block.neighbours[l] = neighbours + l * m;
    block.counts[l] = m;
  }
  condition(model(g), targets, count, nullptr, block, workspace);
}

/// f(x) - F_Nᵀ w: what the neighbours do not say about the mean.
void VecchiaPredictor::missing_mean(std::size_t g, const VecchiaBlock& block, Index lane, const double* x,
                                    double* missing, Workspace& workspace) const {
  const Index q = state_.groups[g].mean.rows();
  if (q == 0) return;
  trend_.evaluate(x, missing, workspace);
  if (q == 1) {
    for (Index j = 0; j < block.counts[lane]; ++j) missing[0] -= block.weights[j * lanes + lane];
    return;
  }
  const Workspace::Frame frame(workspace);
  double* f = workspace.take(q);
  for (Index j = 0; j < block.counts[lane]; ++j) {
    trend_.evaluate(state_.points.data() + block.neighbours[lane][j] * block.d, f, workspace);
    for (Index k = 0; k < q; ++k) missing[k] -= block.weights[j * lanes + lane] * f[k];
  }
}

double VecchiaPredictor::mean_uncertainty(std::size_t g, const double* a, const double* b) const {
  const Matrix& covariance = state_.groups[g].mean_covariance;
  double sum = 0.0;
  for (Index i = 0; i < covariance.rows(); ++i)
    for (Index j = 0; j < covariance.cols(); ++j) sum += a[i] * covariance(i, j) * b[j];
  return sum;
}

void VecchiaPredictor::predict(ConstMatrixRef X, MatrixRef mean, MatrixRef* variance, Noise noise,
                               Workspace& workspace) const {
  check_points(*this, X, mean);
  const Workspace::Frame frame(workspace);
  const auto d = state_.dimension();
  const Index m = state_.neighbours;
  const bool observed = noise == Noise::observed;
  for (Index i = 0; i < X.rows(); ++i) {
    mean.row(i) = state_.constant.transpose();
    if (!variance) continue;
    variance->row(i) = state_.constant_variance.transpose();
    if (observed) variance->row(i) += state_.constant_noise.transpose();
  }
  if (state_.groups.empty()) return;
  VecchiaBlock block(m, d, workspace);
  std::int32_t* neighbours = take_rows(workspace, lanes * m);
  double* x = workspace.take(lanes * d);
  double* missing = workspace.take(std::max<Index>(trend_.size(), 1));
  double* f = workspace.take(std::max<Index>(trend_.size(), 1));
  for (Index first = 0; first < X.rows(); first += lanes) {
    const Index count = std::min(lanes, X.rows() - first);
    for (Index l = 0; l < count; ++l) state_.scale(X.data() + (first + l) * X.outerStride(), x + l * d);
    for (std::size_t g = 0; g < state_.groups.size(); ++g) {
      const VecchiaGroup& group = state_.groups[g];
      const auto p = static_cast<Index>(group.outputs.size());
      const Workspace::Frame inner(workspace);
      double* sums = workspace.take(p);
      condition_on_nearest(g, x, count, neighbours, block, workspace);
      for (Index l = 0; l < count; ++l) {
        std::fill_n(sums, p, 0.0);
        for (Index j = 0; j < m; ++j) {
          const double w = block.weights[j * lanes + l];
          const double* value = group.values.data() + block.neighbours[l][j] * p;
          for (Index o = 0; o < p; ++o) sums[o] += w * value[o];
        }
        if (trend_.size() > 0) trend_.evaluate(x + l * d, f, workspace);
        for (Index k = 0; k < trend_.size(); ++k)
          for (Index o = 0; o < p; ++o) sums[o] += f[k] * group.mean(k, o);
        for (Index o = 0; o < p; ++o) mean(first + l, group.outputs[static_cast<std::size_t>(o)]) += sums[o];
        if (!variance) continue;
        missing_mean(g, block, l, x + l * d, missing, workspace);
        const double correlation = std::max(block.variance[l], 0.0) + mean_uncertainty(g, missing, missing);
        for (Index o = 0; o < p; ++o)
          (*variance)(first + l, group.outputs[static_cast<std::size_t>(o)]) =
              group.process_variance[o] * correlation + (observed ? group.noise_variance[o] : 0.0);
      }
    }
  }
  check_predictions(*this, mean);
  if (variance) check_predictions(*this, *variance);
}

void VecchiaPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const {
  predict(X, mean, nullptr, Noise::latent, workspace);
}

void VecchiaPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                         Workspace& workspace) const {
  check_points(*this, X, variance);
  predict(X, mean, &variance, noise, workspace);
}

// The error of point a is f(a) - w_aᵀ y_N(a): their covariances follow from those of the process.
void VecchiaPredictor::covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                                  Workspace& workspace) const {
  const Index size = X.rows(), m = state_.neighbours;
  const auto d = state_.dimension();
  check_covariance(*this, X, output, covariance);
  const Workspace::Frame frame(workspace);
  const double own_noise = noise == Noise::observed ? state_.constant_noise[output] : 0.0;
  covariance.setConstant(state_.constant_variance[output]);
  covariance.diagonal().array() += own_noise;
  for (std::size_t g = 0; g < state_.groups.size(); ++g) {
    const VecchiaGroup& group = state_.groups[g];
    const auto at = std::find(group.outputs.begin(), group.outputs.end(), output);
    if (at == group.outputs.end()) continue;
    const double variance = group.process_variance[at - group.outputs.begin()];
    const VecchiaModel own_model = model(g);
    const Index q = trend_.size(), stride = m + 1;
    // Each point's own neighbours and itself, and what they count for: -w and 1.
    double* columns = workspace.take(size * d * stride);
    double* v = workspace.take(size * stride);
    double* missing = workspace.take(std::max<Index>(size * q, 1));
    double* own = workspace.take(size);
    double* x = workspace.take(lanes * d);
    double* k = workspace.take(stride);
    std::int32_t* neighbours = take_rows(workspace, lanes * m);
    std::int32_t* rows = take_rows(workspace, size * m);
    VecchiaBlock block(m, d, workspace);
    for (Index first = 0; first < size; first += lanes) {
      const Index count = std::min(lanes, size - first);
      for (Index l = 0; l < count; ++l) state_.scale(X.data() + (first + l) * X.outerStride(), x + l * d);
      condition_on_nearest(g, x, count, neighbours, block, workspace);
      for (Index l = 0; l < count; ++l) {
        const Index a = first + l;
        std::copy_n(block.columns + l * d * stride, d * stride, columns + a * d * stride);
        std::copy_n(neighbours + l * m, m, rows + a * m);
        for (Index j = 0; j < m; ++j) v[a * stride + j] = -block.weights[j * lanes + l];
        v[a * stride + m] = 1.0;
        missing_mean(g, block, l, x + l * d, missing + a * q, workspace);
        own[a] = std::max(block.variance[l], 0.0);
      }
    }
    for (Index a = 0; a < size; ++a) {
      const Points of_a{columns + a * d * stride, stride, stride, d};
      for (Index b = 0; b <= a; ++b) {
        const Points of_b{columns + b * d * stride, stride, stride, d};
        double sum = 0.0;
        for (Index i = 0; a != b && i < stride; ++i) {
          of_a.gather(i, x);
          kernel_->row(x, of_b, searches_[g].coefficients.data(), k, workspace);
          for (Index j = 0; j < m && i < m; ++j)
            if (rows[a * m + i] == rows[b * m + j]) k[j] += own_model.diagonal(rows[a * m + i]);
          double part = 0.0;
          for (Index j = 0; j < stride; ++j) part += k[j] * v[b * stride + j];
          sum += part * v[a * stride + i];
        }
        if (a == b) sum = own[a];
        sum += mean_uncertainty(g, missing + a * q, missing + b * q);
        covariance(a, b) = covariance(b, a) = variance * sum;
      }
      if (noise == Noise::observed) covariance(a, a) += group.noise_variance[at - group.outputs.begin()];
    }
  }
  check_predictions(*this, covariance);
}

void VecchiaPredictor::jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const {
  check_derivatives(*this, x, jacobian);
  const Workspace::Frame frame(workspace);
  jacobian.setZero();
  if (state_.groups.empty()) return;
  const auto d = state_.dimension();
  const Index m = state_.neighbours, q = trend_.size();
  VecchiaBlock block(m, d, workspace);
  std::int32_t* neighbours = take_rows(workspace, lanes * m);
  double* u = workspace.take(d);
  double* solved = workspace.take(lanes * m);
  double* weight = workspace.take(m);
  double* gradient = workspace.take(d);
  double* derivatives = workspace.take(std::max<Index>(d * q, 1));
  state_.scale(x, u);
  trend_.derivatives(u, derivatives, workspace);
  for (std::size_t g = 0; g < state_.groups.size(); ++g) {
    const VecchiaGroup& group = state_.groups[g];
    const auto p = static_cast<Index>(group.outputs.size());
    condition_on_nearest(g, u, 1, neighbours, block, workspace);
    for (Index o = 0; o < p; ++o) {
      std::fill_n(solved, lanes * m, 0.0);
      for (Index j = 0; j < m; ++j) solved[j * lanes] = group.values(neighbours[j], o);
      kernels::table().lanes_forward(block.triangle, m, solved);
      kernels::table().lanes_backward(block.triangle, m, solved);
      for (Index j = 0; j < m; ++j) weight[j] = solved[j * lanes];
      std::fill_n(gradient, d, 0.0);
      kernel_->jacobian(u, block.local(0, m), searches_[g].coefficients.data(), weight, gradient, workspace);
      for (Index k = 0; k < d; ++k)
        for (Index r = 0; r < q; ++r) gradient[k] += derivatives[k * q + r] * group.mean(r, o);
      state_.unscale(gradient, 1.0, jacobian.row(group.outputs[static_cast<std::size_t>(o)]));
    }
  }
}

void VecchiaPredictor::leave_out(Index first, Index last, MatrixRef residual, MatrixRef variance,
                                 Workspace& workspace) const {
  residual.setZero();
  variance.setZero();
  if (state_.groups.empty()) return;
  const Workspace::Frame frame(workspace);
  const auto d = state_.dimension();
  const Index n = state_.points.rows(), m = std::min(state_.neighbours, n - 1);
  VecchiaBlock block(m, d, workspace);
  std::int32_t* neighbours = take_rows(workspace, lanes * m);
  double* rows = workspace.take(m + 1);
  double* missing = workspace.take(std::max<Index>(trend_.size(), 1));
  for (std::size_t g = 0; g < state_.groups.size(); ++g) {
    const VecchiaGroup& group = state_.groups[g];
    const auto p = static_cast<Index>(group.outputs.size());
    for (Index begin = first; begin < last; begin += lanes) {
      const Index count = std::min(lanes, last - begin);
      const double* targets[lanes] = {};
      for (Index l = 0; l < count; ++l) {
        const Index i = begin + l;
        targets[l] = state_.points.data() + i * d;
        find(g, targets[l], m + 1, rows, workspace);
        Index kept = 0;
        for (Index j = 0; j <= m && kept < m; ++j)
          if (const auto row = static_cast<std::int32_t>(rows[j]); row != i) neighbours[l * m + kept++] = row;
        block.neighbours[l] = neighbours + l * m;
        block.counts[l] = kept;
      }
      condition(model(g), targets, count, nullptr, block, workspace);
      for (Index l = 0; l < count; ++l) {
        missing_mean(g, block, l, targets[l], missing, workspace);
        const double correlation = std::max(block.variance[l], 0.0) + mean_uncertainty(g, missing, missing);
        const double noise = group.nugget + (group.noise.size() > 0 ? group.noise[begin + l] : 0.0);
        for (Index o = 0; o < p; ++o) {
          double sum = group.values(begin + l, o);
          for (Index j = 0; j < m; ++j)
            sum -= block.weights[j * lanes + l] * group.values(block.neighbours[l][j], o);
          const Index output = group.outputs[static_cast<std::size_t>(o)];
          residual(begin + l - first, output) = sum;
          variance(begin + l - first, output) = group.process_variance[o] * (correlation + noise);
        }
      }
    }
  }
}

void VecchiaPredictor::save(const h5::Group& group) const {
  group.set("kernel", state_.kernel);
  state_.InputFrame::save(group);
  group.set("mean_degree", static_cast<std::int64_t>(state_.mean_degree));
  group.set("neighbours", static_cast<std::int64_t>(state_.neighbours));
  group.set("groups", static_cast<std::int64_t>(state_.groups.size()));
  group.write("points", ConstMatrixRef(state_.points));
  group.write("constant", state_.constant);
  group.write("constant_variance", state_.constant_variance);
  group.write("constant_noise", state_.constant_noise);
  for (std::size_t g = 0; g < state_.groups.size(); ++g) {
    const VecchiaGroup& from = state_.groups[g];
    const h5::Group to = group.create_group(text("group", g));
    to.set("nugget", from.nugget);
    to.set("jitter", from.jitter);
    to.write("outputs", std::vector<std::int64_t>(from.outputs.begin(), from.outputs.end()));
    to.write("log_hyperparameters",
             Vector(Eigen::Map<const Vector>(from.hyperparameters.data(),
                                             static_cast<Index>(from.hyperparameters.size()))));
    to.write("mean", ConstMatrixRef(from.mean));
    to.write("mean_covariance", ConstMatrixRef(from.mean_covariance));
    to.write("process_variance", from.process_variance);
    to.write("noise_variance", from.noise_variance);
    to.write("noise", from.noise);
    to.write("values", ConstMatrixRef(from.values));
  }
}

PredictorPtr load_vecchia_predictor(const h5::Group& group) {
  VecchiaState s;
  static_cast<InputFrame&>(s) = InputFrame::load(group);
  s.kernel = group.get_string("kernel");
  s.mean_degree = static_cast<Index>(group.get_integer("mean_degree"));
  s.neighbours = static_cast<Index>(group.get_integer("neighbours"));
  const Index d = s.dimension();
  s.points = group.read_matrix("points", -1, d);
  s.constant = group.read_vector("constant");
  const Index n = s.points.rows(), outputs = s.constant.size();
  s.constant_variance = group.read_vector("constant_variance", outputs);
  s.constant_noise = group.read_vector("constant_noise", outputs);
  if (!s.points.allFinite()) throw damaged(group, "not all points are finite");
  const auto groups = group.get_integer("groups");
  if (groups > 0 && (s.neighbours < 1 || s.neighbours > n))
    throw damaged(group, text("neighbours is ", s.neighbours, ", there are ", n, " points"));
  const Structure structure = groups > 0 ? read_structure(group, s.kernel, s.mean_degree, d) : Structure();
  const Index q = structure.trend.size();
  for (std::int64_t g = 0; g < groups; ++g) {
    const h5::Group from = group.group(text("group", g));
    VecchiaGroup to;
    to.nugget = from.get_double("nugget");
    to.jitter = from.get_double("jitter");
    for (const auto o : from.read_integers("outputs")) {
      if (o < 0 || o >= outputs) throw damaged(group, text("output ", o, " of ", outputs));
      to.outputs.push_back(static_cast<Index>(o));
    }
    const auto p = static_cast<Index>(to.outputs.size());
    const Vector theta = from.read_vector("log_hyperparameters", structure.kernel->parameters());
    to.hyperparameters.assign(theta.begin(), theta.end());
    to.mean = from.read_matrix("mean", q, p);
    to.mean_covariance = from.read_matrix("mean_covariance", q, q);
    to.process_variance = from.read_vector("process_variance", p);
    to.noise_variance = from.read_vector("noise_variance", p);
    to.noise = from.read_vector("noise");
    if (to.noise.size() != 0 && to.noise.size() != n)
      throw damaged(group, text(to.noise.size(), " noise variances for ", n, " points"));
    to.values = from.read_matrix("values", n, p);
    s.groups.push_back(std::move(to));
  }
  return std::make_shared<VecchiaPredictor>(std::move(s));
}

}  // namespace ersatz::gp
