#define KERNEL_NAMESPACE generic
#define KERNEL_NAME "generic"
#include "core/kernels_impl.inc"
