// Sobolev spectra: limits, an independent quadrature of one line, a Monte Carlo twin, convergence, golden
// numbers.
#include "ersatz/simulators/supernova.hpp"
#include "ersatz/core/planck.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "ersatz/core/random.hpp"
#include "golden.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double c = 299792.458;
constexpr double v_max = 30000.0;

const SupernovaParameters typical{11000.0, 12000.0, {0.85, 0.25, 1.4, 0.35}, 1500.0, 10000.0};

double relative_l2(const Vector& a, const Vector& b) { return (a - b).norm() / b.norm(); }

TEST(Supernova, WithoutLinesThereIsTheBareContinuum) {
  SupernovaOptions options;
  options.lines.clear();
  for (const double T : {8000.0, 16000.0}) {
    SupernovaParameters p = typical;
    p.T_phot = T;
    const Vector flux = supernova_spectrum(p, options), wavelengths = supernova_wavelengths();
    ASSERT_EQ(flux.size(), 1000);
    for (Index i = 0; i < flux.size(); ++i)
      EXPECT_NEAR(flux[i] / (pi * planck_function(wavelengths[i], T)), 1.0, 1e-12);
  }
  EXPECT_NEAR(supernova_wavelengths()[0], 3000.0 * std::pow(10.0 / 3.0, 0.0005), 1e-9);
  EXPECT_NEAR(supernova_wavelengths()[999], 3000.0 * std::pow(10.0 / 3.0, 0.9995), 1e-9);
}

TEST(Supernova, PlanckFunctionHasItsIntegralAndItsPeak) {
  // Stefan & Boltzmann: pi ∫ B = sigma T^4, sigma = 5.670374419e-5 erg/s/cm^2/K^4 (CODATA 2018); Wien's
  // displacement 2.897771955e7 Angstrom K.
  const double T = 9000.0;
  double sum = 0.0;
  const int n = 20000;
  for (int i = 0; i < n; ++i) {  // ln lambda from 1e2 to 1e8 Angstrom
    const double w = 1e2 * std::pow(1e6, (i + 0.5) / n);
    sum += planck_function(w, T) * w * std::log(1e6) / n;
  }
  EXPECT_NEAR(pi * sum / (5.670374419e-5 * std::pow(T, 4)), 1.0, 1e-7);
  const double peak = 2.897771955e7 / T;
  EXPECT_GT(planck_function(peak, T), planck_function(peak * 1.001, T));
  EXPECT_GT(planck_function(peak, T), planck_function(peak * 0.999, T));
}

// One line, written without any of the library's machinery: midpoint rules with very many nodes.
double p_cygni(double wavelength, double line, double tau, const SupernovaParameters& m) {
  const double z = c * (1.0 - wavelength / line);
  const auto source = [&](double r) {
    const double edge = std::sqrt(1.0 - m.v_phot * m.v_phot / (r * r));
    double sum = 0.0;
    for (int i = 0; i < 20; ++i) {  // the Planck function is nearly linear over the cone
      const double mu = edge + (1.0 - edge) * (i + 0.5) / 20;
      sum += planck_function(line * (1.0 - r * mu / c), m.T_phot) / 20;
    }
    return 0.5 * sum * (1.0 - edge);
  };
  double flux = 0.0;
  const int n = 40000;
  for (int i = 0; i < n; ++i) {
    const double p = v_max * (i + 0.5) / n, r = std::hypot(p, z);
    const bool lit = p < m.v_phot;
    double I = lit ? planck_function(wavelength, m.T_phot) : 0.0;
    const bool before =
        lit && z < std::sqrt(m.v_phot * m.v_phot - p * p);  // within or behind the photosphere
    if (r > m.v_phot && r < v_max && !before) {
      const double passed = std::exp(-tau * std::exp(-(r - m.v_phot) / m.v_e));
      I = I * passed + source(r) * (1.0 - passed);
    }
    flux += 2.0 * pi / (m.v_phot * m.v_phot) * I * p * v_max / n;
  }
  return flux;
}

