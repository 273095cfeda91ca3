// Input maps, transforms of the outputs, and the box of the parameters.
#include <algorithm>
#include <functional>

#include "emulator/export/parts.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::c {
namespace {

using Integers = std::vector<std::int64_t>;

std::vector<Index> indices(const Integers& values) { return {values.begin(), values.end()}; }

/// A transform in C: `inputs` values to `outputs`, and calls on two pointers.
struct Step {
  Index inputs = 0, outputs = 0;
  std::string forward;                  ///< f(y, z) with the words FROM and TO in place of them
  std::string inverse, push, variance;  ///< with AT, CHANGE and RESULT; empty: not of this kind
};
using StepExporter = Step (*)(CFile&, const h5::Group&, bool forward);

Step diagonal(CFile& file, const h5::Group& group, bool forward) {
  const Integers functions = group.read_integers("function");
  Step step;
  step.inputs = step.outputs = static_cast<Index>(functions.size());
  const std::string f = file.integers("functions", indices(functions));
  const std::string numbers = file.table("argument_shift_scale", group.read_matrix("argument_shift_scale"));
  const std::string arguments = text(step.inputs, ", ", f, ", ", numbers);
  if (forward) {
    file.use("diagonal_forward");
    step.forward = text("diagonal_forward(", arguments, ", FROM, TO);");
    return step;
  }
  file.use("diagonal_inverse");
  step.inverse = text("diagonal_inverse(", arguments, ", AT, RESULT);");
  if (!file.with_std()) return step;
  file.use("diagonal_slope");
  const std::string loop = text("for (int i = 0; i < ", step.inputs, "; ++i) ");
  const std::string slope = text("diagonal_slope(", f, "[i], ", numbers, " + 3 * i, AT[i])");
  step.push = loop + text("RESULT[i] = ", slope, " * CHANGE[i];");
  step.variance = loop + text("{\n    const double slope = ", slope,
                              ";\n    RESULT[i] = slope * slope * CHANGE[i];\n  }");
  return step;
}

Step periodic(CFile& file, const h5::Group& group, bool forward) {
  const Integers columns = group.read_integers("columns");
  Step step;
  step.inputs = group.get_integer("inputs");
  step.outputs = step.inputs + static_cast<Index>(columns.size());
  const std::string arguments =
      text(step.inputs, ", ", columns.size(), ", ", file.integers("columns", indices(columns)), ", ",
           file.table("origin_period", group.read_matrix("origin_period")));
  if (forward) {
    file.use("periodic_forward");
    step.forward = text("periodic_forward(", arguments, ", FROM, TO);");
    return step;
  }
  file.use("periodic_inverse");
  step.inverse = text("periodic_inverse(", arguments, ", AT, RESULT);");
  if (!file.with_std()) return step;
  file.use("periodic_changes");
  step.push = text("periodic_changes(", arguments, ", 0, AT, CHANGE, RESULT);");
  step.variance = text("periodic_changes(", arguments, ", 1, AT, CHANGE, RESULT);");
  return step;
}

/// Maps of some columns: what they take the place of, what they give, and the call of theirs on `in`.
struct ColumnMap {
  Index consumed, outputs;
  std::string call;  ///< with TO for where its results go
};
using ColumnMapExporter = ColumnMap (*)(CFile&, const h5::Group&);

ColumnMap logarithm(CFile&, const h5::Group&) { return {1, 1, "(TO)[0] = log(in[0]);"}; }
ColumnMap effective_spins(CFile& file, const h5::Group&) {
  file.use("effective_spins");
  return {2, 2, "effective_spins(in, TO);"};
}
ColumnMap polar(CFile& file, const h5::Group&) {
  file.use("polar");
  return {2, 3, "polar(in, TO);"};
}
ColumnMap rotational_symmetry(CFile& file, const h5::Group& group) {
  file.use("rotational_symmetry");
  return {
      4, 3,
      text("rotational_symmetry(in, ", file.integers("spins", indices(group.read_integers("spins"))), ", ",
           group.get_integer("mass_ratio"), ", ", file.table("weights", group.read_vector("weights")), ", ",
           literal(group.get_double("mass_power")), ", TO);")};
}
ColumnMap exchange_symmetry(CFile& file, const h5::Group& group) {
  const Index pairs = group.get_integer("pairs");
  file.use("exchange");
  return {2 * pairs, pairs + pairs * (pairs + 1) / 2, text("exchange(", pairs, ", in, TO);")};
}

template <ColumnMapExporter map>
Step on_columns(CFile& file, const h5::Group& group, bool forward) {
  Step step;
  step.inputs = group.get_integer("inputs");
  if (!forward) return step;  // no recipe puts it on outputs
  const std::vector<Index> used = indices(group.read_integers("columns"));
  const ColumnMap what = map(file, group);
  std::vector<Index> kept;
  for (Index k = 0; k < step.inputs; ++k)
    if (std::find(used.begin(), used.begin() + what.consumed, k) == used.begin() + what.consumed)
      kept.push_back(k);
  const auto count = static_cast<Index>(kept.size());
  step.outputs = count + what.outputs;
  step.forward = text("{\n    double in[", used.size(), "];\n");
  for (std::size_t i = 0; i < used.size(); ++i)
    step.forward += text("    in[", i, "] = FROM[", used[i], "];\n");
  for (Index i = 0; i < count; ++i)
    step.forward += text("    TO[", i, "] = FROM[", kept[static_cast<std::size_t>(i)], "];\n");
  std::string call = what.call;
  call.replace(call.find("TO"), 2, text("TO + ", count));
  step.forward += "    " + call + "\n  }";
  return step;
}

/// One line per kind.
const std::map<std::string, StepExporter>& exporters() {
  static const std::map<std::string, StepExporter> table = {
      {"diagonal", diagonal},
      {"periodic", periodic},
      {"logarithm", on_columns<logarithm>},
      {"effective-spins", on_columns<effective_spins>},
      {"polar", on_columns<polar>},
      {"rotational-symmetry", on_columns<rotational_symmetry>},
      {"exchange-symmetry", on_columns<exchange_symmetry>},
  };
  return table;
}

/// The steps of a transform, chains taken apart; `width`: its inputs where it has none.
void append_steps(CFile& file, const h5::Group& group, bool forward, const std::string& whose,
                  std::vector<Step>& steps, Index& width) {
  const std::string kind = group.get_string("kind");
  if (kind == "chain") {
    width = group.get_integer("width");
    for (std::int64_t i = 0; i < group.get_integer("steps"); ++i)
      append_steps(file, group.group(text("step", i)), forward, whose, steps, width);
    return;
  }
  const auto found = exporters().find(kind);
  if (found == exporters().end()) no_source(whose, "transform", kind);
  steps.push_back(found->second(file, group, forward));
  if ((forward ? steps.back().forward : steps.back().inverse).empty()) no_source(whose, "transform", kind);
}

std::string filled(std::string call, const std::vector<std::pair<std::string, std::string>>& words) {
  for (const auto& [word, name] : words)
    for (std::size_t at = call.find(word); at != std::string::npos; at = call.find(word, at + name.size()))
      call.replace(at, word.size(), name);
  return call;
}

Index widest(const std::vector<Step>& steps) {
  Index most = 0;
  for (const Step& s : steps) most = std::max({most, s.inputs, s.outputs});
  return most;
}

std::string copy(const char* from, const char* to, Index width) {
  return text("  for (int i = 0; i < ", width, "; ++i) ", to, "[i] = ", from, "[i];\n");
}

/// The calls of a chain one after the other, from `from` to `to` through two buffers in work.
std::string chained(const std::vector<std::string>& calls, const char* from, const char* to, Index width,
                    Index room) {
  std::string body;
  if (calls.empty()) body = copy(from, to, width);
  if (calls.size() < 2) body += "  (void)work;\n";
  std::string at = from;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string next = i + 1 == calls.size() ? to : i % 2 == 0 ? "work" : text("(work + ", room, ")");
    body += "  " + filled(calls[i], {{"FROM", at}, {"TO", next}, {"AT", at}, {"RESULT", next}}) + "\n";
    at = next;
  }
  return body;
}

