#include "emulator/export/interface.hpp"

#include <algorithm>
#include <cctype>

#include "ersatz/core/error.hpp"
#include "ersatz/version.hpp"

namespace ersatz::c {
namespace {

std::string upper_case(std::string words) {
  for (char& character : words)
    character = static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  return words;
}

/// "name [unit]"
std::string with_unit(const std::string& name, const std::string& unit) {
  return comment(unit.empty() ? name : name + " [" + unit + "]");
}

std::string heading(const Emulator& emulator, const ModelInfo& info, const CExport& options, bool with_std,
                    Index work) {
  const std::string& p = options.prefix;
  const std::string P = upper_case(p);
  std::string all = text("/*\n * ", comment(info.title.empty() ? "An emulator" : info.title),
                         ": an emulator by Ersatz ", version(),
                         " as C99 that needs libm alone.\n * Written by `ersatz export`; "
                         "nothing here is meant to be edited.\n *\n");
  const auto line = [&](const std::string& words) { all += words.empty() ? " *\n" : " * " + words + "\n"; };
  if (!info.created.empty())
    line(comment(text("Trained on ", info.created, " by version ", info.library_version, " from ",
                      info.training_runs, " runs")));
  if (!info.data_hash.empty())
    line(comment(text("Hash of the training runs ", info.data_hash, ", of the recipe ", info.recipe_hash)));
  for (const std::string& words : options.heading) line(comment(words));
  line("");
  line("Parameters, x[0] ...:");
  for (const Parameter& parameter : emulator.space().parameters())
    line(text("  ", with_unit(parameter.name, parameter.unit), " from ", parameter.lower, " to ",
              parameter.upper,
              parameter.scale == Scale::log        ? ", log scale"
              : parameter.scale == Scale::periodic ? ", periodic"
                                                   : ""));
  const auto constraints = emulator.space().balls().size() + emulator.space().linear_constraints().size();
  if (constraints > 0)
    line(text("  and ", constraints, " constraints beyond the box, which the domain score knows"));
  line("Outputs, one after the other in mean and std:");
  Index offset = 0;
  for (const OutputSpec& o : emulator.outputs()) {
    const Axis& axis = emulator.axis_of(o);
    line(text("  ", offset, " to ", offset + o.width() - 1, ": ", with_unit(o.name, o.unit), ", ", o.size,
              o.size == 1 ? " value" : " values", " on axis ", with_unit(axis.name, axis.unit),
              axis.values.size() > 1
                  ? text(" from ", axis.values[0], " to ", axis.values[axis.values.size() - 1])
                  : "",
              o.complex ? "; complex, real and imaginary parts side by side" : ""));
    offset += o.width();
  }
  line("");
  line(text("  double work[", P, "_WORK];       caller's memory, ", work,
            " doubles, whatever is in it; one for each thread"));
  line(text("  status = ", p, "_mean(x, mean, work);"));
  if (with_std) line(text("  status = ", p, "_mean_and_std(x, mean, std, work);"));
  line(text("  score = ", p, "_domain_score(x, work);"));
  line("");
  line(text("x: ", P, "_PARAMETERS values; mean", with_std ? ", std" : "", ": ", P, "_VALUES."));
  if (with_std) {
    line("std: standard deviations of the emulator's own error; of complex outputs, of both parts.");
    if (!emulator.calibration().method.empty())
      line(comment(
          text("They are calibrated (", emulator.calibration().method, "): one of them covers 68.27 %.")));
  }
  line(
      "status: 0 done; 1 a parameter is not finite, or not positive on a log scale; 2 the point is so far "
      "away that");
  line(
      "a number overflows. Score: distance to the training runs; up to 1 inside of the domain, else "
      "predictions are");
  line("not to be trusted; infinite outside of the box.");
  line("");
  line(
      "Nothing is kept between calls, nothing is allocated: any number of threads may call. Numbers are "
      "those of the");
  line("library to 1e-13 of the sum of the absolute terms; compile without -ffast-math.");
  line(text("For declarations in another source: #define ", P,
            "_DECLARATIONS_ONLY before including this file."));
  line(text("As a program: cc -O2 -D", P,
            "_MAIN this.c -lm; reads points from standard input, prints score, means",
            with_std ? ", stds." : "."));
  return all + " */\n";
}

std::string declarations(const Emulator& emulator, const CExport& options, bool with_std, Index work) {
  const std::string& p = options.prefix;
  const std::string P = upper_case(p);
  Index values = 0;
  for (const OutputSpec& o : emulator.outputs()) values += o.width();
  std::string all = text("#ifndef ", P, "_DECLARED\n#define ", P, "_DECLARED\n#define ", P, "_PARAMETERS ",
                         emulator.space().size(), "\n#define ", P, "_OUTPUTS ", emulator.outputs().size(),
                         "\n#define ", P, "_VALUES ", values, "\n#define ", P, "_WORK ",
                         std::max<Index>(work, 1), "\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
  all += text("int ", p, "_mean(const double *x, double *mean, double *work);\n");
  if (with_std)
    all += text("int ", p, "_mean_and_std(const double *x, double *mean, double *std, double *work);\n");
  all += text("double ", p, "_domain_score(const double *x, double *work);\n");
  const std::string d = text("[", P, "_PARAMETERS];\n"), o = text("[", P, "_OUTPUTS];\n");
  all += text("extern const char *const ", p, "_parameter_names", d, "extern const char *const ", p,
              "_parameter_units", d, "extern const double ", p, "_lower", d, "extern const double ", p,
              "_upper", d);
  all += text("extern const char *const ", p, "_output_names", o, "extern const char *const ", p,
              "_output_units", o, "extern const char *const ", p, "_output_axes", o);
  all += text(
      "/* output o stands at offsets[o] ... offsets[o + 1] - 1 */\nextern const int ", p, "_output_offsets[",
      P, "_OUTPUTS + 1];\n/* bins of output o's axis */\nextern const double *const ", p, "_output_bins", o);
  return all + "#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

/// Names, bounds, axes.
std::string descriptions(const Emulator& emulator, const CExport& options, CFile& file) {
  const std::string& p = options.prefix;
  const auto list = [&](const char* type, const char* what, const std::vector<std::string>& values) {
    std::string all = text("const ", type, p, "_", what, "[", values.size(), "] = {");
    for (std::size_t i = 0; i < values.size(); ++i) all += (i ? ", " : "") + values[i];
    return all + "};\n";
  };
  std::vector<std::string> names, units, lower, upper, outputs, output_units, axes, bins, offsets{"0"};
  for (const Parameter& parameter : emulator.space().parameters()) {
    names.push_back(quoted(parameter.name));
    units.push_back(quoted(parameter.unit));
    lower.push_back(literal(parameter.lower));
    upper.push_back(literal(parameter.upper));
  }
  Index offset = 0;
  for (const OutputSpec& o : emulator.outputs()) {
    const Axis& axis = emulator.axis_of(o);
    outputs.push_back(quoted(o.name));
    output_units.push_back(quoted(o.unit));
    axes.push_back(quoted(axis.name));
    bins.push_back(file.table("bins", axis.values));
    offsets.push_back(text(offset += o.width()));
  }
  return list("char *const ", "parameter_names", names) + list("char *const ", "parameter_units", units) +
         list("double ", "lower", lower) + list("double ", "upper", upper) +
         list("char *const ", "output_names", outputs) + list("char *const ", "output_units", output_units) +
         list("char *const ", "output_axes", axes) + list("int ", "output_offsets", offsets) +
         list("double *const ", "output_bins", bins) + "\n";
}

std::string program(const CExport& options, bool with_std) {
  const std::string& p = options.prefix;
  const std::string P = upper_case(p);
  std::string all =
      text("\n#ifdef ", P, "_MAIN\n#include <stdio.h>\n\nint main(void)\n{\n  static double x[", P,
           "_PARAMETERS], mean[", P, "_VALUES], std[", P, "_VALUES], work[", P,
           "_WORK];\n  long point = 0;\n  for (;; ++point) {\n    int status;\n"
           "    for (int i = 0; i < ",
           P,
           "_PARAMETERS; ++i)\n"
           "      if (scanf(\"%lf\", x + i) != 1) {\n        if (feof(stdin) && i == 0) return 0;\n"
           "        fprintf(stderr, \"point %ld: value %d is not a number\\n\", point, i);\n        return "
           "2;\n      }\n");
  all += with_std ? text("    status = ", p, "_mean_and_std(x, mean, std, work);\n")
                  : text("    (void)std;\n    status = ", p, "_mean(x, mean, work);\n");
  all += text(
      "    if (status != 0) {\n      fprintf(stderr, \"point %ld: status %d\\n\", point, status);\n      "
      "return status + 1;\n"
      "    }\n    printf(\"%.17g\", ",
      p, "_domain_score(x, work));\n    for (int j = 0; j < ", P,
      "_VALUES; ++j) printf(\" %.17g\", mean[j]);\n");
  if (with_std) all += text("    for (int j = 0; j < ", P, "_VALUES; ++j) printf(\" %.17g\", std[j]);\n");
  return all + "    printf(\"\\n\");\n  }\n}\n#endif\n";
}

}  // namespace

std::string comment(std::string words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (static_cast<unsigned char>(words[i]) < 32 || words[i] == '\\') words[i] = ' ';
    if (i > 0 && ((words[i - 1] == '*' && words[i] == '/') || (words[i - 1] == '/' && words[i] == '*')))
      words.insert(i, " ");
    if (i > 1 && words[i] == '/' && words[i - 1] == '?' && words[i - 2] == '?') words.insert(i, " ");
  }
  return words;
}

std::string interface_of(const Emulator& emulator, const ModelInfo& info, const CExport& options, CFile& file,
                         Index work) {
  const std::string& p = options.prefix;
  const bool with_std = file.with_std();
  const std::string described = descriptions(emulator, options, file);
  std::string all = heading(emulator, info, options, with_std, work);
  all += declarations(emulator, options, with_std, work);
  all += text("\n#ifndef ", upper_case(p), "_DECLARATIONS_ONLY\n#include <math.h>\n#include <stddef.h>\n\n");
  all += file.source() + described;
  all += text(
      "int ", p,
      "_mean(const double *x, double *mean, double *work)\n{\n  return evaluate(x, mean, 0, work);\n}\n\n");
  if (with_std)
    all += text("int ", p,
                "_mean_and_std(const double *x, double *mean, double *std, double *work)\n{\n"
                "  return evaluate(x, mean, std, work);\n}\n\n");
  all += text("double ", p,
              "_domain_score(const double *x, double *work)\n{\n  return score_domain(x, work);\n}\n");
  return all + program(options, with_std) + "#endif\n";
}

}  // namespace ersatz::c
