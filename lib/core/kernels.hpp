#pragma once
// The few hot loops of evaluation, compiled once per instruction set and chosen at run time. Plain C arrays,
// no Eigen, no inline templates (one definition rule). Every result has the same bits whatever else is in the
// batch: an element is accumulated over its own terms in one fixed order.

#include <cstddef>

namespace ersatz::kernels {

using Size = std::ptrdiff_t;

/// What one instruction set offers. n is the number of training points; columns of `points` are inputs:
/// points[k * n + i] is input k of point i, already divided by the lengthscale.
struct Table {
  const char* name;

  /// r2[i] = Σ_k (x[k] - points[k n + i])²
  void (*squared_distances)(const double* x, const double* points, Size n, Size d, double* r2);
  /// out[i] = exp(in[i]); below -708 gives 0. Relative error below 3e-16 · 2.
  void (*exponentials)(const double* in, Size n, double* out);
  /// k[i] = exp(-r2[i] / 2), in place.
  void (*squared_exponential)(double* r2, Size n);
  /// k[i] = Π_k (1 + √3 h) exp(-√3 h), h = |x[k] - points[k n + i]|
  void (*matern32_product)(const double* x, const double* points, Size n, Size d, double* k);
  /// k[i] = Π_k (1 + √5 h + 5/3 h²) exp(-√5 h)
  void (*matern52_product)(const double* x, const double* points, Size n, Size d, double* k);
  /// Radial Matérn from squared distances, in place.
  void (*matern32_radial)(double* r2, Size n);
  void (*matern52_radial)(double* r2, Size n);
  /// Σ_i a[i] b[i]
  double (*dot)(const double* a, const double* b, Size n);
  /// out[j] += Σ_k a[k] rows[k m + j] for k = 0 … r-1 in order.
  void (*add_rows)(const double* a, const double* rows, Size r, Size m, double* out);
  /// Σ_i (Σ_{j<=i} L[i n + j] b[j])²: squared norm of a lower triangular product, row major, n × n.
  double (*triangle_norm2)(const double* lower, const double* b, Size n);
};

/// The best table for this processor: "avx512", "avx2" or "generic". The environment variable
/// ERSATZ_INSTRUCTIONS forces one (for tests).
const Table& table();

}  // namespace ersatz::kernels
