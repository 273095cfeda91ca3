#include "ersatz/regression/knn.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "regression/knn_predictor.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

constexpr Index chunk = 64;  // points per task; part of the result's order of summation

struct Setup {
  NeighbourWeights weights;
  Index k;
};

// Neighbours of training points, without the points themselves and exact repeats of them.
class LeaveOneOut {
 public:
  LeaveOneOut(const Matrix& points, const Matrix& values, Index largest_k)
      : points_(points),
        values_(values),
        first_(first_of_equal_rows(points)),
        largest_k_(largest_k),
        tree_(make_neighbour_tree(points.data(), points.rows(), points.cols())) {
    std::vector<Index> copies(first_.size(), 0);
    for (const Index f : first_) most_copies_ = std::max(most_copies_, ++copies[static_cast<std::size_t>(f)]);
  }

  /// False when all points are the same one.
  bool possible() const { return most_copies_ < points_.rows(); }

  /// Neighbours of point i: largest_k + 1, or all there are. Memory comes from the workspace.
  Neighbourhood around(Index i, Workspace& workspace) const {
    const Index ask = std::min(largest_k_ + 1 + most_copies_, points_.rows());
    double* distances = workspace.take(ask);
    double* rows = workspace.take(ask);
    tree_->nearest(points_.data() + i * points_.cols(), ask, distances, rows);
    Index size = 0;
    for (Index l = 0; l < ask && size <= largest_k_; ++l) {
      if (first_[static_cast<std::size_t>(rows[l])] == first_[static_cast<std::size_t>(i)]) continue;
      distances[size] = distances[l];
      rows[size++] = rows[l];
    }
    return {points_.data(), points_.cols(), distances, rows, size};
  }

  /// residual[j] = y_ij - the prediction without point i.
  void residuals(Index i, const Setup& setup, Neighbourhood neighbours, double* residual,
                 Workspace& workspace) const {
    const Workspace::Frame frame(workspace);
    const Index p = values_.cols(), k = std::min(setup.k, neighbours.size);
    neighbours.size = std::min(neighbours.size, k + 1);
    double* weights = workspace.take(k);
    neighbour_weights(setup.weights, points_.data() + i * points_.cols(), neighbours, k, weights, workspace);
    for (Index j = 0; j < p; ++j) residual[j] = values_(i, j);
    for (Index l = 0; l < k; ++l) {
      const double* y = values_.data() + static_cast<Index>(neighbours.rows[l]) * p;
      for (Index j = 0; j < p; ++j) residual[j] -= weights[l] * y[j];
    }
  }

  /// Variance of each output among the k + 1 nearest.
  void spread(const Neighbourhood& neighbours, Index k, double* spread) const {
    const Index size = std::min(neighbours.size, k + 1);
    for (Index j = 0; j < values_.cols(); ++j) {
      double average = 0.0, squares = 0.0;
      for (Index l = 0; l < size; ++l) average += values_(static_cast<Index>(neighbours.rows[l]), j);
      average /= static_cast<double>(size);
      for (Index l = 0; l < size; ++l) {
        const double deviation = values_(static_cast<Index>(neighbours.rows[l]), j) - average;
        squares += deviation * deviation;
      }
      spread[j] = squares / static_cast<double>(size);
    }
  }

 private:
  const Matrix& points_;
  const Matrix& values_;
  std::vector<Index> first_;
  Index most_copies_ = 0, largest_k_;
  std::unique_ptr<const NeighbourTree> tree_;
};

