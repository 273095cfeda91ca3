#include "ersatz/regression/knn.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "regression/knn_lengths.hpp"
#include "regression/knn_loo.hpp"
#include "regression/knn_predictor.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

std::string name_of(const NeighbourRule& rule) {
  return text(rule.k > 0 ? text("k ", rule.k) : text("radius ", brief(rule.radius)), ", ",
              to_string(rule.weights), " weights");
}

class KnnRegressor final : public Regressor {
 public:
  explicit KnnRegressor(KnnOptions options) : options_(std::move(options)) {}
  std::string name() const override { return "knn"; }
  std::string settings() const override;
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  std::vector<NeighbourRule> candidates(Index n, Index v, FitSummary& summary) const;

  KnnOptions options_;
};

std::string KnnRegressor::settings() const {
  const auto reach = [&]() -> std::string {
    if (options_.radii.size() == 1) return text("radius ", brief(options_.radii[0]));
    if (!options_.radii.empty()) return "radius by leave-one-out";
    return options_.k.size() == 1 ? text("k ", options_.k[0]) : "k by leave-one-out";
  };
  return text(reach(), ", ",
              options_.weights.size() == 1 ? text(to_string(options_.weights[0]), " weights")
                                           : "weights by leave-one-out",
              options_.metric == NeighbourMetric::manhattan ? ", manhattan" : "",
              options_.lengths == NeighbourLengths::equal ? ", equal lengths" : "");
}

// The simplest first: of equally good ones, that is taken.
std::vector<NeighbourRule> KnnRegressor::candidates(Index n, Index v, FitSummary& summary) const {
  const Index most = std::max<Index>(n - 1, 1);
  std::vector<Index> ks;
  if (options_.radii.empty()) {
    for (const Index k : options_.k)
      if (k <= most) ks.push_back(k);
    if (ks.empty()) {
      ks.push_back(most);
      summary.warnings.push_back(text("k is ", *std::min_element(options_.k.begin(), options_.k.end()),
                                      ", but there are ", n, " training points: k = ", most, " is used"));
    }
  }
  std::vector<NeighbourRule> rules;
  for (const NeighbourWeights w : options_.weights) {
    // A plane in many dimensions costs their cube for each point and k.
    if (w == NeighbourWeights::local_linear && v > 32 && options_.weights.size() > 1) continue;
    for (const Index k : ks) rules.push_back({w, k, 0.0});
    for (const double radius : options_.radii) rules.push_back({w, 0, radius});
  }
  return rules;
}

struct Choice {
  NeighbourRule rule;
  double error;  // mean square, summed over outputs
};

Choice choose(const LeaveOneOut& loo, const std::vector<NeighbourRule>& rules, Executor& executor) {
  const std::vector<double> errors = loo.errors(rules, executor);
  std::size_t best = 0;
  for (std::size_t s = 1; s < errors.size(); ++s)
    if (errors[s] < errors[best] * (1.0 - 1e-10)) best = s;
  return {rules[best], errors[best]};
}

// The smooth rule nearest to one that may not be: tricube weights of 2 k neighbours count about k of them.
NeighbourRule smooth_rule(const NeighbourRule& rule, Index around, Index n) {
  const bool linear = rule.weights == NeighbourWeights::local_linear;
  const Index k = rule.k > 0 ? rule.k : std::clamp<Index>(around, 4, 64);
  return {linear ? NeighbourWeights::local_linear : NeighbourWeights::kernel,
          std::clamp<Index>(rule.smooth() ? k : 2 * k, 2, std::max<Index>(n - 1, 2)), 0.0};
}

// By how much, relative, the error of new points is expected above one that v parameters were fitted to
// (H. Akaike, Fitting autoregressive models for prediction, Ann. Inst. Statist. Math. 21 (1969), 243-247).
double chance_gain(Index v, std::size_t count) {
  return 2.0 * static_cast<double>(v) / static_cast<double>(count);
}

