// An emulator's parts put together in C, as Emulator does it.
#include "ersatz/emulator/export_c.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "emulator/export/interface.hpp"
#include "emulator/export/parts.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace c {
namespace {

/// A channel's functions, and where its rows stand in work.
struct ChannelCode {
  PredictorCode predictor;
  TransformCode transform;
  BasisCode basis;
  Index coefficients = 0, latent = 0, row = 0;  ///< how many
  Index at = 0;                                 ///< coefficients, variances, latent row, row
  bool directions = false;                      ///< not all that errs errs by itself
  bool own_variance = false;                    ///< the predictor's, else of residuals
  std::string residual_variance, scale;         ///< tables
  Index at_variance() const { return at + coefficients; }
  Index at_latent() const { return at + 2 * coefficients; }
  Index at_row() const { return at_latent() + latent; }
  Index room() const { return 2 * coefficients + latent + row; }
};

class Writer {
 public:
  Writer(const Emulator& emulator, const h5::Group& group, CFile& file)
      : emulator_(emulator), group_(group), file_(file) {}

  /// Writes the functions that evaluate everything; returns how much work they need.
  Index write() {
    const std::string in_space = export_space(file_, emulator_.space());
    const ForwardCode map = export_input_map(file_, group_.group("input_map"), "the input map");
    const Index d = emulator_.input_map().outputs();
    for (std::size_t i = 0; i < emulator_.channels().size(); ++i) add_channel(i);
    for (std::size_t i = 0; i < emulator_.decodings().size(); ++i) {
      const h5::Group g = group_.group("decoders").group(text("decoder", i));
      std::string whose = "the decoder of";
      for (const Index o : emulator_.decodings()[i].outputs)
        whose += " '" + emulator_.outputs()[static_cast<std::size_t>(o)].name + "'";
      bool directions = false;
      for (const Index c : emulator_.decodings()[i].channels)
        directions = directions || channels_[static_cast<std::size_t>(c)].directions;
      decoders_.push_back(export_decoder(file_, g, whose, directions));
      widths_.push_back(file_.with_std() ? widths_of(emulator_.decodings()[i]) : "");
    }
    layout(d, map.work);
    domain(in_space, map);
    if (file_.with_std())
      for (std::size_t i = 0; i < decoders_.size(); ++i) propagation(i);
    evaluation(map);
    return at_scratch_ + scratch_;
  }

 private:
  void add_channel(std::size_t i) {
    const Channel& channel = emulator_.channels()[i];
    const h5::Group g = group_.group("channels").group(text("channel", i));
    const std::string whose = text("channel '", channel.name, "'");
    ChannelCode code;
    code.predictor = export_predictor(file_, g.group("predictor"), whose);
    code.basis = export_basis(file_, g.group("basis"), whose);
    code.directions = !channel.basis->entrywise() &&
                      (channel.basis->coefficients() > 0 || channel.basis->residual_modes().rows() > 0);
    code.transform = export_transform(file_, g.group("transform"), whose, code.directions);
    code.coefficients = channel.basis->coefficients();
    code.latent = channel.basis->width();
    code.row = channel.transform->inputs();
    code.own_variance = channel.predictor->has_variance();
    if (file_.with_std()) {
      code.scale = file_.table("variance_scale", channel.variance_scale);
      if (!code.own_variance)
        code.residual_variance = file_.table("residual_variance", channel.residual_variance);
    }
    channels_.push_back(code);
  }

  /// The start of work: the point as the input map gives it, channels, tangents; then what functions need.
  void layout(Index d, Index map_work) {
    Index at = d;
    for (ChannelCode& c : channels_) {
      c.at = at;
      at += c.room();
      widest_ = std::max({widest_, c.latent, c.row});
      scratch_ = std::max({scratch_, c.predictor.work, c.transform.work});
    }
    std::size_t most = 0;
    for (const Decoding& decoding : emulator_.decodings()) most = std::max(most, decoding.outputs.size());
    for (const OutputSpec& o : emulator_.outputs()) widest_ = std::max(widest_, o.width());
    at_tangents_ = at;
    if (file_.with_std()) at += widest_ * (2 + static_cast<Index>(most));
    for (const DecoderCode& decoder : decoders_) scratch_ = std::max(scratch_, decoder.work);
    scratch_ = std::max(scratch_, map_work);
    at_scratch_ = at;
  }

