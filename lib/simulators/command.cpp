#include "ersatz/simulators/command.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "ersatz/storage/table.hpp"
#include "simulators/command_process.hpp"

namespace ersatz {
namespace {

constexpr Index most_probes = 10;

// What one output file holds.
struct Outcome {
  std::vector<Axis> axes;
  std::vector<OutputSpec> outputs;
  std::vector<Vector> values;
};

class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& parent) {
    std::string pattern = parent;
    if (pattern.empty()) {
      const char* from_environment = std::getenv("TMPDIR");
      pattern = from_environment != nullptr && *from_environment != '\0' ? from_environment : "/tmp";
    }
    pattern += "/ersatz-run-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }  ///< empty: it could not be made

 private:
  std::string path_;
};

void replace_all(std::string& s, const std::string& from, const std::string& to) {
  for (auto at = s.find(from); at != std::string::npos; at = s.find(from, at + to.size()))
    s.replace(at, from.size(), to);
}

std::string quoted_for_shell(std::string path) {
  replace_all(path, "'", "'\\''");
  return "'" + path + "'";
}

Axis index_axis(const std::string& name, Index size) {
  return {name + "_index", "", Vector::LinSpaced(size, 0.0, static_cast<double>(size - 1))};
}

void add_series(Outcome& outcome, const std::string& name, Vector values, bool complex) {
  const Index bins = complex ? values.size() / 2 : values.size();
  outcome.axes.push_back(index_axis(name, bins));
  outcome.outputs.push_back({name, "", outcome.axes.back().name, bins, complex});
  outcome.values.push_back(std::move(values));
}

Outcome outcome_of_table(const Table& table, const std::string& name) {
  Outcome outcome;
  if (table.rows() == 1 || table.columns() == 1) {
    add_series(outcome, name, Eigen::Map<const Vector>(table.values.data(), table.values.size()),
               table.complex);
    return outcome;
  }
  if (table.complex)
    throw DataError(text(table.where, ": ", table.rows(), " x ", table.columns(),
                         " complex numbers; one row or one column is expected"));
  const bool named = !table.names.empty() && !table.names_guessed;
  outcome.axes.push_back({named ? table.names[0] : "axis", "", table.values.col(0)});
  for (Index k = 1; k < table.columns(); ++k) {
    const std::string column = named                  ? table.names[static_cast<std::size_t>(k)]
                               : table.columns() == 2 ? name
                                                      : text(name, k);
    outcome.outputs.push_back({column, "", outcome.axes[0].name, table.rows(), false});
    outcome.values.push_back(table.values.col(k));
  }
  return outcome;
}

Outcome outcome_of_hdf5(const std::string& path) {
  Outcome outcome;
  const auto root = h5::File::open(path).root();
  const bool grouped = root.has("outputs");
  const std::string prefix = grouped ? "outputs/" : "";
  for (const auto& name : grouped ? root.group("outputs").names() : root.names()) {
    if (!grouped && name == "axes") continue;
    const std::string dataset = prefix + name;
    const Table table = read_table(path + ":/" + dataset);
    if (table.rows() != 1 && table.columns() != 1)
      throw DataError(
          text(table.where, ": ", table.rows(), " x ", table.columns(), " numbers; one series is expected"));
    Vector values = Eigen::Map<const Vector>(table.values.data(), table.values.size());
    const Index bins = table.complex ? values.size() / 2 : values.size();
    Axis axis = index_axis(name, bins);
    if (root.has_attribute_on(dataset, "axis")) {
      const std::string axis_name = root.get_string_on(dataset, "axis"), place = "axes/" + axis_name;
      axis = {axis_name, root.has_attribute_on(place, "unit") ? root.get_string_on(place, "unit") : "",
              root.read_vector(place, bins)};
    }
    bool known = false;
    for (const auto& a : outcome.axes) known = known || a.name == axis.name;
    if (!known) outcome.axes.push_back(axis);
    outcome.outputs.push_back(
        {name, root.has_attribute_on(dataset, "unit") ? root.get_string_on(dataset, "unit") : "", axis.name,
         bins, table.complex});
    outcome.values.push_back(std::move(values));
  }
  return outcome;
}

// What differs from the outputs of the first run; empty when nothing does.
std::string difference(const Outcome& outcome, const std::vector<Axis>& axes,
                       const std::vector<OutputSpec>& outputs) {
  if (outcome.outputs.size() != outputs.size())
    return text("there are ", outcome.outputs.size(), " outputs, the first run had ", outputs.size());
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const auto &now = outcome.outputs[o], &first = outputs[o];
    if (now.name != first.name)
      return text("an output is named '", now.name, "', in the first run '", first.name, "'");
    if (now.complex != first.complex)
      return text("output '", now.name, "' is ", now.complex ? "complex" : "real",
                  ", in the first run it was not");
    if (now.size != first.size)
      return text("output '", now.name, "' has ", now.size, " bins, in the first run ", first.size);
  }
  for (const auto& axis : outcome.axes)
    for (const auto& first : axes) {
      if (axis.name != first.name) continue;
      for (Index i = 0; i < std::min(axis.values.size(), first.values.size()); ++i)
        if (axis.values[i] != first.values[i])
          return text("axis '", axis.name, "' is ", axis.values[i], " at bin ", i, ", in the first run ",
                      first.values[i]);
    }
  return {};
}

