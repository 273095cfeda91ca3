#include "ersatz/regression/forest.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/forest_growth.hpp"
#include "regression/forest_predictor.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

constexpr Index most_points = Index{1} << 23;  // ranks, and what lies half way between two, are exact floats

class ForestRegressor final : public Regressor {
 public:
  explicit ForestRegressor(ForestOptions options) : options_(options) {}
  std::string name() const override { return "forest"; }
  std::string settings() const override {
    return text(options_.trees, " trees", options_.leaf > 1 ? text(", leaves of ", options_.leaf) : "",
                options_.inputs < 1.0 ? text(", ", brief(options_.inputs), " of the inputs at a split") : "");
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  ForestOptions options_;
};

/// What all outputs have in common.
struct Problem {
  const Matrix& x;             // n × d
  std::vector<Index> varying;  // inputs
  Matrix ranks;                // n × v, from 0 on, equal values alike
  std::vector<Index> place;    // of each point, from 0 on
  Index places = 0;
};

Matrix ranks_of(const Matrix& x, const std::vector<Index>& columns) {
  Matrix ranks(x.rows(), static_cast<Index>(columns.size()));
  std::vector<double> values(static_cast<std::size_t>(x.rows()));
  for (std::size_t k = 0; k < columns.size(); ++k) {
    for (Index i = 0; i < x.rows(); ++i) values[static_cast<std::size_t>(i)] = x(i, columns[k]);
    std::sort(values.begin(), values.end());
    const auto end = std::unique(values.begin(), values.end());
    for (Index i = 0; i < x.rows(); ++i)
      ranks(i, static_cast<Index>(k)) =
          static_cast<double>(std::lower_bound(values.begin(), end, x(i, columns[k])) - values.begin());
  }
  return ranks;
}

/// How often each tree's sample holds each point, n × trees: as many places drawn as there are, with all of
/// their points.
Matrix bootstrap(const Problem& problem, Index trees, const RandomStream& random) {
  const auto n = static_cast<Index>(problem.place.size());
  Matrix weights(n, trees);
  for (Index t = 0; t < trees; ++t) {
    RandomStream own = random.split(static_cast<std::uint64_t>(t));
    std::vector<double> drawn(static_cast<std::size_t>(problem.places), 0.0);
    for (Index i = 0; i < problem.places; ++i) drawn[own.below(drawn.size())] += 1.0;
    for (Index i = 0; i < n; ++i)
      weights(i, t) = drawn[static_cast<std::size_t>(problem.place[static_cast<std::size_t>(i)])];
  }
  return weights;
}

/// A grown tree over its sample: thresholds in the inputs' own units, means in the leaves.
class Planter {
 public:
  Planter(const Problem& problem, const GrownTree& grown, const Vector& y, const Matrix& weights, Index tree,
          Trees& trees)
      : problem_(problem), grown_(grown), y_(y), weights_(weights), tree_(tree), trees_(trees) {}

  void plant() {
    std::vector<Index> rows;
    for (Index i = 0; i < weights_.rows(); ++i)
      if (weights_(i, tree_) > 0.0) rows.push_back(i);
    trees_.roots.push_back(static_cast<std::int32_t>(trees_.nodes.size()));
    plant(0, rows.begin(), rows.end());
  }

 private:
  using Iterator = std::vector<Index>::iterator;

  void plant(std::size_t node, Iterator begin, Iterator end) {
    const GrownNode& grown = grown_[node];
    if (grown.input < 0) return plant_leaf(begin, end);
    const Index input = problem_.varying[static_cast<std::size_t>(grown.input)];
    const Iterator middle = std::stable_partition(
        begin, end, [&](Index row) { return problem_.ranks(row, grown.input) < grown.below; });
    double low = -HUGE_VAL, high = HUGE_VAL;
    for (Iterator row = begin; row != middle; ++row) low = std::max(low, problem_.x(*row, input));
    for (Iterator row = middle; row != end; ++row) high = std::min(high, problem_.x(*row, input));
    double threshold = 0.5 * low + 0.5 * high;
    if (!(threshold > low)) threshold = high;
    const std::size_t at = trees_.nodes.size();
    trees_.nodes.push_back({threshold, static_cast<std::int32_t>(input), 0});
    plant(static_cast<std::size_t>(grown.left), begin, middle);
    trees_.nodes[at].right = static_cast<std::int32_t>(trees_.nodes.size());
    plant(static_cast<std::size_t>(grown.right), middle, end);
  }

  void plant_leaf(Iterator begin, Iterator end) {
    double sum = 0.0, weight = 0.0;
    for (Iterator row = begin; row != end; ++row) {
      sum += weights_(*row, tree_) * y_[*row];
      weight += weights_(*row, tree_);
    }
    trees_.nodes.push_back({sum / weight, -1, 0});
  }

