#include "ersatz/simulators/supernova.hpp"

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <numeric>
#include <thread>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double speed_of_light = 299792.458;  // km/s
constexpr double pi = 3.14159265358979323846;

struct Reference {
  const char* ion;
  double wavelength;
};
constexpr std::array<Reference, 4> references{
    {{"Si II", 6347.11}, {"S II", 5453.85}, {"Ca II", 3933.66}, {"Fe II", 5169.03}}};

/// B_lambda in erg/s/cm²/Angstrom/sr, lambda in Angstrom (CODATA 2018, exact).
double planck(double wavelength, double temperature) {
  constexpr double h = 6.62607015e-27, c = 2.99792458e10, k = 1.380649e-16;
  const double cm = wavelength * 1e-8;
  return 2.0 * h * c * c / std::pow(cm, 5) / std::expm1(h * c / (cm * k * temperature)) * 1e-8;
}

/// Gauss-Legendre points and weights on [0, 1] after the substitution t -> t² (3 - 2 t), which takes the edge
/// off square-root singularities at both ends.
struct Rule {
  std::vector<double> points, weights;
};

template <unsigned N>
Rule make_rule() {
  using Gauss = boost::math::quadrature::gauss<double, N>;
  Rule rule;
  const auto add = [&rule](double x, double w) {
    const double t = 0.5 * (1.0 + x);
    rule.points.push_back(t * t * (3.0 - 2.0 * t));
    rule.weights.push_back(0.5 * w * 6.0 * t * (1.0 - t));
  };
  const auto& x = Gauss::abscissa();
  const auto& w = Gauss::weights();
  for (std::size_t i = x.size(); i-- > 0;)
    if (x[i] != 0.0) add(-x[i], w[i]);
  for (std::size_t i = 0; i < x.size(); ++i) add(x[i], w[i]);
  return rule;
}

/// The smallest rule that ships with at least n points.
const Rule& rule_for(double n) {
  static const std::array<Rule, 7> rules{make_rule<4>(),  make_rule<6>(),  make_rule<8>(), make_rule<12>(),
                                         make_rule<16>(), make_rule<24>(), make_rule<40>()};
  for (const Rule& r : rules)
    if (static_cast<double>(r.points.size()) >= n) return r;
  return rules.back();
}

/// Splits 0 … n-1 over threads; which thread does what does not change any number.
template <class Work>
void in_parallel(Index n, int threads, const Work& work) {
  if (threads <= 1 || n < 2) {
    for (Index i = 0; i < n; ++i) work(i);
    return;
  }
  std::vector<std::thread> pool;
  const auto share = [&](int t) {
    for (Index i = t; i < n; i += threads) work(i);
  };
  for (int t = 1; t < threads; ++t) pool.emplace_back(share, t);
  share(0);
  for (auto& t : pool) t.join();
}