class KnnRegressor final : public Regressor {
 public:
  explicit KnnRegressor(KnnOptions options) : options_(std::move(options)) {}
  std::string name() const override { return "knn"; }
  std::string settings() const override {
    return text(options_.k.size() == 1 ? text("k ", options_.k[0]) : "k by leave-one-out", ", ",
                options_.weights.size() == 1 ? text(to_string(options_.weights[0]), " weights")
                                             : "weights by leave-one-out");
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  std::vector<Setup> candidates(Index n, Index v, FitSummary& summary) const;

  KnnOptions options_;
};

// The simplest first: of equally good ones, that is taken.
std::vector<Setup> KnnRegressor::candidates(Index n, Index v, FitSummary& summary) const {
  const Index most = std::max<Index>(n - 1, 1);
  std::vector<Index> ks;
  for (const Index k : options_.k)
    if (k <= most) ks.push_back(k);
  if (ks.empty()) {
    ks.push_back(most);
    summary.warnings.push_back(text("k is ", *std::min_element(options_.k.begin(), options_.k.end()),
                                    ", but there are ", n, " training points: k = ", most, " is used"));
  }
  std::vector<Setup> setups;
  for (const NeighbourWeights w : options_.weights) {
    // A plane in many dimensions costs their cube for each point and k.
    if (w == NeighbourWeights::local_linear && v > 32 && options_.weights.size() > 1) continue;
    for (const Index k : ks) setups.push_back({w, k});
  }
  return setups;
}

Fit KnnRegressor::fit(const TrainingData& data, const FitContext& context) const {
  const auto clock = std::chrono::steady_clock::now();
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows(), p = data.y.cols();
  const Standardisation outputs = Standardisation::of(data.y);

  Fit fit;
  FitSummary& summary = fit.summary;
  KnnState state;
  state.inputs = Standardisation::of(data.x);
  warn_about_data(data, state.inputs, outputs, summary);
  state.points.resize(n, knn_dimension(state.inputs));
  for (Index i = 0; i < n; ++i)
    knn_coordinates(state.inputs, data.x.data() + i * data.x.cols(), state.points.row(i).data());
  state.centre = outputs.centre;
  state.values = data.y.rowwise() - outputs.centre.transpose();

  const auto setups = candidates(n, state.points.cols(), summary);
  Index largest_k = 1;
  for (const Setup& s : setups) largest_k = std::max(largest_k, s.k);
  const Matrix standard = outputs.apply(data.y);
  const LeaveOneOut loo(state.points, standard, largest_k);
  const Vector noise = mean_noise_variance(data);

  Setup chosen = setups[0];
  if (!loo.possible()) {
    // One place only: the average of what was seen there.
    chosen = {NeighbourWeights::uniform, n};
    if (n > 1) {
      summary.warnings.push_back("all training points are the same: the prediction is their average");
      state.has_variance = true;
      const double count = static_cast<double>(n);
      state.observed_constant.resize(p);
      for (Index j = 0; j < p; ++j)
        state.observed_constant[j] = outputs.scale(j) * outputs.scale(j) * (count + 1.0) / (count - 1.0);
      state.latent_constant = (state.observed_constant - noise).cwiseMax(0.0);
      state.latent_factor = state.observed_factor = Vector::Zero(p);
    }
  } else {
    std::vector<Index> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), Index{0});
    if (n > options_.loo_points) {
      RandomStream random = context.random.split("knn leave-one-out");
      rows = random.permutation(n);
      rows.resize(static_cast<std::size_t>(options_.loo_points));
      std::sort(rows.begin(), rows.end());
    }
    const Index count = static_cast<Index>(rows.size()), tasks = (count + chunk - 1) / chunk;

    if (setups.size() > 1) {
      const auto scores = executor.map(tasks, [&](Index task) {
        Workspace workspace;
        std::vector<double> sums(setups.size(), 0.0), residual(static_cast<std::size_t>(p));
        for (Index at = task * chunk; at < std::min((task + 1) * chunk, count); ++at) {
          const Workspace::Frame frame(workspace);
          const Index i = rows[static_cast<std::size_t>(at)];
          const Neighbourhood neighbours = loo.around(i, workspace);
          for (std::size_t s = 0; s < setups.size(); ++s) {
            loo.residuals(i, setups[s], neighbours, residual.data(), workspace);
            for (const double e : residual) sums[s] += e * e;
          }
        }
        return to_bytes(sums);
      });
      std::vector<double> total(setups.size(), 0.0);
      for (const auto& bytes : scores) {
        const auto sums = doubles_from_bytes(bytes);
        for (std::size_t s = 0; s < sums.size(); ++s) total[s] += sums[s];
      }
      std::size_t best = 0;
      for (std::size_t s = 1; s < total.size(); ++s)
        if (total[s] < total[best] * (1.0 - 1e-10)) best = s;
      chosen = setups[best];
    }

