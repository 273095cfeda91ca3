#pragma once

#include <string>
#include <string_view>

namespace ersatz {

/// XXH64 of a text as 16 hexadecimal digits: tells recipes and data apart, no protection against forgery.
std::string hash_text(std::string_view text);

}  // namespace ersatz
