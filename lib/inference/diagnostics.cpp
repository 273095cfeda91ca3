#include "ersatz/inference/diagnostics.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "ersatz/core/error.hpp"
#include "selection/quantile.hpp"
#include "transform/fft.hpp"

namespace ersatz {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

void check(ConstMatrixRef draws) {
  if (draws.rows() < 1 || draws.cols() < 4)
    throw UsageError(
        text("diagnostics need chains of at least four steps, got ", draws.rows(), " of ", draws.cols()));
}

bool all_equal(ConstMatrixRef draws) { return draws.minCoeff() == draws.maxCoeff(); }

/// Each chain as two: its first and its last half (of an odd number the middle step is left out).
Matrix split(ConstMatrixRef draws) {
  const Index half = draws.cols() / 2;
  Matrix halves(2 * draws.rows(), half);
  for (Index c = 0; c < draws.rows(); ++c) {
    halves.row(2 * c) = draws.row(c).head(half);
    halves.row(2 * c + 1) = draws.row(c).tail(half);
  }
  return halves;
}

/// Normal scores of the ranks over all chains; ties share their mean rank.
Matrix rank_normalised(const Matrix& draws) {
  const auto n = static_cast<std::size_t>(draws.size());
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const double* values = draws.data();
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Matrix scores(draws.rows(), draws.cols());
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i + 1;
    while (end < n && values[order[end]] == values[order[i]]) ++end;
    const double rank = 0.5 * static_cast<double>(i + 1 + end);
    const double p = (rank - 0.375) / (static_cast<double>(n) + 0.25);
    const double z = -std::sqrt(2.0) * boost::math::erfc_inv(2.0 * p);
    for (; i < end; ++i) scores.data()[order[i]] = z;
  }
  return scores;
}

double variance_of(const Vector& v) {
  return (v.array() - v.mean()).square().sum() / static_cast<double>(v.size() - 1);
}

double plain_r_hat(const Matrix& chains) {
  const auto n = static_cast<double>(chains.cols());
  Vector means(chains.rows()), variances(chains.rows());
  for (Index c = 0; c < chains.rows(); ++c) {
    means[c] = chains.row(c).mean();
    variances[c] = variance_of(chains.row(c).transpose());
  }
  const double within = variances.mean();
  if (!(within > 0.0)) return none;
  return std::sqrt(variance_of(means) / within + (n - 1.0) / n);
}

/// Autocovariances at all lags, divided by the number of steps.
class Autocovariance {
 public:
  explicit Autocovariance(Index steps)
      : fft_(Fft::good_size(2 * steps)), buffer_(static_cast<std::size_t>(fft_.size())) {}
  template <class Row>
  Vector operator()(const Row& chain) {
    const Index n = chain.size();
    const double mean = chain.mean();
    std::fill(buffer_.begin(), buffer_.end(), Complex(0.0));
    for (Index i = 0; i < n; ++i) buffer_[static_cast<std::size_t>(i)] = chain[i] - mean;
    fft_.forward(buffer_.data());
    for (Complex& z : buffer_) z = std::norm(z);
    fft_.backward(buffer_.data());
    Vector result(n);
    const double factor = 1.0 / (static_cast<double>(n) * static_cast<double>(buffer_.size()));
    for (Index i = 0; i < n; ++i) result[i] = buffer_[static_cast<std::size_t>(i)].real() * factor;
    return result;
  }

 private:
  Fft fft_;
  std::vector<Complex> buffer_;
};