  void domain(const std::string& in_space, const ForwardCode& map) {
    const DomainGuard& guard = emulator_.guard();
    std::string body = text("  if (!", in_space, "(x)) return INFINITY;\n");
    if (guard.size() == 0) {
      body += "  (void)work;\n  return INFINITY;\n";
    } else {
      file_.use("nearest_squared");
      body += text("  const double *u = work;\n  double distance;\n  ", map.name, "(x, work, work + ",
                   at_scratch_, ");\n  distance = sqrt(nearest_squared(u, ",
                   file_.table("training_points", guard.points()), ", ", guard.size(), ", ",
                   emulator_.input_map().outputs(), "));\n");
      if (guard.reach() > 0.0) {
        body += isolation(literal(guard.reach()));
        body += text("  return distance / ", literal(guard.reach()), ";\n");
      } else {
        body += "  return distance > 0.0 ? INFINITY : 0.0;\n";
      }
    }
    file_.function("static double score_domain(const double *x, double *work)\n{\n" + body + "}\n");
  }

  /// Points that are near enough, and yet easily cut off from the training points by trees.
  std::string isolation(const std::string& reach) {
    const h5::Group guard = group_.group("guard");
    if (!guard.has("isolation")) return "";
    const h5::Group group = guard.group("isolation");
    const TreesCode trees = export_trees(file_, group);
    const std::string limit = literal(group.get_double("limit"));
    return text("  if (distance <= ", reach, ") {\n    double path = 0.0;\n    for (int t = 0; t < ",
                trees.count, "; ++t) path += ", trees.leaf, ";\n    path = exp2(-path / ", trees.count,
                ".0 / ", literal(group.get_double("typical_path")), ");\n    if (path > ", limit,
                ") return path / ", limit, ";\n  }\n");
  }

  std::string widths_of(const Decoding& decoding) {
    std::vector<Index> widths;
    for (const Index o : decoding.outputs)
      widths.push_back(emulator_.outputs()[static_cast<std::size_t>(o)].width());
    return file_.integers("widths", widths);
  }

  /// Variances of a decoding's outputs: squares of the tangents of all independent directions, and what errs
  /// bin by bin.
  void propagation(std::size_t i) {
    const Decoding& decoding = emulator_.decodings()[i];
    const std::string decoder = decoders_[i].name, widths = widths_[i];
    const auto count = static_cast<Index>(decoding.outputs.size());
    const std::string scratch = text("work + ", at_scratch_);
    std::string body = text("  double *t = work + ", at_tangents_, ", *row = t + ", widest_, ", *tangents[",
                            count, "];\n  for (int o = 0; o < ", count,
                            "; ++o) tangents[o] = row + (o + 1) * ", widest_, ";\n  (void)tangents;\n");
    bool squares = false;
    for (std::size_t k = 0; k < decoding.channels.size(); ++k) {
      const auto number = static_cast<std::size_t>(decoding.channels[k]);
      const Channel& channel = emulator_.channels()[number];
      const ChannelCode& c = channels_[number];
      const std::string latent = text("work + ", c.at_latent()), v = text("(work + ", c.at_variance(), ")");
      body += text("  /* ", comment(channel.name), " */\n");
      const std::string in_bins =
          text(decoder, "_add_variance(x, rows, ", k, ", row, variances, ", scratch, ");\n");
      if (channel.basis->entrywise()) {
        body +=
            text("  for (int m = 0; m < ", c.coefficients, "; ++m) t[m] = ", v, "[m] * ", c.scale, "[m];\n  ",
                 c.transform.name, "_variance(", latent, ", t, row, ", scratch, ");\n  ", in_bins);
        continue;
      }
      const std::string direction =
          text("    ", c.transform.name, "_push(", latent, ", t, row, ", scratch, ");\n    ", decoder,
               "_push(x, rows, ", k, ", row, tangents, ", scratch, ");\n    add_squares(", count, ", ",
               widths, ", tangents, variances);\n");
      if (c.coefficients > 0)
        body += text("  for (int m = 0; m < ", c.coefficients, "; ++m) {\n    const double v = ", v, "[m] * ",
                     c.scale, "[m];\n    ", c.basis.name, "_element(m, v > 0.0 ? sqrt(v) : 0.0, t);\n",
                     direction, "  }\n");
      const Matrix& modes = channel.basis->residual_modes();
      if (modes.rows() > 0)
        body += text("  for (int m = 0; m < ", modes.rows(), "; ++m) {\n    for (int j = 0; j < ",
                     modes.cols(), "; ++j) t[j] = ", file_.table("residual_modes", modes), "[(size_t)m * ",
                     modes.cols(), " + (size_t)j];\n", direction, "  }\n");
      squares = squares || c.coefficients > 0 || modes.rows() > 0;
      body += text("  ", c.transform.name, "_variance(", latent, ", ",
                   file_.table("left_out", channel.basis->residual_variance()), ", row, ", scratch, ");\n  ",
                   in_bins);
    }
    if (squares && !squares_there_) {
      file_.function(
          "static void add_squares(int outputs, const int *widths, double *const *tangents, double *const "
          "*sums)\n{\n"
          "  for (int o = 0; o < outputs; ++o)\n    for (int j = 0; j < widths[o]; ++j) sums[o][j] += "
          "tangents[o][j] * "
          "tangents[o][j];\n}\n");
      squares_there_ = true;
    }
    file_.function(
        text("static void propagate", i,
             "(const double *x, const double *const *rows, double *const *variances, double *work)\n{\n",
             body, "}\n"));
  }

