#include "ersatz/selection/scores.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "selection/quantile.hpp"
#include "selection/score_mismatch.hpp"

namespace ersatz {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> to_std(const Vector& v) { return {v.data(), v.data() + v.size()}; }

/// Levels of coverage, and how many standard deviations each one's interval reaches to both sides: of an
/// output's emulator, as far as its calibration (if any) goes.
struct Levels {
  std::vector<double> levels, widths;

  Levels(const Emulator& emulator, std::size_t output) {
    const Calibration& c = emulator.calibration();
    const double highest = c.outputs.empty() ? 1.0 : c.levels[c.levels.size() - 1] + 1e-9;
    for (const double level : coverage_levels) {
      if (level > highest) break;
      levels.push_back(level);
      widths.push_back(emulator.interval_factor(output, level));
    }
  }
  /// The number of a level; -1: it is not there.
  Index find(double level) const {
    for (std::size_t l = 0; l < levels.size(); ++l)
      if (std::abs(levels[l] - level) < 1e-9) return static_cast<Index>(l);
    return -1;
  }
};

/// Coverage, CRPS, log score and PIT over rows and the entries that vary.
void calibration(ConstMatrixRef mean, ConstMatrixRef std_dev, ConstMatrixRef truth,
                 const std::vector<Index>& varying, const Levels& at, OutputScores& scores,
                 OutputDiagnostics& diagnostics) {
  scores.coverage_68 = scores.coverage_95 = scores.crps = scores.log_score = nan;
  if (std_dev.rows() == 0 || varying.empty()) return;
  const std::vector<double>&levels = at.levels, &widths = at.widths;
  std::vector<double> inside(levels.size(), 0.0);
  Vector pit = Vector::Zero(20);
  double crps = 0.0, log_score = 0.0, count = 0.0;
  for (Index i = 0; i < truth.rows(); ++i)
    for (const Index j : varying) {
      const double s = usable_deviation(std_dev(i, j), mean(i, j));
      const double z = (truth(i, j) - mean(i, j)) / s;
      for (std::size_t l = 0; l < levels.size(); ++l) inside[l] += std::abs(z) <= widths[l];
      const double p = normal_cdf(z);
      pit[std::min<Index>(19, static_cast<Index>(p * 20.0))] += 1.0;
      crps += gaussian_crps(z, s);
      log_score += gaussian_log_score(z, s);
      count += 1.0;
    }
  scores.crps = crps / count;
  scores.log_score = log_score / count;
  diagnostics.nominal = Eigen::Map<const Vector>(levels.data(), static_cast<Index>(levels.size()));
  diagnostics.observed.resize(static_cast<Index>(levels.size()));
  for (std::size_t l = 0; l < levels.size(); ++l)
    diagnostics.observed[static_cast<Index>(l)] = inside[l] / count;
  const auto coverage = [&](double level) {
    const Index l = at.find(level);
    return l < 0 ? nan : inside[static_cast<std::size_t>(l)] / count;
  };
  scores.coverage_68 = coverage(one_deviation);
  scores.coverage_95 = coverage(0.95);
  diagnostics.pit = pit / count;
}

/// Share of the held-out values of each bin that its intervals hold.
Vector coverage_by_bin(ConstMatrixRef mean, ConstMatrixRef std_dev, ConstMatrixRef truth, Index bins,
                       const Levels& at, double level) {
  const Index l = at.find(level), parts = truth.cols() / bins;
  if (l < 0) return {};
  Vector covered = Vector::Zero(bins);
  for (Index i = 0; i < truth.rows(); ++i)
    for (Index j = 0; j < truth.cols(); ++j)
      covered[j / parts] +=
          std::abs(truth(i, j) - mean(i, j)) <=
          at.widths[static_cast<std::size_t>(l)] * usable_deviation(std_dev(i, j), mean(i, j));
  return covered / static_cast<double>(truth.rows() * parts);
}

/// The interval of `domain_edges` that a score lies in.
Index domain_bin(double score) {
  Index b = 0;
  while (b < static_cast<Index>(domain_edges.size()) && score > domain_edges[static_cast<std::size_t>(b)])
    ++b;
  return b;
}

HeldOutCase make_case(Index row, double error, const Archive& held_out, const Prediction& prediction,
                      std::size_t own, std::size_t theirs) {
  HeldOutCase c;
  c.row = row;
  c.parameters = held_out.parameters.row(row).transpose();
  c.error = error;
  c.inside_domain = prediction.inside_domain[static_cast<std::size_t>(row)];
  c.truth = held_out.values[theirs].row(row).transpose();
  c.mean = prediction.mean[own].row(row).transpose();
  if (!prediction.std.empty()) c.std = prediction.std[own].row(row).transpose();
  return c;
}

void score_output(const OutputSpec& spec, const Axis& axis, const Levels& levels, const Archive& held_out,
                  const Prediction& prediction, std::size_t own, std::size_t theirs, Validation& result) {
  const Matrix& truth = held_out.values[theirs];
  const Matrix& mean = prediction.mean[own];
  const Index n = truth.rows(), width = truth.cols(), bins = spec.size;
  OutputScores s;
  OutputDiagnostics d;
  s.name = spec.name;
  d.spec = spec;
  d.axis = axis.values;
  d.axis_unit = axis.unit;

  const Matrix error = mean - truth;
  const Matrix spread = truth.rowwise() - truth.colwise().mean();
  s.rmse = std::sqrt(error.squaredNorm() / static_cast<double>(n * bins));
  s.nrmse = normalised_rmse(mean, truth);
  s.r2 = 1.0 - s.nrmse * s.nrmse;
  s.max_abs = 0.0;
  d.rmse = Vector::Zero(bins);
  d.spread = Vector::Zero(bins);
  const Index parts = spec.complex ? 2 : 1;
  for (Index j = 0; j < bins; ++j) {
    d.rmse[j] = std::sqrt(error.middleCols(parts * j, parts).squaredNorm() / static_cast<double>(n));
    d.spread[j] = std::sqrt(spread.middleCols(parts * j, parts).squaredNorm() / static_cast<double>(n));
    for (Index i = 0; i < n; ++i)
      s.max_abs = std::max(s.max_abs, error.row(i).segment(parts * j, parts).norm());
  }
  if (!prediction.std.empty()) {
    d.mean_std.resize(bins);
    for (Index j = 0; j < bins; ++j)
      d.mean_std[j] =
          std::sqrt(prediction.std[own].middleCols(parts * j, parts).squaredNorm() / static_cast<double>(n));
    d.coverage_68 = coverage_by_bin(mean, prediction.std[own], truth, bins, levels, one_deviation);
    d.coverage_95 = coverage_by_bin(mean, prediction.std[own], truth, bins, levels, 0.95);
  }
  if (std::isfinite(s.nrmse)) {
    d.domain_error = Vector::Zero(result.domain_runs.size());
    for (Index i = 0; i < n; ++i)
      d.domain_error[domain_bin(prediction.domain_score[i])] += error.row(i).squaredNorm();
    for (Index b = 0; b < d.domain_error.size(); ++b)
      if (result.domain_runs[b] > 0.0)
        d.domain_error[b] = std::sqrt(d.domain_error[b] / result.domain_runs[b] * static_cast<double>(n) /
                                      spread.squaredNorm());
  }
  d.relative_l2.resize(n);
  for (Index i = 0; i < n; ++i) {
    const double size = truth.row(i).norm();
    d.relative_l2[i] = size > 0.0 ? error.row(i).norm() / size : (error.row(i).norm() > 0.0 ? HUGE_VAL : 0.0);
  }
  s.median_relative_l2 = quantile(to_std(d.relative_l2), 0.5);
  s.p95_relative_l2 = quantile(to_std(d.relative_l2), 0.95);

  // Entries that vary: those that do not would cover for free. Rounding is not variation.
  std::vector<Index> varying;
  for (Index j = 0; j < width; ++j) {
    const double size = truth.col(j).cwiseAbs().maxCoeff();
    if (n > 1 && spread.col(j).cwiseAbs().maxCoeff() > 1e-12 * size) varying.push_back(j);
  }
  s.constant_bins = bins;
  for (Index j = 0; j < bins; ++j)
    for (Index part = 0; part < parts; ++part)
      if (std::binary_search(varying.begin(), varying.end(), parts * j + part)) {
        --s.constant_bins;
        break;
      }
  calibration(mean, prediction.std.empty() ? Matrix() : prediction.std[own], truth, varying, levels, s, d);

  s.mismatch_median = s.mismatch_p95 = nan;  // filled in for complex outputs

  // A few hundred values for the picture of predicted against true, spread evenly over rows and bins.
  if (!varying.empty()) {
    const Index total = n * static_cast<Index>(varying.size());
    const Index take = std::min<Index>(total, 600);
    d.scatter_truth.resize(take);
    d.scatter_mean.resize(take);
    if (!prediction.std.empty()) d.scatter_std.resize(take);
    for (Index k = 0; k < take; ++k) {
      const Index at = take == total ? k
                                     : static_cast<Index>((static_cast<double>(k) + 0.5) *
                                                          0.6180339887498949 * static_cast<double>(total)) %
                                           total;
      const Index i = at / static_cast<Index>(varying.size());
      const Index j = varying[static_cast<std::size_t>(at % static_cast<Index>(varying.size()))];
      d.scatter_truth[k] = truth(i, j);
      d.scatter_mean[k] = mean(i, j);
      if (!prediction.std.empty()) d.scatter_std[k] = prediction.std[own](i, j);
    }
  }

  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return d.relative_l2[a] < d.relative_l2[b]; });
  const Index middle = order[static_cast<std::size_t>((n - 1) / 2)], last = order.back();
  d.median = make_case(middle, d.relative_l2[middle], held_out, prediction, own, theirs);
  d.worst = make_case(last, d.relative_l2[last], held_out, prediction, own, theirs);
  result.outputs.push_back(std::move(s));
  result.diagnostics.push_back(std::move(d));
}

}  // namespace

