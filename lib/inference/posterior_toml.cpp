// The configuration of a posterior.

#include "emulator/toml_reader.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/posterior_file.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

const toml::table& table_of(const toml::node& node, const std::string& where, const char* key) {
  if (const toml::table* table = node.as_table()) return *table;
  throw UsageError(
      text(where, ", line ", static_cast<long>(node.source().begin.line), ": '", key, "' must be a table"));
}

DataFile data_of(const toml::table& table, const std::string& where, std::vector<std::string>& inputs) {
  const TomlReader read(
      table, where,
      {"file", "output", "value", "error", "deviation", "covariance", "axis", "mask", "exclude"});
  DataFile data;
  read.word("file", data.file);
  read.word("output", data.output);
  read.word_or_words("value", data.values);
  read.word_or_words("error", data.errors);
  read.positive("deviation", data.deviation);
  read.word("covariance", data.covariance);
  read.word("axis", data.axis);
  read.word("mask", data.mask);
  read.with("exclude", [&](const toml::node& node) {
    const auto wrong = [&]() { read.fail(node, "'exclude' must be a list of ranges, as [[6200, 6400], …]"); };
    const toml::array* list = node.as_array();
    if (!list) wrong();
    for (const auto& e : *list) {
      const toml::array* range = e.as_array();
      if (!range || range->size() != 2 || !(*range)[0].is_number() || !(*range)[1].is_number()) wrong();
      const double from = *(*range)[0].value<double>(), to = *(*range)[1].value<double>();
      if (!(from <= to))
        read.fail(e, text("'exclude' has the range from ", from, " to ", to, ", which is empty"));
      data.exclude.emplace_back(from, to);
    }
  });
  if (!data.errors.empty() + (data.deviation > 0.0) + !data.covariance.empty() > 1)
    read.fail(table, "give one of 'error', 'deviation' and 'covariance'");
  for (const std::string& file : {data.file, data.covariance})
    if (!file.empty()) inputs.push_back(file);
  return data;
}

GaussianOptions gaussian_of(const toml::table& table, const std::string& where, bool student) {
  std::vector<const char*> known{"kind", "emulator_error", "outside", "reduced_quadrature"};
  if (student) known.push_back("degrees_of_freedom");
  const TomlReader read(table, where, known);
  GaussianOptions options;
  std::string word;
  read.with("emulator_error", [&](const toml::node&) {
    read.word("emulator_error", word);
    options.emulator_error = emulator_error_from_string(word);
  });
  read.with("outside", [&](const toml::node&) {
    read.word("outside", word);
    options.outside = outside_from_string(word);
  });
  read.positive("degrees_of_freedom", options.degrees_of_freedom);
  read.positive("reduced_quadrature", options.reduced_quadrature);
  if (student && !read.has("degrees_of_freedom"))
    read.fail(table, "kind = \"student-t\" needs degrees_of_freedom");
  return options;
}

NoiseCurve noise_of(const toml::table& table, const std::string& where) {
  const TomlReader read(table, where, {"file", "column"});
  std::string file, column = "power";
  read.word("file", file);
  read.word("column", column);
  if (file.empty()) read.fail(table, "'noise' needs a file, or is a name");
  if (column != "power" && column != "amplitude")
    read.fail(table, text("'column' is \"power\" or \"amplitude\", not \"", column, "\""));
  return NoiseCurve::read(file,
                          column == "power" ? NoiseCurve::Column::power : NoiseCurve::Column::amplitude);
}

WaveformOptions waveform_of(const toml::table& table, const std::string& where) {
  const TomlReader read(table, where,
                        {"kind", "noise", "deviation", "total_mass", "low", "high", "taper", "phase", "time",
                         "time_range", "outside", "reduced_quadrature"});
  WaveformOptions options;
  std::string word;
  read.with("noise", [&](const toml::node& node) {
    if (node.is_string())
      options.noise = NoiseCurve::named(node.as_string()->get());
    else
      options.noise = noise_of(table_of(node, where, "noise"), where);
  });
  read.positive("deviation", options.deviation);
  read.positive("total_mass", options.total_mass);
  read.number("low", options.low);
  read.number("high", options.high);
  read.positive("time_range", options.time_range);
  read.positive("reduced_quadrature", options.reduced_quadrature);
  read.with("taper", [&](const toml::node&) {
    read.word("taper", word);
    options.taper = taper_from_string(word);
  });
  const auto unknown = [&](const char* key, Unknown& value) {
    read.with(key, [&](const toml::node&) {
      read.word(key, word);
      value = unknown_from_string(word);
    });
  };
  unknown("phase", options.phase);
  unknown("time", options.time);
  read.with("outside", [&](const toml::node&) {
    read.word("outside", word);
    options.outside = outside_from_string(word);
  });
  return options;
}

