#include "ersatz/regression/lasso.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/lasso_path.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/ridge_path.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

Eigen::MatrixXd gram_of(const Eigen::MatrixXd& F) {
  const int n = static_cast<int>(F.rows()), m = static_cast<int>(F.cols());
  Eigen::MatrixXd G = Eigen::MatrixXd::Zero(m, m);
  const double one = 1.0, zero = 0.0;
  if (n > 0 && m > 0) dsyrk_("L", "T", &m, &n, &one, F.data(), &n, &zero, G.data(), &m);
  G.triangularView<Eigen::StrictlyUpper>() = G.transpose();
  return G;
}

// The training points of one fold (all of them: the final fit), centred on their own mean.
struct Part {
  Eigen::MatrixXd gram, columns;  // one of the two
  Eigen::MatrixXd y;              // centred outputs, n × p; with columns
  Eigen::MatrixXd correlation;    // Fᵀy / n, m × p
  Vector diagonal, y2;
  Vector mean;    // of the features, m
  Vector y_mean;  // p
  double points = 0.0;
  Eigen::MatrixXd held_out, held_out_y;

  LassoProblem problem(Index output) const {
    LassoProblem problem;
    if (columns.size() == 0) problem.gram = &gram;
    problem.columns = &columns;
    problem.y = y.size() > 0 ? y.col(output).data() : nullptr;
    problem.diagonal = diagonal;
    problem.correlation = correlation.col(output);
    problem.y2 = y2[output];
    problem.points = points;
    return problem;
  }
};

Eigen::MatrixXd rows_of(const Eigen::MatrixXd& values, const std::vector<Index>& rows) {
  Eigen::MatrixXd some(static_cast<Index>(rows.size()), values.cols());
  for (Index t = 0; t < values.cols(); ++t)
    for (Index i = 0; i < some.rows(); ++i) some(i, t) = values(rows[static_cast<std::size_t>(i)], t);
  return some;
}

Eigen::MatrixXd transpose_times(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  const int rows = static_cast<int>(a.cols()), cols = static_cast<int>(b.cols());
  const int inner = static_cast<int>(a.rows());
  Eigen::MatrixXd c = Eigen::MatrixXd::Zero(rows, cols);
  const double one = 1.0, zero = 0.0;
  if (rows > 0 && inner > 0)
    dgemm_("T", "N", &rows, &cols, &inner, &one, a.data(), &inner, b.data(), &inner, &zero, c.data(), &rows);
  return c;
}

// Sums over all points, from which each fold takes off its own: columns and outputs are centred over all of
// them, so little cancels.
struct Totals {
  Eigen::MatrixXd gram;         // FᵀF
  Eigen::MatrixXd correlation;  // FᵀY
};

// `totals`: where covariance updates serve, else null.
Part make_part(const Eigen::MatrixXd& F, const Eigen::MatrixXd& Y, const std::vector<Index>& held_out,
               const Totals* totals) {
  const Index n = F.rows();
  std::vector<char> is_out(static_cast<std::size_t>(n), 0);
  for (const Index i : held_out) is_out[static_cast<std::size_t>(i)] = 1;
  std::vector<Index> kept;
  for (Index i = 0; i < n; ++i)
    if (!is_out[static_cast<std::size_t>(i)]) kept.push_back(i);
  Part part;
  part.points = static_cast<double>(kept.size());
  part.held_out = rows_of(F, held_out);
  part.held_out_y = rows_of(Y, held_out);
  Eigen::MatrixXd y = rows_of(Y, kept);
  part.y_mean = y.colwise().mean();
  y.rowwise() -= part.y_mean.transpose();
  part.y2 = y.colwise().squaredNorm().transpose() / part.points;
  if (totals) {
    part.mean = (F.colwise().sum() - part.held_out.colwise().sum()).transpose() / part.points;
    part.gram = (totals->gram - gram_of(part.held_out)) / part.points - part.mean * part.mean.transpose();
    part.correlation = (totals->correlation - transpose_times(part.held_out, part.held_out_y)) / part.points -
                       part.mean * part.y_mean.transpose();
    part.diagonal = part.gram.diagonal();
  } else {
    part.columns = rows_of(F, kept);
    part.mean = part.columns.colwise().mean();
    part.columns.rowwise() -= part.mean.transpose();
    part.correlation = transpose_times(part.columns, y) / part.points;
    part.diagonal = part.columns.colwise().squaredNorm().transpose() / part.points;
    part.y = std::move(y);
  }
  return part;
}

// What a task hands back, as plain numbers.
struct Outcome {
  double alpha, gap, sweeps, unconverged;
};

std::vector<double> path_for(const LassoProblem& problem, const LassoOptions& options) {
  std::vector<double> path = options.alphas;
  const double top = largest_alpha(problem, options.l1_ratio);
  if (path.empty() && top > 0.0) {
    const double steps = static_cast<double>(std::max<Index>(options.path_length - 1, 1));
    for (Index a = 0; a < options.path_length; ++a)
      path.push_back(top * std::pow(options.path_ratio, static_cast<double>(a) / steps));
  }
  if (path.empty()) path.push_back(1.0);
  std::sort(path.begin(), path.end(), std::greater<>());
  path.erase(std::unique(path.begin(), path.end()), path.end());
  return path;
}

