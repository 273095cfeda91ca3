// C functions of nearest neighbours, kernels and Gaussian processes.
#include "emulator/export/snippets.hpp"

namespace ersatz::c {

std::vector<Snippet> neighbour_snippets() {
  return {
      {"within",
       {},
       R"(/* All points up to a distance (squared unless city_block), in the order of distance and row. */
static int within(const double *z, const double *points, int n, int d, int city_block, double reach,
                  double *distances, double *rows)
{
  int count = 0;
  for (int i = 0; i < n; ++i) {
    double sum = 0.0;
    for (int k = 0; k < d; ++k) {
      const double h = z[k] - points[(size_t)i * (size_t)d + (size_t)k];
      sum += city_block ? fabs(h) : h * h;
    }
    if (!(sum <= reach)) continue;
    distances[count] = sum;
    rows[count++] = i;
  }
  for (int gap = count / 2; gap > 0; gap /= 2)  /* Shell sort */
    for (int i = gap; i < count; ++i) {
      const double distance = distances[i], row = rows[i];
      int at = i;
      for (; at >= gap; at -= gap) {
        const double before = distances[at - gap];
        if (before < distance || (before == distance && rows[at - gap] < row)) break;
        distances[at] = before;
        rows[at] = rows[at - gap];
      }
      distances[at] = distance;
      rows[at] = row;
    }
  return count;
}

)"},
      {"inverse_distance_weights",
       {},
       R"(static void inverse_distance_weights(const double *distances, int used, double *weights)
{
  const double nearest = distances[0];
  double sum = 0.0;
  for (int i = 0; i < used; ++i) {
    weights[i] = nearest > 0.0 ? nearest / distances[i] : distances[i] > 0.0 ? 0.0 : 1.0;
    sum += weights[i];
  }
  for (int i = 0; i < used; ++i) weights[i] /= sum;
}

)"},
      {"uniform_weights", {}, R"(static void uniform_weights(int used, double *weights)
{
  for (int i = 0; i < used; ++i) weights[i] = 1.0 / used;
}

)"},
      {"tricube_weights",
       {"uniform_weights"},
       R"(/* 0 where all neighbours stand at the edge, and count alike. */
static int tricube_weights(const double *distances, int used, double bandwidth, double *weights)
{
  double sum = 0.0;
  for (int i = 0; i < used; ++i) {
    const double rho = bandwidth > 0.0 ? distances[i] / bandwidth : 0.0, c = 1.0 - rho * rho * rho;
    weights[i] = c * c * c;
    sum += weights[i];
  }
  if (!(sum > 0.0)) {
    uniform_weights(used, weights);
    return 0;
  }
  for (int i = 0; i < used; ++i) weights[i] /= sum;
  return 1;
}

)"},
      {"local_linear_weights",
       {"tricube_weights"},
       R"(/* Weights of the plane through the neighbours, at z. work: v (used + v + 1). */
static void local_linear_weights(const double *z, const double *points, int v, const double *distances,
                                 const double *rows, int used, double bandwidth, double *weights, double *work)
{
  double *u = work, *S = u + used * v, *slope = S + v * v;
  int spread = 0;
  if (!tricube_weights(distances, used, bandwidth, weights) || !(bandwidth > 0.0)) return;
  for (int a = 0; a < v; ++a) slope[a] = 0.0;
  for (int a = 0; a < v * v; ++a) S[a] = 0.0;
  for (int i = 0; i < used; ++i)
    for (int a = 0; a < v; ++a) {
      u[i * v + a] = (points[(size_t)rows[i] * (size_t)v + (size_t)a] - z[a]) / bandwidth;
      slope[a] += weights[i] * u[i * v + a];
    }
  for (int i = 0; i < used; ++i) {
    double *ui = u + i * v;
    for (int a = 0; a < v; ++a) ui[a] -= slope[a];
    for (int a = 0; a < v; ++a)
      for (int b = 0; b <= a; ++b) S[a * v + b] += weights[i] * ui[a] * ui[b];
  }
  for (int a = 0; a < v; ++a) {
    const int varies = S[a * v + a] > 1e-30;
    spread = spread || varies;
    if (varies) {
      S[a * v + a] *= 1.0 + 1e-4;
      slope[a] = -slope[a];
      continue;
    }
    for (int i = 0; i < used; ++i) u[i * v + a] = 0.0;
    for (int b = 0; b < v; ++b) S[(a > b ? a : b) * v + (a > b ? b : a)] = b == a ? 1.0 : 0.0;
    slope[a] = 0.0;
  }
  if (!spread) return;
  for (int j = 0; j < v; ++j) {  /* Cholesky factor, then both triangular solves */
    double diagonal = S[j * v + j];
    for (int i = 0; i < j; ++i) {
      double sum = S[j * v + i];
      for (int l = 0; l < i; ++l) sum -= S[j * v + l] * S[i * v + l];
      S[j * v + i] = sum / S[i * v + i];
    }
    for (int l = 0; l < j; ++l) diagonal -= S[j * v + l] * S[j * v + l];
    S[j * v + j] = sqrt(diagonal);
  }
  for (int j = 0; j < v; ++j) {
    for (int l = 0; l < j; ++l) slope[j] -= S[j * v + l] * slope[l];
    slope[j] /= S[j * v + j];
  }
  for (int j = v - 1; j >= 0; --j) {
    for (int l = j + 1; l < v; ++l) slope[j] -= S[l * v + j] * slope[l];
    slope[j] /= S[j * v + j];
  }
  for (int i = 0; i < used; ++i) {
    double tilt = 0.0;
    for (int a = 0; a < v; ++a) tilt += slope[a] * u[i * v + a];
    weights[i] *= 1.0 + tilt;
  }
}

)"},
  };
}

std::vector<Snippet> kernel_snippets() {
  return {
      {"scaled_squares",
       {},
       R"(/* Kernels of two points: c begins with one over the lengths; in: which inputs, null: the first d. */
static double scaled_squares(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0;
  for (int k = 0; k < d; ++k) {
    const int i = in ? in[k] : k;
    const double h = (a[i] - b[i]) * c[k];
    sum += h * h;
  }
  return sum;
}

)"},
      {"squared_exponential",
       {"scaled_squares"},
       R"(static double squared_exponential(const double *a, const double *b, const double *c, const int *in, int d)
{
  return exp(-0.5 * scaled_squares(a, b, c, in, d));
}

)"},
      {"matern12",
       {"scaled_squares"},
       R"(static double matern12(const double *a, const double *b, const double *c, const int *in, int d)
{
  return exp(-sqrt(scaled_squares(a, b, c, in, d)));
}

)"},
      {"matern32",
       {"scaled_squares"},
       R"(static double matern32(const double *a, const double *b, const double *c, const int *in, int d)
{
  const double h = 1.7320508075688772935 * sqrt(scaled_squares(a, b, c, in, d));
  return h > 708.0 ? 0.0 : (1.0 + h) * exp(-h);
}

)"},
      {"matern52",
       {"scaled_squares"},
       R"(static double matern52(const double *a, const double *b, const double *c, const int *in, int d)
{
  const double h = 2.2360679774997896964 * sqrt(scaled_squares(a, b, c, in, d));
  return h > 708.0 ? 0.0 : (1.0 + h * (1.0 + h * (1.0 / 3.0))) * exp(-h);
}

)"},
      {"matern12_product",
       {},
       R"(static double matern12_product(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0;
  for (int k = 0; k < d; ++k) sum += c[k] * fabs(a[in ? in[k] : k] - b[in ? in[k] : k]);
  return sum > 708.0 ? 0.0 : exp(-sum);
}

)"},
      {"matern32_product",
       {},
       R"(static double matern32_product(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0, factor = 1.0;
  for (int k = 0; k < d; ++k) {
    const double h = 1.7320508075688772935 * c[k] * fabs(a[in ? in[k] : k] - b[in ? in[k] : k]);
    sum += h;
    factor *= 1.0 + h;
  }
  return sum > 708.0 ? 0.0 : factor * exp(-sum);
}

)"},
      {"matern52_product",
       {},
       R"(static double matern52_product(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0, factor = 1.0;
  for (int k = 0; k < d; ++k) {
    const double h = 2.2360679774997896964 * c[k] * fabs(a[in ? in[k] : k] - b[in ? in[k] : k]);
    sum += h;
    factor *= 1.0 + h * (1.0 + h * (1.0 / 3.0));
  }
  return sum > 708.0 ? 0.0 : factor * exp(-sum);
}

)"},
      {"power_exponential", {}, R"(/* c: one over the lengths, then the powers. */
static double power_exponential(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0;
  for (int k = 0; k < d; ++k) {
    const double h = fabs(a[in ? in[k] : k] - b[in ? in[k] : k]) * c[k];
    sum += h < 1e-290 ? 0.0 : pow(h, c[d + k]);
  }
  return exp(-sum);
}

)"},
      {"rational_quadratic", {"scaled_squares"}, R"(/* c: one over the lengths, then the shape. */
static double rational_quadratic(const double *a, const double *b, const double *c, const int *in, int d)
{
  const double u = 0.5 / c[d] * scaled_squares(a, b, c, in, d);
  return exp(-c[d] * log1p(u < 1e300 ? u : 1e300));
}

)"},
      {"periodic_kernel", {}, R"(/* c: one over the lengths, then one over the periods. */
static double periodic_kernel(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0;
  for (int k = 0; k < d; ++k) {
    const double turns = (a[in ? in[k] : k] - b[in ? in[k] : k]) * c[d + k];
    const double s = c[k] * sin(3.14159265358979323846 * (turns - floor(turns + 0.5)));
    sum += s * s;
  }
  return exp(-2.0 * sum);
}

)"},
      {"linear_kernel",
       {},
       R"(static double linear_kernel(const double *a, const double *b, const double *c, const int *in, int d)
{
  double sum = 0.0;
  for (int k = 0; k < d; ++k) sum += c[k] * c[k] * (a[in ? in[k] : k] - 0.5) * (b[in ? in[k] : k] - 0.5);
  return sum;
}

)"},
  };
}

