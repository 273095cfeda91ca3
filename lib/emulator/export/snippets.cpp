#include "emulator/export/snippets.hpp"

namespace ersatz::c {

const std::vector<Snippet>& snippets() {
  static const std::vector<Snippet> all = [] {
    std::vector<Snippet> joined;
    for (const auto& theme :
         {arithmetic_snippets(), transform_snippets(), polynomial_snippets(), neighbour_snippets(),
          kernel_snippets(), gp_snippets(), decoder_snippets(), precessing_snippets()})
      joined.insert(joined.end(), theme.begin(), theme.end());
    return joined;
  }();
  return all;
}

std::vector<Snippet> arithmetic_snippets() {
  return {
      {"dot", {}, R"(/* Four sums side by side: fewer roundings, and faster. */
static double dot(const double *a, const double *b, size_t n)
{
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  const size_t whole = n - n % 4;
  for (size_t i = 0; i < whole; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (size_t i = whole; i < n; ++i) s0 += a[i] * b[i];
  return (s0 + s1) + (s2 + s3);
}

)"},
      {"add_rows", {}, R"(/* out += c[0] row 0 + c[1] row 1 + ... */
static void add_rows(const double *c, const double *rows, int r, int width, double *out)
{
  for (int k = 0; k < r; ++k) {
    const double *row = rows + (size_t)k * (size_t)width;
    for (int j = 0; j < width; ++j) out[j] += c[k] * row[j];
  }
}

)"},
      {"all_finite", {}, R"(static int all_finite(const double *values, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += values[i] * 0.0;
  return sum == 0.0;
}

)"},
      {"nearest_squared", {}, R"(/* Squared distance to the nearest of n points. */
static double nearest_squared(const double *u, const double *points, int n, int d)
{
  double least = d > 0 ? INFINITY : 0.0;
  for (int i = 0; i < n; ++i) {
    double sum = 0.0;
    for (int k = 0; k < d; ++k) {
      const double h = u[k] - points[(size_t)i * (size_t)d + (size_t)k];
      sum += h * h;
    }
    if (sum < least) least = sum;
  }
  return least;
}

)"},
      {"leaf",
       {},
       R"(/* The value of a tree's leaf where u lies: a node without an input is a leaf, else its left child is next to it. */
static double leaf(const double *u, int node, const int *input, const double *value, const int *right)
{
  while (input[node] >= 0) node = u[input[node]] < value[node] ? node + 1 : right[node];
  return value[node];
}

)"},
      {"neighbours",
       {},
       R"(/* Distances (squared unless city_block) and rows of the points nearest to z, in order; equal ones by row.
   metric: what the points' coordinates are multiplied with, or null. */
static void neighbours(const double *z, const double *points, const double *metric, int n, int d, int city_block,
                       int count, double *distances, double *rows)
{
  int found = 0;
  for (int i = 0; i < n; ++i) {
    double sum = 0.0;
    int at;
    for (int k = 0; k < d; ++k) {
      const double p = points[(size_t)i * (size_t)d + (size_t)k];
      const double h = z[k] - (metric ? p * metric[k] : p);
      sum += city_block ? fabs(h) : h * h;
    }
    if (found == count && !(sum < distances[count - 1])) continue;
    at = found < count ? found++ : count - 1;
    for (; at > 0 && sum < distances[at - 1]; --at) {
      distances[at] = distances[at - 1];
      rows[at] = rows[at - 1];
    }
    distances[at] = sum;
    rows[at] = i;
  }
}

)"},
  };
}

std::vector<Snippet> transform_snippets() {
  return {
      {"diagonal_forward",
       {},
       R"(/* z = (f(y) - shift) / scale; f: 0 identity, 1 log of max(y, argument), 2 asinh(y / argument). */
static void diagonal_forward(int n, const int *f, const double *numbers, const double *y, double *z)
{
  for (int i = 0; i < n; ++i, numbers += 3) {
    double value = y[i];
    if (f[i] == 1) value = log(value > numbers[0] ? value : numbers[0]);
    if (f[i] == 2) value = asinh(value / numbers[0]);
    z[i] = (value - numbers[1]) / numbers[2];
  }
}

)"},
      {"diagonal_inverse",
       {},
       R"(/* y of z = (f(y) - shift) / scale; f: 0 identity, 1 log, 2 asinh(y / argument). */
static void diagonal_inverse(int n, const int *f, const double *numbers, const double *z, double *y)
{
  for (int i = 0; i < n; ++i, numbers += 3) {
    const double value = z[i] * numbers[2] + numbers[1];
    y[i] = f[i] == 0 ? value : f[i] == 1 ? exp(value) : numbers[0] * sinh(value);
  }
}

)"},
      {"diagonal_slope", {}, R"(/* dy / dz of one entry. */
static double diagonal_slope(int f, const double *numbers, double z)
{
  const double value = z * numbers[2] + numbers[1];
  if (f == 0) return numbers[2];
  return f == 1 ? numbers[2] * exp(value) : numbers[2] * numbers[0] * cosh(value);
}

)"},
      {"periodic_forward",
       {},
       R"(/* Columns that are angles become their cosines; their sines are appended. */
static void periodic_forward(int inputs, int count, const int *column, const double *origin_period, const double *y,
                             double *z)
{
  for (int i = 0; i < inputs; ++i) z[i] = y[i];
  for (int c = 0; c < count; ++c) {
    const double angle = 6.28318530717958647692 * (y[column[c]] - origin_period[2 * c]) / origin_period[2 * c + 1];
    z[column[c]] = cos(angle);
    z[inputs + c] = sin(angle);
  }
}

)"},
      {"periodic_inverse",
       {},
       R"(static void periodic_inverse(int inputs, int count, const int *column, const double *origin_period, const double *z,
                             double *y)
{
  for (int i = 0; i < inputs; ++i) y[i] = z[i];
  for (int c = 0; c < count; ++c) {
    double turn = atan2(z[inputs + c], z[column[c]]) / 6.28318530717958647692;
    if (turn < 0.0) turn += 1.0;
    y[column[c]] = origin_period[2 * c] + turn * origin_period[2 * c + 1];
  }
}

)"},
      {"periodic_changes", {}, R"(/* Tangents at z, or (squares) variances of independent entries. */
static void periodic_changes(int inputs, int count, const int *column, const double *origin_period, int squares,
                             const double *z, const double *dz, double *dy)
{
  for (int i = 0; i < inputs; ++i) dy[i] = dz[i];
  for (int c = 0; c < count; ++c) {
    const double co = z[column[c]], si = z[inputs + c], r2 = fmax(co * co + si * si, 1e-300);
    const double factor = origin_period[2 * c + 1] / 6.28318530717958647692 / r2;
    if (squares)
      dy[column[c]] = factor * factor * (co * co * dz[inputs + c] + si * si * dz[column[c]]);
    else
      dy[column[c]] = factor * (co * dz[inputs + c] - si * dz[column[c]]);
  }
}

)"},
      {"in_plane_direction",
       {},
       R"(/* Direction of w1 m1^p chi1 + w2 m2^p chi2 in the plane: cosine and sine; 1 and 0 where that vanishes. */
static void in_plane_direction(const double *x, const int *spins, int mass_ratio, const double *weights, double power,
                               double *direction)
{
  const double q = mass_ratio >= 0 ? x[mass_ratio] : 1.0;
  const double w1 = weights[0] * pow(q / (1.0 + q), power), w2 = weights[1] * pow(1.0 / (1.0 + q), power);
  const double re = w1 * x[spins[0]] + w2 * x[spins[2]], im = w1 * x[spins[1]] + w2 * x[spins[3]];
  const double length = hypot(re, im);
  direction[0] = length > 1e-14 ? re / length : 1.0;
  direction[1] = length > 1e-14 ? im / length : 0.0;
}

)"},
      {"effective_spins",
       {},
       R"(/* chi1z, chi2z, q to chi_hat and chi_a (Khan et al. 2016, arXiv:1508.07253). */
static void effective_spins(const double *in, double *out)
{
  const double q = in[2], m1 = q / (1.0 + q), m2 = 1.0 / (1.0 + q);
  const double common = 38.0 / 113.0 * m1 * m2, norm = 1.0 - common - common;
  out[0] = (m1 - common) / norm * in[0] + (m2 - common) / norm * in[1];
  out[1] = 0.5 * (in[0] - in[1]);
}

)"},
      {"polar", {}, R"(/* x and y to length, cosine and sine of the angle. */
static void polar(const double *in, double *out)
{
  const double length = sqrt(in[0] * in[0] + in[1] * in[1]);
  out[0] = length;
  out[1] = length > 0.0 ? in[0] / length : 1.0;
  out[2] = length > 0.0 ? in[1] / length : 0.0;
}

)"},
      {"exchange", {}, R"(/* Pairs to their means and the products of their half differences. */
static void exchange(int pairs, const double *in, double *out)
{
  double *next = out + pairs;
  for (int i = 0; i < pairs; ++i) out[i] = 0.5 * (in[i] + in[pairs + i]);
  for (int i = 0; i < pairs; ++i)
    for (int j = i; j < pairs; ++j) *next++ = 0.5 * (in[i] - in[pairs + i]) * (0.5 * (in[j] - in[pairs + j]));
}

)"},
      {"rotational_symmetry",
       {"in_plane_direction"},
       R"(/* In-plane spins in the frame turned by their in-plane angle: three components are left. */
static void rotational_symmetry(const double *in, const int *spins, int mass_ratio, const double *weights,
                                double power, double *out)
{
  double d[2];
  in_plane_direction(in, spins, mass_ratio, weights, power, d);
  out[0] = d[0] * in[0] + d[1] * in[1];
  out[1] = d[0] * in[2] + d[1] * in[3];
  out[2] = weights[0] != 0.0 ? d[0] * in[3] - d[1] * in[2] : d[0] * in[1] - d[1] * in[0];
}

)"},
  };
}

