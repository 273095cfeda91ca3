#include "common.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz::driver {

std::atomic<bool> stop_requested{false};

namespace {

/// A bar that redraws itself on a terminal; on anything else a line now and then, readable in a log file.
class Console final : public Progress {
 public:
  void begin(std::string_view what, Index steps) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    what_ = what;
    steps_ = steps;
    start_ = last_ = Clock::now();
    drawn_ = false;
  }
  void step(Index done) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto now = Clock::now();
    const double since = std::chrono::duration<double>(now - last_).count();
    if (done < steps_ && since < (terminal_ ? 0.1 : 10.0)) return;
    last_ = now;
    draw(done);
  }
  void end() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (terminal_ && drawn_) std::fputc('\n', stderr);
    drawn_ = false;
  }
  void note(std::string_view message) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (terminal_ && drawn_) std::fputc('\n', stderr);
    drawn_ = false;
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  }

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Index done) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
    const double share = steps_ > 0 ? static_cast<double>(done) / static_cast<double>(steps_) : 1.0;
    std::string left = "…";
    if (done > 0) left = brief(elapsed / share * (1.0 - share), 3) + " s left";
    if (done >= steps_) left = brief(elapsed, 3) + " s";
    if (terminal_) {
      constexpr int width = 30;
      const int full = static_cast<int>(share * width);
      std::fprintf(stderr, "\r%s [%s%s] %ld/%ld, %s\033[K", what_.c_str(),
                   std::string(static_cast<std::size_t>(full), '#').c_str(),
                   std::string(static_cast<std::size_t>(width - full), '.').c_str(), static_cast<long>(done),
                   static_cast<long>(steps_), left.c_str());
    } else {
      std::fprintf(stderr, "%s: %ld of %ld, %s\n", what_.c_str(), static_cast<long>(done),
                   static_cast<long>(steps_), left.c_str());
    }
    std::fflush(stderr);
    drawn_ = true;
  }

  std::mutex mutex_;
  std::string what_;
  Index steps_ = 0;
  Clock::time_point start_, last_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
};

volatile std::sig_atomic_t asked_to_end = 0;

extern "C" void on_signal(int signal) {
  stop_requested = true;
  // Batch systems announce the end of a job, perhaps twice: by the launcher and by the script.
  if (signal == SIGUSR1 || signal == SIGUSR2) return;
  // The second one ends the program at once.
  if (asked_to_end) _exit(130);
  asked_to_end = 1;
}

/// Whether `input` (FILE, FILE[columns] or FILE:/dataset) is the file that `status` describes.
bool is_input(const struct stat& status, const std::string& input) {
  struct stat other {};
  for (const auto end : {input.size(), input.rfind('['), input.find(":/")})
    if (end != std::string::npos && stat(input.substr(0, end).c_str(), &other) == 0)
      return other.st_dev == status.st_dev && other.st_ino == status.st_ino;
  return false;
}

/// std::stoull takes "-1" for the largest number that there is.
std::string only_digits(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) return {};
  return "'" + text + "' is not a whole number from 0";
}

}  // namespace

CLI::Validator finite() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        return *end == '\0' && !std::isfinite(value) ? text + " is not a finite number" : std::string();
      },
      "");
}

CLI::Validator positive() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        return *end == '\0' && std::isfinite(value) && value > 0.0 ? std::string()
                                                                   : text + " is not a positive number";
      },
      "");
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGUSR2, &action, nullptr);
  struct sigaction before {};  // nohup has the terminal's end ignored
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
}

Archive read_simulations(const std::string& path) {
  if (!is_there(path) && is_there(path + ".log"))
    throw UsageError(text(path, ": is not there yet: its simulations are not finished (", path,
                          ".log); go on with ersatz simulate … --resume"));
  return read_archive(path);
}

void same_on_all_ranks(Executor& executor, const std::string& content, const std::string& what) {
  require_same(
      executor, content,
      text(what,
           ": is not the same on this rank as on rank 0 (another file of that name on this node, or one ",
           "that is being written?)"));
}

Archive read_simulations(const std::string& path, Executor& executor) {
  Archive archive;
  executor.together([&] { archive = read_simulations(path); });
  if (executor.processes() > 1) same_on_all_ranks(executor, archive.data_hash(), path);
  return archive;
}

