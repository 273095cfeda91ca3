#define KERNEL_NAMESPACE avx2
#define KERNEL_NAME "avx2"
#include "core/kernels_impl.inc"
