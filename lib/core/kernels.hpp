#pragma once
// The few hot loops of evaluation, compiled once per instruction set and chosen at run time. Plain C arrays,
// no Eigen, no inline templates (one definition rule). Every result has the same bits whatever else is in the
// batch: an element is accumulated over its own terms in one fixed order.

#include <cstddef>

namespace ersatz::kernels {

using Size = std::ptrdiff_t;

/// What one instruction set offers. n is the number of training points and d that of inputs; columns of
/// `points` are inputs: points[k * stride + i] is input k of point i. `scale` holds one factor for each input
/// (one over the lengthscale).
struct Table {
  const char* name;

  /// r2[i] = Σ_k (x[k] - points[k n + i])²
  void (*squared_distances)(const double* x, const double* points, Size n, Size d, double* r2);
  /// r2[i] = Σ_k (scale[k] (x[k] - points[k stride + i]))²
  void (*scaled_squared_distances)(const double* x, const double* points, Size stride, Size n, Size d,
                                   const double* scale, double* r2);
  /// out[i] = exp(in[i]); below -708 gives 0. Within 2 units in the last place.
  void (*exponentials)(const double* in, Size n, double* out);

  // Radial correlations from squared distances, in place, and their slopes f = -2 dk/d(r²): the derivative
  // by the logarithm of length k is f (scale[k] h)², that by x[k] is -f scale[k]² h, h = x[k] - points[…].
  /// exp(-r² / 2); it is its own slope.
  void (*squared_exponential)(double* r2, Size n);
  /// exp(-r); slope exp(-r) / r, finite but huge at r = 0, where the differences that it multiplies are 0
  void (*matern12_radial)(double* r2, Size n);
  void (*matern12_slope)(double* r2, Size n);
  /// (1 + √3 r) exp(-√3 r); slope 3 exp(-√3 r)
  void (*matern32_radial)(double* r2, Size n);
  void (*matern32_slope)(double* r2, Size n);
  /// (1 + √5 r + 5/3 r²) exp(-√5 r); slope 5/3 (1 + √5 r) exp(-√5 r)
  void (*matern52_radial)(double* r2, Size n);
  void (*matern52_slope)(double* r2, Size n);
  /// out[k] = Σ_i f[i] h², or Σ_i f[i] h, with h = x[k] - points[k stride + i].
  void (*weighted_squares)(const double* x, const double* points, Size stride, Size n, Size d,
                           const double* f, double* out);
  void (*weighted_differences)(const double* x, const double* points, Size stride, Size n, Size d,
                               const double* f, double* out);

  /// k[i] = Π_k exp(-h), h = scale[k] |x[k] - points[k stride + i]|
  void (*matern12_product)(const double* x, const double* points, Size stride, Size n, Size d,
                           const double* scale, double* k);
  /// k[i] = Π_k (1 + h) exp(-h), h = √3 scale[k] |x[k] - points[k stride + i]|
  void (*matern32_product)(const double* x, const double* points, Size stride, Size n, Size d,
                           const double* scale, double* k);
  /// k[i] = Π_k (1 + h + h²/3) exp(-h), h = √5 scale[k] |x[k] - points[k stride + i]|
  void (*matern52_product)(const double* x, const double* points, Size stride, Size n, Size d,
                           const double* scale, double* k);
  /// As weighted_squares (power 2) and weighted_differences (power 1), each term times the one-dimensional
  /// slope over the one-dimensional correlation: 1 / h, 3 / (1 + h), and 5/3 (1 + h) / (1 + h + h²/3).
  void (*matern12_product_weighted)(const double* x, const double* points, Size stride, Size n, Size d,
                                    const double* scale, const double* f, int power, double* out);
  void (*matern32_product_weighted)(const double* x, const double* points, Size stride, Size n, Size d,
                                    const double* scale, const double* f, int power, double* out);
  void (*matern52_product_weighted)(const double* x, const double* points, Size stride, Size n, Size d,
                                    const double* scale, const double* f, int power, double* out);

