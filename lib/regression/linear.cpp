#include "ersatz/regression/linear.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/ridge_path.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

struct Candidate {
  FeatureTable table;
  Decomposition decomposition;
  std::vector<RidgeFit> outputs;
  double score = 0.0;  // Σ_j leave-one-out mean square error over variance
};

// Decreasing and each once.
std::vector<double> path_of(const std::vector<double>& alphas, Index n) {
  std::vector<double> path = alphas;
  if (path.empty())
    for (int a = 0; a < 100; ++a)
      path.push_back(static_cast<double>(n) * std::pow(10.0, 2.0 - 14.0 * a / 99.0));
  std::sort(path.begin(), path.end(), std::greater<>());
  path.erase(std::unique(path.begin(), path.end()), path.end());
  return path;
}

PolynomialState state_of(const Candidate& chosen, const Standardisation& outputs, const Vector& noise) {
  const Decomposition& d = chosen.decomposition;
  const Index n = d.u.rows(), m = d.v.rows(), r = d.rank(), p = outputs.size();
  PolynomialState s;
  s.features = chosen.table.features;
  s.centre = chosen.table.scaling.centre;
  s.inverse_scale = chosen.table.scaling.inverse_scale;
  s.intercept = outputs.centre;
  s.coefficients.resize(m, p);
  for (Index j = 0; j < p; ++j)
    s.coefficients.col(j) = (d.v * chosen.outputs[static_cast<std::size_t>(j)].gamma).array() *
                            s.inverse_scale.array() * outputs.scale(j);
  s.has_variance = n > 1;
  if (!s.has_variance) return s;

  s.offset = 1.0 / static_cast<double>(n);
  s.residual.resize(p);
  s.observed.resize(p);
  s.directions = s.inverse_scale.asDiagonal() * d.v;
  std::vector<double> levels;
  for (Index j = 0; j < p; ++j) {
    const RidgeFit& fit = chosen.outputs[static_cast<std::size_t>(j)];
    const auto at = std::find(levels.begin(), levels.end(), fit.alpha);
    s.level.push_back(at - levels.begin());
    if (at == levels.end()) levels.push_back(fit.alpha);
    s.residual[j] = fit.residual * outputs.scale(j) * outputs.scale(j);
    s.observed[j] = interpolating(d, fit.alpha) ? 0.0 : s.residual[j];
  }
  s.latent = (s.observed - noise).cwiseMax(0.0);
  if (m == 0) return s;
  s.weights.setZero(static_cast<Index>(levels.size()), r + 1);
  for (Index a = 0; a < s.weights.rows(); ++a) {
    const double alpha = levels[static_cast<std::size_t>(a)];
    if (interpolating(d, alpha)) {
      s.offset = 0.0;
      s.weights(a, r) = 1.0;
      continue;
    }
    for (Index l = 0; l < r; ++l) s.weights(a, l) = 1.0 / (d.s[l] * d.s[l] + alpha);
    if (!d.full_rank()) s.weights(a, r) = alpha > 0.0 ? 1.0 / alpha : (r > 0 ? s.weights(a, r - 1) : 0.0);
  }
  return s;
}

// What mean, linear and ridge share: candidates for degree and alpha.
Fit fit_polynomial(const TrainingData& data, const FitContext& context, const std::vector<Index>& degrees,
                   const std::vector<double>& alphas, const char* name) {
  const auto start = std::chrono::steady_clock::now();
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows(), p = data.y.cols();
  const Standardisation inputs = Standardisation::of(data.x), outputs = Standardisation::of(data.y);
  const Eigen::MatrixXd Y = outputs.apply(data.y);

  Fit fit;
  FitSummary& summary = fit.summary;
  warn_about_data(data, inputs, outputs, summary);
  Candidate best;
  Index best_degree = -1;
  std::vector<std::string> tried;
  for (const Index degree : degrees) {
    const Index size = PolynomialFeatures::total_degree_size(inputs.varying(), degree);
    if (best_degree >= 0 && (size < 0 || size > std::min<Index>(4 * n, 5000))) {
      tried.push_back(
          text("degree ", degree, ": not tried, more than ", std::min<Index>(4 * n, 5000), " features"));
      continue;
    }
    Candidate candidate;
    candidate.table = make_feature_table(PolynomialFeatures::total_degree(inputs, degree), data.x);
    candidate.decomposition = decompose(candidate.table.columns);
    candidate.outputs = fit_ridge(candidate.decomposition, Y, alphas, executor);
    for (const RidgeFit& f : candidate.outputs) candidate.score += f.loo_mse;
    if (n > 1)
      tried.push_back(
          text("degree ", degree, ": ", brief(std::sqrt(candidate.score / static_cast<double>(p)))));
    const bool better = candidate.score < best.score * (1.0 - 1e-6) && best.score > 1e-24;
    if (best_degree < 0 || better) {
      best = std::move(candidate);
      best_degree = degree;
    }
  }

  const Decomposition& d = best.decomposition;
  const Index m = d.v.rows();
  if (degrees.size() > 1) {
    std::string list;
    for (const auto& t : tried) list += (list.empty() ? "" : "; ") + t;
    summary.facts.emplace_back("degrees tried (leave-one-out error over standard deviation)", list);
  }
  summary.facts.emplace_back("degree", text(best_degree));
  summary.facts.emplace_back("features", text(m));
  const bool least_squares = alphas.size() == 1 && alphas[0] == 0.0;
  if (n > 1 && m > 0 && least_squares && !d.full_rank())
    summary.warnings.push_back(text("the ", n, " points determine ", d.rank(), " of ", m,
                                    " coefficients; the ones of smallest norm are taken. Use ridge, or "
                                    "fewer features"));
  if (!least_squares) {
    std::vector<double> used;
    Index at_end = 0;
    for (Index j = 0; j < p; ++j) {
      const RidgeFit& f = best.outputs[static_cast<std::size_t>(j)];
      used.push_back(f.alpha);
      if (alphas.size() > 1 && outputs.varies(j) && f.alpha_index == 0) ++at_end;
    }
    summary.facts.emplace_back("alpha", list_of(used));
    if (at_end > 0 && n > 1 && m > 0)
      summary.warnings.push_back(text(at_end, " of ", p, " outputs take the largest alpha of the path, ",
                                      brief(alphas[0]), ": their inputs explain nothing"));
  }
  if (data.noise_std.size() > 0)
    summary.facts.emplace_back("noise",
                               "known deviations enter the latent variance; points have equal weights");

  fit.predictor = std::make_shared<PolynomialPredictor>(state_of(best, outputs, mean_noise_variance(data)));
  if (n > 1) {
    const Vector noise = mean_noise_variance(data);
    summary.leave_one_out.resize(n, p);
    summary.leave_one_out_std.resize(n, p);
    double total = 0.0;
    for (Index j = 0; j < p; ++j) {
      const RidgeFit& f = best.outputs[static_cast<std::size_t>(j)];
      const double scale = outputs.scale(j);
      summary.leave_one_out.col(j) = f.leave_one_out * scale;
      summary.leave_one_out_std.col(j) =
          (f.loo_variance.array() * (scale * scale) - noise[j]).max(0.0).sqrt();
      total += f.loo_mse;
    }
    summary.facts.emplace_back("leave-one-out error over standard deviation",
                               brief(std::sqrt(total / static_cast<double>(p))));
  }
  summary.message = text(name, ": ", m, " features from ", n, " points, rank ", d.rank());
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return fit;
}