TEST(Supernova, WeakAndStrongLineAgreeWithADirectQuadrature) {
  SupernovaOptions options;
  options.lines = {{"Si II", 6347.11, 0.297, 8.122}};
  options.bins = 29;
  options.wavelength_min = 5700.0;
  options.wavelength_max = 7000.0;
  const Vector wavelengths = supernova_wavelengths(options);
  for (const double log_tau : {-1.5, 1.7}) {
    SupernovaParameters p = typical;
    p.log_tau[0] = log_tau;
    p.v_e = 2500.0;
    const Vector flux = supernova_spectrum(p, options);
    double deepest = 1.0, highest = 1.0;
    for (Index i = 0; i < flux.size(); ++i) {
      const double expected = p_cygni(wavelengths[i], 6347.11, std::pow(10.0, log_tau), p);
      EXPECT_NEAR(flux[i] / expected, 1.0, 1e-4) << wavelengths[i] << " " << log_tau;
      const double ratio = flux[i] / (pi * planck_function(wavelengths[i], p.T_phot));
      deepest = std::min(deepest, ratio);
      highest = std::max(highest, ratio);
    }
    if (log_tau > 0.0) {  // absorption at the blue side, emission at the red one
      EXPECT_LT(deepest, 0.6);
      EXPECT_GT(highest, 1.2);
    }
  }
}

// A Monte Carlo twin: packets instead of intensities. I_lambda carries no factors of 1 ± v/c, so a packet
// keeps its weight through a scattering, and only its wavelength label changes: in resonance with line l at r
// it was labelled lambda_l (1 - r mu/c) and leaves with lambda_l (1 - r mu'/c). The rays that meet l within a
// volume element have d lambda = lambda_l dz/c in every direction, so equal weights in and isotropic
// directions out are exactly S = 1/2 ∫ I dmu. Packets leave the photosphere with the labels of B_lambda and
// the cosine law.
std::vector<double> packets(const SupernovaParameters& m, const std::vector<std::pair<double, double>>& lines,
                            int n, const std::vector<double>& edges, double blue, double red) {
  std::vector<double> cumulative{0.0};
  const int cells = 4000;
  for (int i = 0; i < cells; ++i)
    cumulative.push_back(cumulative.back() +
                         planck_function(blue + (red - blue) * (i + 0.5) / cells, m.T_phot));
  std::vector<double> counts(edges.size() - 1, 0.0);
  RandomStream random(42);
  for (int k = 0; k < n; ++k) {
    const double pick = random.uniform() * cumulative.back();
    const auto cell = std::upper_bound(cumulative.begin(), cumulative.end(), pick) - cumulative.begin() - 1;
    double wavelength = blue + (red - blue) * (static_cast<double>(cell) + random.uniform()) / cells;
    double r = m.v_phot, mu = std::sqrt(random.uniform());
    bool absorbed = false;
    std::size_t next = 0;
    for (bool flying = true; flying;) {
      flying = false;
      const double z0 = r * mu, p2 = r * r * (1.0 - mu * mu);
      const bool returns = mu < 0.0 && p2 < m.v_phot * m.v_phot;
      const double end = returns ? -std::sqrt(m.v_phot * m.v_phot - p2) : std::sqrt(v_max * v_max - p2);
      absorbed = returns;
      for (; next < lines.size(); ++next) {
        const double z = c * (1.0 - wavelength / lines[next].first);
        if (z <= z0) continue;
        if (z >= end) break;
        const double at = std::sqrt(p2 + z * z);
        if (random.uniform() < std::exp(-lines[next].second * std::exp(-(at - m.v_phot) / m.v_e))) continue;
        r = at;
        mu = 2.0 * random.uniform() - 1.0;
        wavelength = lines[next].first * (1.0 - r * mu / c);
        ++next;
        flying = true;
        break;
      }
    }
    if (absorbed || wavelength < edges.front() || wavelength >= edges.back()) continue;
    const auto bin = std::upper_bound(edges.begin(), edges.end(), wavelength) - edges.begin() - 1;
    counts[static_cast<std::size_t>(bin)] += 1.0;
  }
  for (double& count : counts) count /= n;  // of the flux that left the photosphere between blue and red
  return counts;
}