  /// out[k n + i] = f[i] h, h = x[k] - points[k stride + i]
  void (*scaled_differences)(const double* x, const double* points, Size stride, Size n, Size d,
                             const double* f, double* out);
  /// The same times that slope ratio.
  void (*matern12_product_slopes)(const double* x, const double* points, Size stride, Size n, Size d,
                                  const double* scale, const double* f, double* out);
  void (*matern32_product_slopes)(const double* x, const double* points, Size stride, Size n, Size d,
                                  const double* scale, const double* f, double* out);
  void (*matern52_product_slopes)(const double* x, const double* points, Size stride, Size n, Size d,
                                  const double* scale, const double* f, double* out);

  /// k[i] = exp(-Σ_k t), t = (scale[k] |x[k] - points[k stride + i]|)^power[k]; 0^power is 0.
  void (*power_exponential)(const double* x, const double* points, Size stride, Size n, Size d,
                            const double* scale, const double* power, double* k);
  /// lengths[k] = Σ_i f[i] power[k] t, powers[k] = -Σ_i f[i] t log t: with f = w k the derivatives
  /// by the logarithms of length and power.
  void (*power_exponential_weighted)(const double* x, const double* points, Size stride, Size n, Size d,
                                     const double* scale, const double* power, const double* f,
                                     double* lengths, double* powers);
  /// out[k] = Σ_i f[i] power[k] t / (x[k] - points[…]), 0 where points meet.
  void (*power_exponential_differences)(const double* x, const double* points, Size stride, Size n, Size d,
                                        const double* scale, const double* power, const double* f,
                                        double* out);

  /// k[i] = exp(-2 Σ_k (scale[k] sin π t)²), t = frequency[k] (x[k] - points[k stride + i])
  void (*periodic)(const double* x, const double* points, Size stride, Size n, Size d, const double* scale,
                   const double* frequency, double* k);
  /// squares[k] = Σ_i f[i] sin² π t, turned[k] = Σ_i f[i] t sin π t cos π t, products[k] = the same without
  /// t.
  void (*periodic_weighted)(const double* x, const double* points, Size stride, Size n, Size d,
                            const double* frequency, const double* f, double* squares, double* turned,
                            double* products);

  /// (1 + u)^-shape, u = r² / (2 shape), in place
  void (*rational_quadratic)(double* r2, Size n, double shape);
  /// r2 becomes the slope (1 + u)^(-shape - 1), by_shape[i] the derivative by log shape.
  void (*rational_quadratic_slopes)(double* r2, Size n, double shape, double* by_shape);

  /// Σ_i a[i] b[i]
  double (*dot)(const double* a, const double* b, Size n);
  /// out[j] += Σ_k a[k] rows[k m + j] for k = 0 … r-1 in order.
  void (*add_rows)(const double* a, const double* rows, Size r, Size m, double* out);
  /// out[v m + j] = offset[j] + Σ_k a[v r + k] rows[k m + j] in the order of k, for q vectors a; the offset
  /// is for the first `shifted` vectors alone. And the same with rows[…]².
  void (*rows_product)(const double* a, Size q, Size r, const double* rows, Size m, const double* offset,
                       Size shifted, double* out);
  void (*squares_product)(const double* a, Size q, Size r, const double* rows, Size m, const double* offset,
                          Size shifted, double* out);
  /// out[v stride_out + o] = Σ_i a[o stride_a + i] b[v stride_b + i], p vectors a by q vectors b; not in the
  /// order of `dot`.
  void (*dots)(const double* a, Size p, Size stride_a, const double* b, Size q, Size stride_b, Size n,
               double* out, Size stride_out);
  /// y[i] = z[i] scale[i] + shift[i], and the exponential of that; infinite above 709, 0 below -708.
  void (*affine)(const double* z, const double* scale, const double* shift, Size n, double* y);
  void (*affine_exponentials)(const double* z, const double* scale, const double* shift, Size n, double* y);
  /// out[j d + k] = a[j] rows[k m + j]
  void (*interleaved_products)(const double* a, const double* rows, Size d, Size m, double* out);
  /// Whether no value is NaN or infinite.
  bool (*finite_row)(const double* v, Size n);
  /// y = L b for q vectors b (vector v at b + v stride, y likewise); L lower triangular in panels of
  /// panel_rows rows, see panels_size. b and y have panels_rounded(n) entries; those of b past n are zero.
  void (*panels_product)(const double* panels, const double* b, Size stride, Size n, Size q, double* y);

