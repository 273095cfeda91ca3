#include "storage/xxh64.hpp"

#include <cstring>

namespace ersatz {
namespace {

// The five primes of the specification, section "XXH64 algorithm description".
constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87ULL;
constexpr std::uint64_t prime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t prime3 = 0x165667B19E3779F9ULL;
constexpr std::uint64_t prime4 = 0x85EBCA77C2B2AE63ULL;
constexpr std::uint64_t prime5 = 0x27D4EB2F165667C5ULL;

std::uint64_t rotate_left(std::uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

template <class Unsigned>
std::uint64_t little_endian(const unsigned char* p) {
  std::uint64_t value = 0;
  for (std::size_t i = sizeof(Unsigned); i-- > 0;) value = (value << 8) | p[i];
  return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) {
  return rotate_left(lane + input * prime2, 31) * prime1;
}

}  // namespace

Xxh64::Xxh64(std::uint64_t seed)
    : seed_(seed), lanes_{seed + prime1 + prime2, seed + prime2, seed, seed - prime1} {}

void Xxh64::consume(const unsigned char* stripes, std::size_t count) {
  auto lanes = lanes_;  // in registers on the way
  for (; count > 0; --count, stripes += 32)
    for (std::size_t i = 0; i < 4; ++i)
      lanes[i] = round(lanes[i], little_endian<std::uint64_t>(stripes + 8 * i));
  lanes_ = lanes;
}

void Xxh64::update(const void* data, std::size_t size) {
  if (size == 0) return;
  const auto* p = static_cast<const unsigned char*>(data);
  total_ += size;
  if (buffered_ > 0) {
    const std::size_t taken = size < 32 - buffered_ ? size : 32 - buffered_;
    std::memcpy(buffer_.data() + buffered_, p, taken);
    buffered_ += taken;
    p += taken;
    size -= taken;
    if (buffered_ < 32) return;
    consume(buffer_.data(), 1);
    buffered_ = 0;
  }
  consume(p, size / 32);
  p += size / 32 * 32;
  size %= 32;
  if (size > 0) std::memcpy(buffer_.data(), p, size);
  buffered_ = size;
}

void Xxh64::update_number(std::uint64_t value) {
  unsigned char bytes[8];
  for (auto& b : bytes) {
    b = static_cast<unsigned char>(value & 0xff);
    value >>= 8;
  }
  update(bytes, sizeof bytes);
}

std::uint64_t Xxh64::digest() const {
  std::uint64_t hash = seed_ + prime5;
  if (total_ >= 32) {
    hash = rotate_left(lanes_[0], 1) + rotate_left(lanes_[1], 7) + rotate_left(lanes_[2], 12) +
           rotate_left(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = (hash ^ round(0, lane)) * prime1 + prime4;
  }
  hash += total_;
  const unsigned char* p = buffer_.data();
  std::size_t left = buffered_;
  for (; left >= 8; left -= 8, p += 8)
    hash = rotate_left(hash ^ round(0, little_endian<std::uint64_t>(p)), 27) * prime1 + prime4;
  for (; left >= 4; left -= 4, p += 4)
    hash = rotate_left(hash ^ (little_endian<std::uint32_t>(p) * prime1), 23) * prime2 + prime3;
  for (; left > 0; --left, ++p) hash = rotate_left(hash ^ (*p * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}

std::uint64_t xxh64(std::string_view bytes, std::uint64_t seed) {
  Xxh64 state(seed);
  state.update(bytes);
  return state.digest();
}

std::string hexadecimal(std::uint64_t value) {
  std::string digits(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

}  // namespace ersatz
