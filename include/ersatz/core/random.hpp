#pragma once
// Random streams that split: one seed, and every task gets a stream of its own, whatever thread or rank it
// runs on.

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// xoshiro256** (Blackman & Vigna 2018) seeded through SplitMix64 from a key; `split` derives a child key by
/// hashing, never by drawing, so children do not depend on how much was drawn. A UniformRandomBitGenerator.
/// The distributions are our own: the same numbers with every standard library.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  explicit RandomStream(std::uint64_t seed = 0);

  RandomStream split(std::uint64_t child) const;
  RandomStream split(std::string_view child) const;

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  double uniform();                         ///< in [0, 1)
  double normal();                          ///< mean 0, variance 1
  std::uint64_t below(std::uint64_t n);     ///< uniform in 0 … n-1, unbiased
  std::vector<Index> permutation(Index n);  ///< Fisher-Yates
  std::uint64_t key() const { return key_; }

 private:
  std::uint64_t key_;
  std::array<std::uint64_t, 4> state_;
};

}  // namespace ersatz
