// The table of scores: one line each.
#include <cmath>
#include <limits>
#include <mutex>

#include "core/gaussian.hpp"
#include "core/named_table.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/score.hpp"
#include "ersatz/selection/scores.hpp"
#include "selection/quantile.hpp"

namespace ersatz {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double nrmse(const ScoreData& d) { return normalised_rmse(d.prediction, d.truth); }

double rmse(const ScoreData& d) {
  return std::sqrt((d.prediction - d.truth).squaredNorm() / static_cast<double>(d.truth.size()));
}

double relative_l2(const ScoreData& d) {
  std::vector<double> rows;
  for (Index i = 0; i < d.truth.rows(); ++i) {
    const double size = d.truth.row(i).norm(), error = (d.prediction.row(i) - d.truth.row(i)).norm();
    rows.push_back(size > 0.0 ? error / size : (error > 0.0 ? HUGE_VAL : 0.0));
  }
  return quantile(std::move(rows), 0.5);
}

double rmsle(const ScoreData& d) {
  double sum = 0.0;
  for (Index i = 0; i < d.truth.rows(); ++i)
    for (Index j = 0; j < d.truth.cols(); ++j) {
      if (!(d.truth(i, j) >= 0.0))
        throw UsageError(text("score rmsle: is of outputs from 0 on, and '", d.output, "' has ",
                              d.truth(i, j), "; take another score, nrmse for example"));
      const double e = std::log1p(std::max(d.prediction(i, j), 0.0)) - std::log1p(d.truth(i, j));
      sum += e * e;
    }
  return std::sqrt(sum / static_cast<double>(d.truth.size()));
}

double r2(const ScoreData& d) {
  const double e = nrmse(d);
  return 1.0 - e * e;
}

double adjusted_r2(const ScoreData& d) {
  const auto n = static_cast<double>(d.truth.rows()), inputs = static_cast<double>(d.inputs);
  return n > inputs + 1.0 ? 1.0 - (1.0 - r2(d)) * (n - 1.0) / (n - inputs - 1.0) : nan;
}

double max_error(const ScoreData& d) { return (d.prediction - d.truth).cwiseAbs().maxCoeff(); }

/// Mean over the values of columns that vary: those that do not would be right for free.
template <class Formula>
double over_varying(const ScoreData& d, const Formula& formula) {
  double sum = 0.0, count = 0.0;
  for (Index j = 0; j < d.truth.cols(); ++j) {
    const double low = d.truth.col(j).minCoeff(), high = d.truth.col(j).maxCoeff();
    if (!(high - low > 1e-12 * std::max(std::abs(low), std::abs(high)))) continue;
    for (Index i = 0; i < d.truth.rows(); ++i) {
      const double s = usable_deviation(d.std(i, j), d.prediction(i, j));
      sum += formula((d.truth(i, j) - d.prediction(i, j)) / s, s);
      count += 1.0;
    }
  }
  return count > 0.0 ? sum / count : nan;
}

double crps(const ScoreData& d) { return over_varying(d, gaussian_crps); }
double log_score(const ScoreData& d) { return over_varying(d, gaussian_log_score); }

std::vector<Score>& scores() {
  // clang-format off
  //   name, label, larger is better, is an error, needs deviations, over outputs, value
  static std::vector<Score> table = {
      {"nrmse", "NRMSE", false, true, false, OverOutputs::root_mean_square, nrmse},
      {"rmse", "RMSE", false, true, false, OverOutputs::mean, rmse},
      {"relative-l2", "relative L2", false, true, false, OverOutputs::mean, relative_l2},
      {"rmsle", "RMSLE", false, true, false, OverOutputs::mean, rmsle},
      {"r2", "R²", true, false, false, OverOutputs::mean, r2},
      {"adjusted-r2", "adjusted R²", true, false, false, OverOutputs::mean, adjusted_r2},
      {"max-error", "max |error|", false, true, false, OverOutputs::largest, max_error},
      {"mismatch", "mismatch", false, true, false, OverOutputs::mean, nullptr},
      {"crps", "CRPS", false, true, true, OverOutputs::mean, crps},
      {"log-score", "log score", false, false, true, OverOutputs::mean, log_score},
  };
  // clang-format on
  return table;
}

std::mutex& scores_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Score find_score(const std::string& name) {
  const std::lock_guard<std::mutex> lock(scores_mutex());
  return find_named(scores(), name, "score");
}

std::vector<std::string> score_names() {
  const std::lock_guard<std::mutex> lock(scores_mutex());
  return names_in(scores());
}

void register_score(Score score) {
  if (score.name.empty() || !score.value) throw UsageError("register_score: needs a name and a function");
  if (score.label.empty()) score.label = score.name;
  const std::lock_guard<std::mutex> lock(scores_mutex());
  for (const Score& s : scores())
    if (s.name == score.name) throw UsageError(text("register_score: the name '", score.name, "' is taken"));
  scores().push_back(std::move(score));
}

}  // namespace ersatz
