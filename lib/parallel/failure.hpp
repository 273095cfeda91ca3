#pragma once
// An exception as bytes, on its way to other ranks.

#include <exception>

#include "ersatz/core/executor.hpp"

namespace ersatz::parallel {

/// The error's class (those of core/error.hpp; anything else becomes Error) and message. Never empty.
Bytes encode_failure(const std::exception_ptr& error);
/// Throws it again; `prefix` goes in front of the message.
[[noreturn]] void throw_failure(const Bytes& failure, const std::string& prefix = {});

}  // namespace ersatz::parallel