class Envelope {
 public:
  Envelope(const SupernovaParameters& p, const SupernovaOptions& o, std::vector<SpectralLine> lines,
           std::vector<double> depths)
      : p_(p), o_(o) {
    std::vector<std::size_t> order(lines.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return lines[a].wavelength < lines[b].wavelength; });
    for (const std::size_t i : order) {
      if (!(depths[i] > 0.0)) continue;  // an absent line; weak ones all stay
      wavelength_.push_back(lines[i].wavelength);
      depth_.push_back(depths[i]);
    }
    source_.resize(static_cast<Index>(depth_.size()), o.shells);
    for (Index l = 0; l < source_.rows(); ++l)
      in_parallel(o.shells, o.threads, [&](Index k) { source_(l, k) = source(l, radius(k)); });
  }

  double flux(double lambda) const {
    // Lines met within the envelope: those between `first` and `last`.
    const auto [first, last] = lines_between(lambda, -o_.v_max, o_.v_max);
    const double bare = planck(lambda, p_.t_phot);
    if (first == last) return pi * bare;
    std::vector<double> cuts{0.0, p_.v_phot, o_.v_max};
    for (Index l = first; l < last; ++l) {
      const double z = meeting(lambda, l);
      if (outer_depth(l) > negligible) cuts.push_back(std::sqrt(std::max(0.0, o_.v_max * o_.v_max - z * z)));
      if (z > 0.0 && z < p_.v_phot) cuts.push_back(std::sqrt(p_.v_phot * p_.v_phot - z * z));
    }
    double sum = 0.0;
    panels(cuts, static_cast<double>(o_.impacts) / o_.v_max, [&](double impact, double weight) {
      const bool core = impact < p_.v_phot;
      const double start = core ? std::sqrt(p_.v_phot * p_.v_phot - impact * impact)
                                : -std::sqrt(std::max(0.0, o_.v_max * o_.v_max - impact * impact));
      const double end = std::sqrt(std::max(0.0, o_.v_max * o_.v_max - impact * impact));
      sum += weight * impact * travel(core ? bare : 0.0, impact * impact, lambda, first, last, start, end);
    });
    return 2.0 * pi / (p_.v_phot * p_.v_phot) * sum;
  }

 private:
  static constexpr double negligible = 1e-6;  ///< optical depth at an edge that needs no cut

  double radius(Index shell) const {
    const double y = static_cast<double>(shell) / static_cast<double>(o_.shells - 1);
    return p_.v_phot + (o_.v_max - p_.v_phot) * y * y;
  }
  double meeting(double lambda, Index line) const {
    return speed_of_light * (1.0 - lambda / wavelength_[static_cast<std::size_t>(line)]);
  }
  double outer_depth(Index line) const {
    return depth_[static_cast<std::size_t>(line)] * std::exp(-(o_.v_max - p_.v_phot) / p_.v_e);
  }

  /// Lines that light of `lambda` meets at s in (low, high): wavelength between lambda / (1 - low/c) and
  /// lambda / (1 - high/c).
  std::pair<Index, Index> lines_between(double lambda, double low, double high) const {
    const auto first =
        std::upper_bound(wavelength_.begin(), wavelength_.end(), lambda / (1.0 - low / speed_of_light));
    const auto last = std::lower_bound(first, wavelength_.end(), lambda / (1.0 - high / speed_of_light));
    return {first - wavelength_.begin(), last - wavelength_.begin()};
  }

  /// Source function of a line by local cubic interpolation (four shells) in sqrt(r - v_phot).
  double source_at(Index line, double r) const {
    const double y = std::sqrt(std::max(0.0, (r - p_.v_phot) / (o_.v_max - p_.v_phot)));
    const double at = y * static_cast<double>(o_.shells - 1);
    const Index k = std::clamp<Index>(static_cast<Index>(at) - 1, 0, o_.shells - 4);
    const double t = at - static_cast<double>(k);
    const double* s = source_.row(line).data() + k;
    const double a = t, b = t - 1.0, c = t - 2.0, d = t - 3.0;
    return s[0] * (b * c * d) * (-1.0 / 6.0) + s[1] * (a * c * d) * 0.5 + s[2] * (a * b * d) * (-0.5) +
           s[3] * (a * b * c) * (1.0 / 6.0);
  }

  /// Carries an intensity along a ray from `start` to `end` through the lines first … last-1.
  double travel(double intensity, double impact2, double lambda, Index first, Index last, double start,
                double end) const {
    for (Index l = first; l < last; ++l) {
      const double s = meeting(lambda, l);
      if (s <= start || s >= end) continue;
      const double r = std::sqrt(impact2 + s * s);
      const double depth = depth_[static_cast<std::size_t>(l)] * std::exp(-(r - p_.v_phot) / p_.v_e);
      if (depth < 1e-12) continue;
      const double through = std::exp(-depth);
      intensity = intensity * through - source_at(l, r) * std::expm1(-depth);
    }
    return intensity;
  }

  /// Integrates over [first cut, last cut], panel by panel between the cuts; `density` points per unit
  /// length.
  template <class Add>
  static void panels(std::vector<double>& cuts, double density, const Add& add) {
    std::sort(cuts.begin(), cuts.end());
    const double whole = cuts.back() - cuts.front();
    for (std::size_t c = 1; c < cuts.size(); ++c) {
      const double width = cuts[c] - cuts[c - 1];
      if (width < 1e-9 * whole) continue;
      const Rule& rule = rule_for(width * density);
      for (std::size_t i = 0; i < rule.points.size(); ++i)
        add(cuts[c - 1] + width * rule.points[i], width * rule.weights[i]);
    }
  }

  /// 1/2 ∫ I(mu) dmu of what arrives at r in line l after all bluer lines.
  double source(Index l, double r) const {
    const double line = wavelength_[static_cast<std::size_t>(l)];
    const double phot2 = p_.v_phot * p_.v_phot, max2 = o_.v_max * o_.v_max;
    const double limb = std::sqrt(std::max(0.0, 1.0 - phot2 / (r * r)));
    // Bluer lines in reach of any direction: the ray comes from at most v_max behind.
    const auto bluest =
        std::upper_bound(wavelength_.begin(), wavelength_.end(),
                         line * (1.0 - r / speed_of_light) / (1.0 + o_.v_max / speed_of_light));
    const Index first = bluest - wavelength_.begin();
    std::vector<double> cuts{-1.0, limb, 1.0};
    for (Index j = first; j < l; ++j) {
      const double ratio = line / wavelength_[static_cast<std::size_t>(j)];
      const double a = speed_of_light * (1.0 - ratio);
      // The line is met at s = a + ratio r mu, at radius² = r² (1 - mu²) + s²: quadratic in mu.
      const auto roots = [&](double edge2, const auto& keep) {
        const double A = (ratio * ratio - 1.0) * r * r, B = a * ratio * r, C = r * r + a * a - edge2;
        const double discriminant = B * B - A * C;
        if (discriminant < 0.0) return;
        const double q = -(B + std::copysign(std::sqrt(discriminant), B));
        for (const double mu : {A != 0.0 ? q / A : 2.0, q != 0.0 ? C / q : 2.0})
          if (mu > -1.0 && mu < 1.0 && keep(mu)) cuts.push_back(mu);
      };
      if (outer_depth(j) > negligible) roots(max2, [&](double mu) { return a + ratio * r * mu < 0.0; });
      roots(phot2, [&](double mu) { return mu > limb && a + ratio * r * mu > 0.0; });
    }
    double sum = 0.0;
    panels(cuts, 0.5 * static_cast<double>(o_.angles), [&](double mu, double weight) {
      const double impact2 = r * r * (1.0 - mu * mu);
      const double lambda = line * (1.0 - r * mu / speed_of_light);
      const bool core = mu > limb;
      const double start =
          core ? std::sqrt(std::max(0.0, phot2 - impact2)) : -std::sqrt(std::max(0.0, max2 - impact2));
      sum +=
          weight * travel(core ? planck(lambda, p_.t_phot) : 0.0, impact2, lambda, first, l, start, r * mu);
    });
    return 0.5 * sum;
  }

  SupernovaParameters p_;
  const SupernovaOptions& o_;
  std::vector<double> wavelength_, depth_;  ///< from blue to red
  Matrix source_;                           ///< lines × shells
};

