// Gaussian processes: exact, by inducing points, by nearest neighbours.
#include <algorithm>
#include <cmath>

#include "emulator/export/kernels.hpp"
#include "emulator/export/predictors.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "regression/gp/kernel_table.hpp"
#include "regression/gp/vecchia_block.hpp"

namespace ersatz::c {
namespace {

/// What all three have in common: inputs that vary, in internal units, and a mean of polynomials.
class Frame {
 public:
  Frame(const h5::Group& group, Index degree) {
    for (const std::int64_t i : group.read_integers("active_inputs"))
      active_.push_back(static_cast<Index>(i));
    lower_ = group.read_vector("input_lower");
    range_ = group.read_vector("input_range");
    terms_ = gp::Trend(inputs(), degree).size();
    if (terms_ <= 1) return;
    polynomials_.centre = Vector::Constant(inputs(), 0.5);
    polynomials_.inverse_scale = Vector::Constant(inputs(), 2.0);
    polynomials_.exponents = PolynomialFeatures::total_degree(
                                 Standardisation{polynomials_.centre, polynomials_.inverse_scale}, degree)
                                 .exponents()
                                 .cast<double>();
  }
  Index inputs() const { return static_cast<Index>(active_.size()); }
  Index terms() const { return terms_; }
  Index room() const {  ///< of the polynomials
    return terms_ > 1 ? inputs() * (most_degree(polynomials_.exponents) + 1) : 0;
  }

  /// Fills x from u.
  std::string scale() const {
    std::string lines;
    for (Index k = 0; k < inputs(); ++k)
      lines += text("  x[", k, "] = (u[", active_[static_cast<std::size_t>(k)], "] - ", literal(lower_[k]),
                    ") / ", literal(range_[k]), ";\n");
    return lines;
  }
  /// Fills f, terms() values, from a point.
  std::string trend(CFile& file, const std::string& x, const std::string& f, const std::string& work) const {
    std::string lines;
    if (terms_ > 0) lines = text("  ", f, "[0] = 1.0;\n");
    if (terms_ > 1) lines += polynomials_call(file, polynomials_, x, f + " + 1", work);
    return lines;
  }

