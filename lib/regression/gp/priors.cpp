#include "ersatz/regression/gp/priors.hpp"

#include <cmath>
#include <cstdio>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {
namespace {

using Family = Density::Family;

struct Name {
  Family family;
  const char* name;
};
constexpr Name names[] = {
    {Family::gamma, "gamma"}, {Family::inverse_gamma, "inverse-gamma"}, {Family::log_normal, "log-normal"}};

}  // namespace

Density::Density(Family family, double first, double second)
    : family_(family), first_(first), second_(second) {
  const bool normal = family == Family::log_normal;
  if (!std::isfinite(first) || !std::isfinite(second) || !(second > 0.0) || (!normal && !(first > 0.0)))
    throw UsageError(ersatz::text("prior ", text(), ": ",
                                  normal ? "sigma must be more than 0" : "both numbers must be more than 0"));
}

Density Density::parse(const std::string& text, const std::string& what) {
  for (const auto& [family, name] : names) {
    double first = 0.0, second = 0.0;
    int end = 0;
    const std::string format = std::string(" ") + name + " ( %lf , %lf ) %n";
    if (std::sscanf(text.c_str(), format.c_str(), &first, &second, &end) == 2 && end > 0 &&
        static_cast<std::size_t>(end) == text.size())
      return Density(family, first, second);
  }
  throw UsageError(ersatz::text(what, " is \"", text,
                                "\", expected gamma(shape, rate), inverse-gamma(shape, scale) or "
                                "log-normal(mu, sigma) with numbers"));
}

std::string Density::text() const {
  for (const auto& [family, name] : names)
    if (family == family_) return ersatz::text(name, "(", brief(first_), ", ", brief(second_), ")");
  return {};
}

double Density::log_density(double log_t) const {
  const double a = first_, b = second_;
  switch (family_) {
    case Family::gamma:
      return a * std::log(b) - std::lgamma(a) + (a - 1.0) * log_t - b * std::exp(log_t);
    case Family::inverse_gamma:
      return a * std::log(b) - std::lgamma(a) - (a + 1.0) * log_t - b * std::exp(-log_t);
    case Family::log_normal:
      break;
  }
  const double z = (log_t - a) / b;
  return -0.5 * z * z - log_t - std::log(b) - 0.918938533204672741780;  // ½ log 2π
}

double Density::slope(double log_t) const {
  const double a = first_, b = second_;
  switch (family_) {
    case Family::gamma:
      return a - 1.0 - b * std::exp(log_t);
    case Family::inverse_gamma:
      return -a - 1.0 + b * std::exp(-log_t);
    case Family::log_normal:
      break;
  }
  return -(log_t - a) / (b * b) - 1.0;
}

void Priors::check() const {
  if (robust && (length || nugget))
    throw UsageError(
        "the robust prior is one of lengths and nugget together: give prior \"none\" beside a prior of "
        "either");
}

std::string Priors::text() const {
  std::string list = robust ? "robust prior" : "";
  const auto add = [&](const char* what, const std::optional<Density>& density) {
    if (density) list += (list.empty() ? "" : ", ") + ersatz::text(what, " ~ ", density->text());
  };
  add("length", length);
  add("nugget", nugget);
  add("process variance", variance);
  return list.empty() ? "no prior" : list;
}

LogPrior::LogPrior(const Priors& priors, const Kernel& kernel, Index n, Index nugget, Index variance)
    : priors_(priors),
      nugget_(nugget),
      variance_(variance),
      spacing_(std::pow(static_cast<double>(n), -1.0 / static_cast<double>(kernel.inputs()))) {
  priors_.check();
  const auto all = kernel.hyperparameters(n);
  for (std::size_t p = 0; p < all.size(); ++p)
    if (all[p].role == Hyperparameter::Role::length) lengths_.push_back(static_cast<Index>(p));
}

void LogPrior::subtract(const double* parameters, double* value, double* gradient) const {
  const auto add = [&](Index p, const Density& density) {
    *value -= density.log_density(parameters[p]);
    if (gradient) gradient[p] -= density.slope(parameters[p]);
  };
  if (priors_.length)
    for (const Index p : lengths_) add(p, *priors_.length);
  if (priors_.nugget && nugget_ >= 0) add(nugget_, *priors_.nugget);
  if (priors_.variance && variance_ >= 0) add(variance_, *priors_.variance);
  if (!priors_.robust || lengths_.empty()) return;

  const double a = 0.2, b = spacing_ * (a + static_cast<double>(lengths_.size()));
  double t = nugget_ < 0 ? 0.0 : std::exp(parameters[nugget_]);
  for (const Index p : lengths_) t += spacing_ * std::exp(-parameters[p]);
  *value -= a * std::log(t) - b * t;
  if (!gradient) return;
  const double slope = a / t - b;
  for (const Index p : lengths_) gradient[p] += slope * spacing_ * std::exp(-parameters[p]);
  if (nugget_ >= 0) gradient[nugget_] -= slope * std::exp(parameters[nugget_]);
}

}  // namespace ersatz::gp
