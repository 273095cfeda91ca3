#include "ersatz/regression/linear.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/ridge_path.hpp"
#include "regression/feature_options.hpp"
#include "regression/polynomial_facts.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/ridge_path.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

struct Candidate {
  PolynomialFeatures features;
  Standardisation scaling;
  Decomposition decomposition;
  RidgeFits fits;
  double score = 0.0;  // Σ_j leave-one-out mean square error (or GCV) over variance
};

// What mean, linear and ridge are: their name, and RidgeOptions.
struct Model {
  const char* name;
  std::vector<Index> degrees;
  RidgeSelection selection = RidgeSelection::leave_one_out;
  PolynomialFamily family = PolynomialFamily::powers;
  double q_norm = 1.0;
};

Candidate fit_candidate(const PolynomialFeatures& features, const TrainingData& data,
                        const Eigen::MatrixXd& Y, const std::vector<double>& alphas, RidgeSelection selection,
                        Executor& executor) {
  Candidate c;
  // Of degree 1, powers and Hermite polynomials are the standardised inputs themselves.
  const auto& families = features.families();
  const bool standardised = features.degree() == 1 && std::find(families.begin(), families.end(),
                                                                PolynomialFamily::legendre) == families.end();
  FeatureRows table = make_feature_rows(features, data.x, standardised);
  c.features = std::move(table.features);
  c.scaling = std::move(table.scaling);
  c.decomposition = decompose(std::move(table.rows), executor);
  c.fits = fit_ridge(c.decomposition, Y, alphas, selection, executor);
  for (Index j = 0; j < Y.cols(); ++j) {
    const RidgeFit& f = c.fits.outputs[static_cast<std::size_t>(j)];
    c.score +=
        selection == RidgeSelection::gcv ? c.fits.gcv(static_cast<Index>(f.alpha_index), j) : f.loo_mse;
  }
  return c;
}

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
  const Index n = d.points(), m = d.v.rows(), r = d.rank(), p = outputs.size();
  PolynomialState s;
  s.features = chosen.features;
  s.centre = chosen.scaling.centre;
  s.inverse_scale = chosen.scaling.inverse_scale;
  s.intercept = outputs.centre;
  s.coefficients.resize(m, p);
  for (Index j = 0; j < p; ++j)
    s.coefficients.col(j) = (d.v * chosen.fits.outputs[static_cast<std::size_t>(j)].gamma).array() *
                            s.inverse_scale.array() * outputs.scale(j);
  s.has_variance = n > 1;
  if (!s.has_variance) return s;

  s.offset = 1.0 / static_cast<double>(n);
  s.residual.resize(p);
  s.observed.resize(p);
  s.directions = s.inverse_scale.asDiagonal() * d.v;
  std::vector<double> levels;
  for (Index j = 0; j < p; ++j) {
    const RidgeFit& fit = chosen.fits.outputs[static_cast<std::size_t>(j)];
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
Fit fit_polynomial(const TrainingData& data, const FitContext& context, const Model& model,
                   const std::vector<double>& alphas) {
  const auto start = std::chrono::steady_clock::now();
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows(), p = data.y.cols();
  const Standardisation inputs = feature_inputs(data, model.family), outputs = Standardisation::of(data.y);
  const Eigen::MatrixXd Y = outputs.apply(data.y);

  Fit fit;
  FitSummary& summary = fit.summary;
  warn_about_data(data, inputs, outputs, summary);
  Candidate best;
  Index best_degree = -1;
  std::vector<std::string> tried;
  for (const Index degree : model.degrees) {
    const Truncation truncation{degree, model.q_norm};
    const Index size = PolynomialFeatures::truncated_size(inputs.varying(), truncation);
    if (best_degree >= 0 && (size < 0 || size > std::min<Index>(4 * n, 5000))) {
      tried.push_back(
          text("degree ", degree, ": not tried, more than ", std::min<Index>(4 * n, 5000), " features"));
      continue;
    }
    Candidate candidate = fit_candidate(features_of(inputs, truncation, model.family), data, Y, alphas,
                                        model.selection, executor);
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
  const bool gcv = model.selection == RidgeSelection::gcv;
  if (model.degrees.size() > 1) {
    std::string list;
    for (const auto& t : tried) list += (list.empty() ? "" : "; ") + t;
    summary.facts.emplace_back(text("degrees tried (", gcv ? "generalised cross-validation" : "leave-one-out",
                                    " error over standard deviation)"),
                               list);
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
      const RidgeFit& f = best.fits.outputs[static_cast<std::size_t>(j)];
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
    summary.leave_one_out.resize(n, p);
    summary.leave_one_out_std.resize(n, p);
    double total = 0.0;
    for (Index j = 0; j < p; ++j) {
      const RidgeFit& f = best.fits.outputs[static_cast<std::size_t>(j)];
      const double scale = outputs.scale(j);
      summary.leave_one_out.col(j) = f.leave_one_out * scale;
      summary.leave_one_out_std.col(j) = scale * f.loo_variance.cwiseSqrt();
      total += f.loo_mse;
    }
    summary.facts.emplace_back("leave-one-out error over standard deviation",
                               brief(std::sqrt(total / static_cast<double>(p))));
  }
  add_coefficient_facts(*fit.predictor, data, summary);
  summary.message = text(model.name, ": ", m, " features from ", n, " points, rank ", d.rank());
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return fit;
}

class PolynomialRegressor final : public Regressor {
 public:
  PolynomialRegressor(Model model, std::string settings, std::vector<double> alphas, bool path)
      : model_(std::move(model)), settings_(std::move(settings)), alphas_(std::move(alphas)), path_(path) {}
  std::string name() const override { return model_.name; }
  std::string settings() const override { return settings_; }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    const auto alphas = path_ ? path_of(alphas_, data.x.rows()) : std::vector<double>{0.0};
    return fit_polynomial(data, context, model_, alphas);
  }

 private:
  Model model_;
  std::string settings_;
  std::vector<double> alphas_;
  bool path_;
};

void check_degree(const char* whose, Index degree) {
  if (degree < 1 || degree > 64)
    throw UsageError(text("regressor ", whose, ": degree is ", degree, ", expected 1 to 64"));
}

void check_ridge(const RidgeOptions& options) {
  if (options.degrees.empty()) throw UsageError("regressor ridge: no degree to choose from");
  for (const Index degree : options.degrees) check_degree("ridge", degree);
  for (const double alpha : options.alphas)
    if (!(alpha > 0.0) || !std::isfinite(alpha))
      throw UsageError(text("regressor ridge: alpha is ", alpha,
                            ", expected more than 0 (regressor linear does without a penalty)"));
}

}  // namespace