double normalised_rmse(ConstMatrixRef prediction, ConstMatrixRef truth) {
  const double spread = (truth.rowwise() - truth.colwise().mean()).squaredNorm();
  if (!(spread > 1e-24 * truth.squaredNorm())) return nan;
  return std::sqrt((prediction - truth).squaredNorm() / spread);
}

PredictionTime time_predictions(const Emulator& emulator, ConstMatrixRef X, Index points, int rounds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  const Index n = std::min(X.rows(), points);
  std::vector<Matrix> rows;
  std::vector<double*> pointers;
  for (const OutputSpec& o : emulator.outputs()) rows.emplace_back(n, o.width());
  for (Matrix& m : rows) pointers.push_back(m.data());
  Workspace workspace;
  PredictionTime best{HUGE_VAL, HUGE_VAL};
  const auto start = Clock::now();
  for (int round = 0; round < rounds && (round == 0 || since(start) <= 2.0); ++round) {
    auto t = Clock::now();
    for (Index i = 0; i < n; ++i) emulator.mean(X.row(i), pointers.data(), workspace);
    best.alone = std::min(best.alone, since(t));
    t = Clock::now();
    emulator.mean(X.topRows(n), pointers.data(), workspace);
    best.batch = std::min(best.batch, since(t));
  }
  return {best.alone / static_cast<double>(n), best.batch / static_cast<double>(n)};
}

