#include "ersatz/regression/lasso.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/lasso_cross_validation.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

void check_options(const LassoOptions& options, Index fewest_folds) {
  const auto refuse = [](const char* setting, double value, const char* expected) {
    throw UsageError(text("regressor lasso: ", setting, " is ", value, ", expected ", expected));
  };
  if (options.degree < 1 || options.degree > 64)
    refuse("degree", static_cast<double>(options.degree), "1 to 64");
  for (const double alpha : options.alphas)
    if (!(alpha > 0.0) || !std::isfinite(alpha)) refuse("alpha", alpha, "more than 0");
  if (!(options.l1_ratio > 0.0 && options.l1_ratio <= 1.0))
    refuse("l1_ratio", options.l1_ratio, "more than 0, up to 1 (regressor ridge is the case 0)");
  if (options.path_length < 1) refuse("path_length", static_cast<double>(options.path_length), "1 or more");
  if (!(options.path_ratio > 0.0 && options.path_ratio < 1.0))
    refuse("path_ratio", options.path_ratio, "between 0 and 1");
  if (options.folds < 2 && options.folds != fewest_folds)
    refuse("folds", static_cast<double>(options.folds),
           fewest_folds == 0 ? "0 (none), 2 or more" : "2 or more");
  if (!(options.tolerance > 0.0 && options.tolerance < 1.0))
    refuse("tolerance", options.tolerance, "between 0 and 1");
  if (options.max_iterations < 1)
    refuse("max_iterations", static_cast<double>(options.max_iterations), "1 or more");
}

// The data of a fit, ready for descent.
struct Prepared {
  Standardisation inputs, outputs;
  LassoBlocks blocks;
  LassoTable table;
  Eigen::MatrixXd Y;  // n × p, standardised

  Prepared(const TrainingData& data, Index degree, Index folds, const RandomStream& random)
      : inputs(Standardisation::of(data.x)),
        outputs(Standardisation::of(data.y)),
        blocks(folds > 1 ? make_folds(data.x.rows(), folds, random) : undivided(data.x.rows())),
        table(make_lasso_table(inputs, degree, data.x, blocks)),
        Y(standardised_columns(outputs, data.y, blocks)) {}
};

