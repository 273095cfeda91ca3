#include "simulators/command_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/error.hpp"

extern char** environ;

namespace ersatz::detail {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kept_output = 4096;
constexpr double grace = 0.5;  // seconds between SIGTERM and SIGKILL

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The last five lines, in one, without what a terminal or a file could trip over.
std::string last_lines(const std::string& output) {
  std::string clean;
  for (const char c : output) {
    const bool plain = (c >= 0x20 && c < 0x7f) || c == '\n';
    clean += plain ? c : c == '\t' ? ' ' : c == '\r' ? '\n' : '?';
  }
  std::string result;
  std::size_t end = clean.size();
  for (int lines = 0; lines < 5 && end > 0;) {
    const auto newline = clean.rfind('\n', end - 1);
    const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
    if (end > begin) {
      result = clean.substr(begin, end - begin) + (result.empty() ? "" : " | ") + result;
      ++lines;
    }
    if (newline == std::string::npos) break;
    end = newline;
  }
  return result.size() > 1000 ? "..." + result.substr(result.size() - 1000) : result;
}

std::string describe(int status) {
  if (WIFSIGNALED(status))
    return text("killed by signal ", WTERMSIG(status), " (", ::strsignal(WTERMSIG(status)), ")");
  const int code = WEXITSTATUS(status);
  if (code == 0) return {};
  if (code == 126) return "exit status 126 (it cannot be executed)";
  if (code == 127) return "exit status 127 (command not found)";
  if (code > 128 && code < 128 + 65)
    return text("exit status ", code, " (signal ", code - 128, ", ", ::strsignal(code - 128), ")");
  return text("exit status ", code);
}

struct Pipe {
  int read = -1, write = -1;
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
};

// On MPI ranks, the launcher's variables would make a simulator that is an MPI program itself take itself for
// one of our ranks, and wait for the others: it does not get them. ERSATZ_RANK and ERSATZ_LOCAL_RANK (among
// those of this node) say where it runs, to choose an accelerator by.
class Environment {
 public:
  Environment() {
    for (char** entry = environ; *entry != nullptr; ++entry)
      if (!of_launcher(*entry)) pointers_.push_back(*entry);
    first_of("ERSATZ_RANK", {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"});
    first_of("ERSATZ_LOCAL_RANK", {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"});
    for (auto& entry : own_) pointers_.push_back(entry.data());
    pointers_.push_back(nullptr);
  }
  char** get() { return pointers_.data(); }

 private:
  static bool of_launcher(std::string_view entry) {
    for (const std::string_view prefix :
         {"OMPI_", "PMIX_", "PMI_", "HYDI_", "ERSATZ_RANK=", "ERSATZ_LOCAL_RANK="})
      if (entry.substr(0, prefix.size()) == prefix) return true;
    return false;
  }
  void first_of(const char* name, std::initializer_list<const char*> sources) {
    for (const char* source : sources)
      if (const char* value = std::getenv(source)) {
        own_.push_back(std::string(name) + "=" + value);
        return;
      }
  }
  std::vector<std::string> own_;
  std::vector<char*> pointers_;
};

// 0, or an error number.
int spawn(const std::string& command, int output, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string shell = "sh", option = "-c", line = command;
  char* arguments[] = {shell.data(), option.data(), line.data(), nullptr};
  Environment environment;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environment.get());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Ended, but not yet waited for: its process group keeps its number. Where the program that we are part of
// ignores SIGCHLD, the system waits for it instead, and there is nothing to ask.
bool has_ended(pid_t pid) {
  siginfo_t info;
  info.si_pid = 0;
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return errno != EINTR;
  return info.si_pid == pid;
}

}  // namespace

ProcessEnd run_process(const std::string& command, double timeout, const std::atomic<bool>* stop) {
  ProcessEnd end;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    end.why = text("no pipe can be made: ", std::strerror(errno));
    return end;
  }
  Pipe pipe{ends[0], ends[1]};
  ::fcntl(pipe.read, F_SETFL, O_NONBLOCK);
  const auto start = Clock::now();
  pid_t pid = -1;
  if (const int error = spawn(command, pipe.write, pid); error != 0) {
    end.why = text("/bin/sh cannot be started: ", std::strerror(error));
    return end;
  }
  ::close(pipe.write);
  pipe.write = -1;

  std::string output, reason;
  bool open = true;
  const auto drain = [&] {
    char buffer[4096];
    // Bounded: a process that never stops printing must not keep us from looking at the clock.
    for (int i = 0; open && i < 64; ++i) {
      const ssize_t got = ::read(pipe.read, buffer, sizeof buffer);
      if (got == 0) open = false;
      if (got <= 0) break;
      output.append(buffer, static_cast<std::size_t>(got));
      if (output.size() > 2 * kept_output) output.erase(0, output.size() - kept_output);
    }
  };
  Clock::time_point terminated;
  int pause = 1;  // milliseconds
  while (!has_ended(pid)) {
    pollfd waiting{pipe.read, POLLIN, 0};
    if (open)
      ::poll(&waiting, 1, pause);
    else
      ::poll(nullptr, 0, pause);
    pause = std::min(2 * pause, 20);
    drain();
    if (reason.empty()) {
      if (timeout > 0.0 && seconds_since(start) > timeout)
        reason = text("not finished after ", timeout, " s");
      if (stop != nullptr && stop->load()) reason = "stopped";
      if (!reason.empty()) {
        ::kill(-pid, SIGTERM);
        terminated = Clock::now();
      }
    } else if (seconds_since(terminated) > grace) {
      ::kill(-pid, SIGKILL);
    }
  }
  ::kill(-pid, SIGKILL);  // whatever it left running
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  drain();
  end.why = reason.empty() ? describe(status) : reason;
  end.ok = end.why.empty();
  end.words = last_lines(output);
  return end;
}

}  // namespace ersatz::detail
