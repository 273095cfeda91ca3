#pragma once
// What all subcommands share: common options, progress on standard error, results on standard output.

#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "ersatz/core/progress.hpp"
#include "ersatz/regression/regressor.hpp"
#include "ersatz/storage/archive.hpp"
#include "ranks.hpp"

namespace ersatz {
struct Model;
}

namespace ersatz::driver {

/// JSON objects keep the order in which they were filled.
using Json = nlohmann::ordered_json;

/// Options that every subcommand has, and what main() runs once they are parsed.
struct Session {
  bool json = false;
  bool quiet = false;
  bool force = false;
  int threads = 0;  ///< 0: one per core
  std::uint64_t seed = 0;
  std::string command_line;
  std::function<int()> run;  ///< set by the chosen subcommand; returns the exit status
  const Ranks* ranks = nullptr;
  /// Whether `run` shares its work out among the ranks. If not, rank 0 alone runs it.
  bool uses_ranks = false;

  std::unique_ptr<Executor> executor() const {
    return uses_ranks ? ranks->executor(threads) : make_executor(threads);
  }
  /// For fits: executor and progress have to outlive it.
  FitContext context(Executor& executor, Progress& progress) const;
  std::unique_ptr<Progress> progress() const;

  /// Adds --json, --quiet, --threads, --seed; `writes`: --force too.
  void add_options(CLI::App& app, bool writes);
  /// Throws UsageError, before hours of work, when `path` cannot become a file: it is there and --force is
  /// not given, it is no plain file, its folder is missing, or it is one of `inputs` (FILE, FILE[columns] or
  /// FILE:/dataset). `may_be_there`: as for --resume.
  void check_output(const std::string& path, const std::vector<std::string>& inputs,
                    bool may_be_there = false) const;
  /// For commands whose --resume goes on with what is at `path`, where `begun`. Throws UsageError where that
  /// is so and neither --resume nor --force is given, or both are.
  void check_resume(const std::string& path, bool begun, bool resume) const;
};

bool is_there(const std::string& path);

/// A check of options: CLI::Range and CLI::PositiveNumber let NaN pass.
CLI::Validator finite();
CLI::Validator positive();

/// Calls `work`; its errors about data and numbers are told with the name of the file that they come from.
template <class Work>
auto naming(const std::string& file, const Work& work) {
  const auto named = [&file](const Error& e) {
    const std::string message = e.what();
    return message.find(file) == std::string::npos ? file + ": " + message : message;
  };
  try {
    return work();
  } catch (const DataError& e) {
    throw DataError(named(e));
  } catch (const NumericalError& e) {
    throw NumericalError(named(e));
  }
}

/// Set by SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 (as batch systems send them) once `catch_signals` was
/// called: work that can be resumed looks at it.
extern std::atomic<bool> stop_requested;
void catch_signals();

/// Throws DataError on all ranks unless all of them have the same `content` of `what`.
void same_on_all_ranks(Executor& executor, const std::string& content, const std::string& what);
/// The simulations, read by each rank and the same on all; errors of one rank are those of all.
Archive read_simulations(const std::string& path, Executor& executor);

/// Reads an archive; where only the log of an interrupted campaign is there, says so.
Archive read_simulations(const std::string& path);

/// Points of a space: those of an archive, whatever became of them, or of a table.
Matrix read_points(const std::string& path, const ParameterSpace& space);

/// Simulations that are to test a model. Throws UsageError where they are those it has learnt from.
Archive read_unseen(const std::string& path, const Model& model, const std::string& model_file);
/// Warns on standard error of points among them that are training points, to the last bit.
void warn_of_training_points(const std::string& path, const Archive& archive, const Model& model);

/// Tells on standard error of runs that are at the same point or next to it: what cross-validation says may
/// be too good.
void print_leaks(const Session& session, const Archive& archive);

void add_design(CLI::App& app, Session& session);
void add_simulate(CLI::App& app, Session& session);
void add_import(CLI::App& app, Session& session);
void add_condition(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_predict(CLI::App& app, Session& session);
void add_validate(CLI::App& app, Session& session);
void add_compare(CLI::App& app, Session& session);
void add_monitor(CLI::App& app, Session& session);
void add_diff(CLI::App& app, Session& session);
void add_search(CLI::App& app, Session& session);
void add_curve(CLI::App& app, Session& session);
void add_learn(CLI::App& app, Session& session);
void add_infer(CLI::App& app, Session& session);
void add_sbc(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_info(CLI::App& app, Session& session);

}  // namespace ersatz::driver
