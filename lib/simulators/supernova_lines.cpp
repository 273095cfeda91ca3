// The line list that ships, and the reader for others.

#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

#include "ersatz/core/error.hpp"
#include "ersatz/simulators/supernova.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> cells(std::string_view line) {
  std::vector<std::string_view> result;
  for (;;) {
    const auto comma = line.find(',');
    result.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return result;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace

// Si II, S II, Fe II: Kurucz & Bell 1995, CD-ROM 23 (gfall), ranked by gf exp(-E/kT) at 10 000 K. Ca II: NIST
// Atomic Spectra Database. Wavelengths in air.
const std::vector<SpectralLine>& supernova_lines() {
  static const std::vector<SpectralLine> lines = {
      {"Ca II", 3933.66, 0.135, 0.000},   {"Ca II", 3968.47, -0.180, 0.000},
      {"Ca II", 8498.02, -1.312, 1.692},  {"Ca II", 8542.09, -0.362, 1.700},
      {"Ca II", 8662.14, -0.623, 1.692},  {"Fe II", 4173.46, -2.180, 2.583},
      {"Fe II", 4178.86, -2.480, 2.583},  {"Fe II", 4233.17, -2.000, 2.583},
      {"Fe II", 4303.18, -2.490, 2.705},  {"Fe II", 4351.77, -2.100, 2.705},
      {"Fe II", 4508.29, -2.210, 2.856},  {"Fe II", 4522.63, -2.030, 2.844},
      {"Fe II", 4549.47, -1.750, 2.828},  {"Fe II", 4555.89, -2.290, 2.828},
      {"Fe II", 4583.84, -2.020, 2.807},  {"Fe II", 4629.34, -2.370, 2.807},
      {"Fe II", 4923.93, -1.320, 2.891},  {"Fe II", 5018.44, -1.220, 2.891},
      {"Fe II", 5169.03, -0.870, 2.891},  {"Fe II", 5197.58, -2.100, 3.231},
      {"Fe II", 5234.62, -2.050, 3.222},  {"Fe II", 5276.00, -1.940, 3.200},
      {"Fe II", 5316.61, -1.850, 3.153},  {"S II", 4815.55, 0.177, 13.673},
      {"S II", 4924.11, -0.059, 13.619},  {"S II", 5009.57, -0.094, 13.619},
      {"S II", 5032.43, 0.282, 13.673},   {"S II", 5212.27, 0.658, 15.070},
      {"S II", 5212.62, 0.658, 15.070},   {"S II", 5428.65, -0.012, 13.586},
      {"S II", 5432.80, 0.311, 13.619},   {"S II", 5453.85, 0.557, 13.673},
      {"S II", 5606.15, 0.156, 13.735},   {"S II", 5639.98, 0.330, 14.069},
      {"S II", 5640.35, 0.147, 13.703},   {"S II", 5647.02, 0.110, 14.004},
      {"S II", 5660.00, -0.073, 13.679},  {"Si II", 2904.28, -0.300, 9.838},
      {"Si II", 2905.69, -0.140, 9.840},  {"Si II", 3853.66, -1.517, 6.858},
      {"Si II", 3856.02, -0.557, 6.860},  {"Si II", 3862.59, -0.817, 6.858},
      {"Si II", 4128.05, 0.316, 9.838},   {"Si II", 4130.89, 0.476, 9.840},
      {"Si II", 5041.02, 0.291, 10.068},  {"Si II", 5055.98, 0.593, 10.075},
      {"Si II", 5957.56, -0.301, 10.068}, {"Si II", 5978.93, 0.004, 10.075},
      {"Si II", 6347.11, 0.297, 8.122},   {"Si II", 6371.37, -0.003, 8.122},
  };
  return lines;
}

std::vector<SpectralLine> read_line_list(const std::string& path) {
  std::istringstream in(read_whole_file(path));
  constexpr std::string_view header = "ion,wavelength,log_gf,E_lower";
  std::vector<SpectralLine> lines;
  std::string raw;
  bool header_seen = false;
  for (Index row = 1; std::getline(in, raw); ++row) {
    const std::string_view line = trimmed(std::string_view(raw).substr(0, raw.find('#')));
    if (line.empty()) continue;
    const auto parts = cells(line);
    if (parts.size() != 4)
      throw DataError(text(path, ", line ", row, ": ", parts.size(), " columns, expected 4: ", header));
    if (!header_seen) {
      header_seen = true;
      if (parts[0] == "ion" && parts[1] == "wavelength" && parts[2] == "log_gf" && parts[3] == "E_lower")
        continue;
      throw DataError(text(path, ", line ", row, ": the header is '", line, "', expected ", header));
    }
    const auto number = [&](std::size_t column, std::string_view name) {
      std::string_view s = parts[column];
      if (!s.empty() && s.front() == '+') s.remove_prefix(1);
      double value = 0.0;
      const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
      if (error != std::errc() || end != s.data() + s.size() || !std::isfinite(value))
        throw DataError(
            text(path, ", line ", row, ": ", name, " is '", parts[column], "', expected a number"));
      return value;
    };
    lines.push_back(
        {std::string(parts[0]), number(1, "wavelength"), number(2, "log_gf"), number(3, "E_lower")});
    if (!(lines.back().wavelength > 0.0))
      throw DataError(
          text(path, ", line ", row, ": wavelength is ", lines.back().wavelength, ", expected above 0"));
    if (!(lines.back().lower_energy >= 0.0))
      throw DataError(
          text(path, ", line ", row, ": E_lower is ", lines.back().lower_energy, ", expected at least 0"));
  }
  if (lines.empty()) throw DataError(text("the line list '", path, "' holds no lines"));
  return lines;
}

}  // namespace ersatz
