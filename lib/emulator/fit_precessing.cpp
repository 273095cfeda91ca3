#include "emulator/fit_precessing.hpp"

#include <cmath>

#include "emulator/precessing_decoder.hpp"
#include "emulator/runs.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

std::string at_reference(const PrecessingDecoder::Parts& parts, const DecoderData& data) {
  return text(data.outputs[0].axis, " = ", brief(data.axis[parts.reference]));
}

/// The mean of the directions at the reference.
Vector3 common_pole(const PrecessingDecoder::Parts& parts, const DecoderData& data) {
  const PrecessingDecoder decoder(parts);
  std::vector<Vector3> directions;
  Vector3 sum = Vector3::Zero();
  for_each_run(data, [&](Index, const double* x, const double* const* outputs) {
    directions.push_back(decoder.reference_direction(x, outputs));
    sum += directions.back();
  });
  const Vector3 pole = sum.normalized();
  for (std::size_t i = 0; i < directions.size(); ++i)
    if (!(directions[i].dot(pole) > -0.9) || !(pole.norm() > 0.5))
      throw DataError(text("decoder precessing: at the reference, ", at_reference(parts, data),
                           ", the directions of the runs' frames are spread over the whole sphere (run ",
                           data.run(static_cast<Index>(i)),
                           " is opposite to their mean); set 'reference' to a ",
                           "time where the runs are aligned"));
  return pole;
}

/// The mean of the phases at the reference, which are known but for quarters of a turn.
double common_turn(const PrecessingDecoder::Parts& parts, const DecoderData& data) {
  const PrecessingDecoder decoder(parts);
  std::vector<double> phases;
  Complex sum = 0.0;
  for_each_run(data, [&](Index, const double* x, const double* const* outputs) {
    phases.push_back(decoder.reference_phase(x, outputs));
    sum += std::polar(1.0, 4.0 * phases.back());
  });
  const double turn = 0.25 * std::arg(sum);
  for (std::size_t i = 0; i < phases.size(); ++i)
    if (!(std::abs(std::remainder(phases[i] - turn, 0.5 * pi)) < 0.65))
      throw DataError(
          text("decoder precessing: at the reference, ", at_reference(parts, data),
               ", the orbital phase of run ", data.run(static_cast<Index>(i)), " is ",
               brief(std::abs(std::remainder(phases[i] - turn, 0.5 * pi))),
               " rad from the mean, so that phases may differ by quarters of a turn at random; set "
               "'reference' to a time where the runs are aligned"));
  return turn;
}

/// Which of the coorbital pieces are not rounding in some run.
std::array<bool, 10> present_pieces(PrecessingDecoder::Parts parts, const DecoderData& data) {
  parts.has.fill(true);
  const PrecessingDecoder decoder(parts);
  std::array<bool, 10> present{};
  Matrix rows(14, parts.size);  // the direction takes the first three
  std::vector<double*> channels{rows.row(0).data()};
  for (Index k = 3; k < 14; ++k) channels.push_back(rows.row(k).data());
  for_each_run(data, [&](Index, const double* x, const double* const* outputs) {
    decoder.encode(x, outputs, channels.data());
    double largest = 0.0;
    for (int m = 0; m < 5; ++m)
      for (Index i = 0; i < parts.size; ++i)
        largest = std::max(largest, std::hypot(outputs[m][2 * i], outputs[m][2 * i + 1]));
    for (std::size_t k = 0; k < 10; ++k)
      present[k] =
          present[k] || rows.row(static_cast<Index>(k) + 4).cwiseAbs().maxCoeff() > parts.tolerance * largest;
  });
  return present;
}

}  // namespace

DecoderPtr fit_precessing(const Settings& settings, const DecoderData& data) {
  std::set<std::string> known{"reference", "tolerance", "symmetry"};
  const bool symmetry = settings.get("symmetry", false);
  if (symmetry) known.insert(in_plane_angle_settings().begin(), in_plane_angle_settings().end());
  settings.check_known("decoder precessing", known);
  for (const OutputSpec& o : data.outputs)
    if (!o.complex)
      throw UsageError(text("decoder precessing: output '", o.name,
                            "' is real; it needs the five complex modes of l = 2, m = 2, 1, 0, -1, -2"));
  PrecessingDecoder::Parts parts;
  parts.name = data.name;
  for (const OutputSpec& o : data.outputs) parts.outputs.push_back(o.name);
  parts.size = data.outputs[0].size;
  parts.reference = parts.size - 1;
  if (settings.has("reference"))
    (data.axis.array() - settings.get("reference", 0.0)).abs().minCoeff(&parts.reference);
  parts.tolerance = settings.get("tolerance", 1e-12);
  if (!(parts.tolerance >= 0.0 && parts.tolerance < 0.1))
    throw UsageError(
        text("decoder precessing: 'tolerance' must be a number from 0 to below 0.1, got ", parts.tolerance));
  if (symmetry) parts.symmetry = in_plane_angle(settings, data.parameters, "decoder precessing");
  parts.pole = common_pole(parts, data);
  parts.turn = common_turn(parts, data);
  parts.has = present_pieces(parts, data);
  return std::make_shared<PrecessingDecoder>(std::move(parts));
}

}  // namespace ersatz
