// The lines that ship. Wavelength in air (Angstrom), log10 gf, energy of the lower level (eV). From R.
// Kurucz's line list (gfall; Kurucz & Bell 1995, CD-ROM 23), ranked by gf exp(-E/kT) at 10 000 K; Ca II from
// the NIST Atomic Spectra Database.
#include <fstream>
#include <sstream>

#include "ersatz/core/error.hpp"
#include "ersatz/simulators/supernova.hpp"

namespace ersatz {

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

std::vector<SpectralLine> read_lines(const std::string& path) {
  std::ifstream in(path);
  if (!in)
    throw StorageError(
        text(path, ": cannot be opened; expected a table of lines (ion,wavelength,log_gf,lower)"));
  std::vector<SpectralLine> lines;
  std::string row;
  for (int number = 1; std::getline(in, row); ++number) {
    if (!row.empty() && row.back() == '\r') row.pop_back();
    if (row.empty() || row[0] == '#') continue;
    if (number == 1 && row.rfind("ion", 0) == 0) continue;
    std::vector<std::string> fields;
    std::istringstream cells(row);
    for (std::string cell; std::getline(cells, cell, ',');) fields.push_back(cell);
    if (fields.size() != 4)
      throw DataError(text(path, ", line ", number, ": ", fields.size(),
                           " columns, expected ion,wavelength,log_gf,lower"));
    SpectralLine line;
    line.ion = fields[0];
    const auto value = [&](std::size_t column) {
      std::size_t used = 0;
      double v = 0.0;
      try {
        v = std::stod(fields[column], &used);
      } catch (const std::exception&) {
        used = 0;
      }
      if (used == 0 || fields[column].find_first_not_of(" \t", used) != std::string::npos)
        throw DataError(text(path, ", line ", number, ": '", fields[column], "' is not a number"));
      return v;
    };
    line.wavelength = value(1);
    line.log_gf = value(2);
    line.lower = value(3);
    if (!(line.wavelength > 0.0) || !(line.lower >= 0.0))
      throw DataError(
          text(path, ", line ", number, ": wavelength must be positive and the energy not negative"));
    lines.push_back(line);
  }
  if (lines.empty()) throw DataError(text(path, ": holds no lines"));
  return lines;
}

}  // namespace ersatz