class LassoRegressor final : public Regressor {
 public:
  explicit LassoRegressor(LassoOptions options) : options_(std::move(options)) {}
  std::string name() const override { return "lasso"; }
  std::string settings() const override {
    return text("degree ", options_.degree,
                options_.l1_ratio < 1.0 ? text(", l1_ratio ", brief(options_.l1_ratio)) : std::string(),
                options_.shared ? ", shared features" : "",
                options_.alphas.size() == 1 ? text(", alpha ", brief(options_.alphas[0]))
                                            : text(", alpha by ", options_.folds, "-fold cross-validation"),
                options_.alphas.size() != 1 && options_.rule == LassoRule::one_standard_error
                    ? ", one standard error"
                    : "");
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  LassoOptions options_;
};

// A final fit, as plain numbers from its task.
struct Final {
  Eigen::MatrixXd beta;  // m × q
  double gap = 0.0, kkt_error = 0.0, sweeps = 0.0;
  bool converged = true;
};

Final fit_down_to(const LassoProblem& problem, const std::vector<double>& alphas, std::size_t last,
                  const LassoControl& control) {
  LassoState state = start(problem);
  Final fit;
  for (std::size_t a = 0; a <= last; ++a) {
    descend(problem, alphas[a], control, state);
    fit.sweeps += static_cast<double>(state.sweeps);
  }
  fit.beta = std::move(state.beta);
  fit.gap = state.gap;
  fit.kkt_error = state.kkt_error;
  fit.converged = state.converged;
  return fit;
}

Bytes packed(const Final& fit) {
  std::vector<double> values(fit.beta.data(), fit.beta.data() + fit.beta.size());
  for (const double v : {fit.gap, fit.kkt_error, fit.sweeps, fit.converged ? 1.0 : 0.0}) values.push_back(v);
  return to_bytes(values);
}

Final unpacked(const Bytes& bytes, Index m, Index q) {
  const auto values = doubles_from_bytes(bytes);
  const double* rest = values.data() + m * q;
  return {Eigen::Map<const Eigen::MatrixXd>(values.data(), m, q), rest[0], rest[1], rest[2], rest[3] > 0.0};
}

Fit LassoRegressor::fit(const TrainingData& data, const FitContext& context) const {
  const auto clock = std::chrono::steady_clock::now();
  const SingleThreadedBlas single;
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows(), p = data.y.cols();
  const Prepared ready(data, options_.degree, n > 1 ? std::min(options_.folds, n) : 0, context.random);
  const Standardisation& outputs = ready.outputs;
  const Index m = ready.table.features.size();
  const LassoControl control{options_.l1_ratio, options_.tolerance, options_.max_iterations};

  Fit fit;
  FitSummary& summary = fit.summary;
  warn_about_data(data, ready.inputs, outputs, summary);

  const LassoSums sums(ready.table.rows, ready.Y, ready.blocks, executor);
  const auto groups = lasso_groups(p, options_.shared);
  std::vector<std::vector<double>> alphas;
  for (const auto& group : groups)
    alphas.push_back(lasso_alphas(LassoPart(sums, -1, group.first, group.count).problem(), options_));
  std::vector<LassoCurve> curves;
  if (n > 1) curves = cross_validate(sums, groups, alphas, control, executor);
  std::vector<std::size_t> chosen(groups.size(), 0);
  for (std::size_t g = 0; g < curves.size(); ++g)
    chosen[g] = options_.rule == LassoRule::minimum ? curves[g].minimum() : curves[g].one_standard_error();

  // The final fits, down the path to the chosen alpha.
  const auto finals = executor.map(static_cast<Index>(groups.size()), [&](Index task) {
    const auto g = static_cast<std::size_t>(task);
    const LassoPart part(sums, -1, groups[g].first, groups[g].count);
    return packed(fit_down_to(part.problem(), alphas[g], chosen[g], control));
  });
  Matrix beta(m, p);
  Vector cv_mse = Vector::Zero(p);
  std::vector<double> taken, smallest, largest, nonzero, sweeps;
  double gap = 0.0, kkt_error = 0.0, unconverged_folds = 0.0;
  Index open = 0, at_end = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const LassoGroup& group = groups[g];
    const Final result = unpacked(finals[g], m, group.count);
    beta.middleCols(group.first, group.count) = result.beta;
    taken.push_back(alphas[g][chosen[g]]);
    nonzero.push_back(static_cast<double>((result.beta.array() != 0.0).rowwise().any().count()));
    sweeps.push_back(result.sweeps);
    gap = std::max(gap, result.gap);
    kkt_error = std::max(kkt_error, result.kkt_error);
    open += !result.converged;
    bool varies = false;
    for (Index c = 0; c < group.count; ++c) varies |= outputs.varies(group.first + c);
    at_end += alphas[g].size() > 1 && chosen[g] + 1 == alphas[g].size() && varies;
    if (curves.empty()) continue;
    smallest.push_back(alphas[g][curves[g].minimum()]);
    largest.push_back(alphas[g][curves[g].one_standard_error()]);
    unconverged_folds += curves[g].unconverged;
    for (Index c = 0; c < group.count; ++c)
      cv_mse[group.first + c] = curves[g].output_error(static_cast<Index>(chosen[g]), c);
  }

  // The predictor keeps the features that some output uses.
  std::vector<Index> used;
  for (Index t = 0; t < m; ++t)
    if ((beta.row(t).array() != 0.0).any()) used.push_back(t);
  PolynomialState state;
  state.features = ready.table.features.subset(used);
  const Index kept = static_cast<Index>(used.size());
  state.centre.resize(kept);
  state.coefficients.resize(kept, p);
  for (Index t = 0; t < kept; ++t) {
    const Index from = used[static_cast<std::size_t>(t)];
    state.centre[t] = ready.table.scaling.centre[from];
    for (Index j = 0; j < p; ++j)
      state.coefficients(t, j) = beta(from, j) * ready.table.scaling.inverse_scale[from] * outputs.scale(j);
  }
  state.intercept = outputs.centre;
  state.has_variance = n > 1;
  if (n > 1) {
    state.observed.resize(p);
    for (Index j = 0; j < p; ++j) state.observed[j] = cv_mse[j] * outputs.scale(j) * outputs.scale(j);
    state.latent = (state.observed - mean_noise_variance(data)).cwiseMax(0.0);
    state.residual.setZero(p);
  }
  fit.predictor = std::make_shared<PolynomialPredictor>(std::move(state));

