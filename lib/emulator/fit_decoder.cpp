#include <algorithm>
#include <cmath>

#include "core/named_table.hpp"
#include "emulator/decoders.hpp"
#include "emulator/fit_precessing.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

DecoderPtr fit_identity(const Settings& settings, const DecoderData& data) {
  settings.check_known("decoder identity", {});
  return std::make_shared<IdentityDecoder>(
      ChannelShape{data.outputs[0].name, data.outputs[0].size, data.outputs[0].complex});
}

/// Smallest amplitude over the largest of the same row, over all rows.
double amplitude_range(const DecoderData& data) {
  double worst = 1.0;
  for (Index i = 0; i < data.values[0].rows(); ++i) {
    double low = HUGE_VAL, high = 0.0;
    for (Index j = 0; j < data.outputs[0].size; ++j) {
      const double a = std::hypot(data.values[0](i, 2 * j), data.values[0](i, 2 * j + 1));
      low = std::min(low, a);
      high = std::max(high, a);
    }
    worst = std::min(worst, high > 0.0 ? low / high : 0.0);
  }
  return worst;
}

/// Largest phase step between neighbouring bins. Near π, unwrapping is a guess.
double largest_step(const DecoderData& data) {
  double worst = 0.0;
  for (Index i = 0; i < data.values[0].rows(); ++i)
    for (Index j = 1; j < data.outputs[0].size; ++j) {
      const Complex a(data.values[0](i, 2 * j - 2), data.values[0](i, 2 * j - 1));
      const Complex b(data.values[0](i, 2 * j), data.values[0](i, 2 * j + 1));
      worst = std::max(worst, std::abs(std::arg(b * std::conj(a))));
    }
  return worst;
}

/// The mean direction of the phases at a bin, and how far the farthest run is from it.
struct Alignment {
  double turn = 0.0, spread = HUGE_VAL;
};

Alignment alignment_at(const DecoderData& data, Index bin) {
  Complex sum = 0.0;
  for (Index i = 0; i < data.values[0].rows(); ++i) {
    const Complex z(data.values[0](i, 2 * bin), data.values[0](i, 2 * bin + 1));
    sum += z / std::abs(z);
  }
  if (!(std::abs(sum) > 1e-3 * static_cast<double>(data.values[0].rows()))) return {};
  Alignment a{std::arg(sum), 0.0};
  for (Index i = 0; i < data.values[0].rows(); ++i) {
    const Complex z(data.values[0](i, 2 * bin), data.values[0](i, 2 * bin + 1));
    a.spread = std::max(a.spread, std::abs(std::arg(z * std::polar(1.0, -a.turn))));
  }
  return a;
}

/// Beyond this distance from the mean direction (rad), runs may lie on the far side of the branch cut.
constexpr double widest_spread = 2.6;

/// The last bin, as waveforms are aligned there, unless the phases of the runs fill the circle: then the bin
/// where they are closest together.
Index default_reference(const DecoderData& data) {
  Index best = data.outputs[0].size - 1;
  double spread = alignment_at(data, best).spread;
  if (spread < widest_spread) return best;
  for (Index j = 0; j < data.outputs[0].size; ++j)
    if (const double s = alignment_at(data, j).spread; s < spread) {
      spread = s;
      best = j;
    }
  return best;
}

