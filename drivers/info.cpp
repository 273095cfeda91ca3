#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/chain_file.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/storage/archive.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

Json describe(const ParameterSpace& space) {
  Json list = Json::array();
  for (const Parameter& p : space.parameters())
    list.push_back({{"name", p.name},
                    {"unit", p.unit},
                    {"lower", p.lower},
                    {"upper", p.upper},
                    {"scale", to_string(p.scale)}});
  return list;
}

Json describe(const std::vector<OutputSpec>& outputs) {
  Json list = Json::array();
  for (const OutputSpec& o : outputs)
    list.push_back(
        {{"name", o.name}, {"unit", o.unit}, {"axis", o.axis}, {"bins", o.size}, {"complex", o.complex}});
  return list;
}

/// Distances are those of mapped inputs. A model of an older version has no reason and no isolation limit.
Json describe(const DomainGuard& guard) {
  return {{"reach", guard.reach()},
          {"reason", guard.reason()},
          {"spacing", guard.spacing()},
          {"isolation_limit", guard.forest() ? Json(guard.isolation_limit()) : Json(nullptr)}};
}

Json describe_archive(const std::string& path) {
  const Archive a = read_archive(path);
  return {{"format", "ersatz-archive"},
          {"runs", a.size()},
          {"done", a.count(RunStatus::done)},
          {"failed", a.count(RunStatus::failed)},
          {"pending", a.count(RunStatus::pending)},
          {"parameters", describe(a.space)},
          {"outputs", describe(a.outputs)},
          {"data_hash", a.data_hash()},
          {"provenance", a.provenance}};
}

Json describe_model(const std::string& path) {
  const Model m = load_model(path);
  Json channels = Json::array();
  for (const ChannelSummary& c : m.info.channels) {
    Json facts = Json::object();
    for (const auto& [key, value] : c.facts) facts[key] = value;
    channels.push_back({{"name", c.name},
                        {"transform", c.transform},
                        {"basis", c.basis},
                        {"regressor", c.regressor},
                        {"coefficients", c.coefficients},
                        {"projection_error", c.projection_error},
                        {"facts", facts},
                        {"warnings", c.warnings}});
  }
  Json j{{"format", model_format},
         {"library_version", m.info.library_version},
         {"created", m.info.created},
         {"training_runs", m.info.training_runs},
         {"parameters", describe(m.emulator.space())},
         {"outputs", describe(m.emulator.outputs())},
         {"channels", channels},
         {"calibration", m.emulator.calibration().method},
         {"domain", describe(m.emulator.guard())},
         {"recipe", m.info.recipe},
         {"recipe_hash", m.info.recipe_hash},
         {"data_hash", m.info.data_hash},
         {"provenance", m.info.provenance},
         {"warnings", m.info.warnings}};
  j["validation"] = m.validation ? to_json(*m.validation) : Json(nullptr);
  return j;
}

Json describe_chain(const std::string& path) {
  const ChainFile file = read_chain_file(path);
  const Chains& chains = file.chains;
  Json j{{"format", chain_format}, {"model", file.model}, {"data", file.data}};
  Json parameters = Json::array();
  const auto all = summaries(chains);
  for (std::size_t i = 0; i < chains.parameters.size(); ++i) {
    const DensityParameter& p = chains.parameters[i];
    Json one{{"name", p.name}, {"unit", p.unit}};
    if (file.maximum) one["maximum"] = file.maximum->theta[static_cast<Index>(i)];
    if (!all.empty()) {
      one["mean"] = all[i].mean;
      one["standard_deviation"] = all[i].deviation;
      one["r_hat"] = std::isfinite(all[i].r_hat) ? Json(all[i].r_hat) : Json(nullptr);
      one["bulk_effective_size"] = std::isfinite(all[i].bulk_size) ? Json(all[i].bulk_size) : Json(nullptr);
    }
    parameters.push_back(one);
  }
  if (chains.samples.empty()) {
    j["method"] = "map";
  } else {
    j["method"] = to_string(chains.options.method);
    j["complete"] = file.complete;
    j["end"] = file.complete ? file.end : "not yet: go on with ersatz infer … --resume";
    j[chains.options.method == SamplingMethod::nuts ? "chains" : "walkers"] = chains.chains();
    j["warmup_steps"] = chains.warmup_steps();
    j["steps"] = chains.steps();
    j["seed"] = chains.options.seed;
    j["share_outside_domain"] = figures(chains).outside_domain;
  }
  j["parameters"] = parameters;
  j["configuration"] = file.configuration;
  j["warnings"] = file.warnings;
  return j;
}

