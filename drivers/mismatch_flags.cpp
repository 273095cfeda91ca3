#include "mismatch_flags.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace ersatz::driver {

std::vector<double> numbers_between_colons(const std::string& all, const std::string& flag, std::size_t least,
                                           std::size_t most) {
  std::vector<double> values;
  for (std::size_t from = 0; from <= all.size();) {
    const std::size_t to = std::min(all.find(':', from), all.size());
    double value = 0.0;
    const auto [end, error] = std::from_chars(all.data() + from, all.data() + to, value);
    if (error != std::errc() || end != all.data() + to || !std::isfinite(value))
      throw UsageError(text(flag, " ", all, ": '", all.substr(from, to - from), "' is not a number"));
    values.push_back(value);
    from = to + 1;
  }
  if (values.size() < least || values.size() > most)
    throw UsageError(text(flag, " ", all, ": has ", values.size(), " numbers between colons, expected ",
                          least, most > least ? text(" to ", most) : ""));
  return values;
}

void MismatchFlags::add_to(CLI::App& app) {
  const char* group = "Mismatch of complex outputs";
  std::string curves;
  for (const std::string& name : NoiseCurve::names()) curves += name + ", ";
  app.add_option(
         "--noise", noise,
         "Noise curve: " + curves + "psd:FILE or asd:FILE (frequency and S_n or its root); default flat")
      ->group(group);
  app.add_option("--total-mass", total_mass, "Solar masses that turn time in M into seconds")
      ->check(positive())
      ->group(group);
  app.add_option("--band", band,
                 "LOW:HIGH, frequencies that count (hertz; 1 over the axis' unit without a mass)")
      ->group(group);
  app.add_option("--taper", taper, "planck:START:END or tukey:START:END, as shares of the duration")
      ->group(group);
  app.add_option("--maximise", maximise, "none, phase, time-phase (default) or time-phase-polarisation")
      ->group(group);
  app.add_option("--direction", direction,
                 "INCLINATION:AZIMUTH[:POLARISATION] in radians: modes as seen from there")
      ->group(group);
}

bool MismatchFlags::given() const {
  return noise != "flat" || total_mass > 0.0 || !band.empty() || !taper.empty() || maximise != "time-phase" ||
         !direction.empty();
}

MismatchOptions MismatchFlags::options() const {
  MismatchOptions o;
  if (noise.rfind("psd:", 0) == 0)
    o.noise = NoiseCurve::read(noise.substr(4), NoiseCurve::Column::power);
  else if (noise.rfind("asd:", 0) == 0)
    o.noise = NoiseCurve::read(noise.substr(4), NoiseCurve::Column::amplitude);
  else if (noise.find_first_of("./") != std::string::npos)
    throw UsageError(text("--noise ", noise, ": say what the file holds: psd:", noise,
                          " for S_n, asd:", noise, " for its square root"));
  else
    o.noise = NoiseCurve::named(noise);
  o.total_mass = total_mass;
  if (!band.empty()) {
    const auto edges = numbers_between_colons(band, "--band", 2, 2);
    o.low = edges[0];
    o.high = edges[1];
    if (!(o.low >= 0.0) || !(o.high > o.low))
      throw UsageError(text("--band ", band, ": is empty; write LOW:HIGH, as 20:512"));
  }
  if (!taper.empty()) o.taper = taper_from_string(taper);
  o.maximise = maximise_from_string(maximise);
  if (!direction.empty()) {
    const auto angles = numbers_between_colons(direction, "--direction", 2, 3);
    o.direction = Direction{angles[0], angles[1], angles.size() > 2 ? angles[2] : 0.0};
  }
  return o;
}

}  // namespace ersatz::driver