  /// out[v n + i] = Σ_k (x[v d + k] - points[k stride + i])², or Σ_k |…|, for q vectors x; n a multiple of
  /// distance_points.
  void (*squared_distance_rows)(const double* x, Size q, const double* points, Size stride, Size n, Size d,
                                double* out);
  void (*absolute_distance_rows)(const double* x, Size q, const double* points, Size stride, Size n, Size d,
                                 double* out);

  /// Cholesky factors of eight n × n matrices at once, in place: see lanes_index. The diagonal of L becomes
  /// one over itself. A pivot that is not above `floor` times its diagonal element is rounding: 0 takes its
  /// place, which drops that row and column from all that follows. pivot[l]: what was left of the last
  /// diagonal element.
  void (*lanes_factor)(double* a, Size n, double floor, double* pivot);
  /// L z = b and Lᵀ z = b in place, with such factors; b[8 i + l].
  void (*lanes_forward)(const double* a, Size n, double* b);
  void (*lanes_backward)(const double* a, Size n, double* b);

  /// sin(in[i]) and cos(in[i]) within 2 units in the last place (of 1 near zeros) where |in[i]| < 1e6.
  void (*sines_cosines)(const double* in, Size n, double* sine, double* cosine);

  /// Modes of l = 2 (m = 2 … -2, interleaved) of `count` <= frame_tile neighbouring samples of a precessing
  /// waveform: the coorbital ones, turned by `phase` about the z axis of a frame and with this frame into the
  /// fixed one. The frame's z axis is `direction` (three arrays, of any length > 0). It is carried by
  /// shortest arcs from the neighbour before the first sample, or after the last one when `backwards`;
  /// `carry` holds that neighbour's direction and the square of its phase against its spinor (see decoder
  /// "precessing"), and afterwards those of the tile's end. Last, all is turned about z by the angle whose
  /// cosine and sine `turn` holds, and the orbit turned back by as much. pieces: real and imaginary parts of
  /// (h22 ± h2-2*)/2, (h21 ± h2-1*)/2 and h20 in the coorbital frame; null: zero.
  void (*precessing_modes)(const double* const* direction, const double* phase, const double* const* pieces,
                           Size count, bool backwards, double* carry, const double* turn,
                           double* const* modes);
  /// From the modes of such a tile, in place, to their tangents: for a `change` of the direction, carried
  /// along (carry: direction, its change, both over the direction's length, and the twist about it), or,
  /// where that is null, of the phase by `angle`.
  void (*rotation_tangents)(const double* const* direction, const double* const* change, const double* angle,
                            Size count, bool backwards, double* carry, const double* turn,
                            double* const* modes);
  /// For one vector y = L b, with the bits of panels_product, and z = Lᵀ y, panels_rounded(n) each; L is read
  /// from afar once.
  void (*panels_twice)(const double* panels, const double* b, Size n, double* y, double* z);
};

constexpr Size frame_tile = 256;

/// Eight lower triangles side by side, row by row: where element (i, j), j <= i, of the first one stands; the
/// others follow. The leading rows of a triangle are a triangle.
constexpr Size lane_count = 8;
constexpr Size lanes_index(Size i, Size j) { return lane_count * (i * (i + 1) / 2 + j); }
constexpr Size lanes_size(Size n) { return lanes_index(n, 0); }

constexpr Size distance_points = 16;

/// A lower triangle in panels: rows 8 g … 8 g + 7 over their first 8 (g + 1) columns, column by column, with
/// zeros above the diagonal and past the last row. Half the memory of a square, read in one stream.
constexpr Size panel_rows = 8;
constexpr Size panels_rounded(Size n) { return (n + panel_rows - 1) / panel_rows * panel_rows; }
constexpr Size panels_size(Size n) {
  const Size groups = panels_rounded(n) / panel_rows;
  return panel_rows * panel_rows * groups * (groups + 1) / 2;
}
/// Where element (i, j), j <= i, stands.
constexpr Size panels_index(Size i, Size j) {
  const Size g = i / panel_rows;
  return panel_rows * panel_rows * g * (g + 1) / 2 + j * panel_rows + i % panel_rows;
}

/// The best table for this processor: "avx512", "avx2" or "generic". The environment variable
/// ERSATZ_INSTRUCTIONS forces one (for tests).
const Table& table();
/// A named table, or null when this processor cannot run it (or the name is unknown).
const Table* table_named(const char* name);

}  // namespace ersatz::kernels