/// Tangents (or variances) and the point that they belong to, step by step: four buffers.
std::string chained_changes(const std::vector<Step>& back, std::string Step::*what, Index width, Index room) {
  if (back.empty()) return "  (void)work;\n  (void)z;\n" + copy("dz", "dy", width);
  if (back.size() == 1)
    return "  (void)work;\n  " + filled(back[0].*what, {{"AT", "z"}, {"CHANGE", "dz"}, {"RESULT", "dy"}}) +
           "\n";
  std::string body, at = "z", change = "dz";
  for (std::size_t i = 0; i < back.size(); ++i) {
    const bool last = i + 1 == back.size();
    const std::string next = last ? "dy" : text("(work + ", (i % 2) * static_cast<std::size_t>(room), ")");
    body += "  " + filled(back[i].*what, {{"AT", at}, {"CHANGE", change}, {"RESULT", next}}) + "\n";
    if (last) break;
    const std::string point = text("(work + ", (2 + i % 2) * static_cast<std::size_t>(room), ")");
    body += "  " + filled(back[i].inverse, {{"AT", at}, {"RESULT", point}}) + "\n";
    at = point;
    change = next;
  }
  return body;
}

}  // namespace

ForwardCode export_input_map(CFile& file, const h5::Group& group, const std::string& whose) {
  std::vector<Step> steps;
  Index width = 0;
  append_steps(file, group, true, whose, steps, width);
  std::vector<std::string> calls;
  for (const Step& s : steps) calls.push_back(s.forward);
  const Index room = widest(steps);
  const ForwardCode code{file.name("input_map"), 2 * room};
  file.function(text("static void ", code.name, "(const double *x, double *u, double *work)\n{\n",
                     chained(calls, "x", "u", width, room), "}\n"));
  return code;
}