/// Optical depth of each line at the photosphere: that of its ion's reference line, scaled by
/// gf lambda exp(-E / k T_exc).
std::vector<double> depths_of(const SupernovaParameters& p, const std::vector<SpectralLine>& lines) {
  constexpr double boltzmann = 8.617333262e-5;  // eV/K
  std::array<double, 4> strength{};
  const auto strength_of = [&](const SpectralLine& l) {
    return std::pow(10.0, l.log_gf) * l.wavelength * std::exp(-l.lower / (boltzmann * p.t_exc));
  };
  for (std::size_t i = 0; i < references.size(); ++i)
    for (const SpectralLine& l : lines)
      if (l.ion == references[i].ion && std::abs(l.wavelength - references[i].wavelength) < 0.01)
        strength[i] = strength_of(l);
  std::vector<double> depths;
  for (const SpectralLine& l : lines) {
    const auto ion = std::find_if(references.begin(), references.end(),
                                  [&](const Reference& r) { return l.ion == r.ion; });
    if (ion == references.end())
      throw UsageError(text("line ", l.wavelength, ": no optical depth for the ion '", l.ion,
                            "'; there are Si II, S II, Ca II, Fe II"));
    const auto i = static_cast<std::size_t>(ion - references.begin());
    if (!(strength[i] > 0.0))
      throw UsageError(
          text("the line list has ", l.ion, " lines, but not their reference line ", ion->wavelength));
    depths.push_back(std::pow(10.0, p.log_tau[i]) * strength_of(l) / strength[i]);
  }
  return depths;
}

