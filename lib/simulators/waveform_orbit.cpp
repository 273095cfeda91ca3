// The orbit: SpinTaylorT4 equations, integrated with Boost.Odeint.

#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/simulators/waveform.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double euler_gamma = 0.57721566490153286061;

using Vec3 = std::array<double, 3>;

double dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

// v, phase, Lhat, e1, S1, S2.
using State = std::array<double, 14>;
enum Offset : std::size_t { at_v = 0, at_phase = 1, at_lhat = 2, at_e1 = 5, at_spin1 = 8, at_spin2 = 11 };

Vec3 part(const State& y, Offset offset) { return {y[offset], y[offset + 1], y[offset + 2]}; }
void put(State& y, Offset offset, const Vec3& a) {
  for (std::size_t k = 0; k < 3; ++k) y[offset + k] = a[k];
}

// The coefficients that depend on the masses only, and the right-hand side.
class SpinTaylorT4 {
 public:
  explicit SpinTaylorT4(double q) : m_{q / (1.0 + q), 1.0 / (1.0 + q)}, eta_(m_[0] * m_[1]) {
    const double e = eta_;
    // Buonanno et al. 2009, Eq. 3.6.
    a2_ = -743.0 / 336.0 - 11.0 / 4.0 * e;
    a3_ = 4.0 * pi;
    a4_ = 34103.0 / 18144.0 + 13661.0 / 2016.0 * e + 59.0 / 18.0 * e * e;
    a5_ = -(4159.0 / 672.0 + 189.0 / 8.0 * e) * pi;
    a6_ = 16447322263.0 / 139708800.0 + 16.0 / 3.0 * pi * pi - 1712.0 / 105.0 * euler_gamma +
          (451.0 / 48.0 * pi * pi - 56198689.0 / 217728.0) * e + 541.0 / 896.0 * e * e -
          5605.0 / 2592.0 * e * e * e - 856.0 / 105.0 * std::log(16.0);
    l6_ = -1712.0 / 105.0;
    a7_ = -(4415.0 / 4032.0 - 358675.0 / 6048.0 * e - 91495.0 / 1512.0 * e * e) * pi;
    for (std::size_t i = 0; i < 2; ++i) {
      const double m = m_[i];
      so3_[i] = -19.0 / 6.0 - 25.0 / (4.0 * m);
      so5_[i] = -809.0 / (84.0 * m) + 13795.0 / 1008.0 - 527.0 * m / 24.0 - 79.0 * m * m / 6.0;
      r5_[i] = 1.5 - m - 0.5 * m * m;
      r7_[i] = 9.0 / 8.0 - m / 2.0 + 7.0 * m * m / 12.0 - 7.0 * m * m * m / 6.0 - m * m * m * m / 24.0;
    }
  }

  double eta() const { return eta_; }
  const std::array<double, 2>& masses() const { return m_; }

  void operator()(const State& y, State& dydt, double t) const {
    const double v = y[at_v];
    if (!(v > 0.0 && v < 1.0))
      throw NumericalError(text("the inspiral left the post-Newtonian regime at t = ", brief(t),
                                " M: v = ", brief(v), ", expected between 0 and 1"));
    const Vec3 lhat = part(y, at_lhat), e1 = part(y, at_e1);
    const std::array<Vec3, 2> spin = {part(y, at_spin1), part(y, at_spin2)};
    const double s1 = dot(spin[0], lhat), s2 = dot(spin[1], lhat);
    const double v2 = v * v, v3 = v2 * v, v4 = v2 * v2, v5 = v4 * v, v6 = v3 * v3, v7 = v6 * v;

    const double spin3 = so3_[0] * s1 + so3_[1] * s2;
    const double spin5 = so5_[0] * s1 + so5_[1] * s2;
    const double spin4 = (-247.0 * dot(spin[0], spin[1]) + 721.0 * s1 * s2) / (48.0 * eta_) +
                         (-233.0 * dot(spin[0], spin[0]) + 719.0 * s1 * s1) / (96.0 * m_[0] * m_[0]) +
                         (-233.0 * dot(spin[1], spin[1]) + 719.0 * s2 * s2) / (96.0 * m_[1] * m_[1]);
    const double series = 1.0 + a2_ * v2 + (a3_ + spin3) * v3 + (a4_ + spin4) * v4 + (a5_ + spin5) * v5 +
                          (a6_ + l6_ * std::log(v)) * v6 + a7_ * v7;
    if (!(series > 0.0))
      throw NumericalError(text("the orbit does not shrink at t = ", brief(t), " M, v = ", brief(v),
                                ": the post-Newtonian series has broken down"));
    dydt[at_v] = 32.0 / 5.0 * eta_ * v5 * v4 * series;
    dydt[at_phase] = v3;

    const double r1 = v5 * r5_[0] + v7 * r7_[0] - 1.5 * v6 * (s2 + m_[1] / m_[0] * s1);
    const double r2 = v5 * r5_[1] + v7 * r7_[1] - 1.5 * v6 * (s1 + m_[0] / m_[1] * s2);
    const Vec3 l_s1 = cross(lhat, spin[0]), l_s2 = cross(lhat, spin[1]), s2_s1 = cross(spin[1], spin[0]);
    const double inverse_L = v / (eta_ * (1.0 + (1.5 + eta_ / 6.0) * v2));
    Vec3 dlhat;
    for (std::size_t k = 0; k < 3; ++k) {
      const double ds1 = r1 * l_s1[k] + 0.5 * v6 * s2_s1[k];
      const double ds2 = r2 * l_s2[k] - 0.5 * v6 * s2_s1[k];
      dydt[at_spin1 + k] = ds1;
      dydt[at_spin2 + k] = ds2;
      dlhat[k] = -(ds1 + ds2) * inverse_L;
    }
    put(dydt, at_lhat, dlhat);
    put(dydt, at_e1, cross(cross(lhat, dlhat), e1));
  }

