// From the parameters to optical depths, and the two supernova simulators.

#include "ersatz/simulators/supernova.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "sobolev.hpp"

namespace ersatz {
namespace {

// CODATA 2018, exact.
constexpr double boltzmann_in_eV = 8.617333262145e-5;  // eV/K

std::size_t ion_of(const SpectralLine& line) {
  for (std::size_t i = 0; i < supernova_ions.size(); ++i)
    if (line.ion == supernova_ions[i]) return i;
  throw UsageError(
      text("the line list has a line of '", line.ion, "' at ", line.wavelength,
           " Angstrom; the model has optical depths for Si II, S II, Ca II and Fe II only: remove it"));
}

void check(const SupernovaOptions& options) {
  std::array<bool, 4> used{}, has_reference{};
  for (const SpectralLine& line : options.lines) {
    const std::size_t ion = ion_of(line);
    if (!(line.wavelength > 0.0) || !std::isfinite(line.wavelength) || !std::isfinite(line.log_gf) ||
        !std::isfinite(line.lower_energy))
      throw UsageError(text("a line of ", line.ion, " has wavelength ", line.wavelength, ", log gf ",
                            line.log_gf, ", energy ", line.lower_energy,
                            "; expected finite numbers and a positive wavelength"));
    used[ion] = true;
    if (std::abs(line.wavelength - supernova_reference_wavelengths[ion]) < 0.02) has_reference[ion] = true;
  }
  for (std::size_t ion = 0; ion < used.size(); ++ion)
    if (used[ion] && !has_reference[ion])
      throw UsageError(text("the line list has lines of ", supernova_ions[ion],
                            " but not its reference line at ", supernova_reference_wavelengths[ion],
                            " Angstrom, which the optical depth belongs to"));
  if (options.bins < 1) throw UsageError(text("a spectrum needs at least one bin, got ", options.bins));
  if (!(options.wavelength_min > 0.0 && options.wavelength_max > options.wavelength_min) ||
      !std::isfinite(options.wavelength_max))
    throw UsageError(text("the wavelengths must be positive and increase, got ", options.wavelength_min,
                          " to ", options.wavelength_max, " Angstrom"));
  if (!(options.v_max > 0.0 && options.v_max < 0.3 * sobolev::light_speed))
    throw UsageError(text("v_max must be above 0 and below 0.3 c, got ", options.v_max, " km/s"));
  if (options.threads < 1) throw UsageError(text("threads must be at least 1, got ", options.threads));
  if (options.shells < 4 || options.angles < 2 || options.impact_parameters < 4)
    throw UsageError(text("the resolution is too low: ", options.shells, " shells (at least 4), ",
                          options.angles, " angles (at least 2), ", options.impact_parameters,
                          " impact parameters (at least 4)"));
}

void check(const SupernovaParameters& p, const SupernovaOptions& options) {
  const auto positive = [](const char* name, double value, const char* unit) {
    if (!(value > 0.0) || !std::isfinite(value))
      throw UsageError(text(name, " must be positive and finite, got ", value, " ", unit));
  };
  positive("v_phot", p.v_phot, "km/s");
  positive("T_phot", p.T_phot, "K");
  positive("v_e", p.v_e, "km/s");
  positive("T_exc", p.T_exc, "K");
  if (!(p.v_phot < options.v_max))
    throw UsageError(
        text("v_phot = ", p.v_phot, " km/s is not below the envelope's edge at ", options.v_max, " km/s"));
  for (std::size_t i = 0; i < p.log_tau.size(); ++i)
    if (!(p.log_tau[i] < 300.0) || !std::isfinite(p.log_tau[i]))
      throw UsageError(text("the log10 of the optical depth of ", supernova_ions[i],
                            " must be finite and below 300, "
                            "got ",
                            p.log_tau[i]));
}

// ln of gf lambda exp(-E/kT), up to a constant.
double log_strength(const SpectralLine& line, double T_exc) {
  return line.log_gf * std::log(10.0) + std::log(line.wavelength) -
         line.lower_energy / (boltzmann_in_eV * T_exc);
}

std::vector<sobolev::Line> optical_depths(const SupernovaParameters& p, const SupernovaOptions& options) {
  std::array<double, 4> reference{}, distance{1.0, 1.0, 1.0, 1.0};
  for (const SpectralLine& line : options.lines) {
    const std::size_t ion = ion_of(line);
    const double d = std::abs(line.wavelength - supernova_reference_wavelengths[ion]);
    if (d < distance[ion]) {
      distance[ion] = d;
      reference[ion] = log_strength(line, p.T_exc);
    }
  }
  std::vector<sobolev::Line> lines;
  for (const SpectralLine& line : options.lines) {
    const std::size_t ion = ion_of(line);
    const double tau =
        std::exp(p.log_tau[ion] * std::log(10.0) + log_strength(line, p.T_exc) - reference[ion]);
    lines.push_back({line.wavelength, tau});
  }
  return lines;
}

class Supernova final : public Simulator {
 public:
  Supernova(SupernovaOptions options, bool eight) : options_(std::move(options)), eight_(eight) {
    check(options_);
    std::vector<Parameter> parameters = {
        {"v_phot", "km/s", 8000.0, 14000.0}, {"T_phot", "K", 8000.0, 16000.0},
        {"log_tau_SiII", "", 0.0, 1.7},      {"log_tau_SII", "", -0.5, 1.0},
        {"log_tau_CaII", "", 0.5, 2.3},      {"log_tau_FeII", "", -0.5, 1.2}};
    if (eight_) {
      parameters.push_back({"v_e", "km/s", 1000.0, 3000.0});
      parameters.push_back({"T_exc", "K", 7000.0, 12000.0});
    }
    space_ = ParameterSpace(std::move(parameters));
    axes_.push_back({"wavelength", "Angstrom", supernova_wavelengths(options_)});
    outputs_.push_back({"flux", "erg/s/cm^2/Angstrom", "wavelength", options_.bins, false});
  }

