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
  if (const char* wish = std::getenv("ERSATZ_INSTRUCTIONS"))
    if (const Table* found = table_named(wish)) return *found;
  for (const char* name : {"avx512", "avx2"})
    if (const Table* found = table_named(name)) return *found;
  return generic::the_table;
}

}  // namespace

const Table& table() {
  static const Table& chosen = choose();
  return chosen;
}

const Table* table_named(const char* name) {
  const std::string_view want = name;
  if (want == "generic") return &generic::the_table;
#if defined(ERSATZ_X86)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512bw");
  if (want == "avx2" && has_avx2) return &avx2::the_table;
  if (want == "avx512" && has_avx512) return &avx512::the_table;
#endif
  return nullptr;
}

}  // namespace ersatz::kernels