class PolynomialRegressor final : public Regressor {
 public:
  PolynomialRegressor(const char* name, std::string settings, std::vector<Index> degrees,
                      std::vector<double> alphas, bool path)
      : name_(name),
        settings_(std::move(settings)),
        degrees_(std::move(degrees)),
        alphas_(std::move(alphas)),
        path_(path) {}
  std::string name() const override { return name_; }
  std::string settings() const override { return settings_; }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    const auto alphas = path_ ? path_of(alphas_, data.x.rows()) : std::vector<double>{0.0};
    return fit_polynomial(data, context, degrees_, alphas, name_);
  }

 private:
  const char* name_;
  std::string settings_;
  std::vector<Index> degrees_;
  std::vector<double> alphas_;
  bool path_;
};

void check_degree(const char* whose, Index degree) {
  if (degree < 1 || degree > 64)
    throw UsageError(text("regressor ", whose, ": degree is ", degree, ", expected 1 to 64"));
}

}  // namespace

RegressorPtr make_mean_regressor(const Settings& settings) {
  settings.check_known("regressor mean", {});
  return std::make_shared<PolynomialRegressor>("mean", "the average", std::vector<Index>{0},
                                               std::vector<double>{}, false);
}

RegressorPtr make_linear_regressor(const LinearOptions& options) {
  check_degree("linear", options.degree);
  return std::make_shared<PolynomialRegressor>("linear", text("least squares, degree ", options.degree),
                                               std::vector<Index>{options.degree}, std::vector<double>{},
                                               false);
}

RegressorPtr make_linear_regressor(const Settings& settings) {
  settings.check_known("regressor linear", {"degree"});
  LinearOptions options;
  options.degree = settings.get("degree", options.degree);
  return make_linear_regressor(options);
}

RegressorPtr make_ridge_regressor(const RidgeOptions& options) {
  if (options.degrees.empty()) throw UsageError("regressor ridge: no degree to choose from");
  for (const Index degree : options.degrees) check_degree("ridge", degree);
  for (const double alpha : options.alphas)
    if (!(alpha > 0.0) || !std::isfinite(alpha))
      throw UsageError(text("regressor ridge: alpha is ", alpha,
                            ", expected more than 0 (regressor linear does without a penalty)"));
  std::string line =
      options.degrees.size() > 1 ? "degree by leave-one-out" : text("degree ", options.degrees[0]);
  line +=
      options.alphas.size() == 1 ? text(", alpha ", brief(options.alphas[0])) : ", alpha by leave-one-out";
  return std::make_shared<PolynomialRegressor>("ridge", line, options.degrees, options.alphas, true);
}

RegressorPtr make_ridge_regressor(const Settings& settings) {
  settings.check_known("regressor ridge", {"degree", "alpha"});
  RidgeOptions options;
  const auto degree = settings.values().find("degree");
  if (degree != settings.values().end()) {
    if (const auto* word = std::get_if<std::string>(&degree->second)) {
      if (*word != "auto")
        throw UsageError(
            text("regressor ridge: degree is '", *word, "', expected a whole number or \"auto\""));
    } else {
      options.degrees = {settings.get("degree", Index{1})};
    }
  }
  options.alphas = settings.get("alpha", options.alphas);
  return make_ridge_regressor(options);
}

}  // namespace ersatz