DecoderPtr fit_amplitude_phase(const Settings& settings, const DecoderData& data) {
  settings.check_known("decoder amplitude-phase", {"reference"});
  if (!data.outputs[0].complex)
    throw UsageError(
        text("decoder amplitude-phase: output '", data.outputs[0].name, "' is real; it needs a complex one"));
  const double range = amplitude_range(data);
  if (range < 1e-6)
    throw DataError(text("decoder amplitude-phase: the amplitude of '", data.outputs[0].name, "' falls to ",
                         brief(range),
                         " of its maximum, where a phase is not defined; use the identity decoder"));
  const double step = largest_step(data);
  if (step > 2.8)
    throw DataError(text("decoder amplitude-phase: the phase of '", data.outputs[0].name, "' changes by ",
                         brief(step),
                         " rad from one bin to the next, too much to unwrap; sample the axis more finely"));
  Index reference = 0;
  if (settings.has("reference"))
    (data.axis.array() - settings.get("reference", 0.0)).abs().minCoeff(&reference);
  else
    reference = default_reference(data);
  const Alignment aligned = alignment_at(data, reference);
  if (!settings.has("reference") && !(aligned.spread < widest_spread))
    throw DataError(
        text("decoder amplitude-phase: the phases of '", data.outputs[0].name,
             "' fill the whole circle at every bin, so that runs differ by whole turns at random; "
             "use the identity decoder, or set 'reference' if one bin is aligned all the same"));
  const double turn = aligned.turn;
  return std::make_shared<AmplitudePhaseDecoder>(data.outputs[0].name, data.outputs[0].size, reference, turn);
}

DecoderPtr fit_blackbody(const Settings& settings, const DecoderData& data) {
  settings.check_known("decoder blackbody", {"temperature"});
  const std::string name = settings.get("temperature", "");
  const auto it = std::find(data.parameters.begin(), data.parameters.end(), name);
  if (it == data.parameters.end()) {
    std::string known;
    for (const auto& p : data.parameters) known += (known.empty() ? "" : ", ") + p;
    throw UsageError(text("decoder blackbody: setting 'temperature' must name one of the parameters (", known,
                          "), got '", name, "'"));
  }
  if (data.outputs[0].complex) throw UsageError("decoder blackbody: the output is complex");
  if (!(data.axis.minCoeff() > 0.0))
    throw DataError(text("decoder blackbody: axis '", data.outputs[0].axis,
                         "' must be a wavelength in Angstrom, above 0"));
  const std::vector<std::string> angstrom{"", "Angstrom", "angstrom", "Å", "A", "AA"};
  if (std::find(angstrom.begin(), angstrom.end(), data.axis_unit) == angstrom.end())
    throw DataError(text("decoder blackbody: axis '", data.outputs[0].axis, "' is in ", data.axis_unit,
                         "; it must be a wavelength in Angstrom"));
  const Index column = it - data.parameters.begin();
  if (!(data.x.col(column).minCoeff() > 0.0))
    throw DataError(text("decoder blackbody: temperature '", name, "' must be positive"));
  return std::make_shared<BlackbodyDecoder>(data.outputs[0].name, Vector(data.axis), column);
}

DecoderPtr fit_auto(const Settings& settings, const DecoderData& data) {
  settings.check_known("decoder auto", {});
  if (data.outputs[0].complex && data.outputs[0].size > 1 && amplitude_range(data) > 1e-3 &&
      largest_step(data) < 1.6 && alignment_at(data, default_reference(data)).spread < widest_spread)
    return fit_amplitude_phase({}, data);
  return fit_identity({}, data);
}

struct Fitter {
  const char* name;
  DecoderPtr (*fit)(const Settings&, const DecoderData&);
  std::size_t outputs = 1;  ///< that it makes together
};
constexpr Fitter fitters[] = {{"auto", fit_auto},
                              {"identity", fit_identity},
                              {"amplitude-phase", fit_amplitude_phase},
                              {"blackbody", fit_blackbody},
                              {"precessing", fit_precessing, 5}};

}  // namespace

std::vector<std::string> decoder_names() { return names_in(fitters); }

DecoderPtr fit_decoder(const std::string& name, const Settings& settings, const DecoderData& data) {
  const Fitter& fitter = find_named(fitters, name, "decoder");
  if (data.outputs.size() != fitter.outputs)
    throw UsageError(text(
        "decoder ", name, " makes ", fitter.outputs, fitter.outputs == 1 ? " output" : " outputs together",
        ", '", data.name, "' has ", data.outputs.size(),
        fitter.outputs == 1 ? "" : "; name them in the 'outputs' of a [group] of the recipe"));
  return fitter.fit(settings, data);
}

}  // namespace ersatz