TransformCode export_transform(CFile& file, const h5::Group& group, const std::string& whose,
                               bool directions) {
  std::vector<Step> steps;
  Index width = 0;
  append_steps(file, group, false, whose, steps, width);
  std::reverse(steps.begin(), steps.end());
  std::vector<std::string> calls;
  for (const Step& s : steps) calls.push_back(s.inverse);
  const Index room = widest(steps);
  const TransformCode code{file.name("transform"), 4 * room};
  file.function(text("static void ", code.name, "_inverse(const double *z, double *y, double *work)\n{\n",
                     chained(calls, "z", "y", width, room), "}\n"));
  if (!file.with_std()) return code;
  const std::string arguments = "(const double *z, const double *dz, double *dy, double *work)\n{\n";
  if (directions)
    file.function(text("static void ", code.name, "_push", arguments,
                       chained_changes(steps, &Step::push, width, room), "}\n"));
  file.function(text("static void ", code.name, "_variance", arguments,
                     chained_changes(steps, &Step::variance, width, room), "}\n"));
  return code;
}

std::string export_space(CFile& file, const ParameterSpace& space) {
  const Index d = space.size();
  Vector lower(d), upper(d);
  for (Index i = 0; i < d; ++i) {
    const Parameter& p = space[i];
    const double slack = 1e-12 * std::max(p.upper - p.lower, std::abs(p.upper));
    lower[i] = p.lower - slack;
    upper[i] = p.upper + slack;
  }
  const std::string low = file.table("box_lower", lower), high = file.table("box_upper", upper);
  std::string body = text("  for (int i = 0; i < ", d, "; ++i)\n    if (!(x[i] >= ", low,
                          "[i] && x[i] <= ", high, "[i])) return 0;\n");
  if (d == 0) body = "  (void)x;\n";
  for (const BallConstraint& b : space.balls()) {
    const auto member = [&](std::size_t k) { return text("x[", b.members[k], "]"); };
    body += text("  if (!(sqrt(", member(0), " * ", member(0), " + ", member(1), " * ", member(1), " + ",
                 member(2), " * ", member(2), ") <= ", literal(b.radius * (1.0 + 1e-12)), ")) return 0;\n");
  }
  for (const LinearConstraint& l : space.linear_constraints()) {
    const std::string c = file.table("linear_constraint", l.coefficients);
    body += text("  {\n    double sum = 0.0, magnitude = ", literal(std::abs(l.upper)),
                 ";\n    for (int i = 0; i < ", d, "; ++i) {\n      sum += ", c,
                 "[i] * x[i];\n      magnitude += fabs(", c,
                 "[i] * x[i]);\n    }\n    if (!(sum <= ", literal(l.upper),
                 " + 1e-12 * magnitude)) return 0;\n  }\n");
  }
  const std::string name = file.name("in_space");
  file.function(text("static int ", name, "(const double *x)\n{\n", body, "  return 1;\n}\n"));
  return name;
}

}  // namespace ersatz::c