 private:
  std::array<double, 2> m_;
  double eta_;
  double a2_, a3_, a4_, a5_, a6_, l6_, a7_;
  std::array<double, 2> so3_, so5_, r5_, r7_;
};

void check(const Binary& binary, const InspiralOptions& options) {
  if (!(binary.q > 0.0) || !std::isfinite(binary.q))
    throw UsageError(text("the mass ratio q must be positive and finite, got ", binary.q));
  for (const auto* chi : {&binary.chi1, &binary.chi2}) {
    const double length = std::sqrt(dot(*chi, *chi));
    if (!(length <= 1.0 + 1e-12))
      throw UsageError(text(
          "a dimensionless spin must not be longer than 1: ", chi == &binary.chi1 ? "chi1" : "chi2", " = (",
          brief((*chi)[0]), ", ", brief((*chi)[1]), ", ", brief((*chi)[2]), ") has length ", brief(length)));
  }
  if (options.times < 2) throw UsageError(text("an inspiral needs at least two times, got ", options.times));
  if (!(options.start < 0.0) || !std::isfinite(options.start))
    throw UsageError(text("the inspiral's start must be before 0, got ", options.start, " M"));
  if (!(options.reference_frequency > 0.0 && options.reference_frequency < 1.0))
    throw UsageError(
        text("the reference frequency must be between 0 and 1, got ", options.reference_frequency));
  if (!(options.tolerance > 0.0 && options.tolerance < 0.1))
    throw UsageError(text("the integration tolerance must be between 0 and 0.1, got ", options.tolerance));
}

}  // namespace

Inspiral evolve(const Binary& binary, const InspiralOptions& options) {
  namespace odeint = boost::numeric::odeint;
  check(binary, options);
  const SpinTaylorT4 equations(binary.q);
  const Index n = options.times;

  State y{};
  y[at_v] = std::cbrt(options.reference_frequency);
  put(y, at_lhat, {0.0, 0.0, 1.0});
  put(y, at_e1, {1.0, 0.0, 0.0});
  for (std::size_t k = 0; k < 3; ++k) {
    y[at_spin1 + k] = equations.masses()[0] * equations.masses()[0] * binary.chi1[k];
    y[at_spin2 + k] = equations.masses()[1] * equations.masses()[1] * binary.chi2[k];
  }

  Inspiral orbit;
  orbit.eta = equations.eta();
  orbit.time = Vector(n);
  orbit.v = Vector(n);
  orbit.phase = Vector(n);
  orbit.lhat = Matrix(n, 3);
  orbit.e1 = Matrix(n, 3);
  orbit.spin1 = Matrix(n, 3);
  orbit.spin2 = Matrix(n, 3);
  std::vector<double> backwards(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i)
    backwards[static_cast<std::size_t>(i)] =
        options.start * static_cast<double>(i) / static_cast<double>(n - 1);

  Index row = n;
  const auto observe = [&](const State& state, double t) {
    --row;
    orbit.time[row] = t;
    orbit.v[row] = state[at_v];
    orbit.phase[row] = state[at_phase];
    for (Index k = 0; k < 3; ++k) {
      const auto at = static_cast<std::size_t>(k);
      orbit.lhat(row, k) = state[at_lhat + at];
      orbit.e1(row, k) = state[at_e1 + at];
      orbit.spin1(row, k) = state[at_spin1 + at];
      orbit.spin2(row, k) = state[at_spin2 + at];
    }
  };
  // A step that shrinks for ever is stopped by Odeint; one that stays tiny, here.
  const Index most_calls = 20000 * 13 + 100 * 13 * n;
  Index calls = 0;
  const auto rhs = [&](const State& state, State& dydt, double t) {
    if (++calls > most_calls)
      throw NumericalError(text("the inspiral was not finished after ", calls, " evaluations, at t = ",
                                brief(t), " M; loosen the tolerance (now ", options.tolerance, ")"));
    equations(state, dydt, t);
  };
  // Static: zeroed before Odeint copies its scratch arrays.
  static const odeint::runge_kutta_fehlberg78<State> method{};
  // Steps are bounded so that no trial step leaves the regime of the equations (negative: backwards).
  const double first_step = -10.0, longest_step = -100.0;
  const auto stepper = odeint::make_controlled(options.tolerance, options.tolerance, longest_step, method);
  try {
    odeint::integrate_times(stepper, rhs, y, backwards.begin(), backwards.end(),
                            std::max(backwards[1], first_step), observe);
  } catch (const odeint::odeint_error& e) {
    throw NumericalError(text("the inspiral cannot be integrated to t = ", options.start, " M: ", e.what()));
  }
  const auto finite = [](const auto& a) { return a.allFinite(); };
  if (!finite(orbit.v) || !finite(orbit.phase) || !finite(orbit.lhat) || !finite(orbit.e1))
    throw NumericalError("the inspiral became infinite or undefined on the way to its start");
  return orbit;
}

}  // namespace ersatz
