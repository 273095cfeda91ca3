#include "emulator/export/parts.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::c {
namespace {

std::vector<Index> indices(const std::vector<std::int64_t>& values) { return {values.begin(), values.end()}; }

// Bases -------------------------------------------------------------------------------------------------

/// Row k of a complex basis stands for two coefficients: of the element, and of i times it.
BasisCode linear(CFile& file, const h5::Group& group) {
  const Matrix elements = group.read_matrix("elements");
  const bool complex = group.get_integer("complex") != 0;
  const Index r = elements.rows(), width = elements.cols();
  const std::string table = file.table("elements", elements);
  const std::string offset =
      group.has("offset") ? file.table("offset", group.read_vector("offset")) + "[j]" : "0.0";
  BasisCode code{file.name("basis")};
  std::string row = text("static void ", code.name, "_row(const double *c, double *row)\n{\n",
                         "  for (int j = 0; j < ", width, "; ++j) row[j] = ", offset, ";\n");
  if (r == 0) row += "  (void)c;\n";
  if (r > 0 && !complex) {
    file.use("add_rows");
    row += text("  add_rows(c, ", table, ", ", r, ", ", width, ", row);\n");
  }
  if (r > 0 && complex)
    row += text(
        "  for (int k = 0; k < ", r, "; ++k) {\n    const double *e = ", table, " + (size_t)k * ", width,
        ";\n    for (int j = 0; j < ", width,
        "; j += 2) {\n      row[j] += c[2 * k] * e[j];\n      row[j] -= c[2 * k + 1] * e[j + 1];\n"
        "      row[j + 1] += c[2 * k] * e[j + 1];\n      row[j + 1] += c[2 * k + 1] * e[j];\n    }\n  }\n");
  file.function(row + "}\n");
  if (!file.with_std() || r == 0) return code;
  std::string element = text("static void ", code.name,
                             "_element(int k, double factor, double *row)\n{\n  const double *e = ", table,
                             " + (size_t)k", complex ? " / 2" : "", " * ", width, ";\n");
  if (!complex)
    element += text("  for (int j = 0; j < ", width, "; ++j) row[j] = factor * e[j];\n");
  else
    element += text("  for (int j = 0; j < ", width,
                    "; j += 2) {\n    row[j] = factor * (k % 2 == 0 ? e[j] : -e[j + 1]);\n"
                    "    row[j + 1] = factor * (k % 2 == 0 ? e[j + 1] : e[j]);\n  }\n");
  file.function(element + "}\n");
  return code;
}

BasisCode interpolation(CFile& file, const h5::Group& group) {
  return linear(file, group.group("expansion"));
}

BasisCode none(CFile& file, const h5::Group& group) {
  BasisCode code{file.name("basis")};
  std::vector<Index> entries;
  Index width = group.get_integer("width");
  const bool some = group.has("entries");
  if (some) {
    entries = indices(group.read_integers("entries"));
    width = static_cast<Index>(entries.size());
  }
  const std::string entry = some ? file.integers("entries", entries) + "[j]" : "j";
  file.function(text("static void ", code.name,
                     "_row(const double *c, double *row)\n{\n  for (int j = 0; j < ", width,
                     "; ++j) row[j] = c[", entry, "];\n}\n"));
  if (file.with_std() && some)
    file.function(text("static void ", code.name,
                       "_element(int k, double factor, double *row)\n{\n  for (int j = 0; j < ", width,
                       "; ++j) row[j] = ", entry, " == k ? factor : 0.0;\n}\n"));
  return code;
}

// Decoders ----------------------------------------------------------------------------------------------

/// The three functions of a decoder, from their bodies.
void decoder_functions(CFile& file, bool directions, const std::string& name, const std::string& decode,
                       const std::string& push, const std::string& variance) {
  file.function(
      text("static void ", name,
           "_decode(const double *x, const double *const *rows, double *const *out, double *work)\n{\n"
           "  (void)x;\n  (void)work;\n",
           decode, "}\n"));
  if (!file.with_std()) return;
  const std::string unused = "  (void)x;\n  (void)rows;\n  (void)channel;\n  (void)work;\n";
  if (directions)
    file.function(
        text("static void ", name,
             "_push(const double *x, const double *const *rows, int channel, const double *tangent,\n"
             "    double *const *tangents, double *work)\n{\n",
             unused, push, "}\n"));
  file.function(
      text("static void ", name,
           "_add_variance(const double *x, const double *const *rows, int channel, const double *variance,\n"
           "    double *const *variances, double *work)\n{\n",
           unused, variance, "}\n"));
}

DecoderCode identity(CFile& file, const h5::Group& group, bool directions) {
  const Index width = group.get_integer("size") * (group.get_integer("complex") != 0 ? 2 : 1);
  DecoderCode code{file.name("identity")};
  const std::string loop = text("  for (int j = 0; j < ", width, "; ++j) ");
  decoder_functions(file, directions, code.name, loop + "out[0][j] = rows[0][j];\n",
                    loop + "tangents[0][j] = tangent[j];\n", loop + "variances[0][j] += variance[j];\n");
  return code;
}

DecoderCode amplitude_phase(CFile& file, const h5::Group& group, bool directions) {
  const std::string constants =
      text("(", group.get_integer("size"), ", ", literal(group.get_double("turn")), ", ");
  DecoderCode code{file.name("from_amplitude_and_phase")};
  file.use("amplitude_phase");
  if (file.with_std()) {
    if (directions) file.use("amplitude_phase_push");
    file.use("amplitude_phase_variance");
  }
  decoder_functions(
      file, directions, code.name, text("  amplitude_phase", constants, "rows[0], rows[1], out[0]);\n"),
      text("  amplitude_phase_push", constants, "rows, channel, tangent, tangents[0]);\n"),
      text("  amplitude_phase_variance", constants, "rows, channel, variance, variances[0]);\n"));
  return code;
}

DecoderCode blackbody(CFile& file, const h5::Group& group, bool directions) {
  const Vector wavelength = group.read_vector("wavelength");
  const std::string table = file.table("wavelength", wavelength);
  const std::string loop = text("  for (int j = 0; j < ", wavelength.size(), "; ++j) ");
  const std::string b = text("blackbody(", table, "[j], x[", group.get_integer("temperature"), "])");
  DecoderCode code{file.name("times_blackbody")};
  file.use("blackbody");
  decoder_functions(
      file, directions, code.name, loop + "out[0][j] = " + b + " * rows[0][j];\n",
      loop + "tangents[0][j] = " + b + " * tangent[j];\n",
      loop + "{\n    const double b = " + b + ";\n    variances[0][j] += b * b * variance[j];\n  }\n");
  return code;
}

DecoderCode precessing(CFile& file, const h5::Group& group, bool directions) {
  const Index n = group.get_integer("size");
  const auto has = group.read_integers("pieces", 10);
  const std::string pole = file.table("pole", group.read_vector("pole", 3));
  DecoderCode code{file.name("precessing_waveform"), 10 * n};
  file.use("precessing_modes");
  std::string turn = "  double turn[2] = {1.0, 0.0};\n";
  if (group.has("symmetry")) {
    const h5::Group angle = group.group("symmetry");
    file.use("in_plane_direction");
    turn +=
        text("  in_plane_direction(x, ", file.integers("spins", indices(angle.read_integers("spins"))), ", ",
             angle.get_integer("mass_ratio"), ", ", file.table("weights", angle.read_vector("weights")), ", ",
             literal(angle.get_double("mass_power")), ", turn);\n");
  }
  std::string all = "  const double *const pieces[10] = {", alone = all, which;
  Index channel = 2;
  for (std::size_t k = 0; k < 10; ++k) {
    all += text(k ? ", " : "", has[k] ? text("rows[", channel, "]") : "0");
    alone += text(k ? ", " : "", has[k] ? text("channel == ", channel, " ? tangent : 0") : "0");
    if (has[k]) which += text(which.empty() ? "" : ", ", k);
    channel += has[k] != 0;
  }
  all += "};\n";
  alone += "};\n";
  const std::string frame = text("(", n, ", ", group.get_integer("reference"), ", ", pole, ", rows[0], ");
  const std::string modes = text("precessing_modes", frame, "rows[1], pieces, -1, turn, ");
  const std::string decode = turn + all + "  " + modes + "out);\n";
  std::string push, variance;
  if (file.with_std()) {
    if (directions) file.use("precessing_tangents");
    file.use("precessing_rotation_variance");
    push = turn + text("  if (channel >= 2) {\n  ", alone, "    ", modes, "tangents);\n  } else {\n  ", all,
                       "    ", modes, "tangents);\n    precessing_tangents", frame,
                       "channel == 0 ? tangent : 0, channel == 1 ? tangent : 0, turn,\n"
                       "        tangents);\n  }\n");
    variance = turn + all + "  double *modes[5];\n" +
               text("  for (int m = 0; m < 5; ++m) modes[m] = work + m * ", 2 * n, ";\n");
    const std::string turned =
        text("    precessing_rotation_variance", frame, "channel, variance, turn, modes, variances);\n");
    variance += text("  if (channel < 2) {\n    ", modes, "modes);\n", turned, "    return;\n  }\n");
    if (!which.empty())
      variance += text("  {\n    static const int piece[] = {", which, "};\n    precessing_modes", frame,
                       "rows[1], pieces, piece[channel - 2], turn, modes);\n  }\n",
                       "  for (int m = 0; m < 5; ++m)\n    for (int j = 0; j < ", 2 * n,
                       "; ++j) variances[m][j] += modes[m][j] * modes[m][j] * variance[j / 2];\n");
  }
  decoder_functions(file, directions, code.name, decode, push, variance);
  return code;
}

/// One line per kind.
using BasisExporter = BasisCode (*)(CFile&, const h5::Group&);
const std::map<std::string, BasisExporter>& basis_exporters() {
  static const std::map<std::string, BasisExporter> table = {
      {"linear", linear},
      {"interpolation", interpolation},
      {"none", none},
  };
  return table;
}
using DecoderExporter = DecoderCode (*)(CFile&, const h5::Group&, bool directions);
const std::map<std::string, DecoderExporter>& decoder_exporters() {
  static const std::map<std::string, DecoderExporter> table = {
      {"identity", identity},
      {"amplitude-phase", amplitude_phase},
      {"blackbody", blackbody},
      {"precessing", precessing},
  };
  return table;
}

}  // namespace

BasisCode export_basis(CFile& file, const h5::Group& group, const std::string& whose) {
  const std::string kind = group.get_string("kind");
  const auto found = basis_exporters().find(kind);
  if (found == basis_exporters().end()) no_source(whose, "basis", kind);
  return found->second(file, group);
}

DecoderCode export_decoder(CFile& file, const h5::Group& group, const std::string& whose, bool directions) {
  const std::string kind = group.get_string("kind");
  const auto found = decoder_exporters().find(kind);
  if (found == decoder_exporters().end()) no_source(whose, "decoder", kind);
  return found->second(file, group, directions);
}

void no_source(const std::string& whose, const char* part, const std::string& kind) {
  throw UsageError(
      text(whose, ": the ", part, " '", kind,
           "' has no C source (what a program registers never has one); link the library instead"));
}

}  // namespace ersatz::c