  const Index fits = static_cast<Index>(groups.size());
  summary.converged = open == 0;
  if (open > 0)
    summary.warnings.push_back(text(open, " of ", fits, " fits did not reach the relative duality gap of ",
                                    options_.tolerance, " (largest gap ", brief(gap),
                                    "); raise max_iterations, alpha or tolerance"));
  if (unconverged_folds > 0.0)
    summary.warnings.push_back(
        text("during cross-validation, ", unconverged_folds, " fits did not reach their duality gap"));
  if (at_end > 0)
    summary.warnings.push_back(text(at_end, " of ", fits,
                                    " fits take the smallest alpha of the path: a smaller path_ratio, or "
                                    "ridge, may do better"));
  summary.facts.emplace_back("degree", text(options_.degree));
  summary.facts.emplace_back("features", text(m, ", of which ", kept, " are used"));
  summary.facts.emplace_back("alpha (of standardised outputs)", list_of(taken));
  if (n > 1 && options_.alphas.size() != 1) {
    summary.facts.emplace_back("alpha of the smallest cross-validation error", list_of(smallest));
    summary.facts.emplace_back("alpha within one standard error of it", list_of(largest));
  }
  summary.facts.emplace_back(options_.shared ? "features in use" : "coefficients that are not zero",
                             list_of(nonzero));
  summary.facts.emplace_back("relative duality gap", brief(gap));
  summary.facts.emplace_back("largest violation of the optimality conditions", brief(kkt_error));
  summary.facts.emplace_back("sweeps", list_of(sweeps));
  summary.facts.emplace_back("updates", sums.covariance() ? "covariance" : "residual");
  if (n > 1)
    summary.facts.emplace_back("cross-validation error over standard deviation",
                               brief(std::sqrt(cv_mse.mean())));
  summary.message =
      text("lasso: ", kept, " of ", m, " features from ", n, " points, duality gap ", brief(gap));
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
  return fit;
}

}  // namespace

RegressorPtr make_lasso_regressor(const LassoOptions& options) {
  check_options(options, 2);
  return std::make_shared<LassoRegressor>(options);
}

RegressorPtr make_lasso_regressor(const Settings& settings) {
  settings.check_known("regressor lasso", {"degree", "alpha", "path_length", "path_ratio", "l1_ratio",
                                           "shared", "folds", "rule", "tolerance", "max_iterations"});
  LassoOptions options;
  options.degree = settings.get("degree", options.degree);
  options.alphas = settings.get("alpha", options.alphas);
  options.path_length = settings.get("path_length", options.path_length);
  options.path_ratio = settings.get("path_ratio", options.path_ratio);
  options.l1_ratio = settings.get("l1_ratio", options.l1_ratio);
  options.shared = settings.get("shared", options.shared);
  options.folds = settings.get("folds", options.folds);
  options.tolerance = settings.get("tolerance", options.tolerance);
  options.max_iterations = settings.get("max_iterations", options.max_iterations);
  const std::string rule = settings.get("rule", "minimum");
  if (rule != "minimum" && rule != "one-standard-error")
    throw UsageError(
        text("regressor lasso: rule is '", rule, "', expected 'minimum' or 'one-standard-error'"));
  options.rule = rule == "minimum" ? LassoRule::minimum : LassoRule::one_standard_error;
  return make_lasso_regressor(options);
}