 private:
  std::vector<Index> active_;
  Vector lower_, range_;
  Index terms_ = 0;
  Polynomials polynomials_;
};

/// Points one after the other, from one input after the other.
Matrix by_point(const Matrix& by_input) { return by_input.transpose(); }

/// A loop that fills k with the kernel of x and the rows of a table.
std::string kernel_row(const KernelCode& kernel, const std::string& points, Index n, Index d,
                       const std::string& c) {
  return text("  for (int i = 0; i < ", n, "; ++i) k[i] = ", kernel.name, "(x, ", points, " + (size_t)i * ",
              d, ", ", c, ");\n");
}

std::vector<Index> members(const std::vector<std::int64_t>& which, Index c) {
  std::vector<Index> all;
  for (std::size_t o = 0; o < which.size(); ++o)
    if (which[o] == c) all.push_back(static_cast<Index>(o));
  return all;
}

std::string table_of(CFile& file, const char* stem, const std::vector<double>& values) {
  return file.table(stem, values.data(), static_cast<Index>(values.size()));
}

}  // namespace

PredictorCode export_gp(CFile& file, const h5::Group& group, const std::string& whose) {
  const Frame frame(group, static_cast<Index>(group.get_integer("trend_degree")));
  const auto which = group.read_integers("output_correlation");
  const Matrix outputs = group.read_matrix("outputs"), theta = group.read_matrix("log_hyperparameters");
  const Matrix weights = group.read_matrix("weights");
  const Index n = weights.cols(), d = frame.inputs(), q = frame.terms();
  const bool with_variance = file.with_std() && group.has("inverse_factor");
  std::string body = text("  double *x = work, *k = x + ", d, ", *f = k + ", n, ";\n", frame.scale(),
                          frame.trend(file, "x", "f", text("f + ", 2 * q)));
  body += "  (void)x;\n  (void)k;\n  (void)f;\n";
  for (const Index o : members(which, -1)) {
    body += text("  mean[", o, "] = ", literal(outputs(o, 0)), ";\n");
    if (with_variance) body += text("  if (variance) variance[", o, "] = ", literal(outputs(o, 2)), ";\n");
  }
  if (theta.rows() > 0) {
    const KernelCode kernel = export_kernel(file, group.get_string("kernel"), d, whose);
    const std::string points = file.table("points", by_point(group.read_matrix("points")));
    file.use("dot");
    if (with_variance) file.use("squared_product");
    if (with_variance && q > 0) file.use("unexplained_trend");
    const Matrix inverse = with_variance ? group.read_matrix("inverse_factor") : Matrix();
    const Matrix trends = q > 0 ? group.read_matrix("trends") : Matrix();
    const Matrix solved = q > 0 ? group.read_matrix("solved_trend") : Matrix();
    const Matrix factors = q > 0 ? group.read_matrix("trend_factor") : Matrix();
    for (Index c = 0; c < theta.rows(); ++c) {
      const std::vector<Index> mine = members(which, c);
      if (mine.empty()) continue;
      const auto count = static_cast<Index>(mine.size());
      Matrix w(count, n), beta(count, q), numbers(count, 3);
      for (Index i = 0; i < count; ++i) {
        const Index o = mine[static_cast<std::size_t>(i)];
        w.row(i) = weights.row(o);
        if (q > 0) beta.row(i) = trends.row(o);
        numbers.row(i) = outputs.row(o).head(3);
      }
      const std::string coefficients =
          table_of(file, "kernel_coefficients", kernel.coefficients(theta.row(c).data()));
      body += "  /* outputs that share a correlation */\n" + kernel_row(kernel, points, n, d, coefficients);
      const std::string prior =
          with_variance ? text("      left = ", kernel.name, "(x, x, ", coefficients, ") - squared_product(",
                               file.table("inverse_factor", inverse.row(c).data(), inverse.cols()), ", k, ",
                               n, ");\n      left = left > 0.0 ? left : 0.0;\n")
                        : "";
      const std::string unexplained =
          with_variance && q > 0
              ? text("      left += unexplained_trend(f, ",
                     file.table("solved_trend", solved.row(c).data(), solved.cols()), ", k, ",
                     file.table("trend_factor", factors.row(c).data(), factors.cols()), ", ", q, ", ", n,
                     ", f + ", q, ");\n")
              : "";
      const std::string outputs_of = file.integers("outputs", mine), wt = file.table("weights", w),
                        bt = file.table("trend", beta), nt = file.table("centre_scale_variance", numbers);
      body += "  {\n";
      if (with_variance)
        body += text("    double left = 0.0;\n    if (variance) {\n", prior, unexplained, "    }\n");
      body += text("    for (int o = 0; o < ", count, "; ++o) {\n      double value = dot(", wt,
                   " + (size_t)o * ", n, ", k, ", n, ");\n");
      if (q > 0) body += text("      value += dot(", bt, " + o * ", q, ", f, ", q, ");\n");
      body += text("      mean[", outputs_of, "[o]] = ", nt, "[3 * o] + ", nt, "[3 * o + 1] * value;\n");
      if (with_variance)
        body += text("      if (variance) variance[", outputs_of, "[o]] = ", nt, "[3 * o + 2] * left;\n");
      body += "    }\n  }\n";
    }
  }
  const PredictorCode code{file.name("gaussian_process"), d + n + 2 * q + frame.room()};
  file.function(predictor_head(code.name) + body + "  return 0;\n}\n");
  return code;
}

PredictorCode export_inducing(CFile& file, const h5::Group& group, const std::string& whose) {
  const Frame frame(group, static_cast<Index>(group.get_integer("trend_degree")));
  const auto which = group.read_integers("output_set");
  const Matrix outputs = group.read_matrix("outputs"), trend = group.read_matrix("trend");
  const Index d = frame.inputs(), q = frame.terms(), sets = group.get_integer("sets");
  Index largest = 0;
  for (Index s = 0; s < sets; ++s)
    largest = std::max(largest, group.group(text("set", s)).shape("points").back());
  std::string body = text("  double *x = work, *k = x + ", d, ", *f = k + ", largest, ";\n", frame.scale(),
                          frame.trend(file, "x", "f", text("f + ", 2 * q)));
  body += "  (void)x;\n  (void)k;\n  (void)f;\n";
  for (const Index o : members(which, -1)) {
    body += text("  mean[", o, "] = ", literal(outputs(o, 0)), ";\n");
    if (file.with_std()) body += text("  if (variance) variance[", o, "] = ", literal(outputs(o, 1)), ";\n");
  }
  if (sets > 0) {
    const KernelCode kernel = export_kernel(file, group.get_string("kernel"), d, whose);
    file.use("dot");
    for (Index s = 0; s < sets; ++s) {
      const std::vector<Index> mine = members(which, s);
      if (mine.empty()) continue;
      const h5::Group set = group.group(text("set", s));
      const Matrix by_input = set.read_matrix("points");
      const Index m = by_input.cols(), count = static_cast<Index>(mine.size());
      const std::string points = file.table("inducing_points", by_point(by_input));
      const std::string coefficients = table_of(
          file, "kernel_coefficients", kernel.coefficients(set.get_doubles("log_hyperparameters").data()));
      Matrix beta(count, q), numbers(count, 2);
      for (Index i = 0; i < count; ++i) {
        const Index o = mine[static_cast<std::size_t>(i)];
        beta.row(i) = trend.row(o);
        numbers.row(i) = outputs.row(o).head(2);
      }
      body += "  /* outputs that share inducing points */\n" +
              kernel_row(kernel, points, m, d, coefficients) + "  {\n";
      if (file.with_std()) {
        const Matrix factors = set.read_matrix("inverse_factors");
        file.use("squared_product");
        body += text(
            "    double left = 0.0;\n    if (variance) {\n    left = ", kernel.name, "(x, x, ", coefficients,
            ") - squared_product(", file.table("inverse_factor", factors.row(0).data(), factors.cols()),
            ", k, ", m, ");\n    left = (left > 0.0 ? left : 0.0) + squared_product(",
            file.table("inverse_factor_given", factors.row(1).data(), factors.cols()), ", k, ", m, ");\n");
        if (q > 0) {
          file.use("unexplained_trend_by_inverse");
          body += text("    left += unexplained_trend_by_inverse(f, ",
                       file.table("trend_weights", set.read_matrix("trend_weights")), ", k, ",
                       file.table("trend_inverse", set.read_matrix("trend_inverse")), ", ", q, ", ", m,
                       ", f + ", q, ");\n");
        }
        body += "    }\n";
      }
      const std::string outputs_of = file.integers("outputs", mine),
                        wt = file.table("weights", set.read_matrix("weights")),
                        bt = file.table("trend", beta), nt = file.table("constant_variance", numbers);
      body += text("    for (int o = 0; o < ", count, "; ++o) {\n      double value = ", nt, "[2 * o] + dot(",
                   wt, " + (size_t)o * ", m, ", k, ", m, ");\n");
      if (q > 0) body += text("      value += dot(", bt, " + o * ", q, ", f, ", q, ");\n");
      body += text("      mean[", outputs_of, "[o]] = value;\n");
      if (file.with_std())
        body += text("      if (variance) variance[", outputs_of, "[o]] = ", nt, "[2 * o + 1] * left;\n");
      body += "    }\n  }\n";
    }
  }
  const PredictorCode code{file.name("inducing_points_process"), d + largest + 2 * q + frame.room()};
  file.function(predictor_head(code.name) + body + "  return 0;\n}\n");
  return code;
}

PredictorCode export_vecchia(CFile& file, const h5::Group& group, const std::string& whose) {
  const Frame frame(group, static_cast<Index>(group.get_integer("mean_degree")));
  const Vector constant = group.read_vector("constant"),
               constant_variance = group.read_vector("constant_variance");
  const Index d = frame.inputs(), q = frame.terms(), m = group.get_integer("neighbours"),
              groups = group.get_integer("groups"), p = constant.size();
  std::string body =
      text("  double *x = work, *z = x + ", d, ", *distances = z + ", d, ", *rows = distances + ", m,
           ", *weights = rows + ", m, ", *f = weights + ", m, ", *missing = f + ", q, ", *g = missing + ", q,
           ", *triangle = g + ", q, ", *rest = triangle + ", (m + 1) * (m + 2) / 2, ";\n", frame.scale(),
           "  for (int j = 0; j < ", p, "; ++j) mean[j] = ", file.table("constant", constant), "[j];\n");
  body +=
      "  (void)x;\n  (void)z;\n  (void)distances;\n  (void)rows;\n  (void)weights;\n  (void)f;\n  "
      "(void)missing;\n"
      "  (void)g;\n  (void)triangle;\n  (void)rest;\n";
  if (file.with_std())
    body += text("  for (int j = 0; variance && j < ", p,
                 "; ++j) variance[j] = ", file.table("constant_variance", constant_variance), "[j];\n");
  if (groups > 0) {
    const std::string expression = group.get_string("kernel");
    const KernelCode kernel = export_kernel(file, expression, d, whose);
    const gp::KernelPtr structure = gp::make_kernel(expression, d);
    const Matrix all = group.read_matrix("points");
    const std::string points = file.table("points", all);
    if (file.with_std() && q > 0) file.use("dot");
    file.use("neighbours");
    file.use("condition_on_neighbours");
    body += frame.trend(file, "x", "f", "rest");
    for (Index i = 0; i < groups; ++i) {
      const h5::Group part = group.group(text("group", i));
      const Vector theta = part.read_vector("log_hyperparameters");
      const auto mine = part.read_integers("outputs");
      const auto count = static_cast<Index>(mine.size());
      const std::string metric = file.table("metric", gp::vecchia_metric(*structure, theta.data()));
      const std::string coefficients =
          table_of(file, "kernel_coefficients", kernel.coefficients(theta.data()));
      const Vector noise = part.read_vector("noise");
      const double nugget = part.get_double("nugget") + part.get_double("jitter");
      const std::string diagonal =
          literal(nugget) + (noise.size() > 0 ? " + " + file.table("noise", noise) + "[row]" : "");
      const auto point = [&](const char* of) { return text(points, " + (size_t)rows[", of, "] * ", d); };
      body += text(
          "  /* outputs that share a correlation */\n  for (int k = 0; k < ", d,
          "; ++k) {\n    z[k] = x[k] * ", metric,
          "[k];\n    z[k] = z[k] < -1e100 ? -1e100 : z[k] > 1e100 ? 1e100 : z[k];\n  }\n  neighbours(z, ",
          points, ", ", metric, ", ", all.rows(), ", ", d, ", 0, ", m,
          ", distances, rows);\n  for (int a = 0, at = 0; a < ", m,
          "; ++a) {\n    const size_t row = (size_t)rows[a];\n    for (int b = 0; b <= a; ++b) "
          "triangle[at++] = ",
          kernel.name, "(", point("a"), ", ", point("b"), ", ", coefficients,
          ");\n    (void)row;\n    triangle[at - 1] += ", diagonal, ";\n  }\n  for (int a = 0; a < ", m,
          "; ++a) triangle[", m * (m + 1) / 2, " + a] = ", kernel.name, "(x, ", point("a"), ", ",
          coefficients, ");\n  triangle[", m * (m + 3) / 2, "] = ", kernel.name, "(x, x, ", coefficients,
          ");\n  {\n    double left = condition_on_neighbours(triangle, ", m, ", weights);\n");
      const Matrix mean = q > 0 ? part.read_matrix("mean") : Matrix();
      if (file.with_std() && q > 0) {
        const std::string covariance = file.table("mean_covariance", part.read_matrix("mean_covariance"));
        body += text("    if (variance) {\n    for (int r = 0; r < ", q,
                     "; ++r) missing[r] = f[r];\n    for (int a = 0; a < ", m, "; ++a) {\n");
        if (q > 1) body += text("      const double *other = ", point("a"), ";\n");
        body += frame.trend(file, "other", "g", "rest");
        body += text("      for (int r = 0; r < ", q,
                     "; ++r) missing[r] -= weights[a] * g[r];\n    }\n    for (int r = 0; r < ", q,
                     "; ++r) left += missing[r] * dot(", covariance, " + r * ", q, ", missing, ", q,
                     ");\n    }\n");
      }
      if (!file.with_std()) body += "    (void)left;\n";
      const std::string outputs_of = file.integers("outputs", {mine.begin(), mine.end()});
      const std::string values = file.table("values", part.read_matrix("values"));
      body += text("    for (int o = 0; o < ", count,
                   "; ++o) {\n      double value = 0.0;\n      for (int a = 0; a < ", m,
                   "; ++a) value += weights[a] * ", values, "[(size_t)rows[a] * ", count, " + (size_t)o];\n");
      if (q > 0)
        body += text("      for (int r = 0; r < ", q, "; ++r) value += f[r] * ",
                     file.table("mean_coefficients", mean), "[r * ", count, " + o];\n");
      body += text("      mean[", outputs_of, "[o]] += value;\n");
      if (file.with_std())
        body += text("      if (variance) variance[", outputs_of,
                     "[o]] = ", file.table("process_variance", part.read_vector("process_variance")),
                     "[o] * left;\n");
      body += "    }\n  }\n";
    }
  }
  const PredictorCode code{file.name("nearest_neighbour_process"),
                           2 * d + 3 * m + 3 * q + (m + 1) * (m + 2) / 2 + frame.room()};
  file.function(predictor_head(code.name) + body + "  return 0;\n}\n");
  return code;
}

}  // namespace ersatz::c
