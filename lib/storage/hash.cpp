#include "ersatz/storage/hash.hpp"

#include "storage/xxh64.hpp"

namespace ersatz {

std::string hash_text(std::string_view text) { return hexadecimal(xxh64(text)); }

}  // namespace ersatz
