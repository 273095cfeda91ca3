// C functions of the decoders.
#include "emulator/export/snippets.hpp"

namespace ersatz::c {

std::vector<Snippet> decoder_snippets() {
  return {
      {"amplitude_phase",
       {},
       R"(static void amplitude_phase(int n, double turn, const double *amplitude, const double *phase, double *z)
{
  for (int j = 0; j < n; ++j) {
    z[2 * j] = amplitude[j] * cos(phase[j] + turn);
    z[2 * j + 1] = amplitude[j] * sin(phase[j] + turn);
  }
}

)"},
      {"amplitude_phase_push",
       {},
       R"(static void amplitude_phase_push(int n, double turn, const double *const *rows, int channel, const double *tangent,
                                 double *dz)
{
  for (int j = 0; j < n; ++j) {
    const double c = cos(rows[1][j] + turn), s = sin(rows[1][j] + turn);
    dz[2 * j] = channel == 0 ? c * tangent[j] : -rows[0][j] * s * tangent[j];
    dz[2 * j + 1] = channel == 0 ? s * tangent[j] : rows[0][j] * c * tangent[j];
  }
}

)"},
      {"amplitude_phase_variance",
       {},
       R"(static void amplitude_phase_variance(int n, double turn, const double *const *rows, int channel,
                                     const double *variance, double *v)
{
  for (int j = 0; j < n; ++j) {
    const double c = cos(rows[1][j] + turn), s = sin(rows[1][j] + turn), a2 = rows[0][j] * rows[0][j];
    v[2 * j] += (channel == 0 ? c * c : a2 * s * s) * variance[j];
    v[2 * j + 1] += (channel == 0 ? s * s : a2 * c * c) * variance[j];
  }
}

)"},
      {"blackbody",
       {},
       R"(/* pi times the Planck function in erg/s/cm^2/Angstrom; wavelength in Angstrom, temperature in kelvin. */
static double blackbody(double wavelength, double temperature)
{
  const double h = 6.62607015e-27, k = 1.380649e-16, c = 2.99792458e10;
  const double second = 1e8 * h * c / k, first = 2.0 * h * c * c * 1e40 * 1e-8, w2 = wavelength * wavelength;
  return 3.14159265358979323846 * (first / (w2 * w2 * wavelength * expm1(second / (wavelength * temperature))));
}

)"},
  };
}

