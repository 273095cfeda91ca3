#pragma once
// One external process with a time limit. Not installed.

#include <atomic>
#include <string>

namespace ersatz::detail {

struct ProcessEnd {
  bool ok = false;
  std::string why;    ///< empty when it ended with status 0
  std::string words;  ///< the last lines it printed (standard output and error)
};

/// Runs `command` through /bin/sh in a process group of its own, with nothing on standard input. When
/// `timeout` seconds (0: none) are up, or `stop` is set, the whole group gets SIGTERM and, half a second
/// later, SIGKILL; what is left of the group when the shell has ended is killed, too. Blocks; may be called
/// from many threads.
ProcessEnd run_process(const std::string& command, double timeout, const std::atomic<bool>* stop);

}  // namespace ersatz::detail
