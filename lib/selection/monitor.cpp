#include "ersatz/selection/monitor.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/scores.hpp"
#include "selection/quantile.hpp"

namespace ersatz {
namespace {

constexpr double level = 0.95;

std::vector<double> to_std(const Vector& v) { return {v.data(), v.data() + v.size()}; }

std::string percent(double share) { return brief(100.0 * share, 3) + " %"; }

/// P(at most k of n new ones are covered), given how many are covered among the n and the earlier ones
/// together: Fisher's exact test.
double fisher_at_most(Index k, Index n, Index earlier, Index earlier_n) {
  const Index total = n + earlier_n, covered = k + earlier;
  const boost::math::hypergeometric_distribution<double> d(
      static_cast<unsigned>(covered), static_cast<unsigned>(n), static_cast<unsigned>(total));
  return boost::math::cdf(d, static_cast<unsigned>(k));
}

/// Two-sided p-value of a mean of zero; 1 where nothing varies about zero.
double t_test(double mean, double variance, Index n) {
  if (!(variance > 0.0)) return mean == 0.0 ? 1.0 : 0.0;
  const double t = mean / std::sqrt(variance / static_cast<double>(n));
  const boost::math::students_t_distribution<double> d(static_cast<double>(n - 1));
  return 2.0 * boost::math::cdf(boost::math::complement(d, std::abs(t)));
}

/// An output of the model and the new runs' values of it.
struct OutputView {
  const OutputSpec& spec;
  const Matrix &truth, &mean;
  const Matrix* std_dev;                      ///< null: no error bars
  double reach = 0.0;                         ///< half width of the 95% interval in deviations
  const OutputDiagnostics* before = nullptr;  ///< of held-out runs, where the file has them
  Index before_n = 0;
  const OutputDiagnostics& now;

