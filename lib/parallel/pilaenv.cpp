// ScaLAPACK's own knob for the width of the panels that its matrix products take at once (its PILAENV,
// "logical computational block size", meant to be set at installation). Distributions ship 32: each product
// then passes over the whole of a local matrix for 32 columns, which is bound by memory, not by arithmetic.
// Wider panels than 128 take memory and gain little. The definition here comes before the library's in the
// order in which symbols are looked up.
#include <cstddef>

extern "C" int pilaenv_(const int* context, const char* precision, std::size_t length);

int pilaenv_(const int* /*context*/, const char* /*precision*/, std::size_t /*length*/) { return 128; }