  const Problem& problem_;
  const GrownTree& grown_;
  const Vector& y_;
  const Matrix& weights_;
  Index tree_;
  Trees& trees_;
};

/// Mean and variance over the trees that do not know a point; NaN where all do.
struct OutOfBag {
  Vector mean, spread;
};

OutOfBag out_of_bag(const Trees& trees, const Matrix& x, const Matrix& weights) {
  const Index n = x.rows();
  OutOfBag found{Vector::Constant(n, std::nan("")), Vector::Constant(n, std::nan(""))};
  std::vector<double> values;
  for (Index i = 0; i < n; ++i) {
    values.clear();
    for (Index t = 0; t < trees.size(); ++t)
      if (weights(i, t) == 0.0) values.push_back(trees.leaf(t, x.row(i).data()).value);
    if (values.empty()) continue;
    const auto count = static_cast<double>(values.size());
    double sum = 0.0, squares = 0.0;
    for (const double v : values) sum += v / count;
    for (const double v : values) squares += (v - sum) * (v - sum) / count;
    found.mean[i] = sum;
    found.spread[i] = squares;
  }
  return found;
}

struct Grown {
  Trees trees;
  OutOfBag left_out;
};

Bytes pack(const Grown& g) {
  std::vector<double> numbers{static_cast<double>(g.trees.size()), static_cast<double>(g.trees.nodes.size()),
                              static_cast<double>(g.left_out.mean.size())};
  for (const std::int32_t root : g.trees.roots) numbers.push_back(root);
  for (const TreeNode& node : g.trees.nodes)
    numbers.insert(numbers.end(),
                   {node.value, static_cast<double>(node.input), static_cast<double>(node.right)});
  for (const Vector* v : {&g.left_out.mean, &g.left_out.spread})
    numbers.insert(numbers.end(), v->data(), v->data() + v->size());
  return to_bytes(numbers);
}

Grown unpack(const Bytes& bytes) {
  const std::vector<double> numbers = doubles_from_bytes(bytes);
  Grown g;
  const double* at = numbers.data() + 3;
  for (auto count = static_cast<Index>(numbers[0]); count > 0; --count)
    g.trees.roots.push_back(static_cast<std::int32_t>(*at++));
  for (auto count = static_cast<Index>(numbers[1]); count > 0; --count, at += 3)
    g.trees.nodes.push_back({at[0], static_cast<std::int32_t>(at[1]), static_cast<std::int32_t>(at[2])});
  const auto n = static_cast<Index>(numbers[2]);
  g.left_out = {Eigen::Map<const Vector>(at, n), Eigen::Map<const Vector>(at + n, n)};
  return g;
}

/// One place, or one point: its average.
Trees single_leaf() {
  Trees trees;
  trees.nodes.push_back({0.0, -1, 0});
  trees.roots.push_back(0);
  return trees;
}

Fit ForestRegressor::fit(const TrainingData& data, const FitContext& context) const {
  const auto clock = std::chrono::steady_clock::now();
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows(), p = data.y.cols();
  if (n >= most_points)
    throw DataError(text("regressor forest: ", n, " points, expected fewer than ", most_points));
  const Standardisation inputs = Standardisation::of(data.x), outputs = Standardisation::of(data.y);
  Fit fit;
  FitSummary& summary = fit.summary;
  warn_about_data(data, inputs, outputs, summary);
  Problem problem{data.x, {}, {}, {}, 0};
  for (Index k = 0; k < inputs.size(); ++k)
    if (inputs.varies(k)) problem.varying.push_back(k);
  problem.ranks = ranks_of(data.x, problem.varying);
  const std::vector<Index> first = first_of_equal_rows(data.x);
  for (std::size_t i = 0; i < first.size(); ++i)
    problem.place.push_back(first[i] == static_cast<Index>(i)
                                ? problem.places++
                                : problem.place[static_cast<std::size_t>(first[i])]);
  const Matrix standard = outputs.apply(data.y);
  const Vector noise = mean_noise_variance(data);

  ForestState state;
  state.inputs = data.x.cols();
  state.centre = outputs.centre;
  for (Vector* v : {&state.typical, &state.latent_constant, &state.latent_factor, &state.observed_constant,
                    &state.observed_factor})
    *v = Vector::Zero(p);
  if (problem.places == 1 || problem.varying.empty()) {
    if (n > 1)
      summary.warnings.push_back("all training points are the same: the prediction is their average");
    state.has_variance = n > 1;
    for (Index j = 0; j < p; ++j) {
      state.forests.push_back(single_leaf());
      if (n < 2) continue;
      state.observed_constant[j] =
          outputs.scale(j) * outputs.scale(j) * static_cast<double>(n + 1) / static_cast<double>(n - 1);
      state.latent_constant[j] = std::max(state.observed_constant[j] - noise[j], 0.0);
    }
    summary.message = text("forest: one place, ", n, " points");
  } else {
    const Matrix weights = bootstrap(problem, options_.trees, context.random.split("bootstrap"));
    const std::vector<Bytes> results = executor.map(p, [&](Index j) {
      Grown grown;
      if (!outputs.varies(j)) {
        grown = {single_leaf(), {Vector::Zero(n), Vector::Zero(n)}};
        return pack(grown);
      }
      const Vector y = standard.col(j);
      const auto trees = grow_trees(problem.ranks, y, weights, options_,
                                    context.random.split("splits").split(static_cast<std::uint64_t>(j)));
      for (std::size_t t = 0; t < trees.size(); ++t)
        Planter(problem, trees[t], y, weights, static_cast<Index>(t), grown.trees).plant();
      grown.left_out = out_of_bag(grown.trees, data.x, weights);
      return pack(grown);
    });
    summary.leave_one_out.resize(n, p);
    summary.leave_one_out_std.resize(n, p);
    double error = 0.0;
    std::size_t nodes = 0;
    for (Index j = 0; j < p; ++j) {
      Grown grown = unpack(results[static_cast<std::size_t>(j)]);
      const double scale = outputs.scale(j);
      const Vector residual = standard.col(j) - grown.left_out.mean;
      const double mse = residual.squaredNorm() / static_cast<double>(n);
      const double typical = grown.left_out.spread.mean();
      error += mse / static_cast<double>(p);
      summary.leave_one_out.col(j) = scale * residual;
      const double factor = typical > 0.0 ? mse / (2.0 * typical) : 0.0;
      const double constant = typical > 0.0 ? 0.0 : mse * scale * scale;
      summary.leave_one_out_std.col(j) =
          (constant + factor * scale * scale * (typical + grown.left_out.spread.array())).sqrt();
      const double latent = mse > 0.0 ? std::max(1.0 - noise[j] / (mse * scale * scale), 0.0) : 0.0;
      state.typical[j] = typical * scale * scale;
      state.observed_factor[j] = factor;
      state.observed_constant[j] = constant;
      state.latent_factor[j] = latent * factor;
      state.latent_constant[j] = latent * constant;
      nodes += grown.trees.nodes.size();
      for (TreeNode& node : grown.trees.nodes)
        if (node.input < 0) node.value *= scale;
      state.forests.push_back(std::move(grown.trees));
    }
    state.has_variance = summary.leave_one_out.allFinite();
    if (state.has_variance) {
      summary.facts.emplace_back("out-of-bag error over standard deviation", brief(std::sqrt(error)));
    } else {
      summary.leave_one_out.resize(0, 0);
      summary.leave_one_out_std.resize(0, 0);
      summary.warnings.push_back(
          text(options_.trees, " trees are so few that some point is in all of their samples: no variance"));
    }
    summary.facts.emplace_back("nodes", text(nodes));
    summary.message = text("forest: ", n, " points, ", options_.trees, " trees for each output");
  }
  fit.predictor = std::make_shared<ForestPredictor>(std::move(state));
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
  return fit;
}

}  // namespace

RegressorPtr make_forest_regressor(const ForestOptions& options) {
  if (!forest_is_built())
    throw UsageError(
        "regressor forest: this Ersatz was built without XGBoost, which grows the trees; install it (Debian: "
        "libxgboost-dev) and build again. Models that have forests open and predict all the same");
  if (options.trees < 1)
    throw UsageError(text("regressor forest: trees is ", options.trees, ", expected 1 or more"));
  if (options.leaf < 1)
    throw UsageError(text("regressor forest: leaf is ", options.leaf, ", expected 1 or more"));
  if (!(options.inputs > 0.0 && options.inputs <= 1.0))
    throw UsageError(text("regressor forest: inputs is ", options.inputs,
                          ", expected the share of inputs at a split, above 0 and up to 1"));
  return std::make_shared<ForestRegressor>(options);
}

RegressorPtr make_forest_regressor(const Settings& settings) {
  settings.check_known("regressor forest", {"trees", "leaf", "inputs"});
  ForestOptions options;
  options.trees = settings.get("trees", options.trees);
  options.leaf = settings.get("leaf", options.leaf);
  options.inputs = settings.get("inputs", options.inputs);
  return make_forest_regressor(options);
}

}  // namespace ersatz
