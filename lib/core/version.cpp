#include "ersatz/version.hpp"

namespace ersatz {

const char* version() { return ERSATZ_VERSION; }

}  // namespace ersatz
