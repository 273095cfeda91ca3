#pragma once

namespace ersatz {

/// The library's version, "major.minor.patch".
const char* version();

}  // namespace ersatz
