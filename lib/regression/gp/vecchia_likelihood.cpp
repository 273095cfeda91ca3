#include "regression/gp/vecchia_likelihood.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <cstring>

#include "regression/gp/vecchia_block.hpp"
#include "regression/gp/vecchia_order.hpp"

namespace ersatz::gp {
namespace {

constexpr double two_pi = 6.283185307179586476925;
constexpr Index chunk = 256;  // points of one task
constexpr Index lanes = kernels::lane_count;

Index chunks(Index n) { return (n + chunk - 1) / chunk; }

/// Conditions points `first` … of the data on their predecessors; returns how many.
Index condition_next(const VecchiaModel& model, const VecchiaData& data, Index first, Index last,
                     VecchiaBlock& block, Workspace& workspace) {
  const Index m = data.neighbours, count = std::min(lanes, last - first);
  const double* targets[lanes] = {};
  double noise[lanes] = {};
  for (Index l = 0; l < count; ++l) {
    noise[l] = model.diagonal(first + l);
    targets[l] = data.x.data() + (first + l) * data.x.cols();
    block.neighbours[l] = data.preceding.data() + (first + l) * m;
    block.counts[l] = std::min(m, first + l);
  }
  condition(model, targets, count, noise, block, workspace);
  return count;
}

}  // namespace

VecchiaData order_for_vecchia(ConstMatrixRef x, ConstMatrixRef y, const Vector& noise, const Vector& metric,
                              Index neighbours, Executor& executor) {
  const Index n = x.rows(), d = x.cols();
  Matrix z = x * metric.asDiagonal();
  const MaximinOrder order = maximin_order(z.data(), n, d);
  VecchiaData data;
  data.neighbours = std::min(neighbours, n - 1);
  data.x.resize(n, d);
  data.y.resize(n, y.cols());
  data.noise.resize(noise.size());
  for (Index i = 0; i < n; ++i) {
    const Index row = order.order[static_cast<std::size_t>(i)];
    data.x.row(i) = x.row(row);
    data.y.row(i) = y.row(row);
    if (noise.size() > 0) data.noise[i] = noise[row];
  }
  z = data.x * metric.asDiagonal();
  data.preceding = preceding_neighbours(z.data(), n, d, data.neighbours, executor);
  return data;
}

VecchiaLikelihood::VecchiaLikelihood(KernelPtr kernel, const VecchiaData& data,
                                     const ObjectiveOptions& options, Executor& executor)
    : kernel_(std::move(kernel)),
      data_(data),
      f_(Trend(data.x.cols(), options.trend).matrix(data.x)),
      options_(options),
      prior_(options.priors, *kernel_, data.x.rows(), options.nugget ? -1 : kernel_->parameters(),
             data.noise.size() > 0 ? kernel_->parameters() + (options.nugget ? 0 : 1) : -1),
      executor_(executor),
      coefficients_(static_cast<std::size_t>(kernel_->parameters())) {}

VecchiaModel VecchiaLikelihood::model(double nugget) const {
  return {kernel_.get(), coefficients_.data(), nugget + options_.jitter,
          known_noise() ? noise_.data() : nullptr, data_.x.data()};
}

bool VecchiaLikelihood::whiten(double nugget, double* log_determinant) {
  const Index n = data_.x.rows(), p = data_.y.cols(), q = f_.cols(), m = data_.neighbours;
  const std::vector<Bytes> parts = executor_.map(chunks(n), [&](Index task) {
    const Index begin = task * chunk, end = std::min(n, begin + chunk);
    const VecchiaModel model = this->model(nugget);
    Workspace workspace;
    VecchiaBlock block(m, data_.x.cols(), workspace);
    std::vector<double> out(static_cast<std::size_t>(1 + (end - begin) * (p + q)));
    double& log_sum = out[0];
    for (Index first = begin; first < end; first += lanes) {
      const Index count = condition_next(model, data_, first, end, block, workspace);
      for (Index l = 0; l < count; ++l) {
        const Index i = first + l;
        const double own = block.triangle[kernels::lanes_index(m, m) + l];
        if (own == 0.0) return Bytes();  // nothing is left of its variance: no density here
        log_sum += std::log(block.variance[l]);
        double* row = out.data() + 1 + (i - begin) * (p + q);
        std::copy_n(data_.y.data() + i * p, p, row);
        for (Index k = 0; k < q; ++k) row[p + k] = f_(i, k);
        for (Index j = 0; j < block.counts[l]; ++j) {
          const Index neighbour = block.neighbours[l][j];
          const double w = block.weights[j * lanes + l];
          const double* y = data_.y.data() + neighbour * p;
          for (Index o = 0; o < p; ++o) row[o] -= w * y[o];
          for (Index k = 0; k < q; ++k) row[p + k] -= w * f_(neighbour, k);
        }
        for (Index c = 0; c < p + q; ++c) row[c] *= own;
      }
    }
    return to_bytes(out);
  });
  white_.resize(n, p + q);
  *log_determinant = 0.0;
  for (Index task = 0; task < chunks(n); ++task) {
    const Bytes& part = parts[static_cast<std::size_t>(task)];
    if (part.empty()) return false;
    double log_sum = 0.0;
    std::memcpy(&log_sum, part.data(), sizeof(double));
    *log_determinant += log_sum;
    std::memcpy(white_.data() + task * chunk * (p + q), part.data() + sizeof(double),
                part.size() - sizeof(double));
  }
  return std::isfinite(*log_determinant);
}

bool VecchiaLikelihood::concentrate(double* log_information) {
  const Index n = white_.rows(), p = data_.y.cols(), q = f_.cols();
  const auto f = white_.rightCols(q);
  auto e = white_.leftCols(p);
  const double freedom = static_cast<double>(options_.estimator == Estimator::restricted ? n - q : n);
  *log_information = 0.0;
  concentrated_.mean.resize(q, p);
  concentrated_.mean_covariance.resize(q, q);
  if (q > 0) {
    const Eigen::MatrixXd information = f.transpose() * f;
    const Eigen::LLT<Eigen::MatrixXd> factor(information);
    const Vector diagonal = factor.matrixLLT().diagonal();
    if (factor.info() != Eigen::Success || !diagonal.allFinite() ||
        !(diagonal.minCoeff() > 1e-8 * diagonal.maxCoeff()))
      return false;
    *log_information = 2.0 * diagonal.array().log().sum();
    concentrated_.mean = factor.solve(Eigen::MatrixXd(f.transpose() * e));
    concentrated_.mean_covariance = factor.solve(Eigen::MatrixXd::Identity(q, q));
    e -= f * concentrated_.mean;
  }
  if (!known_noise()) concentrated_.variance = e.colwise().squaredNorm().transpose() / freedom;
  return concentrated_.variance.allFinite() && concentrated_.variance.minCoeff() > 0.0;
}

bool VecchiaLikelihood::compute(const double* parameters, double* value, double* gradient) {
  const Index n = data_.x.rows(), p = data_.y.cols(), q = f_.cols(), count = kernel_->parameters();
  kernel_->prepare(parameters, coefficients_.data());
  const double nugget = options_.nugget ? *options_.nugget : std::exp(parameters[count]);
  double log_determinant = 0.0, log_information = 0.0;
  if (known_noise()) {
    const double variance = std::exp(parameters[this->parameters() - 1]);
    concentrated_.variance = Vector::Constant(p, variance);
    noise_ = data_.noise / variance;
  }
  if (!whiten(nugget, &log_determinant) || !concentrate(&log_information)) return false;
  const bool restricted = options_.estimator == Estimator::restricted;
  const double freedom = static_cast<double>(restricted ? n - q : n);
  double sum = static_cast<double>(p) * log_determinant;
  double by_variance = 0.0;
  for (Index o = 0; o < p; ++o) {
    const double squares = white_.col(o).squaredNorm() / concentrated_.variance[o];
    sum += freedom * std::log(two_pi * concentrated_.variance[o]) + squares;
    by_variance += 0.5 * (freedom - squares);
  }
  if (restricted) sum += static_cast<double>(p) * log_information;
  *value = 0.5 * sum;
  if (gradient) {
    differentiate(nugget, gradient);
    if (known_noise()) gradient[this->parameters() - 1] += by_variance;
  }
  prior_.subtract(parameters, value, gradient);
  return std::isfinite(*value);
}

// With v = (-w, 1) over the neighbours and the point itself, Σ their covariance, d = vᵀ Σ v, ε = vᵀ (y - F β)
// and g = Fᵀ v: ∂d = vᵀ ∂Σ v, ∂ε = -(R_NN⁻¹ (y - F β)_N)ᵀ (∂Σ v)_N, ∂g alike, and β and the process variances
// are at their optimum. All of them together are cᵀ ∂Σ v with one vector c, for any number of outputs: one
// solve, and one pass over the kernel's derivatives with the weights of the symmetric part of c vᵀ.
void VecchiaLikelihood::differentiate(double nugget, double* gradient) const {
  const Index n = data_.x.rows(), p = data_.y.cols(), q = f_.cols(), m = data_.neighbours;
  const Index count = kernel_->parameters();
  const bool restricted = options_.estimator == Estimator::restricted;
  const double outputs = static_cast<double>(p);
  const std::vector<Bytes> parts = executor_.map(chunks(n), [&](Index task) {
    const Index begin = task * chunk, end = std::min(n, begin + chunk);
    const VecchiaModel model = this->model(nugget);
    Workspace workspace;
    VecchiaBlock block(m, data_.x.cols(), workspace);
    double* solved = workspace.take(lanes * std::max<Index>(m, 1));
    double* weight = workspace.take(m + 1);
    double* c = workspace.take(m + 1);
    double* v = workspace.take(m + 1);
    double* x = workspace.take(data_.x.cols());
    double* by_output = workspace.take(p);
    double* by_mean = workspace.take(std::max<Index>(q, 1));
    double own[lanes] = {};
    std::vector<double> out(static_cast<std::size_t>(parameters()), 0.0);
    for (Index first = begin; first < end; first += lanes) {
      const Index size = condition_next(model, data_, first, end, block, workspace);
      std::fill_n(solved, lanes * m, 0.0);
      for (Index l = 0; l < size; ++l) {
        const Index i = first + l;
        const double d = block.variance[l];
        own[l] = 0.5 * outputs / d;
        for (Index o = 0; o < p; ++o) {
          const double scaled = white_(i, o) / concentrated_.variance[o];  // ε / √d / σ²
          own[l] -= 0.5 * scaled * white_(i, o) / d;
          by_output[o] = -scaled / std::sqrt(d);
        }
        std::fill_n(by_mean, q, 0.0);
        if (restricted)
          for (Index k = 0; k < q; ++k) {
            double sum = 0.0;
            for (Index r = 0; r < q; ++r) sum += concentrated_.mean_covariance(k, r) * white_(i, p + r);
            own[l] -= 0.5 * outputs * sum * white_(i, p + k) / d;
            by_mean[k] = -outputs * sum / std::sqrt(d);
          }
        // y - F β as y and F: what multiplies F gathers both.
        for (Index k = 0; k < q; ++k)
          for (Index o = 0; o < p; ++o) by_mean[k] -= by_output[o] * concentrated_.mean(k, o);
        for (Index j = 0; j < block.counts[l]; ++j) {
          const Index neighbour = block.neighbours[l][j];
          const double* y = data_.y.data() + neighbour * p;
          double sum = 0.0;
          for (Index o = 0; o < p; ++o) sum += by_output[o] * y[o];
          for (Index k = 0; k < q; ++k) sum += by_mean[k] * f_(neighbour, k);
          solved[j * lanes + l] = sum;
        }
      }
      kernels::table().lanes_forward(block.triangle, m, solved);
      kernels::table().lanes_backward(block.triangle, m, solved);
      for (Index l = 0; l < size; ++l) {
        const Index used = block.counts[l];
        for (Index j = 0; j < used; ++j) {
          v[j] = -block.weights[j * lanes + l];
          c[j] = own[l] * v[j] + solved[j * lanes + l];
        }
        v[used] = 1.0;
        c[used] = own[l];
        double trace = 0.0, by_noise = 0.0;
        for (Index i = 0; i <= used; ++i) {
          for (Index j = 0; j < i; ++j) weight[j] = c[i] * v[j] + c[j] * v[i];
          weight[i] = c[i] * v[i];
          trace += weight[i];
          if (known_noise()) by_noise += weight[i] * noise_[i < used ? block.neighbours[l][i] : first + l];
          const Points before = block.local(l, i + 1);
          before.gather(i, x);
          kernel_->contract(x, before, coefficients_.data(), weight, out.data(), workspace);
        }
        if (!options_.nugget) out[static_cast<std::size_t>(count)] += nugget * trace;
        if (known_noise()) out.back() -= by_noise;
      }
    }
    return to_bytes(out);
  });
  std::fill_n(gradient, parameters(), 0.0);
  for (const Bytes& part : parts) {
    const std::vector<double> sums = doubles_from_bytes(part);
    for (Index k = 0; k < parameters(); ++k) gradient[k] += sums[static_cast<std::size_t>(k)];
  }
}

}  // namespace ersatz::gp