class Supernova final : public Simulator {
 public:
  Supernova(std::string name, bool six, SupernovaOptions options)
      : name_(std::move(name)), six_(six), options_(std::move(options)) {
    std::vector<Parameter> p{
        {"v_phot", "km/s", 8000.0, 14000.0, Scale::linear}, {"T_phot", "K", 8000.0, 16000.0, Scale::linear},
        {"log_tau_SiII", "", 0.0, 1.7, Scale::linear},      {"log_tau_SII", "", -0.5, 1.0, Scale::linear},
        {"log_tau_CaII", "", 0.5, 2.3, Scale::linear},      {"log_tau_FeII", "", -0.5, 1.2, Scale::linear}};
    if (!six_) {
      p.push_back({"v_e", "km/s", 1000.0, 3000.0, Scale::linear});
      p.push_back({"T_exc", "K", 7000.0, 12000.0, Scale::linear});
    }
    space_ = ParameterSpace(std::move(p));
    axes_ = {{"wavelength", "Angstrom", supernova_wavelengths(options_)}};
    outputs_ = {{"flux", "erg/s/cm^2/Angstrom", "wavelength", options_.bins, false}};
  }
  std::string name() const override { return name_; }
  std::string description() const override {
    return std::string(
               "Elementary supernova spectrum in the Sobolev approximation: blackbody photosphere, resonance "
               "lines of Si II, S II, Ca II and Fe II in an envelope in homologous expansion (Jeffery & "
               "Branch "
               "1990; Thomas, Nugent & Meza 2011)") +
           (six_ ? "; v_e = 1500 km/s, T_exc = 10000 K" : "");
  }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    SupernovaParameters p;
    p.v_phot = x[0];
    p.t_phot = x[1];
    for (std::size_t i = 0; i < 4; ++i) p.log_tau[i] = x[2 + i];
    p.v_e = six_ ? 1500.0 : x[6];
    p.t_exc = six_ ? 10000.0 : x[7];
    try {
      return {{supernova_spectrum(p, options_)}, {}};
    } catch (const Error& e) {
      return SimulationResult::failed(e.what());
    }
  }

 private:
  std::string name_;
  bool six_;
  SupernovaOptions options_;
  ParameterSpace space_;
  std::vector<Axis> axes_;
  std::vector<OutputSpec> outputs_;
};

}  // namespace

Vector supernova_wavelengths(const SupernovaOptions& options) {
  Vector w(options.bins);
  const double range = std::log(options.last / options.first);
  for (Index i = 0; i < options.bins; ++i)
    w[i] =
        options.first * std::exp(range * (static_cast<double>(i) + 0.5) / static_cast<double>(options.bins));
  return w;
}

Vector supernova_spectrum(const SupernovaParameters& p, const SupernovaOptions& o,
                          const std::vector<double>* optical_depths) {
  const auto check = [](bool fine, const char* what, double value, const char* expected) {
    if (!fine) throw UsageError(text("supernova: ", what, " = ", value, ", expected ", expected));
  };
  check(p.v_phot > 0.0 && p.v_phot < o.v_max, "v_phot", p.v_phot, "between 0 and v_max");
  check(p.t_phot > 0.0 && std::isfinite(p.t_phot), "T_phot", p.t_phot, "a positive temperature");
  check(p.t_exc > 0.0 && std::isfinite(p.t_exc), "T_exc", p.t_exc, "a positive temperature");
  check(p.v_e > 0.0 && std::isfinite(p.v_e), "v_e", p.v_e, "a positive velocity");
  check(o.v_max < 0.3 * speed_of_light, "v_max", o.v_max, "well below the speed of light");
  for (const double t : p.log_tau)
    check(std::isfinite(t) && t < 10.0, "log_tau", t, "a finite number below 10");
  check(o.shells >= 4, "shells", static_cast<double>(o.shells), "at least 4");
  check(o.bins >= 1, "bins", static_cast<double>(o.bins), "at least 1");
  check(o.first > 0.0 && o.last > o.first, "first", o.first, "a wavelength below the last");
  const std::vector<SpectralLine>& lines = o.lines.empty() ? supernova_lines() : o.lines;
  const std::vector<double> depths = optical_depths ? *optical_depths : depths_of(p, lines);
  if (depths.size() != lines.size())
    throw UsageError(text("supernova: ", depths.size(), " optical depths for ", lines.size(), " lines"));
  const Envelope envelope(p, o, lines, depths);
  const Vector wavelength = supernova_wavelengths(o);
  Vector flux(o.bins);
  in_parallel(o.bins, o.threads, [&](Index i) { flux[i] = envelope.flux(wavelength[i]); });
  return flux;
}

std::shared_ptr<const Simulator> make_supernova(const SupernovaOptions& options) {
  return std::make_shared<Supernova>("supernova", false, options);
}

std::shared_ptr<const Simulator> make_supernova_6(const SupernovaOptions& options) {
  return std::make_shared<Supernova>("supernova-6", true, options);
}

}  // namespace ersatz