namespace {

// One group's path on the user's scale; the task's result is m q + 4 numbers per alpha.
LassoPath unpack_path(const Bytes& bytes, const LassoGroup& group, const std::vector<double>& alphas,
                      const Prepared& ready) {
  const auto values = doubles_from_bytes(bytes);
  const PolynomialFeatures& features = ready.table.features;
  const Index m = features.size(), q = group.count, count = static_cast<Index>(alphas.size());
  Vector unit(m);  // of a feature, per product of powers of centred inputs
  for (Index t = 0; t < m; ++t) {
    unit[t] = ready.table.scaling.inverse_scale[t];
    for (Index k = 0; k < features.inputs(); ++k)
      if (const int e = features.exponents()(t, k); e > 0)
        unit[t] *= std::pow(features.standardisation().inverse_scale[k], e);
  }
  LassoPath path;
  path.alphas = alphas;
  path.intercepts.resize(q, count);
  path.gap.resize(count);
  path.kkt_error.resize(count);
  for (Index c = 0; c < q; ++c) {
    path.outputs.push_back(group.first + c);
    path.coefficients.emplace_back(m, count);
  }
  const double* from = values.data();
  for (Index a = 0; a < count; ++a, from += m * q + 4) {
    const Eigen::Map<const Eigen::MatrixXd> beta(from, m, q);
    for (Index c = 0; c < q; ++c) {
      const Index j = group.first + c;
      const double scale = ready.outputs.scale(j);
      double shift = 0.0;
      for (Index t = 0; t < m; ++t) {
        const double coefficient = beta(t, c) == 0.0 ? 0.0 : beta(t, c) * unit[t] * scale;
        if (!std::isfinite(coefficient))
          throw NumericalError(text("lasso path: the coefficient of feature ", t, " for output ", j,
                                    " is beyond the range of doubles on the inputs' own scale; rescale the "
                                    "inputs or lower the degree"));
        path.coefficients[static_cast<std::size_t>(c)](t, a) = coefficient;
        shift += beta(t, c) * ready.table.scaling.centre[t] * ready.table.scaling.inverse_scale[t];
      }
      path.intercepts(c, a) = ready.outputs.centre[j] - shift * scale;
    }
    path.nonzero.push_back((beta.array() != 0.0).rowwise().any().count());
    const double* rest = from + m * q;
    path.gap[a] = rest[0];
    path.kkt_error[a] = rest[1];
    path.sweeps.push_back(static_cast<Index>(rest[2]));
    path.converged.push_back(rest[3] > 0.0);
  }
  return path;
}

}  // namespace

LassoPaths lasso_path(const TrainingData& data, const LassoOptions& options, const FitContext& context) {
  check_options(options, 0);
  const SingleThreadedBlas single;
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows();
  const Index folds = n > 1 ? std::min(options.folds, n) : 0;
  const Prepared ready(data, options.degree, folds, context.random);
  const LassoControl control{options.l1_ratio, options.tolerance, options.max_iterations};
  const LassoSums sums(ready.table.rows, ready.Y, ready.blocks, executor);
  const auto groups = lasso_groups(data.y.cols(), options.shared);
  std::vector<std::vector<double>> alphas;
  for (const auto& group : groups)
    alphas.push_back(lasso_alphas(LassoPart(sums, -1, group.first, group.count).problem(), options));

  LassoPaths all;
  all.features = ready.table.features;
  all.names = all.features.names(data.input_names);
  all.centre = ready.inputs.centre;
  const auto results = executor.map(static_cast<Index>(groups.size()), [&](Index task) {
    const auto g = static_cast<std::size_t>(task);
    const LassoPart part(sums, -1, groups[g].first, groups[g].count);
    LassoState state = start(part.problem());
    std::vector<double> values;
    for (const double alpha : alphas[g]) {
      descend(part.problem(), alpha, control, state);
      values.insert(values.end(), state.beta.data(), state.beta.data() + state.beta.size());
      for (const double v :
           {state.gap, state.kkt_error, static_cast<double>(state.sweeps), state.converged ? 1.0 : 0.0})
        values.push_back(v);
    }
    return to_bytes(values);
  });
  for (std::size_t g = 0; g < groups.size(); ++g)
    all.paths.push_back(unpack_path(results[g], groups[g], alphas[g], ready));
  if (folds < 2) return all;
  const auto curves = cross_validate(sums, groups, alphas, control, executor);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    all.paths[g].cv_error = curves[g].error;
    all.paths[g].cv_standard_error = curves[g].standard_error;
  }
  all.fold.resize(static_cast<std::size_t>(n));
  for (Index f = 0; f < folds; ++f)
    for (Index i = ready.blocks.begin[static_cast<std::size_t>(f)];
         i < ready.blocks.begin[static_cast<std::size_t>(f) + 1]; ++i)
      all.fold[static_cast<std::size_t>(ready.blocks.order[static_cast<std::size_t>(i)])] = f;
  return all;
}

}  // namespace ersatz
