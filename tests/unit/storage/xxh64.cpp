#include "storage/xxh64.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ersatz {
namespace {

// The sanity check of the xxHash distribution (cli/xsum_sanity_check.c): its generated buffer and its
// digests.
std::string sanity_buffer(std::size_t size) {
  std::string buffer(size, '\0');
  std::uint64_t generator = 2654435761ULL;
  for (char& c : buffer) {
    c = static_cast<char>(generator >> 56);
    generator *= 11400714785074694797ULL;
  }
  return buffer;
}

TEST(Xxh64, PublishedVectors) {
  const std::string buffer = sanity_buffer(222);
  constexpr std::uint64_t prime = 2654435761ULL;
  const struct {
    std::size_t size;
    std::uint64_t seed, digest;
  } vectors[] = {
      {0, 0, 0xEF46DB3751D8E999ULL},       {0, prime, 0xAC75FDA2929B17EFULL},
      {1, 0, 0xE934A84ADB052768ULL},       {1, prime, 0x5014607643A9B4C3ULL},
      {4, 0, 0x9136A0DCA57457EEULL},       {14, 0, 0x8282DCC4994E35C8ULL},
      {14, prime, 0xC3BD6BF63DEB6DF0ULL},  {222, 0, 0xB641AE8CB691C174ULL},
      {222, prime, 0x20CB8AB7AE10C14AULL},
  };
  for (const auto& v : vectors)
    EXPECT_EQ(xxh64(std::string_view(buffer).substr(0, v.size), v.seed), v.digest) << v.size << " bytes";
  EXPECT_EQ(xxh64("abc"), 0x44BC2CF5AD770999ULL);
}

TEST(Xxh64, DigestDoesNotDependOnTheCut) {
  const std::string buffer = sanity_buffer(222);
  for (std::size_t cut = 0; cut <= buffer.size(); ++cut) {
    Xxh64 state;
    state.update(buffer.data(), cut);
    state.update(buffer.data() + cut, buffer.size() - cut);
    ASSERT_EQ(state.digest(), 0xB641AE8CB691C174ULL) << cut;
  }
}

TEST(Xxh64, Hexadecimal) { EXPECT_EQ(hexadecimal(0x0123456789abcdefULL), "0123456789abcdef"); }

}  // namespace
}  // namespace ersatz
