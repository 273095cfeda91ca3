#include "command_simulator.hpp"

#include <sys/stat.h>

#include "ersatz/storage/run_log.hpp"

namespace ersatz::driver {

std::shared_ptr<const Simulator> make_command(CommandOptions command, const Matrix& design,
                                              const std::function<void(CommandOptions&)>& recall,
                                              Executor& executor) {
  std::shared_ptr<const Simulator> simulator;
  const Bytes header = executor.share([&] {
    recall(command);
    simulator = make_command_simulator(command, design);
    return encode_run_log_header(
        {simulator->name(), simulator->space(), simulator->axes(), simulator->outputs(), design});
  });
  executor.together([&] {
    if (simulator != nullptr) return;
    const RunLogHeader known = decode_run_log_header(header);
    command.axes = known.axes;
    command.outputs = known.outputs;
    simulator = make_command_simulator(command);
  });
  return simulator;
}

bool recall_from_logs(CommandOptions& command, const std::string& archive) {
  for (const auto& log : run_logs_of(archive)) {
    if (ends_in_header(log)) continue;
    const RunLogHeader header = read_run_log(log).header;
    command.axes = header.axes;
    command.outputs = header.outputs;
    return true;
  }
  return false;
}

bool recall_from_archive(CommandOptions& command, const std::string& archive) {
  struct stat status {};
  if (stat(archive.c_str(), &status) != 0) return false;
  const Archive there = read_archive(archive);
  command.axes = there.axes;
  command.outputs = there.outputs;
  return true;
}

}  // namespace ersatz::driver
