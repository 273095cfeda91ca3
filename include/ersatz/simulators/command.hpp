#pragma once
// Any external program as a simulator.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/simulators/simulator.hpp"

namespace ersatz {

struct CommandOptions {
  /// For /bin/sh, with the places of two files: "prog {input} {output}". It runs where the caller runs.
  std::string command;
  ParameterSpace space;
  /// What the program reads: "csv" (a header with the names, one row) or "npy" (1 × d).
  std::string input_format = "csv";
  /// What the program writes. "csv" (any text table) or "npy": one row or one column of m numbers is one
  /// output; several rows and columns are the axis (first column) and one output per further column. "h5":
  /// datasets under /outputs (or, without that group, in the root), one number or one series each, with
  /// attribute `axis` naming a dataset under /axes where there is one.
  std::string output_format = "csv";
  std::string output_name = "output";  ///< where the file names none
  double timeout = 0.0;                ///< seconds per run; 0: none
  /// Set from outside: runs under way are killed and fail with the reason "stopped".
  const std::atomic<bool>* stop = nullptr;
  std::string folder;  ///< where runs get their own temporary folder; empty: $TMPDIR or /tmp

  /// What comes out, where it is known (as from the header of a run log). Otherwise the first run shows it.
  std::vector<Axis> axes;
  std::vector<OutputSpec> outputs;
};

/// A simulator whose runs call the command, each in a temporary folder and a process group of its own, which
/// is killed when time is up; both are gone when the run ends, however it ends. A run fails, with the last
/// lines of what the program printed, on an exit status other than zero, a signal, time-out, a missing or
/// unreadable output, other outputs than the first run's, and numbers that are not finite.
///
/// Where `options.outputs` is empty, points of `design` are run one after the other until one succeeds (at
/// most ten); what these runs gave is used when the same point is asked for, so that nothing runs twice.
/// Throws UsageError for a command without {input} and {output} and unknown formats, DataError with the
/// reasons when none succeeds.
std::shared_ptr<const Simulator> make_command_simulator(const CommandOptions& options,
                                                        const Matrix& design = {});

}  // namespace ersatz
