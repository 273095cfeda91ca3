// Modes of the orbit, and the two waveform simulators.

#include "ersatz/simulators/waveform.hpp"

#include <cmath>
#include <utility>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr const char* mode_names[5] = {"h22", "h21", "h20", "h2m1", "h2m2"};

class Waveform final : public Simulator {
 public:
  Waveform(InspiralOptions options, bool aligned, bool all_modes)
      : options_(options), aligned_(aligned), modes_(aligned && !all_modes ? 1 : 5) {
    if (options.times < 2) throw UsageError(text("a waveform needs at least two times, got ", options.times));
    axes_.push_back({"time", "M", Vector::LinSpaced(options.times, options.start, 0.0)});
    for (Index k = 0; k < modes_; ++k)
      outputs_.push_back({mode_names[k], "M/r", "time", options.times, true});
    if (aligned)
      space_ = ParameterSpace({{"q", "", 1.0, 4.0}, {"chi1z", "", -0.8, 0.8}, {"chi2z", "", -0.8, 0.8}});
    else
      space_ = ParameterSpace({{"q", "", 1.0, 4.0},
                               {"chi1x", "", -0.8, 0.8},
                               {"chi1y", "", -0.8, 0.8},
                               {"chi1z", "", -0.8, 0.8},
                               {"chi2x", "", -0.8, 0.8},
                               {"chi2y", "", -0.8, 0.8},
                               {"chi2z", "", -0.8, 0.8}},
                              {{{1, 2, 3}, 0.8}, {{4, 5, 6}, 0.8}});
  }

  std::string name() const override { return aligned_ ? "waveform-aligned" : "waveform"; }
  std::string description() const override {
    const std::string physics =
        "post-Newtonian inspiral of two black holes, SpinTaylorT4 (Buonanno et al. 2009, arXiv:0907.0700; "
        "Marsat "
        "et al. 2013, arXiv:1307.6793; Racine et al. 2009, arXiv:0812.4413), on times from -4500 M to the "
        "reference at M omega_orb = 0.06. G = c = M = 1.";
    if (aligned_)
      return "Spins along the orbital angular momentum: " + physics +
             " Parameters q = m1/m2 and the dimensionless spins chi1z, chi2z. Output: the complex mode h22.";
    return "Precessing " + physics +
           " Parameters q = m1/m2 and both dimensionless spin vectors at the reference, where Lhat = z and "
           "the "
           "separation is along x. Outputs: the complex modes h22, h21, h20, h2-1, h2-2 in that fixed frame.";
  }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }

  SimulationResult run(const double* x) const override {
    try {
      const Binary binary = aligned_ ? Binary{x[0], {0.0, 0.0, x[1]}, {0.0, 0.0, x[2]}}
                                     : Binary{x[0], {x[1], x[2], x[3]}, {x[4], x[5], x[6]}};
      const ComplexMatrix modes = quadrupole_modes(evolve(binary, options_));
      SimulationResult result;
      for (Index k = 0; k < modes_; ++k) {
        Vector row(2 * modes.rows());
        for (Index i = 0; i < modes.rows(); ++i) {
          row[2 * i] = modes(i, k).real();
          row[2 * i + 1] = modes(i, k).imag();
        }
        result.outputs.push_back(std::move(row));
      }
      return result;
    } catch (const std::exception& e) {
      return SimulationResult::failed(e.what());
    }
  }

 private:
  InspiralOptions options_;
  bool aligned_;
  Index modes_;
  ParameterSpace space_;
  std::vector<Axis> axes_;
  std::vector<OutputSpec> outputs_;
};

}  // namespace

// h_2m = sum over m' of D^2_mm'(R) h^cop_2m' with R = (e1, Lhat × e1, Lhat). For m' = ±2, D depends on the
// Cayley-Klein parameters u11, u21 of R through u11^2, u11 u21 and u21^2 only, which are polynomials in the
// elements of R: regular everywhere, and free of the sign of a quaternion.
ComplexMatrix quadrupole_modes(const Inspiral& orbit) {
  const Index n = orbit.v.size();
  ComplexMatrix modes(n, 5);
  const double root6 = std::sqrt(6.0);
  for (Index i = 0; i < n; ++i) {
    const double x1 = orbit.e1(i, 0), y1 = orbit.e1(i, 1), z1 = orbit.e1(i, 2);
    const double lx = orbit.lhat(i, 0), ly = orbit.lhat(i, 1), lz = orbit.lhat(i, 2);
    const double x2 = ly * z1 - lz * y1, y2 = lz * x1 - lx * z1, z2 = lx * y1 - ly * x1;
    const Complex a(0.5 * (x1 + y2), -0.5 * (y1 - x2));   // u11^2
    const Complex b(-0.5 * z1, -0.5 * z2);                // u11 u21
    const Complex c(-0.5 * (x1 - y2), -0.5 * (x2 + y1));  // u21^2
    const double amplitude = -8.0 * std::sqrt(pi / 5.0) * orbit.eta * orbit.v[i] * orbit.v[i];
    const Complex plus = std::polar(1.0, -2.0 * orbit.phase[i]) * amplitude, minus = std::conj(plus);
    modes(i, 0) = a * a * plus + std::conj(c * c) * minus;
    modes(i, 1) = 2.0 * (a * b * plus - std::conj(b * c) * minus);
    modes(i, 2) = root6 * (b * b * plus + std::conj(b * b) * minus);
    modes(i, 3) = 2.0 * (b * c * plus - std::conj(a * b) * minus);
    modes(i, 4) = c * c * plus + std::conj(a * a) * minus;
  }
  return modes;
}

Complex spin_weighted_harmonic(int m, double theta, double phi) {
  const double c = std::cos(theta), s = std::sin(theta);
  double y = 0.0;
  switch (m) {
    case 2:
      y = std::sqrt(5.0 / (64.0 * pi)) * (1.0 + c) * (1.0 + c);
      break;
    case 1:
      y = std::sqrt(5.0 / (16.0 * pi)) * s * (1.0 + c);
      break;
    case 0:
      y = std::sqrt(15.0 / (32.0 * pi)) * s * s;
      break;
    case -1:
      y = std::sqrt(5.0 / (16.0 * pi)) * s * (1.0 - c);
      break;
    case -2:
      y = std::sqrt(5.0 / (64.0 * pi)) * (1.0 - c) * (1.0 - c);
      break;
    default:
      throw UsageError(text("the harmonics of l = 2 have m from -2 to 2, got ", m));
  }
  return std::polar(1.0, m * phi) * y;
}

ComplexVector strain(const ComplexMatrix& modes, double theta, double phi) {
  if (modes.cols() != 5)
    throw UsageError(text("the strain needs the five modes of l = 2, got ", modes.cols(), " columns"));
  ComplexVector h = ComplexVector::Zero(modes.rows());
  for (int k = 0; k < 5; ++k) h += modes.col(k) * spin_weighted_harmonic(2 - k, theta, phi);
  return h;
}

std::shared_ptr<const Simulator> make_waveform(const InspiralOptions& options) {
  return std::make_shared<Waveform>(options, false, true);
}

std::shared_ptr<const Simulator> make_waveform_aligned(const InspiralOptions& options, bool all_modes) {
  return std::make_shared<Waveform>(options, true, all_modes);
}

}  // namespace ersatz