    // Residuals and spreads of the chosen one: per point p of each.
    const auto parts = executor.map(tasks, [&](Index task) {
      Workspace workspace;
      std::vector<double> values;
      std::vector<double> residual(static_cast<std::size_t>(p)), spread(residual.size());
      for (Index at = task * chunk; at < std::min((task + 1) * chunk, count); ++at) {
        const Workspace::Frame frame(workspace);
        const Index i = rows[static_cast<std::size_t>(at)];
        const Neighbourhood neighbours = loo.around(i, workspace);
        loo.residuals(i, chosen, neighbours, residual.data(), workspace);
        loo.spread(neighbours, chosen.k, spread.data());
        values.insert(values.end(), residual.begin(), residual.end());
        values.insert(values.end(), spread.begin(), spread.end());
      }
      return to_bytes(values);
    });
    Matrix residuals(count, p), spreads(count, p);
    for (Index task = 0; task < tasks; ++task) {
      const auto values = doubles_from_bytes(parts[static_cast<std::size_t>(task)]);
      const Index points = static_cast<Index>(values.size()) / (2 * p);
      const Eigen::Map<const Matrix> both(values.data(), points, 2 * p);
      residuals.middleRows(task * chunk, points) = both.leftCols(p);
      spreads.middleRows(task * chunk, points) = both.rightCols(p);
    }
    Vector mse(p);
    state.has_variance = true;
    state.observed_constant = state.observed_factor = state.latent_constant = state.latent_factor =
        Vector::Zero(p);
    const double k = static_cast<double>(chosen.k);
    for (Index j = 0; j < p; ++j) {
      const double scale2 = outputs.scale(j) * outputs.scale(j);
      mse[j] = residuals.col(j).squaredNorm() / static_cast<double>(count);
      const double average = spreads.col(j).sum() / static_cast<double>(count);
      const double observed = mse[j] * scale2, latent = std::max(observed - noise[j], 0.0);
      // The mean of (average + (k + 1) spread) / (k + 2) over the points is `average`.
      const double prior = average > 0.0 ? 1.0 / (k + 2.0) : 1.0;
      const double local = average > 0.0 ? (k + 1.0) / (k + 2.0) / (average * scale2) : 0.0;
      state.observed_constant[j] = observed * prior;
      state.observed_factor[j] = observed * local;
      state.latent_constant[j] = latent * prior;
      state.latent_factor[j] = latent * local;
    }
    summary.facts.emplace_back("leave-one-out error over standard deviation", brief(std::sqrt(mse.mean())));
    if (count < n)
      summary.facts.emplace_back("leave-one-out points", text(count, " of ", n));
    else {
      summary.leave_one_out = residuals;
      summary.leave_one_out_std.resize(n, p);
      for (Index j = 0; j < p; ++j) {
        const double scale = outputs.scale(j);
        summary.leave_one_out.col(j) *= scale;
        summary.leave_one_out_std.col(j) =
            (state.latent_constant[j] + state.latent_factor[j] * scale * scale * spreads.col(j).array())
                .sqrt();
      }
    }
  }
  state.k = chosen.k;
  state.weights = chosen.weights;
  summary.facts.emplace_back("k", text(chosen.k));
  summary.facts.emplace_back("weights", std::string(to_string(chosen.weights)));
  summary.message = text("knn: ", chosen.k, " of ", n, " points, ", to_string(chosen.weights), " weights");
  fit.predictor = std::make_shared<KnnPredictor>(std::move(state));
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
  return fit;
}

}  // namespace

RegressorPtr make_knn_regressor(const KnnOptions& options) {
  if (options.k.empty()) throw UsageError("regressor knn: no k to choose from");
  if (options.weights.empty()) throw UsageError("regressor knn: no weights to choose from");
  for (const Index k : options.k)
    if (k < 1) throw UsageError(text("regressor knn: k is ", k, ", expected 1 or more"));
  if (options.loo_points < 2)
    throw UsageError(text("regressor knn: loo_points is ", options.loo_points, ", expected 2 or more"));
  return std::make_shared<KnnRegressor>(options);
}

RegressorPtr make_knn_regressor(const Settings& settings) {
  settings.check_known("regressor knn", {"k", "weights", "loo_points"});
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
  const std::string weights = settings.get("weights", "auto");
  if (weights != "auto") options.weights = {neighbour_weights_from_string(weights)};
  options.loo_points = settings.get("loo_points", options.loo_points);
  return make_knn_regressor(options);
}

}  // namespace ersatz
