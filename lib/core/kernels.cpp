#include "core/kernels.hpp"

#include <cstdlib>
#include <string_view>

namespace ersatz::kernels {

namespace generic {
extern const Table the_table;
}
#if defined(ERSATZ_X86)
namespace avx2 {
extern const Table the_table;
}
namespace avx512 {
extern const Table the_table;
}
#endif

namespace {

const Table& choose() {
#if defined(ERSATZ_X86)
  const char* wish = std::getenv("ERSATZ_INSTRUCTIONS");
  const std::string_view want = wish ? wish : "";
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512bw");
  if (want == "generic") return generic::the_table;
  if (has_avx512 && want != "avx2") return avx512::the_table;
  if (has_avx2) return avx2::the_table;
#endif
  return generic::the_table;
}

}  // namespace

const Table& table() {
  static const Table& chosen = choose();
  return chosen;
}

}  // namespace ersatz::kernels