/// What a fit knows beside the state that it makes.
struct Problem {
  Matrix standard;           // n × p: outputs with mean 0 and deviation 1
  Matrix equal;              // n × v: inputs likewise
  std::vector<Index> first;  // of each point the first at the same place
  std::vector<Index> rows;   // of leave-one-out
};

std::vector<Index> rows_to_leave_out(Index n, Index most, const RandomStream& stream) {
  std::vector<Index> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), Index{0});
  if (n <= most) return rows;
  RandomStream random = stream.split("knn leave-one-out");
  rows = random.permutation(n);
  rows.resize(static_cast<std::size_t>(most));
  std::sort(rows.begin(), rows.end());
  return rows;
}

// Sets rule, points and scales: of the candidates, with equal and learnt lengths, those of least error.
void choose_rule_and_lengths(const Problem& problem, const std::vector<NeighbourRule>& rules, bool learn,
                             KnnState& state, Executor& executor) {
  const Index v = state.points.cols();
  const LeaveOneOut equal(problem.equal, state.metric, problem.standard, problem.first, problem.rows);
  Choice best = rules.size() > 1 || learn ? choose(equal, rules, executor) : Choice{rules[0], 0.0};
  state.rule = best.rule;
  if (!learn) return;
  const Index around =
      best.rule.k > 0 ? 0 : static_cast<Index>(equal.outcome(best.rule, executor).around.mean());
  const Vector scales =
      learn_scales(problem.equal, state.metric, problem.standard, problem.first, problem.rows,
                   smooth_rule(best.rule, around, static_cast<Index>(problem.rows.size())), executor);
  Matrix points = problem.equal * scales.asDiagonal();
  const Choice learnt = choose(
      LeaveOneOut(points, state.metric, problem.standard, problem.first, problem.rows), rules, executor);
  // v parameters more, and the best of many tries: twice what they gain by chance must be gained.
  if (learnt.error * (1.0 + 2.0 * chance_gain(v, problem.rows.size())) >= best.error) return;
  state.rule = learnt.rule;
  state.points = std::move(points);
  for (Index k = 0, a = 0; k < state.inputs.size(); ++k)
    if (state.inputs.varies(k)) state.scales[k] = scales[a++];
}

// Variance around a single place: of one more value beside those seen there.
void variance_of_one_place(const Standardisation& outputs, const Vector& noise, Index n, KnnState& state) {
  const Index p = outputs.size();
  const double count = static_cast<double>(n);
  state.has_variance = true;
  state.typical_spread = Vector::Zero(p);
  state.observed.constant.resize(p);
  for (Index j = 0; j < p; ++j)
    state.observed.constant[j] = outputs.scale(j) * outputs.scale(j) * (count + 1.0) / (count - 1.0);
  state.observed.factor = state.observed.isolated = Vector::Zero(p);
  state.latent = state.observed;
  state.latent.constant = (state.observed.constant - noise).cwiseMax(0.0);
}

// The constants of the variance, such that its mean over the points of leave-one-out is the mean square
// residual (less the known noise) times 1 + gain. Returns the mean square residual, in standard outputs.
Vector set_variance(const LeaveOneOut::Outcome& outcome, double gain, const Standardisation& outputs,
                    const Vector& noise, KnnState& state) {
  const Index p = outputs.size(), count = outcome.residuals.rows();
  const double points = static_cast<double>(count);
  Vector mse(p);
  state.has_variance = true;
  state.typical_spread = Vector::Zero(p);
  for (KnnVariance* variance : {&state.latent, &state.observed})
    variance->constant = variance->factor = variance->isolated = Vector::Zero(p);
  for (Index j = 0; j < p; ++j) {
    const double scale2 = outputs.scale(j) * outputs.scale(j);
    mse[j] = outcome.residuals.col(j).squaredNorm() / points;
    double typical = 0.0, known = 0.0, mean = 0.0;
    for (Index i = 0; i < count; ++i)
      if (outcome.around[i] > 1.0) {
        typical += outcome.spreads(i, j) / (outcome.around[i] - 1.0);
        known += 1.0;
      }
    typical = known > 0.0 ? typical / known : 0.0;
    for (Index i = 0; i < count; ++i) mean += (typical + outcome.spreads(i, j)) / outcome.around[i] / points;
    state.typical_spread[j] = typical * scale2;
    for (KnnVariance* variance : {&state.latent, &state.observed}) {
      const double less = variance == &state.latent ? noise[j] : 0.0;
      const double target = std::max(mse[j] * (1.0 + gain) * scale2 - less, 0.0);
      variance->isolated[j] = std::max(scale2 - less, 0.0);
      (mean > 0.0 ? variance->factor : variance->constant)[j] =
          mean > 0.0 ? target / (mean * scale2) : target;
    }
  }
  return mse;
}

