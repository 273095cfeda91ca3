#pragma once
// A command as the simulator of a subcommand, the same on all ranks.

#include <functional>
#include <memory>

#include "ersatz/core/executor.hpp"
#include "ersatz/simulators/command.hpp"

namespace ersatz::driver {

/// Rank 0 finds out what the command puts out: `recall` fills that in where an earlier call knows it (it may
/// refuse to go on), else a run at a point of the design shows it. The others are told.
std::shared_ptr<const Simulator> make_command(CommandOptions command, const Matrix& design,
                                              const std::function<void(CommandOptions&)>& recall,
                                              Executor& executor);

/// What the logs of an archive say that the command puts out. False where there are none that tell.
bool recall_from_logs(CommandOptions& command, const std::string& archive);
/// The same from the archive itself.
bool recall_from_archive(CommandOptions& command, const std::string& archive);

}  // namespace ersatz::driver