TEST(Supernova, AgreesWithAMonteCarloTwin) {
  SupernovaParameters p{9000.0, 11000.0, {1.4, 0.9, 2.1, 1.1}, 2500.0, 10000.0};
  SupernovaOptions options;
  std::vector<std::pair<double, double>> lines;
  for (const SpectralLine& line : options.lines) {
    std::size_t ion = 0;
    while (line.ion != supernova_ions[ion]) ++ion;
    const auto strength = [&](const SpectralLine& l) {
      return std::pow(10.0, l.log_gf) * l.wavelength * std::exp(-l.lower_energy / (8.617333262e-5 * p.T_exc));
    };
    double reference = 0.0;
    for (const SpectralLine& l : options.lines)
      if (l.wavelength == supernova_reference_wavelengths[ion]) reference = strength(l);
    lines.emplace_back(line.wavelength, std::pow(10.0, p.log_tau[ion]) * strength(line) / reference);
  }
  std::sort(lines.begin(), lines.end());

  const int bins = 50, fine = 40, n = 1000000;
  options.bins = bins * fine;
  const Vector flux = supernova_spectrum(p, options), wavelengths = supernova_wavelengths(options);
  const double step = std::log(10.0 / 3.0) / static_cast<double>(options.bins);
  std::vector<double> edges, expected(bins, 0.0), bare(bins, 0.0);
  for (int i = 0; i <= bins; ++i) edges.push_back(3000.0 * std::exp(step * fine * i));
  // Wider than the spectrum by the largest shift, twice: light travels redwards from line to line.
  const double blue = 2200.0, red = 13000.0;
  double total = 0.0;
  for (int i = 0; i < 4000; ++i)
    total += pi * planck_function(blue + (red - blue) * (i + 0.5) / 4000, p.T_phot) * (red - blue) / 4000;
  for (Index i = 0; i < flux.size(); ++i) {
    const auto bin = static_cast<std::size_t>(i / fine);
    expected[bin] += flux[i] * wavelengths[i] * step / total;
    bare[bin] += pi * planck_function(wavelengths[i], p.T_phot) * wavelengths[i] * step / total;
  }
  const auto counts = packets(p, lines, n, edges, blue, red);
  double chi2 = 0.0, chi2_of_continuum = 0.0;
  for (std::size_t i = 0; i < bins; ++i) {
    const double variance = expected[i] * (1.0 - expected[i]) / n;
    chi2 += (counts[i] - expected[i]) * (counts[i] - expected[i]) / variance;
    chi2_of_continuum += (counts[i] - bare[i]) * (counts[i] - bare[i]) / variance;
    EXPECT_LT(std::abs(counts[i] - expected[i]), 4.5 * std::sqrt(variance)) << edges[i];
  }
  EXPECT_LT(chi2, bins + 4.0 * std::sqrt(2.0 * bins));
  EXPECT_GT(chi2, bins - 4.0 * std::sqrt(2.0 * bins));
  EXPECT_GT(chi2_of_continuum, 1e5);  // the lines matter
}

TEST(Supernova, AgreesWithTheIndependentPythonProgram) {
  // The points of tests/golden/supernova_reference.py.
  const SupernovaParameters points[3] = {typical,
                                         {8600.0, 9000.0, {1.5, 0.9, 2.1, 1.1}, 2700.0, 11500.0},
                                         {13700.0, 15500.0, {0.3, -0.2, 1.0, 0.9}, 1500.0, 10000.0}};
  const auto rows = golden::rows("supernova_reference.csv");
  ASSERT_EQ(rows.size(), 1000u);
  for (std::size_t k = 0; k < 3; ++k) {
    Vector expected(1000);
    for (std::size_t i = 0; i < 1000; ++i) expected[static_cast<Index>(i)] = rows[i][k];
    const Vector flux = supernova_spectrum(points[k]);
    EXPECT_LT(relative_l2(flux, expected), 1e-4) << k;
    EXPECT_LT(((flux - expected).array() / expected.array()).abs().maxCoeff(), 5e-4) << k;
  }
}

TEST(Supernova, DefaultResolutionIsConverged) {
  SupernovaOptions refined;
  refined.shells = 400;
  refined.angles = 250;
  refined.impact_parameters = 800;
  const SupernovaParameters points[] = {typical,
                                        {8000.0, 8000.0, {1.7, 1.0, 2.3, 1.2}, 3000.0, 12000.0},
                                        {14000.0, 16000.0, {1.7, 1.0, 2.3, 1.2}, 3000.0, 7000.0},
                                        {8000.0, 16000.0, {0.0, -0.5, 0.5, -0.5}, 1000.0, 7000.0},
                                        {14000.0, 8000.0, {1.7, 1.0, 2.3, 1.2}, 1000.0, 12000.0}};
  for (const auto& p : points) {
    const double error = relative_l2(supernova_spectrum(p), supernova_spectrum(p, refined));
    EXPECT_LT(error, &p == points ? 2e-5 : 1e-4);
    EXPECT_GT(error, 0.0);
  }
}

TEST(Supernova, SameBitsWithOneAndWithTwoThreads) {
  SupernovaOptions two;
  two.threads = 2;
  const Vector expected = supernova_spectrum(typical);
  EXPECT_EQ(supernova_spectrum(typical, two), expected);
  // And several spectra at once.
  const auto simulator = make_simulator("supernova");
  const double x[8] = {11000.0, 12000.0, 0.85, 0.25, 1.4, 0.35, 1500.0, 10000.0};
  for (const Bytes& bytes : ThreadExecutor(3).map(6, [&](Index) {
         const Vector flux = simulator->run(x).outputs[0];
         return to_bytes({flux.data(), flux.data() + flux.size()});
       })) {
    const auto flux = doubles_from_bytes(bytes);
    EXPECT_TRUE(std::equal(flux.begin(), flux.end(), expected.data(), expected.data() + expected.size()));
  }
}

