#include "ersatz/campaign/learn_file.hpp"

#include <algorithm>
#include <cmath>

#include "emulator/toml_component.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/space_file.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

constexpr const char* known_keys[] = {"simulator",     "command",      "space",
                                      "timeout",       "retries",      "input_format",
                                      "output_format", "name",         "budget",
                                      "start",         "batch",        "asynchronous",
                                      "recipe",        "start_method", "candidates",
                                      "acquisition",   "tolerance",    "confidence",
                                      "minimum_gain",  "test",         "folds",
                                      "compare",       "output",       "model",
                                      "report",        "posterior",    "posterior_tolerance"};

/// The table of a file, with messages that say where.
class Reader {
 public:
  Reader(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {
    for (const auto& [key, node] : table_) {
      const std::string_view k = key.str();
      if (std::find(std::begin(known_keys), std::end(known_keys), k) != std::end(known_keys)) continue;
      std::string known;
      for (const char* name : known_keys) known += (known.empty() ? "" : ", ") + std::string(name);
      fail(node, text("unknown key '", k, "'; known: ", known));
    }
  }

  [[noreturn]] void fail(const toml::node& node, const std::string& why) const {
    throw UsageError(text(where_, ", line ", static_cast<long>(node.source().begin.line), ": ", why));
  }
  [[noreturn]] void fail(const std::string& why) const { throw UsageError(text(where_, ": ", why)); }

  const toml::node* find(const char* key) const { return table_.get(key); }
  void word(const char* key, std::string& value) const {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_string()) fail(*node, text("'", key, "' must be a text in quotes"));
    value = node->as_string()->get();
  }
  void number(const char* key, double& value) const {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_number() || !std::isfinite(*node->value<double>()))
      fail(*node, text("'", key, "' must be a finite number"));
    value = *node->value<double>();
  }
  void count(const char* key, Index& value) const {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_integer() || node->as_integer()->get() < 0 || node->as_integer()->get() > 1000000000)
      fail(*node, text("'", key, "' must be a whole number from 0"));
    value = static_cast<Index>(node->as_integer()->get());
  }
  void truth(const char* key, bool& value) const {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_boolean()) fail(*node, text("'", key, "' must be true or false"));
    value = node->as_boolean()->get();
  }
  void words(const char* key, std::vector<std::string>& values) const {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::array* list = node->as_array();
    if (!list) fail(*node, text("'", key, "' must be a list of texts"));
    for (const auto& e : *list) {
      if (!e.is_string()) fail(e, text("'", key, "' must be a list of texts"));
      values.push_back(e.as_string()->get());
    }
  }
  void component(const char* key, Component& value) const {
    if (const toml::node* node = find(key)) value = component_of(*node, where_, key);
  }

 private:
  const toml::table& table_;
  std::string where_;
};

void read_simulator(const Reader& read, LearnFile& file) {
  read.word("simulator", file.simulator);
  read.word("command", file.command.command);
  if (file.simulator.empty() == file.command.command.empty())
    read.fail("name what to run: either simulator = \"NAME\" or command = \"prog {input} {output}\"");
  std::string space;
  read.word("space", space);
  if (!file.simulator.empty()) {
    for (const char* key : {"space", "timeout", "input_format", "output_format", "name"})
      if (const toml::node* node = read.find(key))
        read.fail(*node, text("'", key, "' is for a command; a simulator that ships has its own"));
    return;
  }
  if (space.empty()) read.fail("a command needs space = \"space.toml\"");
  file.command.space = read_space(space);
  file.inputs.push_back(space);
  read.word("input_format", file.command.input_format);
  read.word("output_format", file.command.output_format);
  read.word("name", file.command.output_name);
  read.number("timeout", file.command.timeout);
  if (file.command.timeout < 0.0) read.fail(*read.find("timeout"), "'timeout' must not be negative");
}

void read_test(const Reader& read, LearnFile& file) {
  const toml::node* node = read.find("test");
  if (!node) return;
  if (node->is_string()) {
    file.test = node->as_string()->get();
    if (file.test.empty()) read.fail(*node, "'test' is empty");
    file.inputs.push_back(file.test);
  } else if (node->is_integer()) {
    read.count("test", file.options.test_points);
  } else {
    read.fail(*node, "'test' must be the name of an archive, or a number of points to simulate");
  }
}

}  // namespace

LearnFile learn_file_from_toml(const std::string& source, const std::string& where) {
  toml::table root;
  try {
    root = toml::parse(source);
  } catch (const toml::parse_error& e) {
    throw UsageError(text(where, ", line ", static_cast<long>(e.source().begin.line), ": ", e.description()));
  }
  const Reader read(root, where);
  LearnFile file;
  LearnOptions& o = file.options;
  read_simulator(read, file);
  read_test(read, file);
  if (!read.find("budget")) read.fail("'budget' is missing: how many simulations there may be");
  read.count("budget", o.budget);
  read.count("start", o.start);
  read.count("batch", o.batch);
  read.truth("asynchronous", o.asynchronous);
  read.count("candidates", o.candidates);
  read.count("folds", o.folds);
  read.count("retries", o.retries);
  read.number("tolerance", o.tolerance);
  read.number("confidence", o.confidence);
  read.number("minimum_gain", o.minimum_gain);
  read.component("acquisition", o.acquisition);
  std::string method(to_string(o.start_method)), recipe;
  read.word("start_method", method);
  try {
    o.start_method = design_method_from_string(method);
    if (o.start_method == DesignMethod::grid)
      throw UsageError(
          "start_method 'grid' may give fewer points than asked for; take maximin, sobol or lhs");
    make_acquisition(o.acquisition.name, o.acquisition.settings);
  } catch (const UsageError& e) {
    read.fail(e.what());
  }
  read.word("recipe", recipe);
  if (!recipe.empty()) {
    o.recipe = read_recipe(recipe);
    file.inputs.push_back(recipe);
  }
  read.word("posterior", file.posterior);
  if (!file.posterior.empty()) file.inputs.push_back(file.posterior);
  read.number("posterior_tolerance", o.settled);
  if (o.settled != 0.0 && file.posterior.empty())
    read.fail(*read.find("posterior_tolerance"), "'posterior_tolerance' needs posterior = \"infer.toml\"");
  read.words("compare", file.compare);
  for (const std::string& how : file.compare)
    if (how != "random" && how != "space-filling")
      read.fail(*read.find("compare"), text("unknown comparison '", how, "'; known: random, space-filling"));
  if (!file.compare.empty() && file.test.empty() && o.test_points == 0)
    read.fail(*read.find("compare"),
              "'compare' needs test runs, the same for all: test = 500 simulates so many more, test = "
              "\"held-out.h5\" takes what is there");
  read.word("output", file.archive);
  read.word("model", file.model);
  read.word("report", file.report);
  if (file.archive.empty()) read.fail("'output' is missing: the archive to write");
  file.history = file.archive + ".history.h5";
  return file;
}

LearnFile read_learn_file(const std::string& path) {
  LearnFile file = learn_file_from_toml(read_whole_file(path), path);
  file.inputs.push_back(path);
  return file;
}

}  // namespace ersatz
