#define KERNEL_NAMESPACE avx512
#define KERNEL_NAME "avx512"
#include "core/kernels_impl.inc"