  void evaluation(const ForwardCode& map) {
    file_.use("all_finite");
    const ParameterSpace& space = emulator_.space();
    std::string body =
        text("  for (int i = 0; i < ", space.size(), "; ++i)\n    if (!(x[i] * 0.0 == 0.0)) return 1;\n");
    if (space.size() == 0) body.clear();
    for (Index i = 0; i < space.size(); ++i)
      if (space[i].scale == Scale::log) body += text("  if (!(x[", i, "] > 0.0)) return 1;\n");
    const std::string scratch = text("work + ", at_scratch_);
    body += text("  ", map.name, "(x, work, ", scratch, ");\n");
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const ChannelCode& c = channels_[i];
      const std::string coefficients = text("work + ", c.at),
                        variance = file_.with_std() && c.own_variance
                                       ? text("std ? work + ", c.at_variance(), " : 0")
                                       : "0";
      body += text("  /* ", comment(emulator_.channels()[i].name), " */\n  if (", c.predictor.name, "(work, ",
                   coefficients, ", ", variance, ", ", scratch, ")) return 2;\n  if (!all_finite(",
                   coefficients, ", ", c.coefficients, ")) return 2;\n");
      if (file_.with_std() && !c.own_variance)
        body += text("  for (int m = 0; std && m < ", c.coefficients, "; ++m) work[", c.at_variance(),
                     " + m] = ", c.residual_variance, "[m];\n");
      body += text("  ", c.basis.name, "_row(", coefficients, ", work + ", c.at_latent(), ");\n  ",
                   c.transform.name, "_inverse(work + ", c.at_latent(), ", work + ", c.at_row(), ", ",
                   scratch, ");\n");
    }
    const auto& outputs = emulator_.outputs();
    std::vector<Index> offsets{0};
    for (const OutputSpec& o : outputs) offsets.push_back(offsets.back() + o.width());
    for (std::size_t i = 0; i < decoders_.size(); ++i) {
      const Decoding& decoding = emulator_.decodings()[i];
      std::string rows, out, variances;
      for (const Index c : decoding.channels)
        rows += text(rows.empty() ? "" : ", ", "work + ", channels_[static_cast<std::size_t>(c)].at_row());
      for (const Index o : decoding.outputs) {
        const Index at = offsets[static_cast<std::size_t>(o)];
        out += text(out.empty() ? "" : ", ", "mean + ", at);
        variances += text(variances.empty() ? "" : ", ", "std + ", at);
      }
      body += text("  {\n    const double *rows[", decoding.channels.size(), "];\n    double *out[",
                   decoding.outputs.size(), "];\n");
      body += assignments("rows", rows) + assignments("out", out);
      body += text("    ", decoders_[i].name, "_decode(x, rows, out, ", scratch, ");\n");
      if (file_.with_std()) {
        body += "    if (std) {\n";
        body += assignments("out", variances);
        body += text("      for (int o = 0; o < ", decoding.outputs.size(),
                     "; ++o)\n        for (int j = 0; j < ", widths_[i],
                     "[o]; ++j) out[o][j] = 0.0;\n      propagate", i, "(x, rows, out, work);\n    }\n");
      }
      body += "  }\n";
    }
    body += text("  if (!all_finite(mean, ", offsets.back(), ")) return 2;\n");
    if (file_.with_std()) {
      body += text("  if (!std) return 0;\n  for (int j = 0; j < ", offsets.back(),
                   "; ++j) std[j] = sqrt(std[j])");
      if (!emulator_.calibration().outputs.empty()) {
        Vector all(offsets.back());
        for (std::size_t o = 0; o < outputs.size(); ++o)
          all.segment(offsets[o], outputs[o].width()) = emulator_.calibration().outputs[o].scale;
        body += text(" * ", file_.table("calibration", all), "[j]");
      }
      body += text(";\n  if (!all_finite(std, ", offsets.back(), ")) return 2;\n");
    } else {
      body += "  (void)std;\n";
    }
    file_.function("static int evaluate(const double *x, double *mean, double *std, double *work)\n{\n" +
                   body + "  return 0;\n}\n");
  }

