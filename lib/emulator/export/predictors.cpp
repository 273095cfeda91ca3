// What mean, linear, ridge, lasso, chaos and nearest neighbours predict with; the table of all predictors.
#include <algorithm>

#include "emulator/export/parts.hpp"
#include "emulator/export/predictors.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/polynomial_features.hpp"

namespace ersatz::c {

std::string predictor_head(const std::string& name) {
  return text("static int ", name, "(const double *u, double *mean, double *variance, double *work)\n{\n",
              "  (void)u;\n  (void)variance;\n  (void)work;\n");
}

Index most_degree(const Matrix& exponents) {
  return exponents.rows() > 0 ? static_cast<Index>(exponents.rowwise().sum().maxCoeff()) : 0;
}

std::string polynomials_call(CFile& file, const Polynomials& p, const std::string& from,
                             const std::string& to, const std::string& work) {
  std::vector<Index> begin{0}, factors, family;
  for (Index t = 0; t < p.exponents.rows(); ++t) {
    for (Index k = 0; k < p.exponents.cols(); ++k)
      if (p.exponents(t, k) > 0.0) {
        factors.push_back(k);
        factors.push_back(static_cast<Index>(p.exponents(t, k)));
      }
    begin.push_back(static_cast<Index>(factors.size()) / 2);
  }
  for (const std::string& name : p.families)
    family.push_back(static_cast<Index>(polynomial_family_from_string(name)));
  file.use("polynomials");
  const std::string centre = file.table("input_centre", p.centre);
  const std::string scale = file.table("input_inverse_scale", p.inverse_scale);
  const std::string families = file.integers("families", family);
  const std::string starts = file.integers("begin", begin), pairs = file.integers("factors", factors);
  return text("  polynomials(", from, ", ", p.centre.size(), ", ", centre, ", ", scale, ", ", families, ", ",
              most_degree(p.exponents), ", ", p.exponents.rows(), ", ", starts, ", ", pairs, ", ", to, ", ",
              work, ");\n");
}

namespace {

PredictorCode polynomial(CFile& file, const h5::Group& group, const std::string&) {
  const Index m = group.get_integer("features");
  const Vector intercept = group.read_vector("intercept");
  const Index p = intercept.size();
  PredictorCode code;
  std::string body =
      text("  for (int j = 0; j < ", p, "; ++j) mean[j] = ", file.table("intercept", intercept), "[j];\n");
  Index work = m;
  if (m > 0) {
    Polynomials basis{group.read_vector("input_centre"),
                      group.read_vector("input_inverse_scale"),
                      group.read_matrix("exponents"),
                      {}};
    if (group.has("families")) basis.families = group.read_strings("families");
    body += polynomials_call(file, basis, "u", "work", text("work + ", m));
    work += basis.centre.size() * (most_degree(basis.exponents) + 1);
    file.use("add_rows");
    body += text("  for (int t = 0; t < ", m,
                 "; ++t) work[t] -= ", file.table("feature_centre", group.read_vector("centre")),
                 "[t];\n  add_rows(work, ", file.table("coefficients", group.read_matrix("coefficients")),
                 ", ", m, ", ", p, ", mean);\n");
  }
  if (file.with_std() && group.get_integer("has_variance") != 0) {
    const std::string latent = file.table("latent_variance", group.read_vector("latent_variance"));
    const std::string residual = file.table("residual_variance", group.read_vector("residual_variance"));
    const std::string offset = literal(group.get_double("offset"));
    std::string leverage = offset;
    if (group.has("weights")) {
      const Matrix weights = group.read_matrix("weights");
      const Index r = weights.cols() - 1, levels = weights.rows();
      const auto level = group.read_integers("level");
      file.use("dot");
      // squares: r of the directions and one outside of them; then what each level makes of them.
      body += text("  if (variance) {\n    double *squares = work + ", m, ", *h = squares + ", r + 1,
                   ", norm2 = 0.0, inside = 0.0;\n    for (int t = 0; t < ", m,
                   "; ++t) {\n      const double f = work[t] * ",
                   file.table("inverse_scale", group.read_vector("inverse_scale")),
                   "[t];\n      norm2 += f * f;\n    }\n");
      if (r > 0) {
        file.use("add_rows");
        body += text("    for (int l = 0; l < ", r, "; ++l) squares[l] = 0.0;\n    add_rows(work, ",
                     file.table("directions", group.read_matrix("directions")), ", ", m, ", ", r,
                     ", squares);\n    for (int l = 0; l < ", r,
                     "; ++l) {\n      squares[l] *= squares[l];\n      inside += squares[l];\n    }\n");
      }
      body += text("    squares[", r, "] = norm2 > inside ? norm2 - inside : 0.0;\n    for (int a = 0; a < ",
                   levels, "; ++a) h[a] = ", offset, " + dot(squares, ", file.table("level_weights", weights),
                   " + a * ", r + 1, ", ", r + 1, ");\n");
      leverage = text("h[", file.integers("level", {level.begin(), level.end()}), "[j]]");
      work = std::max(work, m + r + 1 + levels);
    } else {
      body += "  if (variance) {\n";
    }
    body += text("    for (int j = 0; j < ", p, "; ++j) variance[j] = ", latent, "[j] + ", residual, "[j] * ",
                 leverage, ";\n  }\n");
  }
  code.name = file.name("polynomial");
  code.work = work;
  file.function(predictor_head(code.name) + body + "  return 0;\n}\n");
  return code;
}

PredictorCode knn(CFile& file, const h5::Group& group, const std::string& whose) {
  const Vector centre = group.read_vector("input_centre"), inverse = group.read_vector("input_inverse_scale"),
               scales = group.read_vector("scales");
  const Matrix points = group.read_matrix("points"), values = group.read_matrix("values");
  const Index n = points.rows(), v = points.cols(), p = values.cols();
  const bool city_block = group.get_string("metric") == "manhattan", fixed = group.has_attribute("radius");
  const std::string weights = group.get_string("weights");
  const bool smooth = weights == "kernel" || weights == "local-linear";
  const bool with_variance = file.with_std() && group.get_integer("has_variance") != 0;
  if (!smooth && weights != "uniform" && weights != "inverse-distance")
    no_source(whose, "neighbour weights", weights);
  const Index k = fixed ? 0 : static_cast<Index>(group.get_integer("k"));
  const double radius = fixed ? group.get_double("radius") : 0.0;
  const Index least = weights == "kernel" ? 2 : smooth ? v + 2 : 1;
  const Index room = fixed ? n : std::min(with_variance || smooth ? k + 1 : k, n);
  const std::string table = file.table("points", points);

  std::string body =
      text("  double *z = work, *distances = z + ", v, ", *rows = distances + ", room, ", *weights = rows + ",
           room, ";\n", smooth ? "  double bandwidth;\n" : "", "  int size, used, around, isolated = 0;\n");
  Index a = 0;
  for (Index i = 0; i < centre.size(); ++i)
    if (inverse[i] > 0.0)
      body += text("  z[", a++, "] = (u[", i, "] - ", literal(centre[i]), ") * ", literal(inverse[i]), " * ",
                   literal(scales[i]), ";\n");
  if (a == 0) body += "  z[0] = 0.0;\n";
  body += text("  for (int i = 0; i < ", v, "; ++i)\n    if (!(fabs(z[i]) < 1e150)) return 1;\n");
  file.use("neighbours");
  const std::string nearest =
      text("neighbours(z, ", table, ", 0, ", n, ", ", v, ", ", city_block ? 1 : 0, ", ");
  if (fixed) {
    file.use("within");
    const std::string reach = literal(city_block ? radius : radius * radius);
    const Index wanted = std::min(least + 1, n);
    body += text("  size = ", wanted, ";\n  ", nearest, "size, distances, rows);\n  if (distances[",
                 wanted - 1, "] <= ", reach, ")\n    size = within(z, ", table, ", ", n, ", ", v, ", ",
                 city_block ? 1 : 0, ", ", reach, ", distances, rows);\n");
  } else {
    body += text("  size = ", room, ";\n  ", nearest, "size, distances, rows);\n");
  }
  if (!city_block) body += "  for (int i = 0; i < size; ++i) distances[i] = sqrt(distances[i]);\n";
  // Which of them count, and how far their weights reach: neighbour_window() of the library.
  const auto edge = [&](const std::string& indent) {
    return text(indent, "bandwidth = size > used ? distances[used] : 1.5 * distances[used - 1];\n");
  };
  if (!fixed) {
    body += text("  used = ", std::min(k, n), ";\n  around = size < ", k + 1, " ? size : ", k + 1, ";\n");
    if (smooth) body += edge("  ");
  } else {
    body += text("  for (used = 0; used < size && distances[used] <= ", literal(radius), "; ++used) {}\n");
    if (!smooth) {
      body += "  isolated = used == 0;\n  if (isolated) used = 1;\n  around = used;\n";
    } else {
      body += text("  isolated = used == 0;\n  if (used > ", least,
                   ") {\n    around = used;\n    isolated = 0;\n    bandwidth = ", literal(radius),
                   ";\n  } else {\n    used = ", least, " < size ? ", least, " : size;\n", edge("    "),
                   "    around = used + 1 < size ? used + 1 : size;\n    if (bandwidth <= ", literal(radius),
                   ") {\n      bandwidth = ", literal(radius),
                   ";\n      around = used;\n      isolated = 0;\n    }\n  }\n");
    }
  }
  Index work = v + 2 * room + (fixed ? n : k);
  if (weights == "uniform") {
    file.use("uniform_weights");
    body += "  uniform_weights(used, weights);\n";
  } else if (weights == "inverse-distance") {
    file.use("inverse_distance_weights");
    body += "  inverse_distance_weights(distances, used, weights);\n";
  } else if (weights == "kernel") {
    file.use("tricube_weights");
    body += "  (void)tricube_weights(distances, used, bandwidth, weights);\n";
  } else {
    file.use("local_linear_weights");
    body += text("  local_linear_weights(z, ", table, ", ", v,
                 ", distances, rows, used, bandwidth, weights, work + ", work, ");\n");
    work += v * ((fixed ? n : k) + v + 1);
  }
  const std::string y = file.table("values", values),
                    offset = file.table("centre", group.read_vector("centre"));
  body += text("  for (int j = 0; j < ", p,
               "; ++j) mean[j] = 0.0;\n  for (int i = 0; i < used; ++i)\n    for (int j = 0; j < ", p,
               "; ++j) mean[j] += weights[i] * ", y, "[(size_t)rows[i] * ", p,
               " + (size_t)j];\n  for (int j = 0; j < ", p, "; ++j) mean[j] += ", offset, "[j];\n");
  if (with_variance) {
    const std::string typical = file.table("typical_spread", group.read_vector("typical_spread"));
    const auto of = [&](const char* what) {
      return file.table(text("spread_", what), group.read_vector(text("latent_", what)));
    };
    const std::string constant = of("constant"), factor = of("factor"), alone = of("isolated");
    body += text(
        "  for (int j = 0; variance && j < ", p, "; ++j) {\n    double average = 0.0, spread = 0.0;\n",
        "    for (int i = 0; i < around; ++i) average += ", y, "[(size_t)rows[i] * ", p,
        " + (size_t)j];\n    average /= around;\n    for (int i = 0; i < around; ++i) {\n      const double "
        "h = ",
        y, "[(size_t)rows[i] * ", p,
        " + (size_t)j] - average;\n      spread += h * h;\n    }\n    variance[j] = ", constant, "[j] + ",
        factor, "[j] * (", typical, "[j] + spread) / around;\n    if (isolated && variance[j] < ", alone,
        "[j]) variance[j] = ", alone, "[j];\n  }\n");
  } else {
    body += "  (void)around;\n  (void)isolated;\n";
  }
  const PredictorCode code{file.name("nearest_neighbours"), work};
  file.function(predictor_head(code.name) + body + "  return 0;\n}\n");
  return code;
}

PredictorCode forest(CFile& file, const h5::Group& group, const std::string&) {
  const Vector centre = group.read_vector("centre");
  const bool with_variance = file.with_std() && group.get_integer("has_variance") != 0;
  const auto number = [&](const char* what, Index j) { return literal(group.read_vector(what)[j]); };
  std::string body;
  for (Index j = 0; j < centre.size(); ++j) {
    const TreesCode trees = export_trees(file, group.group(text("output", j)));
    const std::string loop = text("    for (int t = 0; t < ", trees.count, "; ++t) ");
    body += text("  {\n    double sum = 0.0;\n", loop, "sum += ", trees.leaf, ";\n    sum /= ", trees.count,
                 ";\n    mean[", j, "] = ", literal(centre[j]), " + sum;\n");
    if (with_variance)
      body += text("    if (variance) {\n      double spread = 0.0;\n  ", loop,
                   "{\n        const double away = ", trees.leaf,
                   " - sum;\n        spread += away * away;\n      }\n      variance[", j,
                   "] = ", number("latent_constant", j), " + ", number("latent_factor", j), " * (",
                   number("typical", j), " + spread / ", trees.count, ");\n    }\n");
    body += "  }\n";
  }
  const PredictorCode code{file.name("forest"), 0};
  file.function(predictor_head(code.name) + body + "  return 0;\n}\n");
  return code;
}

/// One line per kind.
using Exporter = PredictorCode (*)(CFile&, const h5::Group&, const std::string& whose);
const std::map<std::string, Exporter>& exporters() {
  static const std::map<std::string, Exporter> table = {
      {"polynomial", polynomial},
      {"knn", knn},
      {"forest", forest},
      {"gp", export_gp},
      {"gp-inducing", export_inducing},
      {"gp-vecchia", export_vecchia},
  };
  return table;
}

}  // namespace

TreesCode export_trees(CFile& file, const h5::Group& group) {
  const Matrix nodes = group.read_matrix("nodes", -1, 3);
  const auto roots = group.read_integers("roots");
  std::vector<Index> input, right;
  for (Index i = 0; i < nodes.rows(); ++i) {
    input.push_back(static_cast<Index>(nodes(i, 0)));
    right.push_back(static_cast<Index>(nodes(i, 2)));
  }
  file.use("leaf");
  const std::string values = file.table("node_values", Vector(nodes.col(1)));
  const std::string inputs = file.integers("node_inputs", input),
                    children = file.integers("right_children", right);
  return {text("leaf(u, ", file.integers("roots", {roots.begin(), roots.end()}), "[t], ", inputs, ", ",
               values, ", ", children, ")"),
          static_cast<Index>(roots.size())};
}

PredictorCode export_predictor(CFile& file, const h5::Group& group, const std::string& whose) {
  const std::string kind = group.get_string("kind");
  const auto found = exporters().find(kind);
  if (found == exporters().end()) no_source(whose, "predictor", kind);
  return found->second(file, group, whose);
}

}  // namespace ersatz::c