  std::string name() const override { return eight_ ? "supernova" : "supernova-6"; }
  std::string description() const override {
    return text(
        "Elementary supernova spectrum: resonance scattering by lines of Si II, S II, Ca II and Fe II in the "
        "Sobolev "
        "approximation above a photosphere that shines as a black body (Jeffery & Branch 1990; Thomas, "
        "Nugent & "
        "Meza 2011, PASP 123, 237; lines of Kurucz & Bell 1995 and NIST). Output: flux at the photosphere "
        "from 3000 "
        "to 10000 Angstrom. Parameters: velocity and temperature of the photosphere, log10 of the optical "
        "depths of "
        "Si II 6347, S II 5454, Ca II 3934 and Fe II 5169 there",
        eight_ ? ", e-folding velocity, and excitation temperature."
               : "; e-folding velocity 1500 km/s and excitation temperature 10000 K are fixed.");
  }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }

  SimulationResult run(const double* x) const override {
    try {
      SupernovaParameters p;
      p.v_phot = x[0];
      p.T_phot = x[1];
      p.log_tau = {x[2], x[3], x[4], x[5]};
      if (eight_) {
        p.v_e = x[6];
        p.T_exc = x[7];
      }
      SimulationResult result;
      result.outputs.push_back(supernova_spectrum(p, options_));
      return result;
    } catch (const std::exception& e) {
      return SimulationResult::failed(e.what());
    }
  }

 private:
  SupernovaOptions options_;
  bool eight_;
  ParameterSpace space_;
  std::vector<Axis> axes_;
  std::vector<OutputSpec> outputs_;
};

}  // namespace

Vector supernova_wavelengths(const SupernovaOptions& options) {
  check(options);
  Vector w(options.bins);
  const double step =
      std::log(options.wavelength_max / options.wavelength_min) / static_cast<double>(options.bins);
  for (Index i = 0; i < options.bins; ++i)
    w[i] = options.wavelength_min * std::exp(step * (static_cast<double>(i) + 0.5));
  return w;
}

Vector supernova_spectrum(const SupernovaParameters& parameters, const SupernovaOptions& options) {
  check(options);
  check(parameters, options);
  const auto executor = make_executor(options.threads);
  const sobolev::Envelope envelope{parameters.v_phot, options.v_max, parameters.v_e, parameters.T_phot};
  Vector flux =
      sobolev::spectrum(envelope, optical_depths(parameters, options), supernova_wavelengths(options),
                        {options.shells, options.angles, options.impact_parameters}, *executor);
  if (!flux.allFinite())
    throw NumericalError("the spectrum is not finite: the parameters are too extreme for double precision");
  return flux;
}

std::shared_ptr<const Simulator> make_supernova(const SupernovaOptions& options) {
  return std::make_shared<Supernova>(options, true);
}

std::shared_ptr<const Simulator> make_supernova6(const SupernovaOptions& options) {
  return std::make_shared<Supernova>(options, false);
}

}  // namespace ersatz