namespace {

void check_parameters(const Emulator& emulator, const Archive& held_out) {
  if (held_out.space.names() == emulator.space().names()) return;
  std::string ours, theirs;
  for (const auto& name : emulator.space().names()) ours += (ours.empty() ? "" : ", ") + name;
  for (const auto& name : held_out.space.names()) theirs += (theirs.empty() ? "" : ", ") + name;
  throw DataError(text("the held-out parameters (", theirs, ") are not those of the emulator (", ours, ")"));
}

/// Same shape and same bins, to nine digits of the largest.
void check_output(const OutputSpec& spec, const Axis& ours, const OutputSpec& other, const Axis& theirs) {
  if (other.size != spec.size || other.complex != spec.complex)
    throw DataError(text("output '", spec.name, "' has ", other.size, other.complex ? " complex" : "",
                         " bins in the held-out file, the emulator gives ", spec.size,
                         spec.complex ? " complex" : ""));
  const double largest = ours.values.size() > 0 ? ours.values.cwiseAbs().maxCoeff() : 0.0;
  for (Index j = 0; j < std::min(ours.values.size(), theirs.values.size()); ++j)
    if (!(std::abs(ours.values[j] - theirs.values[j]) <= 1e-9 * largest))
      throw DataError(text("output '", spec.name, "': bin ", j, " of axis '", theirs.name, "' is at ",
                           theirs.values[j], " in the held-out file, the emulator's at ", ours.values[j],
                           "; both have to stand on the same axis"));
}

std::vector<OutputPair> common_outputs(const Emulator& emulator, const Archive& held_out) {
  std::vector<OutputPair> pairs;
  for (std::size_t own = 0; own < emulator.outputs().size(); ++own) {
    const OutputSpec& spec = emulator.outputs()[own];
    for (std::size_t theirs = 0; theirs < held_out.outputs.size(); ++theirs) {
      const OutputSpec& other = held_out.outputs[theirs];
      if (other.name != spec.name) continue;
      check_output(spec, emulator.axis_of(spec), other, held_out.axis(other.axis));
      pairs.push_back({own, theirs});
    }
  }
  if (!pairs.empty()) return pairs;
  std::string own, theirs;
  for (const OutputSpec& o : emulator.outputs()) own += (own.empty() ? "" : ", ") + o.name;
  for (const OutputSpec& o : held_out.outputs) theirs += (theirs.empty() ? "" : ", ") + o.name;
  throw DataError(
      text("the held-out runs have none of the emulator's outputs (", own, "); theirs are: ", theirs));
}

bool in_a_group(const std::vector<WaveformGroup>& groups, const OutputPair& pair) {
  for (const WaveformGroup& g : groups)
    for (const OutputPair& p : g.members)
      if (p.own == pair.own) return true;
  return false;
}

GroupScores score_group(const WaveformGroup& group, Mismatches found, const Emulator& emulator,
                        const Archive& held_out, const Prediction& prediction) {
  GroupScores g;
  g.name = group.name;
  for (const OutputPair& p : group.members) g.members.push_back(emulator.outputs()[p.own].name);
  g.missing = std::move(found.missing);
  g.mismatch = std::move(found.values);
  g.mismatch_median = quantile(to_std(g.mismatch), 0.5);
  g.mismatch_p95 = quantile(to_std(g.mismatch), 0.95);
  if (g.mismatch.size() == 0) return g;
  Index worst = 0;
  g.mismatch.maxCoeff(&worst);
  const OutputPair* dominant = &group.members[0];
  for (const OutputPair& p : group.members)
    if (held_out.values[p.theirs].row(worst).norm() > held_out.values[dominant->theirs].row(worst).norm())
      dominant = &p;
  g.dominant = emulator.outputs()[dominant->own].name;
  g.worst = make_case(worst, g.mismatch[worst], held_out, prediction, dominant->own, dominant->theirs);
  return g;
}

}  // namespace