  Index parts() const { return spec.complex ? 2 : 1; }
  /// Not so where truth does not vary, beyond rounding, and prediction agrees: what is always the same, as
  /// where there is no signal, says nothing of the model.
  bool tested(Index column) const {
    const auto c = truth.col(column);
    return c.maxCoeff() - c.minCoeff() > 1e-12 * c.cwiseAbs().maxCoeff() ||
           (c - mean.col(column)).cwiseAbs().maxCoeff() > 1e-9 * truth.cwiseAbs().maxCoeff();
  }
};

std::string place(const OutputView& v, Index column) {
  return v.spec.size == 1 ? std::string() : text(" at bin ", column / v.parts());
}

MonitorTest coverage_of(const OutputView& v) {
  MonitorTest test{"coverage of " + v.spec.name, 1.0, false, ""};
  const Index n = v.truth.rows(), parts = v.parts();
  Index tested = 0, worst = 0, worst_count = n;
  for (Index j = 0; j < v.truth.cols(); ++j) {
    if (!v.tested(j)) continue;
    ++tested;
    Index count = 0;
    for (Index i = 0; i < n; ++i)
      count += std::abs(v.truth(i, j) - v.mean(i, j)) <=
               v.reach * usable_deviation((*v.std_dev)(i, j), v.mean(i, j));
    double p = binomial_at_most(count, n, level);
    if (v.before && v.before->coverage_95.size() == v.spec.size) {
      const auto earlier =
          static_cast<Index>(std::lround(v.before->coverage_95[j / parts] * static_cast<double>(v.before_n)));
      p = std::max(p, fisher_at_most(count, n, earlier, v.before_n));
    }
    if (tested == 1 || p < test.p_value) {
      test.p_value = p;
      worst = j;
      worst_count = count;
    }
  }
  if (tested == 0) {
    test.says = "nothing varies, as predicted";
    return test;
  }
  test.p_value = std::min(1.0, test.p_value * static_cast<double>(tested));
  test.says = text("95 % intervals hold ", worst_count, " of ", n, " values", place(v, worst),
                   v.spec.size > 1 ? " (the bin that fits worst)" : "");
  if (v.before && v.before->coverage_95.size() == v.spec.size)
    test.says += text("; ", percent(v.before->coverage_95[worst / parts]), " of the held-out ones");
  return test;
}

MonitorTest bias_of(const OutputView& v) {
  MonitorTest test{"bias of " + v.spec.name, 1.0, false, "no bias that matters"};
  const Index n = v.truth.rows(), parts = v.parts();
  Index tested = 0;
  double least = 2.0;
  for (Index j = 0; j < v.truth.cols(); ++j) {
    if (!v.tested(j)) continue;
    ++tested;
    const Vector error = v.mean.col(j) - v.truth.col(j);
    const double mean = error.mean();
    const double usual = v.before    ? v.before->rmse[j / parts]
                         : v.std_dev ? std::sqrt(v.std_dev->col(j).squaredNorm() / static_cast<double>(n))
                                     : 0.0;
    if (!(std::abs(mean) > 0.5 * usual)) continue;
    const double p = t_test(mean, (error.array() - mean).square().sum() / static_cast<double>(n - 1), n);
    if (!(p < least)) continue;
    least = p;
    test.says = text("predictions are too ", mean > 0.0 ? "large" : "small", " by ", brief(std::abs(mean), 3),
                     " on average", place(v, j));
    if (usual > 0.0)
      test.says += text("; ", v.before ? "the held-out error" : "the deviation", " is ", brief(usual, 3));
  }
  if (least <= 1.0) test.p_value = std::min(1.0, least * static_cast<double>(tested));
  return test;
}

MonitorTest error_of(const OutputView& v) {
  MonitorTest test{"error of " + v.spec.name, 1.0, false, ""};
  const std::vector<double> now = to_std(v.now.relative_l2), before = to_std(v.before->relative_l2);
  const double m = quantile(now, 0.5), m0 = quantile(before, 0.5);
  test.says = text("median relative error ", brief(m, 3), ", of held-out runs ", brief(m0, 3));
  if (m > 1.5 * m0) test.p_value = rank_sum_greater(now, before);
  return test;
}

/// With what probability one more run of the same kind lies outside of the box, where this is the range of
/// the training runs, as `import` makes it: for each bound that one of n runs stands on, 1 / (n + 1).
double beyond_range(const Emulator& emulator) {
  const Matrix& points = emulator.guard().points();
  if (points.rows() == 0 || points.cols() != emulator.space().size()) return 0.0;
  Index touched = 0;
  for (const auto& input : points.colwise())
    touched += (input.minCoeff() < 1e-9) + (input.maxCoeff() > 1.0 - 1e-9);
  return std::min(1.0, static_cast<double>(touched) / static_cast<double>(points.rows() + 1));
}

MonitorTest domain_of(Index outside, Index n, double expected) {
  // P(at least `outside`): all but those that are covered, so to speak.
  return {"domain", binomial_at_most(n - outside, n, 1.0 - std::min(1.0, 0.05 + expected)), false,
          text(outside, " of ", n, " runs lie outside of the domain that the model learnt in")};
}

std::vector<InputDrift> drift_of(const Emulator& emulator, const Archive& fresh, double significance) {
  const Matrix before = emulator.guard().points();
  const Index d = emulator.input_map().outputs();
  Matrix now(fresh.size(), d);
  for (Index i = 0; i < fresh.size(); ++i)
    emulator.input_map().forward(fresh.parameters.row(i).data(), now.row(i).data());
  std::vector<InputDrift> inputs;
  for (Index k = 0; k < d && before.rows() > 0; ++k) {
    const Vector a = before.col(k), b = now.col(k);
    const KolmogorovSmirnov ks = kolmogorov_smirnov(to_std(a), to_std(b));
    const std::string name =
        d == emulator.space().size() ? emulator.space()[k].name : text("mapped input ", k);
    inputs.push_back({name, ks.distance, ks.p_value, ks.p_value < significance / static_cast<double>(d)});
  }
  return inputs;
}

}  // namespace

double binomial_at_most(Index k, Index n, double probability) {
  if (n < 1 || k < 0 || k > n || !(probability >= 0.0 && probability <= 1.0))
    throw UsageError(text("binomial: ", k, " of ", n, " with probability ", probability));
  const boost::math::binomial_distribution<double> d(static_cast<double>(n), probability);
  return k == n ? 1.0 : boost::math::cdf(d, static_cast<double>(k));
}

KolmogorovSmirnov kolmogorov_smirnov(std::vector<double> a, std::vector<double> b) {
  if (a.empty() || b.empty()) throw UsageError("Kolmogorov-Smirnov: two samples are needed, one is empty");
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  KolmogorovSmirnov result;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    result.distance =
        std::max(result.distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  const double root = std::sqrt(n * m / (n + m));
  const double lambda = (root + 0.12 + 0.11 / root) * result.distance;
  if (lambda < 0.2) return result;  // the series is 1 to many digits
  double sum = 0.0, sign = 1.0;
  for (int k = 1; k <= 100; ++k, sign = -sign) sum += sign * std::exp(-2.0 * k * k * lambda * lambda);
  result.p_value = std::clamp(2.0 * sum, 0.0, 1.0);
  return result;
}

double rank_sum_greater(const std::vector<double>& later, const std::vector<double>& earlier) {
  if (later.empty() || earlier.empty()) throw UsageError("rank sum: two samples are needed, one is empty");
  std::vector<std::pair<double, bool>> all;
  for (const double x : later) all.emplace_back(x, true);
  for (const double x : earlier) all.emplace_back(x, false);
  std::sort(all.begin(), all.end());
  const auto n = static_cast<double>(later.size()), m = static_cast<double>(earlier.size()), total = n + m;
  double ranks = 0.0, ties = 0.0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i, ours = 0;
    for (; end < all.size() && all[end].first == all[i].first; ++end) ours += all[end].second;
    const auto t = static_cast<double>(end - i);
    ranks += static_cast<double>(ours) * (static_cast<double>(i) + 0.5 * (t + 1.0));
    ties += t * t * t - t;
    i = end;
  }
  const double u = ranks - 0.5 * n * (n + 1.0);
  const double variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
  if (!(variance > 0.0)) return 1.0;
  const double z = (u - 0.5 * n * m - 0.5) / std::sqrt(variance);
  return boost::math::cdf(boost::math::complement(boost::math::normal_distribution<double>(), z));
}

MonitorReport monitor(const Model& model, const Archive& archive, const MonitorOptions& options,
                      int threads) {
  if (!(options.significance > 0.0 && options.significance < 1.0))
    throw UsageError(
        text("monitor: a significance of ", options.significance, ", expected one between 0 and 1"));
  const Archive fresh = archive.completed();
  if (fresh.size() < 5)
    throw DataError(text("only ", fresh.size(), " completed runs; no test says anything with fewer than 5"));
  const Emulator& emulator = model.emulator;
  MonitorReport report;
  report.validation = validate(emulator, fresh, threads);
  report.n = fresh.size();
  report.outside_domain = report.validation.outside_domain;
  const Prediction prediction = emulator.predict(fresh.parameters, emulator.has_std(), threads);
  report.tests.push_back(domain_of(report.outside_domain, report.n, beyond_range(emulator)));
  for (const OutputDiagnostics& now : report.validation.diagnostics) {
    std::size_t own = 0;
    while (emulator.outputs()[own].name != now.spec.name) ++own;
    const OutputDiagnostics* before = nullptr;
    if (model.validation)
      for (const OutputDiagnostics& d : model.validation->diagnostics)
        if (d.spec.name == now.spec.name && d.rmse.size() == now.spec.size) before = &d;
    OutputView view{emulator.outputs()[own],
                    fresh.values[fresh.output_index(now.spec.name)],
                    prediction.mean[own],
                    emulator.has_std() ? &prediction.std[own] : nullptr,
                    0.0,
                    before,
                    before ? model.validation->n : 0,
                    now};
    const Calibration& c = emulator.calibration();
    const bool told = c.outputs.empty() || c.levels[c.levels.size() - 1] >= level - 1e-9;
    if (view.std_dev && told) {
      view.reach = emulator.interval_factor(own, level);
      report.tests.push_back(coverage_of(view));
    }
    report.tests.push_back(bias_of(view));
    if (before && before->relative_l2.size() >= 5) report.tests.push_back(error_of(view));
  }
  const double share = options.significance / static_cast<double>(report.tests.size());
  for (MonitorTest& test : report.tests) {
    test.negative = test.p_value < share;
    report.holds = report.holds && !test.negative;
  }
  report.inputs = drift_of(emulator, fresh, options.significance);
  return report;
}

}  // namespace ersatz