std::vector<Snippet> polynomial_snippets() {
  return {
      {"polynomial_family",
       {},
       R"(/* Degrees 0 to `degree` of z: 0 powers, 1 normalised Legendre, 2 normalised Hermite polynomials. */
static void polynomial_family(int family, double z, int degree, double *f)
{
  f[0] = 1.0;
  if (degree > 0) f[1] = z;
  for (int e = 1; e < degree; ++e) {
    const double n = e;
    if (family == 0) f[e + 1] = f[e] * z;
    if (family == 1) f[e + 1] = ((2.0 * n + 1.0) * z * f[e] - n * f[e - 1]) / (n + 1.0);
    if (family == 2) f[e + 1] = (z * f[e] - sqrt(n) * f[e - 1]) / sqrt(n + 1.0);
  }
  if (family == 1)
    for (int e = 1; e <= degree; ++e) f[e] *= sqrt(2.0 * e + 1.0);
}

)"},
      {"polynomials",
       {"polynomial_family"},
       R"(/* Products of polynomials of single inputs, in (x - centre) inverse_scale: product t has the factors begin[t] to
   begin[t + 1], pairs of input and degree. work: d (degree + 1). */
static void polynomials(const double *x, int d, const double *centre, const double *inverse_scale, const int *family,
                        int degree, int count, const int *begin, const int *factors, double *out, double *work)
{
  for (int k = 0; k < d; ++k)
    polynomial_family(family ? family[k] : 0, (x[k] - centre[k]) * inverse_scale[k], degree, work + k * (degree + 1));
  for (int t = 0; t < count; ++t) {
    double product = 1.0;
    for (int f = begin[t]; f < begin[t + 1]; ++f) product *= work[factors[2 * f] * (degree + 1) + factors[2 * f + 1]];
    out[t] = product;
  }
}

)"},
  };
}

}  // namespace ersatz::c
