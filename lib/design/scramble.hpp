#pragma once
// Randomised digital sequences that keep their evenness. Not installed.

#include <cstdint>

namespace ersatz::detail {

/// Owen's nested uniform scrambling (Monte Carlo and Quasi-Monte Carlo Methods 1995, 299) of a number in [0,
/// 1) whose binary digits are `bits`, the first one topmost: each of the first 53 digits is flipped or not by
/// a random bit of its own for each string of digits before it. `key`: of the coordinate.
std::uint64_t owen_scrambled(std::uint64_t bits, std::uint64_t key);

}  // namespace ersatz::detail