class CommandSimulator final : public Simulator {
 public:
  CommandSimulator(const CommandOptions& options, const Matrix& design)
      : options_(options), axes_(options.axes), outputs_(options.outputs) {
    check_options();
    if (outputs_.empty()) learn(design);
  }

  std::string name() const override { return "command: " + options_.command; }
  std::string description() const override { return "The external program '" + options_.command + "'."; }
  const ParameterSpace& space() const override { return options_.space; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }

  bool has_result(const double* x) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return find_probe(x) != probes_.end();
  }

  SimulationResult run(const double* x) const override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (const auto probe = find_probe(x); probe != probes_.end()) {
        SimulationResult result = std::move(probe->second);
        probes_.erase(probe);
        return result;
      }
    }
    Outcome outcome;
    SimulationResult result = call(x, outcome);
    if (result.ok())
      if (const std::string what = difference(outcome, axes_, outputs_); !what.empty())
        return SimulationResult::failed(what);
    return result;
  }

 private:
  using Probes = std::vector<std::pair<Vector, SimulationResult>>;

  Probes::iterator find_probe(const double* x) const {
    return std::find_if(probes_.begin(), probes_.end(), [&](const auto& probe) {
      return std::equal(x, x + options_.space.size(), probe.first.data());
    });
  }

  void check_options() const {
    for (const char* place : {"{input}", "{output}"})
      if (options_.command.find(place) == std::string::npos)
        throw UsageError(text("the command '", options_.command, "' has no ", place,
                              ": write it as \"prog {input} {output}\""));
    if (options_.space.size() == 0) throw UsageError("a command needs a parameter space");
    if (options_.input_format != "csv" && options_.input_format != "npy")
      throw UsageError(text("unknown input format '", options_.input_format, "'; known: csv, npy"));
    if (options_.output_format != "csv" && options_.output_format != "npy" && options_.output_format != "h5")
      throw UsageError(text("unknown output format '", options_.output_format, "'; known: csv, npy, h5"));
    if (!(options_.timeout >= 0.0))
      throw UsageError(text("the timeout must not be negative, got ", options_.timeout));
  }

  // One run of the program, never throwing.
  SimulationResult call(const double* x, Outcome& outcome) const {
    const TemporaryFolder folder(options_.folder);
    if (folder.path().empty())
      return SimulationResult::failed(text("no temporary folder can be made in '",
                                           options_.folder.empty() ? "$TMPDIR" : options_.folder, "'"));
    const std::string input = folder.path() + "/input." + options_.input_format;
    const std::string output = folder.path() + "/output." + options_.output_format;
    try {
      const Matrix row = Eigen::Map<const Matrix>(x, 1, options_.space.size());
      if (options_.input_format == "csv")
        write_csv(input, row, options_.space.names(), false);
      else
        write_npy(input, row, false);
    } catch (const std::exception& e) {
      return SimulationResult::failed(text("the input file cannot be written: ", e.what()));
    }
    std::string command = options_.command;
    replace_all(command, "{input}", quoted_for_shell(input));
    replace_all(command, "{output}", quoted_for_shell(output));
    const auto end = detail::run_process(command, options_.timeout, options_.stop);
    const std::string words = end.words.empty() ? "" : "; it said: " + end.words;
    if (!end.ok) return SimulationResult::failed(end.why + words);
    struct stat info;
    if (::stat(output.c_str(), &info) != 0)
      return SimulationResult::failed("it ended well but wrote no output file" + words);
    try {
      outcome = options_.output_format == "h5" ? outcome_of_hdf5(output)
                                               : outcome_of_table(read_table(output), options_.output_name);
      if (outcome.outputs.empty()) return SimulationResult::failed("the output file holds no outputs");
    } catch (const std::exception& e) {
      std::string why = e.what();
      replace_all(why, folder.path() + "/", "");
      return SimulationResult::failed(why + words);
    }
    return {outcome.values, ""};
  }

  // Runs points of the design until one shows what comes out.
  void learn(const Matrix& design) {
    std::string reasons;
    if (design.rows() == 0)
      throw UsageError(
          "what the command puts out is not known: declare its outputs, or give points to try it on");
    if (design.cols() != options_.space.size())
      throw UsageError(text("the design has ", design.cols(), " columns, the space has ",
                            options_.space.size(), " parameters"));
    for (Index i = 0; i < std::min(design.rows(), most_probes); ++i) {
      Outcome outcome;
      SimulationResult result = call(design.row(i).data(), outcome);
      const bool ok = result.ok();
      if (!ok) reasons += text("\n  row ", i, ": ", result.failure);
      probes_.emplace_back(design.row(i), std::move(result));
      if (ok) {
        axes_ = std::move(outcome.axes);
        outputs_ = std::move(outcome.outputs);
        return;
      }
      if (options_.stop != nullptr && options_.stop->load()) break;
    }
    throw DataError(text("the command '", options_.command, "' failed on the first ", probes_.size(),
                         " points, so it is not known what it puts out:", reasons));
  }

  CommandOptions options_;
  std::vector<Axis> axes_;
  std::vector<OutputSpec> outputs_;
  mutable std::mutex mutex_;
  mutable Probes probes_;  ///< not yet asked for
};

}  // namespace

std::shared_ptr<const Simulator> make_command_simulator(const CommandOptions& options, const Matrix& design) {
  return std::make_shared<CommandSimulator>(options, design);
}

}  // namespace ersatz