/// Indented "key: value" lines: the same content as the JSON, without its punctuation.
void print(const Json& j, int indent) {
  for (auto it = j.begin(); it != j.end(); ++it) {
    const std::string pad(static_cast<std::size_t>(indent), ' ');
    const Json& v = it.value();
    const std::string key = j.is_object() ? it.key() + ": " : "- ";
    if (v.is_object() || (v.is_array() && !v.empty() && v[0].is_object())) {
      if (j.is_object()) std::printf("%s%s:\n", pad.c_str(), it.key().c_str());
      if (j.is_object()) {
        print(v, indent + 2);
      } else if (v.contains("facts")) {  // a channel: its name, then the rest below
        std::printf("%s- %s\n", pad.c_str(), v.value("name", "").c_str());
        Json rest = v;
        rest.erase("name");
        print(rest, indent + 4);
      } else {  // an object in a list: on one line
        std::string line;
        for (auto e = v.begin(); e != v.end(); ++e) {
          const std::string value = e->is_string() ? e->get<std::string>() : e->dump();
          if (!value.empty()) line += (line.empty() ? "" : ", ") + e.key() + " " + value;
        }
        std::printf("%s- %s\n", pad.c_str(), line.c_str());
      }
    } else if (v.is_string()) {
      std::string s = v.get<std::string>();
      if (s.find('\n') != std::string::npos) {
        std::string padded = "\n" + pad + "  ";
        for (const char c : s) padded += c == '\n' ? "\n" + pad + "  " : std::string(1, c);
        s = padded.substr(0, padded.find_last_not_of(" \n") + 1);
      }
      std::printf("%s%s%s\n", pad.c_str(), key.c_str(), s.empty() ? "-" : s.c_str());
    } else if (v.is_number_float()) {
      std::printf("%s%s%s\n", pad.c_str(), key.c_str(), brief(v.get<double>(), 6).c_str());
    } else {
      std::printf("%s%s%s\n", pad.c_str(), key.c_str(), v.is_null() ? "-" : v.dump().c_str());
    }
  }
}

int run(const Session& session, const std::string& path) {
  Json j;
  std::string format;
  {
    const h5::File file = h5::File::open(path);
    if (file.root().has_attribute("format")) format = file.root().get_string("format");
    if (format == "ersatz-prediction") {
      j = {{"format", format},
           {"points", file.root().shape("parameters")[0]},
           {"outputs", file.root().group("outputs").names()}};
    }
  }
  if (format == model_format)
    j = describe_model(path);
  else if (format == "ersatz-archive")
    j = describe_archive(path);
  else if (format == chain_format)
    j = describe_chain(path);
  else if (j.is_null())
    throw StorageError(text(path, ": is an HDF5 file, but not one of Ersatz'",
                            format.empty() ? " (no attribute 'format')" : " (format '" + format + "')"));
  if (session.json)
    std::printf("%s\n", j.dump(2).c_str());
  else
    print(j, 0);
  return 0;
}

}  // namespace

void add_info(CLI::App& app, Session& session) {
  auto path = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand("info", "What is in a file: archive, model, predictions or chain");
  sub->add_option("file", *path, "The file")->required();
  session.add_options(*sub, false);
  sub->footer("Example:\n  ersatz info model.h5");
  sub->callback([&session, path] { session.run = [&session, path] { return run(session, *path); }; });
}

}  // namespace ersatz::driver
