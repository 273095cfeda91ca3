#include "ersatz/campaign/learn_file.hpp"

#include "emulator/toml_reader.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/space_file.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

const std::vector<const char*> known_keys{"simulator",     "command",      "space",
                                          "timeout",       "retries",      "input_format",
                                          "output_format", "name",         "budget",
                                          "start",         "batch",        "asynchronous",
                                          "recipe",        "start_method", "candidates",
                                          "acquisition",   "tolerance",    "confidence",
                                          "minimum_gain",  "test",         "folds",
                                          "compare",       "output",       "model",
                                          "report",        "posterior",    "posterior_tolerance",
                                          "interest"};

void read_simulator(const TomlReader& read, LearnFile& file) {
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

void read_test(const TomlReader& read, LearnFile& file) {
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
  const toml::table root = parse_toml(source, where);
  const TomlReader read(root, where, known_keys);
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
  read.word("interest", file.interest);
  if (!file.interest.empty()) {
    file.inputs.push_back(file.interest);
    if (!file.posterior.empty())
      read.fail(*read.find("interest"),
                "'interest' and 'posterior' both say where the emulator has to be good; choose one");
  }
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