Validation validate(const Emulator& emulator, const Archive& archive, int threads,
                    const MismatchOptions& options) {
  const Archive held_out = archive.completed();
  if (held_out.size() == 0) throw DataError("there is no completed simulation to validate with");
  check_parameters(emulator, held_out);
  const std::vector<OutputPair> pairs = common_outputs(emulator, held_out);
  const Prediction prediction = emulator.predict(held_out.parameters, emulator.has_std(), threads);
  Validation result;
  result.n = held_out.size();
  result.outside_domain = std::count(prediction.inside_domain.begin(), prediction.inside_domain.end(), false);
  result.domain_rule = in_words(emulator.guard());
  result.mismatch = describe(options);
  result.domain_runs = Vector::Zero(static_cast<Index>(domain_edges.size()) + 1);
  for (Index i = 0; i < result.n; ++i) result.domain_runs[domain_bin(prediction.domain_score[i])] += 1.0;
  const auto executor = make_executor(threads);
  const std::vector<WaveformGroup> groups = waveform_groups(emulator, pairs);
  const bool together = options.direction || options.maximise == Maximise::time_phase_polarisation;
  for (const OutputPair& p : pairs) {
    const OutputSpec& spec = emulator.outputs()[p.own];
    score_output(spec, emulator.axis_of(spec), Levels(emulator, p.own), held_out, prediction, p.own, p.theirs,
                 result);
    if (!spec.complex) continue;
    OutputScores& s = result.outputs.back();
    if (together && in_a_group(groups, p)) {
      s.missing = "part of a waveform; seen from a direction, its modes count together";
      continue;
    }
    Mismatches found = mismatches(options, emulator, held_out, prediction, {p}, *executor);
    s.missing = std::move(found.missing);
    s.mismatch_median = quantile(to_std(found.values), 0.5);
    s.mismatch_p95 = quantile(to_std(found.values), 0.95);
    result.diagnostics.back().mismatch = std::move(found.values);
  }
  for (const WaveformGroup& group : groups)
    result.groups.push_back(
        score_group(group, mismatches(options, emulator, held_out, prediction, group.members, *executor),
                    emulator, held_out, prediction));
  const PredictionTime time = time_predictions(emulator, held_out.parameters, 256, 5);
  result.predict_seconds = time.alone;
  result.batch_seconds = time.batch;
  return result;
}

}  // namespace ersatz