void report_leave_one_out(const LeaveOneOut::Outcome& outcome, const Standardisation& outputs,
                          const KnnState& state, FitSummary& summary) {
  const Index n = outcome.residuals.rows(), p = outputs.size();
  summary.leave_one_out = outcome.residuals;
  summary.leave_one_out_std.resize(n, p);
  for (Index j = 0; j < p; ++j) {
    const double scale = outputs.scale(j);
    summary.leave_one_out.col(j) *= scale;
    for (Index i = 0; i < n; ++i)
      summary.leave_one_out_std(i, j) =
          std::sqrt(state.observed.at(j, state.typical_spread[j], scale * scale * outcome.spreads(i, j),
                                      outcome.around[i], outcome.isolated[i] > 0.0));
  }
}

std::string lengths_of(const TrainingData& data, const KnnState& state) {
  std::string s;
  for (Index k = 0; k < state.inputs.size(); ++k) {
    const double unit = data.input_units.size() > 0 ? data.input_units[k] : 1.0;
    s += text(k > 0 ? ", " : "", input_name(data, k), " ",
              state.inputs.varies(k) ? brief(unit * state.inputs.scale(k) / state.scales[k]) : "ignored");
  }
  return s;
}

Fit KnnRegressor::fit(const TrainingData& data, const FitContext& context) const {
  const auto clock = std::chrono::steady_clock::now();
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows();
  const Standardisation outputs = Standardisation::of(data.y);

  Fit fit;
  FitSummary& summary = fit.summary;
  KnnState state;
  state.inputs = Standardisation::of(data.x);
  state.scales = Vector::Ones(data.x.cols());
  state.metric = options_.metric;
  warn_about_data(data, state.inputs, outputs, summary);
  const Index v = knn_dimension(state.inputs);
  Problem problem;
  problem.equal.resize(n, v);
  for (Index i = 0; i < n; ++i)
    knn_coordinates(state.inputs, state.scales, data.x.data() + i * data.x.cols(),
                    problem.equal.row(i).data());
  problem.standard = outputs.apply(data.y);
  problem.first = first_of_equal_rows(problem.equal);
  problem.rows = rows_to_leave_out(n, options_.loo_points, context.random);
  state.points = problem.equal;
  state.centre = outputs.centre;
  state.values = data.y.rowwise() - outputs.centre.transpose();

  const auto rules = candidates(n, v, summary);
  const Vector noise = mean_noise_variance(data);
  const bool one_place = std::count(problem.first.begin(), problem.first.end(), Index{0}) == n;
  const bool learn = options_.lengths == NeighbourLengths::learnt && v > 1;
  if (one_place) {
    state.rule = {NeighbourWeights::uniform, n, 0.0};
    if (n > 1) {
      summary.warnings.push_back("all training points are the same: the prediction is their average");
      variance_of_one_place(outputs, noise, n, state);
    }
  } else {
    choose_rule_and_lengths(problem, rules, learn, state, executor);
    const LeaveOneOut::Outcome outcome =
        LeaveOneOut(state.points, state.metric, problem.standard, problem.first, problem.rows)
            .outcome(state.rule, executor);
    const bool learnt = state.scales.minCoeff() < 1.0;
    const double gain = learnt ? chance_gain(v, problem.rows.size()) : 0.0;
    const Vector mse = set_variance(outcome, gain, outputs, noise, state);
    summary.facts.emplace_back("leave-one-out error over standard deviation", brief(std::sqrt(mse.mean())));
    if (outcome.residuals.rows() == n)
      report_leave_one_out(outcome, outputs, state, summary);
    else
      summary.facts.emplace_back("leave-one-out points", text(outcome.residuals.rows(), " of ", n));
    if (rules.size() > 1 || learn)
      summary.settings = name_of(state.rule) + (!learn   ? ""
                                                : learnt ? ", learnt lengths"
                                                         : ", equal lengths");
  }
  if (state.rule.k > 0)
    summary.facts.emplace_back("k", text(state.rule.k));
  else
    summary.facts.emplace_back("radius", brief(state.rule.radius));
  summary.facts.emplace_back("weights", std::string(to_string(state.rule.weights)));
  summary.facts.emplace_back("metric", std::string(to_string(state.metric)));
  summary.facts.emplace_back("lengths", lengths_of(data, state));
  summary.message = text("knn: ", n, " points, ", name_of(state.rule));
  fit.predictor = std::make_shared<KnnPredictor>(std::move(state));
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
  return fit;
}

}  // namespace

