#pragma once
// Mismatches of predictions, output by output and for outputs that make one waveform together.

#include <string>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/emulator/emulator.hpp"
#include "ersatz/selection/mismatch.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {

/// Which output of the emulator is which of the archive.
struct OutputPair {
  std::size_t own, theirs;
};

/// Complex outputs that are one waveform: those of one decoder, where it has several on one axis; of the
/// others, those on one axis. Never less than two.
struct WaveformGroup {
  std::string name;
  std::vector<OutputPair> members;
};
std::vector<WaveformGroup> waveform_groups(const Emulator& emulator, const std::vector<OutputPair>& pairs);

/// One mismatch per row of the archive, or none and the reason (steps that are not equal, a single bin).
struct Mismatches {
  Vector values;
  std::string missing;
};
/// Throws what Mismatch throws for settings that make no sense. Same bits whatever the executor.
Mismatches mismatches(const MismatchOptions& options, const Emulator& emulator, const Archive& truth,
                      const Prediction& prediction, const std::vector<OutputPair>& members,
                      Executor& executor);

/// Per row the largest over all groups and over the complex outputs that are in none; empty where there are
/// none.
Vector largest_mismatches(const MismatchOptions& options, const Emulator& emulator, const Archive& truth,
                          const Prediction& prediction, Executor& executor);

}  // namespace ersatz
