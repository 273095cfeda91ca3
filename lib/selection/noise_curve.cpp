#include "ersatz/selection/noise_curve.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

double advanced_ligo(double f) {
  const double x = f / 245.4, root = std::sqrt(x), fourth = std::sqrt(root);
  return 1e-48 * (0.0152 / (x * x * x * x) + 0.2935 * x * x * fourth + 2.7951 * x * root -
                  6.5080 * root * fourth + 17.7622);
}

double lisa(double f) {
  const auto power = [](double x, int n) { return std::pow(x, n); };
  constexpr double arm = 2.5e9, transfer = 19.09e-3;
  const double optical = power(1.5e-11, 2) * (1.0 + power(2e-3 / f, 4));
  const double acceleration = power(3e-15, 2) * (1.0 + power(0.4e-3 / f, 2)) * (1.0 + power(f / 8e-3, 4));
  return 10.0 / (3.0 * arm * arm) * (optical + 4.0 * acceleration / power(2.0 * pi * f, 4)) *
         (1.0 + 0.6 * power(f / transfer, 2));
}

struct Shipped {
  const char* name;
  double (*density)(double);
  double lower, upper;
};
constexpr Shipped shipped[] = {{"advanced-ligo", advanced_ligo, 10.0, 8192.0}, {"lisa", lisa, 1e-5, 1.0}};

}  // namespace

/// Either a formula or a table of logarithms.
struct NoiseCurve::Curve {
  double (*density)(double) = nullptr;
  std::vector<double> log_f, log_s;
};

std::vector<std::string> NoiseCurve::names() {
  std::vector<std::string> all{"flat"};
  for (const Shipped& s : shipped) all.emplace_back(s.name);
  return all;
}

NoiseCurve NoiseCurve::named(std::string_view name) {
  NoiseCurve result;
  if (name == result.name_) return result;
  for (const Shipped& s : shipped) {
    if (name != s.name) continue;
    result.name_ = s.name;
    result.lower_ = s.lower;
    result.upper_ = s.upper;
    result.curve_ = std::make_shared<const Curve>(Curve{s.density, {}, {}});
    return result;
  }
  std::string known;
  for (const std::string& n : names()) known += (known.empty() ? "" : ", ") + n;
  throw UsageError(text("there is no noise curve '", name, "'; there are: ", known));
}

NoiseCurve NoiseCurve::tabulated(const std::string& name, const Vector& frequencies,
                                 const Vector& densities) {
  if (frequencies.size() != densities.size())
    throw UsageError(text("noise curve ", name, ": ", frequencies.size(), " frequencies but ",
                          densities.size(), " densities"));
  if (frequencies.size() < 2)
    throw DataError(text("noise curve ", name, ": ", frequencies.size(), " rows; it takes at least two"));
  Curve curve;
  for (Index i = 0; i < frequencies.size(); ++i) {
    const double f = frequencies[i], s = densities[i];
    if (!(f > 0.0) || !std::isfinite(f))
      throw DataError(text("noise curve ", name, ", row ", i, ": frequency ", f, " must be above 0"));
    if (!(s > 0.0) || !std::isfinite(s))
      throw DataError(text("noise curve ", name, ", row ", i, ": the density at ", f, " Hz is ", s,
                           "; it must be above 0 and finite"));
    if (i > 0 && !(f > frequencies[i - 1]))
      throw DataError(text("noise curve ", name, ", row ", i, ": frequency ", f, " follows ",
                           frequencies[i - 1], "; frequencies must ascend"));
    curve.log_f.push_back(std::log(f));
    curve.log_s.push_back(std::log(s));
  }
  NoiseCurve result;
  result.name_ = name;
  result.lower_ = frequencies[0];
  result.upper_ = frequencies[frequencies.size() - 1];
  result.curve_ = std::make_shared<const Curve>(std::move(curve));
  return result;
}

NoiseCurve NoiseCurve::read(const std::string& table, Column column) {
  const Table t = read_table(table);
  if (t.complex || t.columns() != 2)
    throw DataError(text(t.where, ": has ", t.columns(), t.complex ? " complex" : "",
                         " columns; a noise curve has two real ones, frequency [Hz] and density "
                         "(choose them in brackets: FILE[0:2])"));
  Vector density = t.values.col(1);
  if (column == Column::amplitude) {
    for (Index i = 0; i < density.size(); ++i)
      if (!(density[i] > 0.0))
        throw DataError(text("noise curve ", table, ", row ", i, ": the amplitude density is ", density[i],
                             "; it must be above 0"));
    density = density.cwiseAbs2().eval();
  }
  return tabulated(table, t.values.col(0), density);
}

double NoiseCurve::operator()(double f) const {
  if (!curve_) return 1.0;
  if (!(f >= lower_ && f <= upper_)) return std::numeric_limits<double>::infinity();
  if (curve_->density) return curve_->density(f);
  const auto& x = curve_->log_f;
  const double at = std::log(f);
  const auto above = std::clamp<std::ptrdiff_t>(std::upper_bound(x.begin(), x.end(), at) - x.begin(), 1,
                                                static_cast<std::ptrdiff_t>(x.size()) - 1);
  const auto i = static_cast<std::size_t>(above);
  const double share = std::clamp((at - x[i - 1]) / (x[i] - x[i - 1]), 0.0, 1.0);
  return std::exp((1.0 - share) * curve_->log_s[i - 1] + share * curve_->log_s[i]);
}

}  // namespace ersatz
