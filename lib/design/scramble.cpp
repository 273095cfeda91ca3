#include "design/scramble.hpp"

namespace ersatz::detail {
namespace {

/// The finaliser of SplitMix64.
std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t owen_scrambled(std::uint64_t bits, std::uint64_t key) {
  std::uint64_t flips = mix(key) & (std::uint64_t{1} << 63);  // of the first digit: no digits before it
  for (int digit = 1; digit < 53; ++digit) {
    const std::uint64_t before = bits >> (64 - digit);
    // The digits before, and how many they are, name the random bit.
    const std::uint64_t random = mix(mix(key + static_cast<std::uint64_t>(digit)) ^ before);
    flips |= (random >> 63) << (63 - digit);
  }
  return bits ^ flips;
}

}  // namespace ersatz::detail
