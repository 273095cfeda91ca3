#pragma once
// May one emulator stand in another's place?

#include <string>
#include <vector>

#include "ersatz/emulator/emulator.hpp"

namespace ersatz {

/// What somebody who uses `current` would trip over with `replacement`, a sentence each; empty: nothing.
/// Parameters must be the same (names, order, units, scales) and the replacement's bounds and constraints
/// must hold all of the current domain; outputs the same and at the same places (names, units, real or
/// complex, bins of the axis to nine digits), though more may follow; standard deviations must not go away.
std::vector<std::string> incompatibilities(const Emulator& current, const Emulator& replacement);

/// Opens a model file that is to stand in the place of `matching`. Throws StorageError as open_emulator does,
/// UsageError that names the file and all incompatibilities.
Emulator open_emulator(const std::string& path, const Emulator& matching);

}  // namespace ersatz