TEST(Supernova, SixParametersAreEightWithTwoFixed) {
  const double x[8] = {9500.0, 10000.0, 1.0, 0.5, 1.5, 0.6, 1500.0, 10000.0};
  const auto eight = make_simulator("supernova"), six = make_simulator("supernova-6");
  EXPECT_EQ(eight->space().size(), 8);
  EXPECT_EQ(six->space().size(), 6);
  const auto a = eight->run(x), b = six->run(x);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a.outputs[0], b.outputs[0]);
}

TEST(Supernova, LinesOfEqualWavelengthAddUp) {
  // Two halves of a line at the same place, and (nearly) at the same place.
  SupernovaOptions one, halves, apart;
  const double half = std::log10(0.5);
  one.lines = {{"Si II", 6347.11, 0.0, 8.122}, {"Si II", 6371.37, -0.3, 8.122}};
  halves.lines = {{"Si II", 6347.11, 0.0, 8.122},
                  {"Si II", 6371.37, -0.3 + half, 8.122},
                  {"Si II", 6371.37, -0.3 + half, 8.122}};
  apart = halves;
  apart.lines[2].wavelength += 1e-6;
  const Vector expected = supernova_spectrum(typical, one);
  EXPECT_LT(relative_l2(supernova_spectrum(typical, halves), expected), 1e-14);
  EXPECT_LT(relative_l2(supernova_spectrum(typical, apart), expected), 2e-5);
}

TEST(Supernova, FailuresSayWhy) {
  const auto simulator = make_simulator("supernova");
  double x[8] = {31000.0, 10000.0, 1.0, 0.5, 1.5, 0.6, 1500.0, 10000.0};
  EXPECT_NE(simulator->run(x).failure.find("v_phot = 31000"), std::string::npos);
  x[0] = 10000.0;
  x[6] = 0.0;
  EXPECT_NE(simulator->run(x).failure.find("v_e"), std::string::npos);
  x[6] = 1500.0;
  x[4] = std::nan("");
  EXPECT_NE(simulator->run(x).failure.find("Ca II"), std::string::npos);
  x[4] = 2.9;  // outside of the default space, but defined
  EXPECT_TRUE(simulator->run(x).ok());

  SupernovaOptions options;
  options.lines.push_back({"Na I", 5889.95, 0.108, 0.0});
  EXPECT_THROW(make_supernova(options), UsageError);
  options.lines = {{"Si II", 6371.37, 0.0, 8.122}};
  EXPECT_THROW(make_supernova(options), UsageError);
  options.lines.clear();
  options.shells = 2;
  EXPECT_THROW(make_supernova6(options), UsageError);
}

TEST(Supernova, LineListsAreReadFromFiles) {
  const auto lines = read_line_list(std::string(ERSATZ_SOURCE_DIR) + "/data/supernova-lines.csv");
  const auto& shipped = supernova_lines();
  ASSERT_EQ(lines.size(), 50u);
  ASSERT_EQ(shipped.size(), 50u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].ion, shipped[i].ion);
    EXPECT_EQ(lines[i].wavelength, shipped[i].wavelength);
    EXPECT_EQ(lines[i].log_gf, shipped[i].log_gf);
    EXPECT_EQ(lines[i].lower_energy, shipped[i].lower_energy);
  }
  const std::string path = testing::TempDir() + "ersatz-lines.csv";
  const auto message = [&](const std::string& content) -> std::string {
    std::ofstream(path) << content;
    try {
      read_line_list(path);
    } catch (const DataError& e) {
      return e.what();
    }
    return "read without an error";
  };
  const std::string header = "ion,wavelength,log_gf,E_lower\n";
  EXPECT_NE(message(header + "Si II,6347.11,+0.297\n").find("line 2: 3 columns"), std::string::npos);
  EXPECT_NE(message(header + "# good\nSi II,blue,0.297,8.1\n").find("line 3: wavelength is 'blue'"),
            std::string::npos);
  EXPECT_NE(message(header + "Si II,-1,0.297,8.1\n").find("above 0"), std::string::npos);
  EXPECT_NE(message("Si II,6347.11,0.297,8.1\n").find("header"), std::string::npos);
  EXPECT_NE(message("# nothing\n").find("no lines"), std::string::npos);
  EXPECT_EQ(message(header + "Si II, 6347.11, +0.297, 8.122 # strong\n"), "read without an error");
  std::remove(path.c_str());
  EXPECT_THROW(read_line_list(path), StorageError);
}

}  // namespace
}  // namespace ersatz
