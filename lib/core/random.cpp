#include "ersatz/core/random.hpp"

#include <cmath>
#include <numeric>
#include <utility>

namespace ersatz {
namespace {

std::uint64_t split_mix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

RandomStream::RandomStream(std::uint64_t seed) : key_(seed), state_() {
  std::uint64_t x = seed;
  for (auto& s : state_) s = split_mix(x);
}

RandomStream RandomStream::split(std::uint64_t child) const {
  std::uint64_t x = key_ ^ 0xd1b54a32d192ed03ULL;
  const std::uint64_t a = split_mix(x);
  x = a ^ (child * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL);
  return RandomStream(split_mix(x));
}

RandomStream RandomStream::split(std::string_view child) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : child) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return split(hash);
}

RandomStream::result_type RandomStream::operator()() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

double RandomStream::uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

double RandomStream::normal() {
  // Marsaglia's polar method; the second value is not kept, so that a stream has no hidden state.
  for (;;) {
    const double u = 2.0 * uniform() - 1.0;
    const double v = 2.0 * uniform() - 1.0;
    const double s = u * u + v * v;
    if (s > 0.0 && s < 1.0) return u * std::sqrt(-2.0 * std::log(s) / s);
  }
}

std::uint64_t RandomStream::below(std::uint64_t n) {
  const std::uint64_t limit = max() - max() % n;
  for (;;) {
    const std::uint64_t x = (*this)();
    if (x < limit) return x % n;
  }
}

std::vector<Index> RandomStream::permutation(Index n) {
  std::vector<Index> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), Index{0});
  for (std::size_t i = p.size(); i > 1; --i) std::swap(p[i - 1], p[below(i)]);
  return p;
}

}  // namespace ersatz