Matrix read_points(const std::string& path, const ParameterSpace& space) {
  const auto ends_with = [&](std::string_view ending) {
    return path.size() >= ending.size() &&
           path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
  };
  if (!ends_with(".h5") && !ends_with(".hdf5")) return parameters_of(read_table(path), space);
  const Archive archive = read_simulations(path);
  Table table;
  table.values = archive.parameters;
  table.names = archive.space.names();
  table.where = path;
  return parameters_of(table, space);
}

Archive read_unseen(const std::string& path, const Model& model, const std::string& model_file) {
  Archive archive = read_simulations(path);
  if (archive.data_hash() == model.info.data_hash)
    throw UsageError(text(path, ": these are the runs that ", model_file,
                          " has learnt from; only runs it has never seen are a test"));
  return archive;
}

void warn_of_training_points(const std::string& path, const Archive& archive, const Model& model) {
  Workspace workspace;
  Index known = 0;
  for (Index i = 0; i < archive.size(); ++i)
    known += model.emulator.domain_score(archive.parameters.row(i).data(), workspace) == 0.0;
  if (known == 0) return;
  std::fprintf(stderr,
               "ersatz: warning: %ld of the %ld points of %s are among those that the emulator was trained "
               "on; they are no test (another --seed of ersatz design gives other points)\n",
               static_cast<long>(known), static_cast<long>(archive.size()), path.c_str());
}

void print_leaks(const Session& session, const Archive& archive) {
  if (session.quiet || session.ranks->rank() != 0) return;
  const Repeats r = find_repeats(archive.completed().parameters);
  if (r.copies > 0)
    std::fprintf(
        stderr,
        "ersatz: note: %ld runs repeat the parameters of another run; copies stay on one side of every "
        "split\n",
        static_cast<long>(r.copies));
  if (r.close > 0)
    std::fprintf(
        stderr,
        "ersatz: warning: %ld runs are within a millionth of the range of another run (completed run %ld "
        "of run %ld, for one), and may be tested by what is nearly their copy; errors may come out too "
        "small\n",
        static_cast<long>(r.close), static_cast<long>(r.row), static_cast<long>(r.earlier));
}

std::unique_ptr<Progress> Session::progress() const {
  if (quiet || ranks->rank() != 0) return std::make_unique<Progress>();
  return std::make_unique<Console>();
}

FitContext Session::context(Executor& executor, Progress& progress) const {
  FitContext c;
  c.executor = &executor;
  c.random = RandomStream(seed);
  c.progress = &progress;
  return c;
}

void Session::add_options(CLI::App& app, bool writes) {
  app.add_flag("--json", json, "Print results as JSON on standard output");
  app.add_flag("--quiet", quiet, "No progress on standard error");
  app.add_option("--threads", threads, "Threads to use (0: one per core); on MPI ranks, for each")
      ->check(CLI::Range(0, 4096));
  app.add_option("--seed", seed, "Seed of all random choices; the same seed gives the same results")
      ->check(only_digits);
  if (writes) app.add_flag("--force", force, "Overwrite the output file if it is there");
}

void Session::check_output(const std::string& path, const std::vector<std::string>& inputs,
                           bool may_be_there) const {
  if (path.empty()) throw UsageError("--output: the name of the file is empty");
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw UsageError(text(path, ": is a folder; name a file"));
    if (!S_ISREG(status.st_mode))
      throw UsageError(text(path, ": is a device or a pipe, not a plain file; name a file"));
    for (const std::string& input : inputs)
      if (is_input(status, input))
        throw UsageError(text(path, ": is an input of this very call; name another file to write to"));
    if (!force && !may_be_there)
      throw UsageError(text(path, ": is there already; name another file, or overwrite it with --force"));
  } else if (errno == ENAMETOOLONG) {
    throw UsageError(text(path, ": the name is too long for this file system"));
  }
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    throw UsageError(text(path, ": there is no folder ", folder, "; make it first"));
  if (access(folder.c_str(), W_OK) != 0)
    throw UsageError(text(path, ": the folder ", folder, " cannot be written to"));
}

void Session::check_resume(const std::string& path, bool begun, bool resume) const {
  if (resume && force)
    throw UsageError("--resume goes on with what is there, --force begins anew; choose one");
  if (begun && !resume && !force)
    throw UsageError(text(path,
                          ": is there already, finished or not: go on with it with --resume, begin anew ",
                          "with --force, or name another output"));
}

bool is_there(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0;
}

}  // namespace ersatz::driver
