#include "sobolev.hpp"

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>

#include "ersatz/core/planck.hpp"
#include "ersatz/simulators/supernova.hpp"

namespace ersatz::sobolev {
namespace {

constexpr double pi = 3.14159265358979323846;

// A jump of the intensity by less than this part is integrated over without a cut.
constexpr double negligible_jump = 1e-6;

// Gauss-Legendre nodes on 0 … 1.
struct Rule {
  std::vector<double> node, weight;
};

template <unsigned n>
Rule rule() {
  using Gauss = boost::math::quadrature::gauss<double, n>;
  Rule result;
  const auto add = [&](double x, double w) {
    result.node.push_back(0.5 * (1.0 + x));
    result.weight.push_back(0.5 * w);
  };
  const auto& x = Gauss::abscissa();
  const auto& w = Gauss::weights();
  for (std::size_t i = x.size(); i-- > 0;)
    if (x[i] > 0.0) add(-x[i], w[i]);
  for (std::size_t i = 0; i < x.size(); ++i) add(x[i], w[i]);
  return result;
}

constexpr Index longest_rule = 8;

// rules()[n - 1] has n nodes.
const std::array<Rule, longest_rule>& rules() {
  static const std::array<Rule, longest_rule> all = {Rule{{0.5}, {1.0}}, rule<2>(), rule<3>(), rule<4>(),
                                                     rule<5>(),          rule<6>(), rule<7>(), rule<8>()};
  return all;
}

// ∫ f between sorted cuts. prepare(a, b) is told each panel before its nodes are visited, and answers how
// many nodes its length asks for; it gets two more. A cut may be the start of a square root (on either side);
// x = a + w (3 t^2 - 2 t^3) makes that smooth at both ends. prepare(a, b) is told the panel before its nodes
// are visited.
template <class Prepare, class F>
double integrate_panels(const std::vector<double>& cuts, Prepare prepare, F f) {
  double total = 0.0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const double a = cuts[i], width = cuts[i + 1] - a;
    if (!(width > 0.0)) continue;
    const Index wanted = 2 + static_cast<Index>(std::ceil(prepare(a, cuts[i + 1])));
    const Index pieces = (wanted + longest_rule - 1) / longest_rule;
    const Rule& r = rules()[static_cast<std::size_t>((wanted + pieces - 1) / pieces - 1)];
    const double piece = 1.0 / static_cast<double>(pieces);
    double sum = 0.0;
    for (Index k = 0; k < pieces; ++k)
      for (std::size_t m = 0; m < r.node.size(); ++m) {
        const double t = (static_cast<double>(k) + r.node[m]) * piece;
        sum += r.weight[m] * 6.0 * t * (1.0 - t) * f(a + width * t * t * (3.0 - 2.0 * t));
      }
    total += sum * width * piece;
  }
  return total;
}

// The radial coordinate is s in 0 … 1 with r^2 = v_phot^2 + (v_max^2 - v_phot^2) s^2: fine near the
// photosphere, where source functions are smooth in s but not in r, and one square root away from p^2 + z^2.
class Transfer {
 public:
  Transfer(const Envelope& envelope, std::vector<Line> lines, const Resolution& resolution,
           Executor& executor)
      : envelope_(envelope),
        lines_(std::move(lines)),
        resolution_(resolution),
        executor_(executor),
        inner2_(envelope.v_phot * envelope.v_phot),
        outer2_(envelope.v_max * envelope.v_max),
        span_(outer2_ - inner2_) {
    std::vector<double> profile(points + 1);
    for (std::size_t i = 0; i <= points; ++i) {
      const double s = static_cast<double>(i) / points;
      profile[i] = std::exp(-(std::sqrt(inner2_ + span_ * s * s) - envelope_.v_phot) / envelope_.v_e);
    }
    tables_.resize(lines_.size());
    for (std::size_t l = 0; l < lines_.size(); ++l) {
      tables_[l].resize(points + 2);
      for (std::size_t i = 0; i <= points; ++i) tables_[l][i] = {std::exp(-lines_[l].tau * profile[i]), 0.0};
      tables_[l][points + 1] = tables_[l][points];
    }
    for (std::size_t l = 0; l < lines_.size(); ++l) solve(l);
  }

  double flux(double wavelength) const;