std::vector<std::vector<Index>> make_folds(Index n, Index folds, const RandomStream& random) {
  std::vector<std::vector<Index>> parts(static_cast<std::size_t>(folds));
  RandomStream stream = random.split("lasso folds");
  const auto order = stream.permutation(n);
  for (std::size_t i = 0; i < order.size(); ++i) parts[i % parts.size()].push_back(order[i]);
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

class LassoRegressor final : public Regressor {
 public:
  explicit LassoRegressor(LassoOptions options) : options_(std::move(options)) {}
  std::string name() const override { return "lasso"; }
  std::string settings() const override {
    return text("degree ", options_.degree,
                options_.l1_ratio < 1.0 ? text(", l1_ratio ", brief(options_.l1_ratio)) : std::string(),
                options_.alphas.size() == 1 ? text(", alpha ", brief(options_.alphas[0]))
                                            : text(", alpha by ", options_.folds, "-fold cross-validation"));
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  LassoOptions options_;
};

Fit LassoRegressor::fit(const TrainingData& data, const FitContext& context) const {
  const auto clock = std::chrono::steady_clock::now();
  const SingleThreadedBlas single;
  data.check();
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index n = data.x.rows(), p = data.y.cols();
  const Standardisation inputs = Standardisation::of(data.x), outputs = Standardisation::of(data.y);
  const Eigen::MatrixXd Y = outputs.apply(data.y);
  const FeatureTable table =
      make_feature_table(PolynomialFeatures::total_degree(inputs, options_.degree), data.x);
  const Index m = table.features.size();
  const LassoControl control{options_.l1_ratio, options_.tolerance, options_.max_iterations};

  Fit fit;
  FitSummary& summary = fit.summary;
  warn_about_data(data, inputs, outputs, summary);

  // One Gram matrix serves all folds.
  const bool covariance = m <= n;
  Totals totals;
  if (covariance) totals = {gram_of(table.columns), transpose_times(table.columns, Y)};
  const Part all = make_part(table.columns, Y, {}, covariance ? &totals : nullptr);
  const Index folds = std::min(options_.folds, n);
  std::vector<Part> parts;
  if (n > 1)
    for (const auto& held_out : make_folds(n, folds, context.random))
      parts.push_back(make_part(table.columns, Y, held_out, covariance ? &totals : nullptr));
  std::vector<std::vector<double>> paths;
  for (Index j = 0; j < p; ++j) paths.push_back(path_for(all.problem(j), options_));

  // Cross-validation: task (j, f) gives the sum of squared residuals at each alpha of output j, then whether
  // something did not converge.
  const Index tasks = static_cast<Index>(parts.size()) * p;
  const auto curves = executor.map(tasks, [&](Index task) {
    const Index j = task / static_cast<Index>(parts.size());
    const Part& part = parts[static_cast<std::size_t>(task % static_cast<Index>(parts.size()))];
    const LassoProblem problem = part.problem(j);
    const auto& path = paths[static_cast<std::size_t>(j)];
    LassoState state = start(problem);
    std::vector<double> squares;
    double unconverged = 0.0;
    for (const double alpha : path) {
      descend(problem, alpha, control, state);
      unconverged += state.converged ? 0.0 : 1.0;
      Vector e = (part.held_out_y.col(j).array() - part.y_mean[j]) + part.mean.dot(state.beta);
      for (Index t = 0; t < m; ++t)
        if (state.beta[t] != 0.0) e.noalias() -= state.beta[t] * part.held_out.col(t);
      squares.push_back(e.squaredNorm());
    }
    squares.push_back(unconverged);
    return to_bytes(squares);
  });
  double unconverged_folds = 0.0;
  std::vector<std::size_t> chosen(static_cast<std::size_t>(p), 0);
  Vector cv_mse = Vector::Zero(p);
  for (Index j = 0; j < p && n > 1; ++j) {
    const std::size_t count = paths[static_cast<std::size_t>(j)].size();
    std::vector<double> total(count + 1, 0.0);
    for (std::size_t f = 0; f < parts.size(); ++f) {
      const auto squares = doubles_from_bytes(curves[static_cast<std::size_t>(j) * parts.size() + f]);
      for (std::size_t a = 0; a <= count; ++a) total[a] += squares[a];
    }
    unconverged_folds += total[count];
    std::size_t best = 0;
    for (std::size_t a = 1; a < count; ++a)
      if (total[a] < total[best] * (1.0 - 1e-10)) best = a;
    chosen[static_cast<std::size_t>(j)] = best;
    cv_mse[j] = total[best] / static_cast<double>(n);
  }

  // The final fits, down the path to the chosen alpha: coefficients, then the outcome.
  const auto finals = executor.map(p, [&](Index j) {
    const LassoProblem problem = all.problem(j);
    LassoState state = start(problem);
    const auto& path = paths[static_cast<std::size_t>(j)];
    double sweeps = 0.0, unconverged = 0.0;
    const std::size_t last = chosen[static_cast<std::size_t>(j)];
    for (std::size_t a = 0; a <= last && problem.y2 > 0.0 && m > 0; ++a) {
      descend(problem, path[a], control, state);
      sweeps += static_cast<double>(state.sweeps);
      if (a == last) unconverged = state.converged ? 0.0 : 1.0;
    }
    std::vector<double> result(state.beta.data(), state.beta.data() + m);
    for (const double v : {path[last], state.gap, sweeps, unconverged}) result.push_back(v);
    return to_bytes(result);
  });
  Matrix beta(m, p);
  std::vector<Outcome> outcomes;
  for (Index j = 0; j < p; ++j) {
    const auto result = doubles_from_bytes(finals[static_cast<std::size_t>(j)]);
    beta.col(j) = Eigen::Map<const Vector>(result.data(), m);
    const double* o = result.data() + m;
    outcomes.push_back({o[0], o[1], o[2], o[3]});
  }

  // The predictor keeps the features that some output uses.
  std::vector<Index> used;
  for (Index t = 0; t < m; ++t)
    if ((beta.row(t).array() != 0.0).any()) used.push_back(t);
  PolynomialState state;
  state.features = table.features.subset(used);
  const Index kept = static_cast<Index>(used.size());
  state.centre.resize(kept);
  state.coefficients.resize(kept, p);
  for (Index t = 0; t < kept; ++t) {
    const Index from = used[static_cast<std::size_t>(t)];
    state.centre[t] = table.scaling.centre[from];
    for (Index j = 0; j < p; ++j)
      state.coefficients(t, j) = beta(from, j) * table.scaling.inverse_scale[from] * outputs.scale(j);
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

  std::vector<double> alphas, nonzero, sweeps;
  double gap = 0.0;
  Index open = 0, at_end = 0;
  for (Index j = 0; j < p; ++j) {
    const Outcome& o = outcomes[static_cast<std::size_t>(j)];
    const auto& path = paths[static_cast<std::size_t>(j)];
    alphas.push_back(o.alpha);
    nonzero.push_back(static_cast<double>((beta.col(j).array() != 0.0).count()));
    sweeps.push_back(o.sweeps);
    gap = std::max(gap, o.gap);
    open += o.unconverged > 0.0;
    at_end += path.size() > 1 && o.alpha == path.back() && outputs.varies(j);
  }
  summary.converged = open == 0;
  if (open > 0)
    summary.warnings.push_back(text(open, " of ", p, " outputs did not reach the relative duality gap of ",
                                    options_.tolerance, " (largest gap ", brief(gap),
                                    "); raise max_iterations, alpha or tolerance"));
  if (unconverged_folds > 0.0)
    summary.warnings.push_back(
        text("during cross-validation, ", unconverged_folds, " fits did not reach their duality gap"));
  if (at_end > 0)
    summary.warnings.push_back(text(at_end, " of ", p,
                                    " outputs take the smallest alpha of the path: a smaller path_ratio, or "
                                    "ridge, may do better"));
  summary.facts.emplace_back("degree", text(options_.degree));
  summary.facts.emplace_back("features", text(m, ", of which ", kept, " are used"));
  summary.facts.emplace_back("alpha (of standardised outputs)", list_of(alphas));
  summary.facts.emplace_back("coefficients that are not zero", list_of(nonzero));
  summary.facts.emplace_back("relative duality gap", brief(gap));
  summary.facts.emplace_back("sweeps", list_of(sweeps));
  summary.facts.emplace_back("updates", covariance ? "covariance" : "residual");
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
  if (options.folds < 2) refuse("folds", static_cast<double>(options.folds), "2 or more");
  if (!(options.tolerance > 0.0 && options.tolerance < 1.0))
    refuse("tolerance", options.tolerance, "between 0 and 1");
  if (options.max_iterations < 1)
    refuse("max_iterations", static_cast<double>(options.max_iterations), "1 or more");
  return std::make_shared<LassoRegressor>(options);
}

RegressorPtr make_lasso_regressor(const Settings& settings) {
  settings.check_known("regressor lasso", {"degree", "alpha", "path_length", "path_ratio", "l1_ratio",
                                           "folds", "tolerance", "max_iterations"});
  LassoOptions options;
  options.degree = settings.get("degree", options.degree);
  options.alphas = settings.get("alpha", options.alphas);
  options.path_length = settings.get("path_length", options.path_length);
  options.path_ratio = settings.get("path_ratio", options.path_ratio);
  options.l1_ratio = settings.get("l1_ratio", options.l1_ratio);
  options.folds = settings.get("folds", options.folds);
  options.tolerance = settings.get("tolerance", options.tolerance);
  options.max_iterations = settings.get("max_iterations", options.max_iterations);
  return make_lasso_regressor(options);
}

}  // namespace ersatz