/// Parameters to priors: a number fixes, a table describes.
void add_priors(const toml::table& table, const std::string& where, PosteriorFile& file) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto line = static_cast<long>(node.source().begin.line);
    try {
      PriorPtr prior;
      if (node.is_number()) {
        prior = fixed_prior(*node.value<double>());
      } else {
        const Component c = component_of(node, where, name);
        prior = make_prior(c.name, c.settings);
        if (c.settings.has("file")) file.inputs.push_back(c.settings.get("file", ""));
      }
      if (!file.priors.emplace(name, prior).second)
        throw UsageError(text("'", name, "' stands in [prior] and in [nuisance]"));
    } catch (const UsageError& e) {
      const std::string what = e.what();
      if (what.rfind(where + ", line ", 0) == 0) throw;
      throw UsageError(text(where, ", line ", line, ": ", name, ": ", what));
    }
  }
}

/// Nuisance parameters are in use where they have a prior.
void use_nuisance(const toml::table& table, const std::string& where, PosteriorFile& file) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto fail = [&, line = static_cast<long>(node.source().begin.line)](const std::string& known) {
      throw UsageError(text(where, ", line ", line, ": unknown nuisance parameter '", name,
                            "' of this likelihood; known: ", known));
    };
    if (auto* gaussian = std::get_if<GaussianOptions>(&file.likelihood)) {
      if (name != "amplitude" && name != "error_scale" && name != "log_jitter")
        fail("amplitude, error_scale, log_jitter");
      gaussian->nuisance.push_back(name);
      continue;
    }
    auto& waveform = std::get<WaveformOptions>(file.likelihood);
    if (name == "amplitude")
      waveform.amplitude = true;
    else if (name == "phase")
      waveform.phase = Unknown::parameter;
    else if (name == "time_shift")
      waveform.time = Unknown::parameter;
    else
      fail("amplitude, phase, time_shift");
  }
}

}  // namespace

PosteriorFile posterior_file_from_toml(const std::string& source, const std::string& where) {
  const toml::table root = parse_toml(source, where);
  const TomlReader read(root, where, {"data", "likelihood", "prior", "nuisance"});
  PosteriorFile file;
  read.with("data", [&](const toml::node& node) {
    if (const toml::array* list = node.as_array())
      for (const auto& e : *list)
        file.data.push_back(data_of(table_of(e, where, "data"), where, file.inputs));
    else
      file.data.push_back(data_of(table_of(node, where, "data"), where, file.inputs));
  });
  read.with("likelihood", [&](const toml::node& node) {
    const toml::table& table = table_of(node, where, "likelihood");
    std::string kind = "gaussian";
    if (const toml::node* k = table.get("kind")) kind = k->value_or(std::string());
    if (kind == "gaussian" || kind == "student-t")
      file.likelihood = gaussian_of(table, where, kind == "student-t");
    else if (kind == "waveform")
      file.likelihood = waveform_of(table, where);
    else
      read.fail(*table.get("kind"), "'kind' must be one of: \"gaussian\", \"student-t\", \"waveform\"");
  });
  read.with("prior",
            [&](const toml::node& node) { add_priors(table_of(node, where, "prior"), where, file); });
  read.with("nuisance", [&](const toml::node& node) {
    const toml::table& table = table_of(node, where, "nuisance");
    use_nuisance(table, where, file);
    add_priors(table, where, file);
  });
  return file;
}

PosteriorFile read_posterior_file(const std::string& path) {
  PosteriorFile file = posterior_file_from_toml(read_whole_file(path), path);
  file.inputs.push_back(path);
  return file;
}

}  // namespace ersatz