std::vector<Snippet> precessing_snippets() {
  return {
      {"spinor", {}, R"(/* The spinor of a direction up to a positive factor, from the pole that is nearer. */
static void spinor(double x, double y, double z, double *u)
{
  const double s = sqrt(x * x + y * y + z * z) + fabs(z);
  const int north = z >= 0.0;
  u[0] = north ? s : x;
  u[1] = north ? 0.0 : -y;
  u[2] = north ? x : s;
  u[3] = north ? y : 0.0;
}

)"},
      {"precessing_start",
       {"spinor"},
       R"(/* Square of the phase against its spinor that the arc from the pole gives the direction v. */
static void precessing_start(const double *pole, const double *v, double *square)
{
  double u[4], p[4], re, im, norm, r = 1.0, i = 0.0;
  spinor(v[0], v[1], v[2], u);
  spinor(pole[0], pole[1], pole[2], p);
  if (pole[2] < 0.0 && (p[0] != 0.0 || p[1] != 0.0)) {
    norm = p[0] * p[0] + p[1] * p[1];
    r = (p[0] * p[0] - p[1] * p[1]) / norm;
    i = -2.0 * p[0] * p[1] / norm;
  }
  re = u[0] * p[0] + u[1] * p[1] + u[2] * p[2] + u[3] * p[3];
  im = u[0] * p[1] - u[1] * p[0] + u[2] * p[3] - u[3] * p[2];
  norm = re * re + im * im;
  square[0] = ((re * re - im * im) * r - 2.0 * re * im * i) / norm;
  square[1] = ((re * re - im * im) * i + 2.0 * re * im * r) / norm;
}

)"},
      {"precessing_sample",
       {"spinor"},
       R"(/* Modes m = 2 ... -2 of one sample. carry: spinor of the neighbour that the frame comes from by a shortest arc, and
   the square of its phase; afterwards those of this sample. p: the coorbital pieces, real and imaginary parts of
   (h22 +- h2-2*)/2, (h21 +- h2-1*)/2, then h20. */
static void precessing_sample(double x, double y, double z, double phase, const double *p, const double *turn,
                              double *carry, double *h)
{
  const double root6 = 2.4494897427831780982;
  const double l = sqrt(x * x + y * y + z * z), f = 1.0 / (2.0 * l * (l + fabs(z)));
  const double tr = turn[0], ti = turn[1], t2r = tr * tr - ti * ti, t2i = 2.0 * tr * ti;
  double u[4], r, m, cr, ci, pr, pi, a, b, c, d, e, g;
  spinor(x, y, z, u);
  r = u[0] * carry[0] + u[1] * carry[1] + u[2] * carry[2] + u[3] * carry[3];
  m = u[0] * carry[1] - u[1] * carry[0] + u[2] * carry[3] - u[3] * carry[2];
  cr = (r * r - m * m) / (r * r + m * m);
  ci = 2.0 * r * m / (r * r + m * m);
  pr = carry[4] * cr - carry[5] * ci;
  pi = carry[4] * ci + carry[5] * cr;
  r = sqrt(pr * pr + pi * pi);
  for (int k = 0; k < 4; ++k) carry[k] = u[k];
  carry[4] = cr = pr / r;
  carry[5] = ci = pi / r;
  pr = f * (cr * cos(phase) + ci * sin(phase));
  pi = f * (ci * cos(phase) - cr * sin(phase));
  {  /* a^2, a b, b^2 of the Cayley-Klein parameters */
    const double aar = u[0] * u[0] - u[1] * u[1], aai = 2.0 * u[0] * u[1];
    const double abr = u[0] * u[2] - u[1] * u[3], abi = u[0] * u[3] + u[1] * u[2];
    const double bbr = u[2] * u[2] - u[3] * u[3], bbi = 2.0 * u[2] * u[3];
    const double ptr = pr * tr - pi * ti, pti = pr * ti + pi * tr;
    const double p2r = pr * t2r - pi * t2i, p2i = pr * t2i + pi * t2r;
    a = aar * pr - aai * pi;
    b = aar * pi + aai * pr;
    c = abr * ptr - abi * pti;
    d = abr * pti + abi * ptr;
    e = bbr * p2r - bbi * p2i;
    g = bbr * p2i + bbi * p2r;
  }
  {
    const double k2r = p[0] + p[2], k2i = p[1] + p[3], m2r = p[0] - p[2], m2i = p[3] - p[1];
    const double aar = a * a - b * b, aai = 2.0 * a * b, ccr = e * e - g * g, cci = 2.0 * e * g;
    const double abr = 2.0 * (a * c - b * d), abi = 2.0 * (a * d + b * c);
    const double bcr = 2.0 * (c * e - d * g), bci = 2.0 * (c * g + d * e);
    const double bbr = root6 * (c * c - d * d), bbi = root6 * 2.0 * c * d;
    h[0] = aar * k2r - aai * k2i + ccr * m2r + cci * m2i;
    h[1] = aar * k2i + aai * k2r + ccr * m2i - cci * m2r;
    h[2] = abr * k2r - abi * k2i - (bcr * m2r + bci * m2i);
    h[3] = abr * k2i + abi * k2r - (bcr * m2i - bci * m2r);
    h[4] = bbr * k2r - bbi * k2i + bbr * m2r + bbi * m2i;
    h[5] = bbr * k2i + bbi * k2r + bbr * m2i - bbi * m2r;
    h[6] = bcr * k2r - bci * k2i - (abr * m2r + abi * m2i);
    h[7] = bcr * k2i + bci * k2r - (abr * m2i - abi * m2r);
    h[8] = ccr * k2r - cci * k2i + aar * m2r + aai * m2i;
    h[9] = ccr * k2i + cci * k2r + aar * m2i - aai * m2r;
  }
  {
    const double k1r = p[4] + p[6], k1i = p[5] + p[7], m1r = p[4] - p[6], m1i = p[7] - p[5];
    const double k0r = p[8], k0i = p[9], height = z / l, half = 0.5 / l;
    const double q = 0.5 * (1.0 + height), s = 0.5 * (1.0 - height);
    const double er = half * (x * tr - y * ti), ei = -half * (y * tr + x * ti);
    const double d2r = -2.0 * (a * er - b * ei), d2i = -2.0 * (a * ei + b * er);
    const double d1r = (q - 3.0 * s) * a, d1i = (q - 3.0 * s) * b;
    const double d0r = root6 * height * c, d0i = root6 * height * d;
    const double c1r = (3.0 * q - s) * e, c1i = (3.0 * q - s) * g;
    const double c2r = 2.0 * (e * er + g * ei), c2i = 2.0 * (g * er - e * ei);
    const double outer_r = root6 * (er * er - ei * ei), outer_i = root6 * 2.0 * er * ei;
    const double inner_r = -root6 * height * er, inner_i = -root6 * height * ei;
    const double middle = q * q - 4.0 * q * s + s * s;
    h[0] += d2r * k1r - d2i * k1i - (c2r * m1r + c2i * m1i) + outer_r * k0r - outer_i * k0i;
    h[1] += d2r * k1i + d2i * k1r - (c2r * m1i - c2i * m1r) + outer_r * k0i + outer_i * k0r;
    h[2] += d1r * k1r - d1i * k1i + c1r * m1r + c1i * m1i + inner_r * k0r - inner_i * k0i;
    h[3] += d1r * k1i + d1i * k1r + c1r * m1i - c1i * m1r + inner_r * k0i + inner_i * k0r;
    h[4] += d0r * k1r - d0i * k1i - (d0r * m1r + d0i * m1i) + middle * k0r;
    h[5] += d0r * k1i + d0i * k1r - (d0r * m1i - d0i * m1r) + middle * k0i;
    h[6] += c1r * k1r - c1i * k1i + d1r * m1r + d1i * m1i - (inner_r * k0r + inner_i * k0i);
    h[7] += c1r * k1i + c1i * k1r + d1r * m1i - d1i * m1r - (inner_r * k0i - inner_i * k0r);
    h[8] += c2r * k1r - c2i * k1i - (d2r * m1r + d2i * m1i) + outer_r * k0r + outer_i * k0i;
    h[9] += c2r * k1i + c2i * k1r - (d2r * m1i - d2i * m1r) + outer_r * k0i - outer_i * k0r;
  }
}

)"},
      {"precessing_modes",
       {"precessing_start", "precessing_sample"},
       R"(/* Five modes at n samples: from the reference outwards, first back, then on. direction: x, then y, then z;
   pieces: ten rows, null where there are none; ones in place of piece `unit` (-1: of none) and no other. */
static void precessing_modes(int n, int reference, const double *pole, const double *direction, const double *phase,
                             const double *const *pieces, int unit, const double *turn, double *const *modes)
{
  double v[3], start[6];
  for (int k = 0; k < 3; ++k) v[k] = direction[k * n + reference];
  spinor(v[0], v[1], v[2], start);
  precessing_start(pole, v, start + 4);
  for (int step = -1; step <= 1; step += 2) {
    double carry[6];
    for (int k = 0; k < 6; ++k) carry[k] = start[k];
    for (int i = step < 0 ? reference : reference + 1; i >= 0 && i < n; i += step) {
      double p[10], h[10];
      for (int k = 0; k < 10; ++k) p[k] = unit >= 0 ? (k == unit ? 1.0 : 0.0) : pieces[k] ? pieces[k][i] : 0.0;
      precessing_sample(direction[i], direction[n + i], direction[2 * n + i], phase[i], p, turn, carry, h);
      for (int m = 0; m < 5; ++m) {
        modes[m][2 * i] = h[2 * m];
        modes[m][2 * i + 1] = h[2 * m + 1];
      }
    }
  }
}

)"},
      {"cross", {}, R"(static void cross(const double *a, const double *b, double *c)
{
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

)"},
      {"rotate_modes",
       {},
       R"(/* -i w.L h: what a rotation of the frame by the vector w (turned about z before) does to the modes of a sample. */
static void rotate_modes(const double *w, const double *turn, const double *h, double *d)
{
  const double step[4] = {2.0, 2.4494897427831780982, 2.4494897427831780982, 2.0};
  const double re = 0.5 * (turn[0] * w[0] - turn[1] * w[1]), im = -0.5 * (turn[0] * w[1] + turn[1] * w[0]);
  for (int m = 0; m < 5; ++m) {
    double r = (2.0 - m) * w[2] * h[2 * m], i = (2.0 - m) * w[2] * h[2 * m + 1];
    if (m < 4) {
      r += step[m] * (re * h[2 * m + 2] - im * h[2 * m + 3]);
      i += step[m] * (re * h[2 * m + 3] + im * h[2 * m + 2]);
    }
    if (m > 0) {
      r += step[m - 1] * (re * h[2 * m - 2] + im * h[2 * m - 1]);
      i += step[m - 1] * (re * h[2 * m - 1] - im * h[2 * m - 2]);
    }
    d[2 * m] = i;
    d[2 * m + 1] = -r;
  }
}

)"},
      {"precessing_unit", {}, R"(/* Direction of length 1 at sample i; returns the length that it had. */
static double precessing_unit(int n, const double *direction, int i, double *v)
{
  const double x = direction[i], y = direction[n + i], z = direction[2 * n + i], l = sqrt(x * x + y * y + z * z);
  v[0] = x / l;
  v[1] = y / l;
  v[2] = z / l;
  return l;
}

)"},
      {"precessing_tangents",
       {"cross", "rotate_modes", "precessing_unit"},
       R"(/* From the modes, in place, to their tangents for a change of the direction or, where that is null, of the phase. */
static void precessing_tangents(int n, int reference, const double *pole, const double *direction,
                                const double *change, const double *angle, const double *turn, double *const *modes)
{
  for (int step = -1; step <= 1; step += 2) {
    double before[3], d_before[3] = {0.0, 0.0, 0.0}, c[3], twist = 0.0, cosine = 0.0;
    const double length = precessing_unit(n, direction, reference, before);
    cross(before, pole, c);
    for (int k = 0; k < 3; ++k) {
      if (change) d_before[k] = change[k * n + reference] / length;
      twist += d_before[k] * c[k];
      cosine += before[k] * pole[k];
    }
    twist /= 1.0 + cosine;
    for (int i = step < 0 ? reference : reference + 1; i >= 0 && i < n; i += step) {
      double v[3], d[3] = {0.0, 0.0, 0.0}, w[3], h[10], dh[10];
      const double l = precessing_unit(n, direction, i, v);
      if (change) {
        double more = 0.0;
        cross(v, before, c);
        cosine = 0.0;
        for (int k = 0; k < 3; ++k) {
          d[k] = change[k * n + i] / l;
          more += (d[k] + d_before[k]) * c[k];
          cosine += v[k] * before[k];
        }
        twist += more / (1.0 + cosine);
        for (int k = 0; k < 3; ++k) {
          before[k] = v[k];
          d_before[k] = d[k];
        }
      }
      cross(v, d, w);
      for (int k = 0; k < 3; ++k) w[k] += (change ? twist : angle[i]) * v[k];
      for (int m = 0; m < 5; ++m) {
        h[2 * m] = modes[m][2 * i];
        h[2 * m + 1] = modes[m][2 * i + 1];
      }
      rotate_modes(w, turn, h, dh);
      for (int m = 0; m < 5; ++m) {
        modes[m][2 * i] = dh[2 * m];
        modes[m][2 * i + 1] = dh[2 * m + 1];
      }
    }
  }
}

)"},
      {"precessing_rotation_variance",
       {"cross", "rotate_modes", "precessing_unit"},
       R"(/* Adds weight times the squares of what a unit rotation about w does to the modes of sample i. */
static void add_rotation_variance(const double *w, const double *turn, double *const *modes, int i, double weight,
                                  double *const *variances)
{
  double h[10], d[10];
  for (int m = 0; m < 5; ++m) {
    h[2 * m] = modes[m][2 * i];
    h[2 * m + 1] = modes[m][2 * i + 1];
  }
  rotate_modes(w, turn, h, d);
  for (int m = 0; m < 5; ++m) {
    variances[m][2 * i] += weight * d[2 * m] * d[2 * m];
    variances[m][2 * i + 1] += weight * d[2 * m + 1] * d[2 * m + 1];
  }
}

/* Independent variances of the entries of the direction (channel 0) or the phase (channel 1). */
static void precessing_rotation_variance(int n, int reference, const double *pole, const double *direction,
                                         int channel, const double *variance, const double *turn,
                                         double *const *modes, double *const *variances)
{
  for (int step = -1; step <= 1; step += 2) {
    double before[3], arc[3], gathered = 0.0, cosine = 0.0, last = precessing_unit(n, direction, reference, before);
    cross(before, pole, arc);
    for (int k = 0; k < 3; ++k) cosine += before[k] * pole[k];
    for (int k = 0; k < 3; ++k) arc[k] /= 1.0 + cosine;
    for (int i = step < 0 ? reference : reference + 1; i >= 0 && i < n; i += step) {
      double v[3], next[3], w[3];
      const double length = precessing_unit(n, direction, i, v);
      if (channel == 1) {
        add_rotation_variance(v, turn, modes, i, variance[i], variances);
        continue;
      }
      if (i != reference) {
        cross(v, before, next);
        cosine = 0.0;
        for (int k = 0; k < 3; ++k) cosine += v[k] * before[k];
        for (int k = 0; k < 3; ++k) {
          double both;
          next[k] /= 1.0 + cosine;
          both = (arc[k] + next[k]) / last;
          gathered += both * both * variance[k * n + i - step];
          arc[k] = next[k];
          before[k] = v[k];
        }
        last = length;
      }
      add_rotation_variance(v, turn, modes, i, gathered, variances);
      for (int k = 0; k < 3; ++k) {
        double unit[3] = {0.0, 0.0, 0.0};
        unit[k] = 1.0;
        cross(v, unit, w);
        for (int j = 0; j < 3; ++j) w[j] = (w[j] + arc[k] * v[j]) / length;
        add_rotation_variance(w, turn, modes, i, variance[k * n + i], variances);
      }
    }
  }
}

)"},
  };
}

}  // namespace ersatz::c
