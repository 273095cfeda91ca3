// What a definition of the mismatch is called, and the harmonics of its direction.

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/mismatch.hpp"

namespace ersatz {
namespace {

struct Named {
  const char* name;
  Maximise value;
  const char* words;
};
constexpr Named maximisations[] = {
    {"none", Maximise::none, "nothing"},
    {"phase", Maximise::phase, "phase"},
    {"time-phase", Maximise::time_phase, "time and phase"},
    {"time-phase-polarisation", Maximise::time_phase_polarisation, "time, phase and polarisation"}};

}  // namespace

Maximise maximise_from_string(std::string_view name) {
  std::string known;
  for (const Named& n : maximisations) {
    if (name == n.name) return n.value;
    known += (known.empty() ? "" : ", ") + std::string(n.name);
  }
  throw UsageError(text("a mismatch cannot be maximised over '", name, "'; there are: ", known));
}

std::string to_string(Maximise maximise) {
  for (const Named& n : maximisations)
    if (maximise == n.value) return n.words;
  return {};
}

MismatchTerms describe(const MismatchOptions& o) {
  MismatchTerms terms{o.noise.name(), to_string(o.maximise), {}};
  const auto add = [&terms](const std::string& part) {
    terms.settings += (terms.settings.empty() ? "" : ", ") + part;
  };
  if (o.low > 0.0 || std::isfinite(o.high))
    add(std::isfinite(o.high) ? text("frequencies ", o.low, " to ", o.high)
                              : text("frequencies from ", o.low));
  if (o.total_mass > 0.0) add(text(o.total_mass, " solar masses"));
  if (o.taper.shape != Taper::Shape::none) add(to_string(o.taper));
  if (o.direction) {
    add(text("seen at inclination ", o.direction->inclination, ", azimuth ", o.direction->azimuth));
    if (o.maximise == Maximise::time_phase_polarisation)
      add(text("polarisation of the truth ", o.direction->polarisation));
  }
  return terms;
}

Complex spin_weighted_harmonic(Index l, Index m, double inclination, double azimuth) {
  if (l < 2 || l > 20 || std::abs(m) > l)
    throw UsageError(text("there is no harmonic of spin weight -2 with l = ", l, ", m = ", m,
                          "; l must be 2 to 20 and |m| at most l"));
  const auto factorial = [](Index n) { return std::tgamma(static_cast<double>(n) + 1.0); };
  const double c = std::cos(0.5 * inclination), s = std::sin(0.5 * inclination);
  // Wigner's d^l_{m 2}, as in Ajith et al., Eq. II.8.
  double d = 0.0;
  for (Index k = std::max<Index>(0, m - 2); k <= std::min(l + m, l - 2); ++k)
    d += (k % 2 ? -1.0 : 1.0) /
         (factorial(l + m - k) * factorial(l - 2 - k) * factorial(k) * factorial(k + 2 - m)) *
         std::pow(c, static_cast<double>(2 * l + m - 2 - 2 * k)) *
         std::pow(s, static_cast<double>(2 * k + 2 - m));
  d *= std::sqrt(factorial(l + m) * factorial(l - m) * factorial(l + 2) * factorial(l - 2));
  return std::sqrt((2.0 * static_cast<double>(l) + 1.0) / (4.0 * 3.14159265358979323846)) * d *
         std::polar(1.0, static_cast<double>(m) * azimuth);
}

}  // namespace ersatz