Matrix RidgePath::coefficients(Index a) const {
  const Vector shrink =
      singular_values.array() / (singular_values.array().square() + alphas.at(static_cast<std::size_t>(a)));
  const Eigen::MatrixXd standardised = directions * (shrink.asDiagonal() * rotated);
  return feature_inverse_scale.asDiagonal() * standardised * output_scale.asDiagonal();
}

Vector RidgePath::intercept(Index a) const {
  return output_centre - coefficients(a).transpose() * feature_centre;
}

RidgePath fit_ridge_path(const TrainingData& data, const RidgeOptions& options, const FitContext& context) {
  check_ridge(options);
  if (options.degrees.size() != 1)
    throw UsageError(text("ridge path: ", options.degrees.size(), " degrees, expected one"));
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Standardisation outputs = Standardisation::of(data.y);
  const auto features = features_of(feature_inputs(data, options.features),
                                    {options.degrees[0], options.q_norm}, options.features);
  RidgePath path;
  path.alphas = path_of(options.alphas, data.x.rows());
  Candidate c =
      fit_candidate(features, data, outputs.apply(data.y), path.alphas, options.selection, executor);
  path.features = std::move(c.features);
  path.feature_centre = std::move(c.scaling.centre);
  path.feature_inverse_scale = std::move(c.scaling.inverse_scale);
  path.output_centre = outputs.centre;
  path.output_scale.resize(outputs.size());
  for (Index j = 0; j < outputs.size(); ++j) path.output_scale[j] = outputs.scale(j);
  const auto squared = path.output_scale.cwiseAbs2().asDiagonal();
  path.leave_one_out = c.fits.leave_one_out * squared;
  path.gcv = c.fits.gcv * squared;
  for (const RidgeFit& fit : c.fits.outputs) path.chosen.push_back(static_cast<Index>(fit.alpha_index));
  path.singular_values = std::move(c.decomposition.s);
  path.directions = std::move(c.decomposition.v);
  path.rotated = std::move(c.fits.rotated);
  return path;
}

RegressorPtr make_mean_regressor(const Settings& settings) {
  settings.check_known("regressor mean", {});
  return std::make_shared<PolynomialRegressor>(Model{"mean", {0}}, "the average", std::vector<double>{},
                                               false);
}

RegressorPtr make_linear_regressor(const LinearOptions& options) {
  check_degree("linear", options.degree);
  const Model model{
      "linear", {options.degree}, RidgeSelection::leave_one_out, options.features, options.q_norm};
  return std::make_shared<PolynomialRegressor>(
      model, text("least squares, degree ", options.degree, describe(options.features, options.q_norm)),
      std::vector<double>{}, false);
}

RegressorPtr make_linear_regressor(const Settings& settings) {
  settings.check_known("regressor linear", {"degree", "features", "q_norm"});
  LinearOptions options;
  options.degree = settings.get("degree", options.degree);
  options.features = family_setting(settings, "linear", options.features);
  options.q_norm = q_norm_setting(settings, "linear", options.q_norm);
  return make_linear_regressor(options);
}

RegressorPtr make_ridge_regressor(const RidgeOptions& options) {
  check_ridge(options);
  const std::string by = options.selection == RidgeSelection::gcv ? "gcv" : "leave-one-out";
  std::string line =
      options.degrees.size() > 1 ? text("degree by ", by) : text("degree ", options.degrees[0]);
  line += options.alphas.size() == 1 ? text(", alpha ", brief(options.alphas[0])) : text(", alpha by ", by);
  line += describe(options.features, options.q_norm);
  const Model model{"ridge", options.degrees, options.selection, options.features, options.q_norm};
  return std::make_shared<PolynomialRegressor>(model, line, options.alphas, true);
}

RegressorPtr make_ridge_regressor(const Settings& settings) {
  settings.check_known("regressor ridge", {"degree", "alpha", "selection", "features", "q_norm"});
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
  const std::string selection = settings.get("selection", "leave-one-out");
  if (selection != "leave-one-out" && selection != "gcv")
    throw UsageError(
        text("regressor ridge: selection is '", selection, "', expected \"leave-one-out\" or \"gcv\""));
  if (selection == "gcv") options.selection = RidgeSelection::gcv;
  options.features = family_setting(settings, "ridge", options.features);
  options.q_norm = q_norm_setting(settings, "ridge", options.q_norm);
  return make_ridge_regressor(options);
}

}  // namespace ersatz