std::vector<Snippet> gp_snippets() {
  return {
      {"squared_product", {"dot"}, R"(/* Square of the length of L k, L a lower triangle row by row. */
static double squared_product(const double *L, const double *k, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; ++i) {
    const double y = dot(L, k, (size_t)i + 1);
    sum += y * y;
    L += i + 1;
  }
  return sum;
}

)"},
      {"unexplained_trend",
       {"dot"},
       R"(/* Square of the length of L^-1 (f - A k), L the lower factor (q x q, column by column): what not knowing the
   coefficients of the mean adds to the variance. */
static double unexplained_trend(const double *f, const double *A, const double *k, const double *L, int q, int n,
                                double *missing)
{
  double sum = 0.0;
  for (int i = 0; i < q; ++i) {
    double left = f[i] - dot(A + (size_t)i * (size_t)n, k, (size_t)n);
    for (int j = 0; j < i; ++j) left -= L[j * q + i] * missing[j];
    missing[i] = left / L[i * q + i];
    sum += missing[i] * missing[i];
  }
  return sum;
}

)"},
      {"unexplained_trend_by_inverse",
       {"dot"},
       R"(/* Square of the length of L (f - A k), L a lower triangle (q x q, row by row). */
static double unexplained_trend_by_inverse(const double *f, const double *A, const double *k, const double *L, int q,
                                           int n, double *missing)
{
  double sum = 0.0;
  for (int i = 0; i < q; ++i) {
    double whitened = 0.0;
    missing[i] = f[i] - dot(A + (size_t)i * (size_t)n, k, (size_t)n);
    for (int j = 0; j <= i; ++j) whitened += L[i * q + j] * missing[j];
    sum += whitened * whitened;
  }
  return sum;
}

)"},
      {"condition_on_neighbours",
       {},
       R"(/* From the lower triangle (rows one after the other) of the covariance of m neighbours and, in its last row, of a
   point: weights of the neighbours in the point's mean; returns its variance given them. Neighbours whose variance is
   rounding are left out. */
static double condition_on_neighbours(double *triangle, int m, double *weights)
{
  double variance = 0.0;
  for (int i = 0; i <= m; ++i) {
    double *row = triangle + (size_t)i * (size_t)(i + 1) / 2;
    double s = row[i];
    for (int j = 0; j < i; ++j) {
      const double *other = triangle + (size_t)j * (size_t)(j + 1) / 2;
      double left = row[j];
      for (int k = 0; k < j; ++k) left -= row[k] * other[k];
      row[j] = left * other[j];
      s -= row[j] * row[j];
    }
    row[i] = s > 1e-13 * row[i] ? 1.0 / sqrt(s) : 0.0;
    variance = s;
  }
  for (int j = 0; j < m; ++j) weights[j] = triangle[(size_t)m * (size_t)(m + 1) / 2 + (size_t)j];
  for (int i = m - 1; i >= 0; --i) {
    const double *row = triangle + (size_t)i * (size_t)(i + 1) / 2;
    weights[i] *= row[i];
    for (int k = 0; k < i; ++k) weights[k] -= weights[i] * row[k];
  }
  return variance > 0.0 ? variance : 0.0;
}

)"},
  };
}

}  // namespace ersatz::c
