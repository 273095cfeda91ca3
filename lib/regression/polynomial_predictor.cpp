#include "regression/polynomial_predictor.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "regression/loaders.hpp"

namespace ersatz {

PolynomialPredictor::PolynomialPredictor(PolynomialState state) : state_(std::move(state)) {}

void PolynomialPredictor::mean_of(const double* centred, double* out) const {
  const Index m = state_.features.size(), p = outputs();
  const auto& table = kernels::table();
  if (p == 1) {
    out[0] = state_.intercept[0] + table.dot(centred, state_.coefficients.data(), m);
    return;
  }
  std::copy_n(state_.intercept.data(), p, out);
  table.add_rows(centred, state_.coefficients.data(), m, p, out);
}

void PolynomialPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const {
  check_points(*this, X, mean);
  const Workspace::Frame frame(workspace);
  const Index m = state_.features.size();
  double* centred = workspace.take(m);
  for (Index i = 0; i < X.rows(); ++i) {
    state_.features.evaluate(X.data() + i * X.outerStride(), centred, workspace);
    for (Index t = 0; t < m; ++t) centred[t] -= state_.centre[t];
    mean_of(centred, mean.data() + i * mean.outerStride());
  }
  check_predictions(*this, mean);
}

void PolynomialPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                            Workspace& workspace) const {
  if (!state_.has_variance)
    throw UsageError(
        "predictor polynomial has no variance: it was fitted to a single point; ask for the mean");
  check_points(*this, X, mean);
  check_points(*this, X, variance);
  const Workspace::Frame frame(workspace);
  const Index m = state_.features.size(), r = state_.directions.cols(), levels = state_.weights.rows();
  const Vector& base = noise == Noise::latent ? state_.latent : state_.observed;
  const auto& table = kernels::table();
  double* centred = workspace.take(m);
  double* squares = workspace.take(r + 1);
  double* h = workspace.take(levels);
  for (Index i = 0; i < X.rows(); ++i) {
    state_.features.evaluate(X.data() + i * X.outerStride(), centred, workspace);
    for (Index t = 0; t < m; ++t) centred[t] -= state_.centre[t];
    mean_of(centred, mean.data() + i * mean.outerStride());
    if (levels > 0) {
      double norm2 = 0.0, inside = 0.0;
      for (Index t = 0; t < m; ++t) {
        const double f = centred[t] * state_.inverse_scale[t];
        norm2 += f * f;
      }
      std::fill_n(squares, r, 0.0);
      table.add_rows(centred, state_.directions.data(), m, r, squares);
      for (Index l = 0; l < r; ++l) {
        squares[l] *= squares[l];
        inside += squares[l];
      }
      squares[r] = std::max(norm2 - inside, 0.0);
      for (Index a = 0; a < levels; ++a)
        h[a] = state_.offset + table.dot(squares, state_.weights.data() + a * (r + 1), r + 1);
    }
    double* out = variance.data() + i * variance.outerStride();
    for (Index j = 0; j < outputs(); ++j) {
      const double leverage = levels > 0 ? h[state_.level[static_cast<std::size_t>(j)]] : state_.offset;
      out[j] = base[j] + state_.residual[j] * leverage;
    }
  }
  check_predictions(*this, mean);
  check_predictions(*this, variance);
}

void PolynomialPredictor::jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const {
  check_derivatives(*this, x, jacobian);
  const Workspace::Frame frame(workspace);
  const Index m = state_.features.size(), p = outputs();
  double* derivatives = workspace.take(inputs() * m);
  double* column = workspace.take(p);
  state_.features.derivatives(x, derivatives, workspace);
  for (Index k = 0; k < inputs(); ++k) {
    std::fill_n(column, p, 0.0);
    kernels::table().add_rows(derivatives + k * m, state_.coefficients.data(), m, p, column);
    for (Index j = 0; j < p; ++j) jacobian(j, k) = column[j];
  }
  check_predictions(*this, jacobian);
}

// Tables without entries are left out of the file: HDF5 readers differ on empty datasets.
void PolynomialPredictor::save(const h5::Group& group) const {
  const PolynomialState& s = state_;
  const auto matrix = [&](const char* name, const Matrix& values) {
    if (values.size() > 0) group.write(name, ConstMatrixRef(values));
  };
  group.set("features", static_cast<std::int64_t>(s.features.size()));
  group.set("has_variance", static_cast<std::int64_t>(s.has_variance));
  group.write("input_centre", s.features.standardisation().centre);
  group.write("input_inverse_scale", s.features.standardisation().inverse_scale);
  const auto& families = s.features.families();
  if (std::any_of(families.begin(), families.end(), [](auto f) { return f != PolynomialFamily::powers; })) {
    std::vector<std::string> names;
    for (const PolynomialFamily f : families) names.emplace_back(to_string(f));
    group.write("families", names);  // of the inputs; not there: powers
  }
  group.write("intercept", s.intercept);
  if (s.features.size() > 0) {
    matrix("exponents", s.features.exponents().cast<double>());
    group.write("centre", s.centre);
    matrix("coefficients", s.coefficients);
  }
  if (!s.has_variance) return;
  group.set("offset", s.offset);
  group.write("latent_variance", s.latent);
  group.write("observed_variance", s.observed);
  group.write("residual_variance", s.residual);
  if (s.weights.rows() == 0) return;
  group.write("inverse_scale", s.inverse_scale);
  matrix("directions", s.directions);
  matrix("weights", s.weights);
  group.write("level", s.level);
}

PredictorPtr load_polynomial_predictor(const h5::Group& group) {
  PolynomialState s;
  const Index m = static_cast<Index>(group.get_integer("features"));
  Standardisation inputs;
  inputs.centre = group.read_vector("input_centre");
  inputs.inverse_scale = group.read_vector("input_inverse_scale", inputs.size());
  const Index d = inputs.size();
  s.intercept = group.read_vector("intercept");
  const Index p = s.intercept.size();
  Exponents exponents(0, d);
  if (m > 0) {
    exponents = group.read_matrix("exponents", m, d).cast<int>();
    s.centre = group.read_vector("centre", m);
    s.coefficients = group.read_matrix("coefficients", m, p);
  } else {
    s.coefficients.resize(0, p);
  }
  try {
    std::vector<PolynomialFamily> families;
    if (group.has("families"))
      for (const std::string& name : group.read_strings("families", d))
        families.push_back(polynomial_family_from_string(name));
    s.features = PolynomialFeatures(std::move(inputs), std::move(exponents), std::move(families));
  } catch (const UsageError& e) {
    throw StorageError(text(group.where(), ": ", e.what()));
  }
  s.has_variance = group.get_integer("has_variance") != 0;
  if (s.has_variance) {
    s.offset = group.get_double("offset");
    s.latent = group.read_vector("latent_variance", p);
    s.observed = group.read_vector("observed_variance", p);
    s.residual = group.read_vector("residual_variance", p);
    if (group.has("weights")) {
      s.weights = group.read_matrix("weights");
      const Index r = s.weights.cols() - 1;
      s.inverse_scale = group.read_vector("inverse_scale", m);
      s.directions = r > 0 ? group.read_matrix("directions", m, r) : Matrix(m, 0);
      s.level = group.read_integers("level", p);
      for (std::size_t j = 0; j < s.level.size(); ++j)
        if (s.level[j] < 0 || s.level[j] >= s.weights.rows())
          throw StorageError(text(group.where(), "/level: entry ", j, " is ", s.level[j], ", expected 0 to ",
                                  s.weights.rows() - 1));
    }
  }
  return std::make_shared<PolynomialPredictor>(std::move(s));
}

}  // namespace ersatz
