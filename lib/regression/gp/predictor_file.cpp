// The fitted Gaussian process in a file; docs/file-formats.md says what stands where.
#include <algorithm>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "regression/gp/panels.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::gp {
namespace {
const char* const estimators[] = {"profile", "restricted", "leave-one-out"};  // in the order of Estimator
}

void GpPredictor::save(const h5::Group& group) const {
  const auto m = static_cast<Index>(state_.correlations.size()), n = size(), p = outputs();
  const Index parameters = kernel_->parameters(), q = trend_.size();
  group.set("kernel", state_.kernel);
  group.set("trend_degree", static_cast<std::int64_t>(state_.trend));
  group.set("estimator", estimators[static_cast<std::size_t>(state_.estimator)]);
  group.set("variance_given", static_cast<std::int64_t>(state_.variance_given));
  state_.InputFrame::save(group);
  group.write("points", state_.points);
  group.write("weights", state_.weights);
  if (q > 0) group.write("trends", state_.trends);
  Matrix outputs(p, 4);
  std::vector<std::int64_t> which;
  for (Index o = 0; o < p; ++o) {
    outputs.row(o) << output(o).centre, output(o).scale, output(o).process_variance, output(o).noise_variance;
    which.push_back(output(o).correlation);
  }
  group.write("output_correlation", which);
  group.write("outputs", outputs);
  group.set_on("outputs", "columns",
               std::vector<std::string>{"centre", "scale", "process_variance", "noise_variance"});
  Matrix hyperparameters(m, parameters), coefficients(m, parameters), scalars(m, 2);
  Matrix solved(m, q * n), factors(m, q * q), noise = Matrix::Zero(m, n);
  Matrix inverse(has_factors_ ? m : 0, n * (n + 1) / 2);
  bool known = false;
  for (Index c = 0; c < m; ++c) {
    const Correlation& r = state_.correlations[static_cast<std::size_t>(c)];
    for (Index i = 0; i < parameters; ++i) {
      hyperparameters(c, i) = r.hyperparameters[static_cast<std::size_t>(i)];
      coefficients(c, i) = r.coefficients[static_cast<std::size_t>(i)];
    }
    scalars.row(c) << r.nugget, r.jitter;
    known = known || r.noise.size() > 0;
    solved.row(c) = r.solved_trend.reshaped().transpose();
    factors.row(c) = r.trend_factor.reshaped().transpose();
    if (r.noise.size() > 0) noise.row(c) = r.noise.transpose();
    if (has_factors_) pack_panels(r.panels, n, inverse.row(c).data());
  }
  group.write("log_hyperparameters", hyperparameters);
  group.write("coefficients", coefficients);
  group.write("correlations", scalars);
  group.set_on("correlations", "columns", std::vector<std::string>{"nugget", "jitter"});
  if (q > 0) {
    group.write("solved_trend", solved);
    group.write("trend_factor", factors);
  }
  if (has_factors_) group.write("inverse_factor", inverse);
  if (known) group.write("known_noise", noise);
}

PredictorPtr GpPredictor::load(const h5::Group& group) {
  GpState s;
  s.kernel = group.get_string("kernel");
  s.trend = static_cast<Index>(group.get_integer("trend_degree"));
  const std::string estimator = group.get_string("estimator");
  const auto* const found = std::find(std::begin(estimators), std::end(estimators), estimator);
  if (found == std::end(estimators)) throw damaged(group, "unknown estimator " + estimator);
  s.estimator = static_cast<Estimator>(found - std::begin(estimators));
  s.variance_given = group.get_integer("variance_given") != 0;
  static_cast<InputFrame&>(s) = InputFrame::load(group);
  const Index d = s.dimension();
  s.points = group.read_matrix("points", d);
  const Index n = s.points.cols();
  s.weights = group.read_matrix("weights", -1, n);
  const Index p = s.weights.rows();
  const Structure structure = read_structure(group, s.kernel, s.trend, d);
  const Index q = structure.trend.size();
  s.trends = q > 0 ? group.read_matrix("trends", p, q) : Matrix(p, 0);
  const Index parameters = structure.kernel->parameters();
  const Matrix scalars = group.read_matrix("correlations", -1, 2);
  const Index m = scalars.rows();
  const Matrix hyperparameters = group.read_matrix("log_hyperparameters", m, parameters);
  const Matrix coefficients = group.read_matrix("coefficients", m, parameters);
  const Matrix solved = q > 0 ? group.read_matrix("solved_trend", m, q * n) : Matrix(m, 0);
  const Matrix factors = q > 0 ? group.read_matrix("trend_factor", m, q * q) : Matrix(m, 0);
  const bool whole = group.has("inverse_factor");  // else means only
  const Matrix inverse = whole ? group.read_matrix("inverse_factor", m, n * (n + 1) / 2) : Matrix();
  const Matrix noise = group.has("known_noise") ? group.read_matrix("known_noise", m, n) : Matrix();
  for (Index c = 0; c < m; ++c) {
    Correlation r;
    r.hyperparameters.assign(hyperparameters.row(c).begin(), hyperparameters.row(c).end());
    r.coefficients.assign(coefficients.row(c).begin(), coefficients.row(c).end());
    r.nugget = scalars(c, 0);
    r.jitter = scalars(c, 1);
    r.solved_trend = Eigen::Map<const Eigen::MatrixXd>(solved.row(c).data(), n, q);
    r.trend_factor = Eigen::Map<const Eigen::MatrixXd>(factors.row(c).data(), q, q);
    if (noise.size() > 0) r.noise = noise.row(c).transpose();
    if (whole) r.panels = unpack_panels(inverse.row(c).data(), n);
    s.correlations.push_back(std::move(r));
  }
  const auto which = group.read_integers("output_correlation", p);
  const Matrix outputs = group.read_matrix("outputs", p, 4);
  for (Index o = 0; o < p; ++o) {
    const auto c = static_cast<Index>(which[static_cast<std::size_t>(o)]);
    if (c < -1 || c >= m) throw damaged(group, text("output ", o, " uses correlation ", c, " of ", m));
    s.outputs.push_back({c, outputs(o, 0), outputs(o, 1), outputs(o, 2), outputs(o, 3)});
  }
  return std::make_shared<GpPredictor>(std::move(s));
}

}  // namespace ersatz::gp

namespace ersatz {
PredictorPtr load_gp_predictor(const h5::Group& group) { return gp::GpPredictor::load(group); }
}  // namespace ersatz
