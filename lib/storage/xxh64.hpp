#pragma once
// XXH64, the 64-bit xxHash (Yann Collet, "xxHash fast digest algorithm", specification 0.1.1, 2018): detects
// damage, not forgery.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ersatz {

/// Hashes bytes as they come; the digest depends on their sequence only, not on how it was cut.
class Xxh64 {
 public:
  explicit Xxh64(std::uint64_t seed = 0);
  void update(const void* data, std::size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  /// A number as 8 bytes, lowest first.
  void update_number(std::uint64_t value);
  std::uint64_t digest() const;

 private:
  void consume(const unsigned char* stripes, std::size_t count);

  std::uint64_t seed_;
  std::array<std::uint64_t, 4> lanes_;
  std::array<unsigned char, 32> buffer_{};
  std::size_t buffered_ = 0;
  std::uint64_t total_ = 0;
};

std::uint64_t xxh64(std::string_view bytes, std::uint64_t seed = 0);

/// As 16 hexadecimal digits.
std::string hexadecimal(std::uint64_t value);

}  // namespace ersatz