  static std::string assignments(const std::string& array, const std::string& values) {
    std::string all;
    std::size_t from = 0;
    for (int k = 0; from < values.size(); ++k) {
      const std::size_t end = std::min(values.find(", ", from), values.size());
      all += text("    ", array, "[", k, "] = ", values.substr(from, end - from), ";\n");
      from = end + 2;
    }
    return all;
  }

  const Emulator& emulator_;
  const h5::Group& group_;
  CFile& file_;
  std::vector<ChannelCode> channels_;
  std::vector<DecoderCode> decoders_;
  std::vector<std::string> widths_;  ///< tables of those of each decoding's outputs
  Index widest_ = 0, scratch_ = 0, at_tangents_ = 0, at_scratch_ = 0;
  bool squares_there_ = false;
};

void check_prefix(const std::string& prefix) {
  static const std::set<std::string> taken = {
      "auto",   "break",    "case",     "char",   "const",    "continue", "default", "do",     "double",
      "else",   "enum",     "extern",   "float",  "for",      "goto",     "if",      "inline", "int",
      "long",   "register", "restrict", "return", "short",    "signed",   "sizeof",  "static", "struct",
      "switch", "typedef",  "union",    "void",   "unsigned", "volatile", "while"};
  bool right = !prefix.empty() && prefix.size() <= 40 && std::isalpha(static_cast<unsigned char>(prefix[0]));
  for (const char character : prefix)
    right = right && (std::isalnum(static_cast<unsigned char>(character)) || character == '_');
  if (!right || taken.count(prefix) > 0)
    throw UsageError(
        text("the prefix '", prefix,
             "' cannot begin a name in C: expected letters, digits and _, a letter first, at most 40, "
             "and no word of the language"));
}

}  // namespace
}  // namespace c

std::string export_c(const Emulator& emulator, const ModelInfo& info, const CExport& options) {
  c::check_prefix(options.prefix);
  h5::File model = h5::File::in_memory("model to be exported");
  emulator.save(model.root());
  c::CFile file(options.with_std && emulator.has_std());
  for (const char* taken :
       {"mean", "mean_and_std", "domain_score", "parameter_names", "parameter_units", "lower", "upper",
        "output_names", "output_units", "output_axes", "output_bins", "output_offsets"})
    file.name(options.prefix + "_" + taken);
  const Index work = c::Writer(emulator, model.root(), file).write();
  return c::interface_of(emulator, info, options, file, work);
}

}  // namespace ersatz