/// Of chains that are split already; not a number where they are too short for a pair of correlations.
double effective_size(const Matrix& chains) {
  if (all_equal(chains) || chains.cols() < 5) return none;
  const Index m = chains.rows(), n = chains.cols();
  const auto steps = static_cast<double>(n);
  Autocovariance autocovariance(n);
  Vector mean_covariance = Vector::Zero(n), means(m);
  for (Index c = 0; c < m; ++c) {
    mean_covariance += autocovariance(chains.row(c)) / static_cast<double>(m);
    means[c] = chains.row(c).mean();
  }
  const double within = mean_covariance[0] * steps / (steps - 1.0);
  double all = mean_covariance[0];
  if (m > 1) all += variance_of(means);
  const auto correlation = [&](Index lag) { return 1.0 - (within - mean_covariance[lag]) / all; };

  // Sums of pairs are positive and fall for a reversible chain: cut where they are not, and flatten.
  std::vector<double> rho{1.0, correlation(1)};
  double even = rho[0], odd = rho[1];
  for (Index t = 1; t < n - 3 && even + odd > 0.0; t += 2) {
    even = correlation(t + 1);
    odd = correlation(t + 2);
    rho.push_back(even);
    rho.push_back(odd);
  }
  // The last pair is where it was cut: its first term alone, where it is positive, still makes the estimate
  // better.
  rho.resize(rho.size() - 2);
  for (std::size_t t = 2; t < rho.size(); t += 2)
    if (rho[t] + rho[t + 1] > rho[t - 2] + rho[t - 1]) rho[t] = rho[t + 1] = 0.5 * (rho[t - 2] + rho[t - 1]);
  const double tau = 2.0 * std::accumulate(rho.begin(), rho.end(), 0.0) - 1.0 + std::max(even, 0.0);
  const double draws = static_cast<double>(m) * steps;
  return draws / std::max(tau, 1.0 / std::log10(draws));
}

Matrix folded(const Matrix& draws) {
  const std::vector<double> values(draws.data(), draws.data() + draws.size());
  const double median = quantile(values, 0.5);
  return (draws.array() - median).abs();
}

}  // namespace

double r_hat(ConstMatrixRef draws) {
  check(draws);
  if (all_equal(draws)) return none;
  const Matrix chains = split(draws);
  return std::max(plain_r_hat(rank_normalised(chains)), plain_r_hat(rank_normalised(folded(chains))));
}

double bulk_effective_size(ConstMatrixRef draws) {
  check(draws);
  if (all_equal(draws)) return none;
  return effective_size(rank_normalised(split(draws)));
}

double tail_effective_size(ConstMatrixRef draws) {
  check(draws);
  if (all_equal(draws)) return none;
  const Matrix all = draws;
  std::vector<double> values(all.data(), all.data() + all.size());
  double smallest = std::numeric_limits<double>::infinity();
  for (const double p : {0.05, 0.95}) {
    const double limit = quantile(values, p);
    const Matrix below = (all.array() <= limit).cast<double>();
    const double size = effective_size(split(below));
    if (std::isfinite(size)) smallest = std::min(smallest, size);
  }
  return std::isfinite(smallest) ? smallest : none;
}

double autocorrelation_time(ConstMatrixRef draws) {
  check(draws);
  Autocovariance autocovariance(draws.cols());
  Vector mean = Vector::Zero(draws.cols());
  for (Index c = 0; c < draws.rows(); ++c) {
    const Vector covariance = autocovariance(draws.row(c));
    if (!(covariance[0] > 0.0)) return none;
    mean += covariance / covariance[0] / static_cast<double>(draws.rows());
  }
  double sum = -1.0;
  for (Index lag = 0; lag < mean.size(); ++lag) {
    sum += 2.0 * mean[lag];
    if (static_cast<double>(lag) >= 5.0 * sum) break;
  }
  return sum;
}

int significant_digits(double value, double deviation) {
  if (!(deviation > 0.0)) return 6;
  const double ratio = std::abs(value) / std::max(deviation, 1e-300);
  return std::clamp(static_cast<int>(std::ceil(std::log10(std::max(ratio, 1.0)))) + 3, 3, 12);
}

MarginalSummary summarise(ConstMatrixRef draws) {
  check(draws);
  const Matrix all = draws;
  const std::vector<double> values(all.data(), all.data() + all.size());
  MarginalSummary s{};
  s.mean = all.mean();
  s.deviation = std::sqrt(variance_of(Eigen::Map<const Vector>(all.data(), all.size())));
  s.median = quantile(values, 0.5);
  s.lower68 = quantile(values, 0.158655253931457);
  s.upper68 = quantile(values, 0.841344746068543);
  s.lower95 = quantile(values, 0.025);
  s.upper95 = quantile(values, 0.975);
  s.r_hat = r_hat(draws);
  s.bulk_size = bulk_effective_size(draws);
  s.tail_size = tail_effective_size(draws);
  s.autocorrelation = autocorrelation_time(draws);
  return s;
}

}  // namespace ersatz