RegressorPtr make_knn_regressor(const KnnOptions& options) {
  if (options.k.empty() && options.radii.empty()) throw UsageError("regressor knn: no k to choose from");
  if (options.weights.empty()) throw UsageError("regressor knn: no weights to choose from");
  for (const Index k : options.k)
    if (k < 1) throw UsageError(text("regressor knn: k is ", k, ", expected 1 or more"));
  for (const double radius : options.radii)
    if (!(radius > 0.0 && radius < 1e150))
      throw UsageError(text("regressor knn: radius is ", radius,
                            ", expected more than 0 (in standard deviations of the inputs)"));
  if (options.loo_points < 2)
    throw UsageError(text("regressor knn: loo_points is ", options.loo_points, ", expected 2 or more"));
  return std::make_shared<KnnRegressor>(options);
}

RegressorPtr make_knn_regressor(const Settings& settings) {
  settings.check_known("regressor knn", {"k", "radius", "weights", "metric", "lengths", "loo_points"});
  KnnOptions options;
  const auto k = settings.values().find("k");
  if (k != settings.values().end()) {
    if (const auto* word = std::get_if<std::string>(&k->second)) {
      if (*word != "auto")
        throw UsageError(
            text("regressor knn: k is '", *word, "', expected a whole number, a list or \"auto\""));
    } else {
      options.k.clear();
      for (const double value : settings.get("k", std::vector<double>{})) {
        if (value != std::floor(value) || !(std::abs(value) < 1e9))
          throw UsageError(text("regressor knn: k is ", value, ", expected a whole number"));
        options.k.push_back(static_cast<Index>(value));
      }
    }
  }
  options.radii = settings.get("radius", std::vector<double>{});
  if (settings.has("radius") && (settings.has("k") || options.radii.empty()))
    throw UsageError(
        "regressor knn: radius is a number or a list, and takes the place of k; give one of them");
  const std::string weights = settings.get("weights", "auto");
  if (weights != "auto") options.weights = {neighbour_weights_from_string(weights)};
  options.metric = neighbour_metric_from_string(settings.get("metric", "euclidean"));
  const std::string lengths = settings.get("lengths", "learnt");
  if (lengths != "learnt" && lengths != "equal")
    throw UsageError(text("regressor knn: lengths is '", lengths, "', expected \"learnt\" or \"equal\""));
  options.lengths = lengths == "learnt" ? NeighbourLengths::learnt : NeighbourLengths::equal;
  options.loo_points = settings.get("loo_points", options.loo_points);
  return make_knn_regressor(options);
}

}  // namespace ersatz