 private:
  static constexpr std::size_t points = 2048;  // of the tables, linear between

  struct Crossing {
    double transmitted;  // exp(-tau)
    double emitted;      // S (1 - exp(-tau))
  };

  // I after the crossing of line l where r^2 - v_phot^2 = height.
  double cross(std::size_t l, double height, double I) const {
    const double x = std::sqrt(std::max(height, 0.0) * table_scale_);
    const auto i = static_cast<std::size_t>(std::min(x, double(points)));
    const double f = x - static_cast<double>(i);
    const Crossing& a = tables_[l][i];
    const Crossing& b = tables_[l][i + 1];
    return I * (a.transmitted + f * (b.transmitted - a.transmitted)) +
           (a.emitted + f * (b.emitted - a.emitted));
  }

  double source(std::size_t line, double s) const;
  void solve(std::size_t line);

  Envelope envelope_;
  std::vector<Line> lines_;  // blue to red
  Resolution resolution_;
  Executor& executor_;
  double inner2_, outer2_, span_;
  double table_scale_ = double(points) * double(points) / span_;
  std::vector<std::vector<Crossing>> tables_;  // [line][points + 2]; the last repeats, for x = points
};

// S_l at a radius: 1/2 ∫ I dmu = 1/(2r) ∫ I du with u = r mu, the point's coordinate along the ray. Line j <
// l was crossed at z_j = c - k (c - u), k = lambda_l/lambda_j; it crosses r_j = R at the root of (k + 1) u^2
// - 2 c k u + c^2 (k - 1) + (r^2 - R^2)/(k - 1) = 0.
double Transfer::source(std::size_t l, double s) const {
  const double c = light_speed;
  const double r2 = inner2_ + span_ * s * s, r = std::sqrt(r2);
  const double edge = std::sqrt(span_) * s;  // u of the ray that touches the photosphere
  std::vector<double> ratio(l), cuts{-r, edge, r};
  for (std::size_t j = 0; j < l; ++j) {
    const double k = ratio[j] = lines_[l].wavelength / lines_[j].wavelength;
    const auto root = [&](double R2) {
      const double discriminant = c * c - (r2 - R2) * (k + 1.0) / (k - 1.0);
      return discriminant > 0.0 ? (c * k - std::sqrt(discriminant)) / (k + 1.0) : 2.0 * c;
    };
    if (1.0 - tables_[j][points].transmitted > negligible_jump) {
      const double u = root(outer2_);
      if (u > -r && u < edge) cuts.push_back(u);
    }
    if (1.0 - tables_[j][0].transmitted > negligible_jump) {
      const double u = root(inner2_);
      if (u > edge && u < r && c - k * (c - u) > 0.0) cuts.push_back(u);
    }
  }
  std::sort(cuts.begin(), cuts.end());
  const double half = 0.5 * static_cast<double>(resolution_.angles);  // of the nodes for either kind of ray
  bool lit = false;
  std::size_t first = 0;  // the bluest line that was crossed on the way
  const auto prepare = [&](double a, double b) {
    const double u = 0.5 * (a + b);
    lit = u > edge;
    const double start = lit ? std::sqrt(inner2_ - r2 + u * u) : -std::sqrt(outer2_ - r2 + u * u);
    first = l;
    while (first > 0 && c - ratio[first - 1] * (c - u) > start) --first;
    return (lit ? 1.0 / (r - edge) : 1.0 / (r + edge)) * (b - a) * half;
  };
  const auto intensity = [&](double u) {
    double I = lit ? planck_function(lines_[l].wavelength * (1.0 - u / c), envelope_.T_phot) : 0.0;
    const double p2 = r2 - u * u - inner2_;
    for (std::size_t j = first; j < l; ++j) {
      const double z = c - ratio[j] * (c - u);
      I = cross(j, p2 + z * z, I);
    }
    return I;
  };
  return integrate_panels(cuts, prepare, intensity) / (2.0 * r);
}

void Transfer::solve(std::size_t l) {
  const Index n = resolution_.shells;
  const double step = 1.0 / static_cast<double>(n);
  std::vector<double> S(static_cast<std::size_t>(n) + 1);
  const Index blocks = executor_.workers() > 1 ? std::min<Index>(n + 1, 4 * executor_.workers()) : 1;
  executor_.map(blocks, [&](Index block) {
    for (Index i = block; i <= n; i += blocks)
      S[static_cast<std::size_t>(i)] = source(l, static_cast<double>(i) * step);
    return Bytes();
  });
  for (std::size_t i = 0; i <= points; ++i) {
    // Cubic through the four nearest shells.
    const double x = static_cast<double>(i) / points * static_cast<double>(n);
    const Index first = std::clamp<Index>(static_cast<Index>(x) - 1, 0, n - 3);
    const double t = x - static_cast<double>(first);
    const double* y = S.data() + first;
    const double value = -(t - 1) * (t - 2) * (t - 3) / 6 * y[0] + t * (t - 2) * (t - 3) / 2 * y[1] -
                         t * (t - 1) * (t - 3) / 2 * y[2] + t * (t - 1) * (t - 2) / 6 * y[3];
    Crossing& entry = tables_[l][i];
    entry.emitted = value * (1.0 - entry.transmitted);
  }
  tables_[l][points + 1] = tables_[l][points];
}

// (pi / v_phot^2) ∫ I dq with q = p^2.
double Transfer::flux(double wavelength) const {
  std::size_t from = 0, to = lines_.size();
  const auto height = [&](std::size_t l) { return light_speed * (1.0 - wavelength / lines_[l].wavelength); };
  while (from < to && height(from) <= -envelope_.v_max) ++from;
  while (from < to && height(to - 1) >= envelope_.v_max) --to;
  std::vector<double> z(to - from), cuts{0.0, inner2_, outer2_};
  for (std::size_t l = from; l < to; ++l) {
    const double h = z[l - from] = height(l);
    if (1.0 - tables_[l][points].transmitted > negligible_jump && (h > 0.0 || outer2_ - h * h > inner2_))
      cuts.push_back(outer2_ - h * h);
    if (1.0 - tables_[l][0].transmitted > negligible_jump && h > 0.0 && h * h < inner2_)
      cuts.push_back(inner2_ - h * h);
  }
  std::sort(cuts.begin(), cuts.end());
  const double B = planck_function(wavelength, envelope_.T_phot);
  const double third = static_cast<double>(resolution_.impact_parameters) / 3.0;  // of the nodes on the disc
  std::vector<std::size_t> met;
  bool lit = false;
  const auto prepare = [&](double a, double b) {
    const double q = 0.5 * (a + b);
    lit = q < inner2_;
    met.clear();
    for (std::size_t l = from; l < to; ++l) {
      const double h = z[l - from], r2 = q + h * h;
      if (r2 < outer2_ && (!lit || (h > 0.0 && r2 > inner2_))) met.push_back(l);
    }
    return lit ? third * (b - a) / inner2_
               : 2.0 * third * (std::sqrt(b) - std::sqrt(a)) / (envelope_.v_max - envelope_.v_phot);
  };
  const auto intensity = [&](double q) {
    double I = lit ? B : 0.0;
    for (const std::size_t l : met) {
      const double h = z[l - from];
      I = cross(l, q + h * h - inner2_, I);
    }
    return I;
  };
  return pi / inner2_ * integrate_panels(cuts, prepare, intensity);
}

std::vector<Line> blue_to_red(std::vector<Line> lines) {
  std::sort(lines.begin(), lines.end(),
            [](const Line& a, const Line& b) { return a.wavelength < b.wavelength; });
  std::vector<Line> merged;
  for (const Line& line : lines) {
    if (!merged.empty() && merged.back().wavelength == line.wavelength)
      merged.back().tau += line.tau;
    else
      merged.push_back(line);
  }
  return merged;
}

}  // namespace

Vector spectrum(const Envelope& envelope, std::vector<Line> lines, const Vector& wavelengths,
                const Resolution& resolution, Executor& executor) {
  const Transfer transfer(envelope, blue_to_red(std::move(lines)), resolution, executor);
  Vector flux(wavelengths.size());
  const Index blocks = executor.workers() > 1 ? std::min<Index>(flux.size(), 8 * executor.workers()) : 1;
  executor.map(blocks, [&](Index block) {
    for (Index i = block; i < flux.size(); i += blocks) flux[i] = transfer.flux(wavelengths[i]);
    return Bytes();
  });
  return flux;
}

}  // namespace ersatz::sobolev
