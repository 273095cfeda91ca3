#include "ersatz/inference/prior.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double half_log_two_pi = 0.91893853320467274;

double normal_quantile(double p) {
  if (p <= 0.0) return -infinity;
  if (p >= 1.0) return infinity;
  return -1.4142135623730950488 * boost::math::erfc_inv(2.0 * p);
}

void check_interval(const char* whose, double lower, double upper) {
  if (!std::isfinite(lower) || !std::isfinite(upper) || !(lower < upper))
    throw UsageError(text("prior: ", whose, " from ", lower, " to ", upper,
                          "; bounds must be finite, the upper one above the lower"));
}

void check_normal(const char* whose, double mean, double deviation) {
  if (!std::isfinite(mean) || !std::isfinite(deviation) || !(deviation > 0.0))
    throw UsageError(text("prior: ", whose, " with mean ", mean, " and deviation ", deviation,
                          "; both must be finite, the deviation positive"));
}

class FixedPrior final : public Prior {
 public:
  explicit FixedPrior(double value) : value_(value) {}
  double lower() const override { return value_; }
  double upper() const override { return value_; }
  double log_density(double x) const override { return x == value_ ? 0.0 : -infinity; }
  double slope(double) const override { return 0.0; }
  double cdf(double x) const override { return x >= value_ ? 1.0 : 0.0; }
  double quantile(double) const override { return value_; }
  std::string describe() const override { return text("fixed at ", value_); }

 private:
  double value_;
};

class UniformPrior final : public Prior {
 public:
  UniformPrior(double lower, double upper) : lower_(lower), upper_(upper) {}
  double lower() const override { return lower_; }
  double upper() const override { return upper_; }
  double log_density(double x) const override {
    return x >= lower_ && x <= upper_ ? -std::log(upper_ - lower_) : -infinity;
  }
  double slope(double) const override { return 0.0; }
  double cdf(double x) const override { return std::clamp((x - lower_) / (upper_ - lower_), 0.0, 1.0); }
  double quantile(double p) const override { return std::min(upper_, lower_ + p * (upper_ - lower_)); }
  std::string describe() const override { return text("uniform, ", lower_, " to ", upper_); }

 private:
  double lower_, upper_;
};

class LogUniformPrior final : public Prior {
 public:
  LogUniformPrior(double lower, double upper)
      : lower_(lower), upper_(upper), range_(std::log(upper / lower)) {}
  double lower() const override { return lower_; }
  double upper() const override { return upper_; }
  double log_density(double x) const override {
    return x >= lower_ && x <= upper_ ? -std::log(x * range_) : -infinity;
  }
  double slope(double x) const override { return -1.0 / x; }
  double cdf(double x) const override {
    return x <= lower_ ? 0.0 : std::min(1.0, std::log(x / lower_) / range_);
  }
  double quantile(double p) const override {
    return std::clamp(lower_ * std::exp(p * range_), lower_, upper_);
  }
  std::string describe() const override { return text("log-uniform, ", lower_, " to ", upper_); }

 private:
  double lower_, upper_, range_;
};

class NormalPrior final : public Prior {
 public:
  NormalPrior(double mean, double deviation) : mean_(mean), deviation_(deviation) {}
  double lower() const override { return -infinity; }
  double upper() const override { return infinity; }
  double log_density(double x) const override {
    const double z = (x - mean_) / deviation_;
    return -0.5 * z * z - std::log(deviation_) - half_log_two_pi;
  }
  double slope(double x) const override { return -(x - mean_) / (deviation_ * deviation_); }
  double cdf(double x) const override { return normal_cdf((x - mean_) / deviation_); }
  double quantile(double p) const override { return mean_ + deviation_ * normal_quantile(p); }
  std::string describe() const override { return text("normal, mean ", mean_, ", deviation ", deviation_); }

 private:
  double mean_, deviation_;
};

class LogNormalPrior final : public Prior {
 public:
  LogNormalPrior(double mean, double deviation) : log_(mean, deviation), mean_(mean), deviation_(deviation) {}
  double lower() const override { return 0.0; }
  double upper() const override { return infinity; }
  double log_density(double x) const override {
    return x > 0.0 ? log_.log_density(std::log(x)) - std::log(x) : -infinity;
  }
  double slope(double x) const override { return (log_.slope(std::log(x)) - 1.0) / x; }
  double cdf(double x) const override { return x > 0.0 ? log_.cdf(std::log(x)) : 0.0; }
  double quantile(double p) const override { return std::exp(log_.quantile(p)); }
  std::string describe() const override {
    return text("log-normal, of the logarithm mean ", mean_, ", deviation ", deviation_);
  }

 private:
  NormalPrior log_;
  double mean_, deviation_;
};

class TablePrior final : public Prior {
 public:
  TablePrior(Vector values, Vector densities)
      : x_(std::move(values)), p_(std::move(densities)), below_(x_.size()) {
    below_[0] = 0.0;
    for (Index i = 1; i < x_.size(); ++i)
      below_[i] = below_[i - 1] + 0.5 * (p_[i] + p_[i - 1]) * (x_[i] - x_[i - 1]);
    const double mass = below_[x_.size() - 1];
    if (!(mass > 0.0) || !std::isfinite(mass))
      throw UsageError("prior: a table of densities that are all zero");
    p_ /= mass;
    below_ /= mass;
  }
  double lower() const override { return x_[0]; }
  double upper() const override { return x_[x_.size() - 1]; }
  double log_density(double x) const override {
    if (!(x >= lower() && x <= upper())) return -infinity;
    return std::log(density(piece(x), x));
  }
  double slope(double x) const override {
    const Index i = piece(x);
    return rise(i) / density(i, x);
  }
  double cdf(double x) const override {
    if (!(x > lower())) return 0.0;
    if (x >= upper()) return 1.0;
    const Index i = piece(x);
    return std::min(1.0, below_[i] + 0.5 * (p_[i] + density(i, x)) * (x - x_[i]));
  }
  double quantile(double p) const override {
    const auto* begin = below_.data();
    const Index i =
        std::clamp<Index>(std::upper_bound(begin, begin + below_.size(), p) - begin - 1, 0, x_.size() - 2);
    // p = below + p_i t + rise t² / 2, in the form that does not cancel.
    const double rest = std::max(0.0, p - below_[i]);
    const double root = std::sqrt(std::max(0.0, p_[i] * p_[i] + 2.0 * rise(i) * rest));
    const double t = p_[i] + root > 0.0 ? 2.0 * rest / (p_[i] + root) : 0.0;
    return std::clamp(x_[i] + t, x_[i], x_[i + 1]);
  }
  std::string describe() const override {
    return text("table of ", x_.size(), " densities, ", lower(), " to ", upper());
  }

 private:
  Index piece(double x) const {
    const auto* begin = x_.data();
    return std::clamp<Index>(std::upper_bound(begin, begin + x_.size(), x) - begin - 1, 0, x_.size() - 2);
  }
  double rise(Index i) const { return (p_[i + 1] - p_[i]) / (x_[i + 1] - x_[i]); }
  double density(Index i, double x) const {
    const double t = (x - x_[i]) / (x_[i + 1] - x_[i]);
    return (1.0 - t) * p_[i] + t * p_[i + 1];
  }

  Vector x_, p_, below_;  ///< values, normalised density there, cdf there
};

class TruncatedPrior final : public Prior {
 public:
  TruncatedPrior(PriorPtr prior, double lower, double upper)
      : prior_(std::move(prior)),
        lower_(std::max(lower, prior_->lower())),
        upper_(std::min(upper, prior_->upper())) {
    below_ = prior_->cdf(lower_);
    mass_ = prior_->cdf(upper_) - below_;
    if (!(lower < upper) || !(mass_ >= 1e-10))
      throw UsageError(
          text("prior: of ", prior_->describe(), " nothing is left from ", lower, " to ", upper));
  }
  double lower() const override { return lower_; }
  double upper() const override { return upper_; }
  double log_density(double x) const override {
    return x >= lower_ && x <= upper_ ? prior_->log_density(x) - std::log(mass_) : -infinity;
  }
  double slope(double x) const override { return prior_->slope(x); }
  double cdf(double x) const override { return std::clamp((prior_->cdf(x) - below_) / mass_, 0.0, 1.0); }
  double quantile(double p) const override {
    return std::clamp(prior_->quantile(below_ + p * mass_), lower_, upper_);
  }
  std::string describe() const override {
    return text(prior_->describe(), ", from ", lower_, " to ", upper_);
  }

 private:
  PriorPtr prior_;
  double lower_, upper_, below_, mass_;
};

/// A setting that has to be there.
double required(const Settings& settings, const std::string& prior, const char* key) {
  if (!settings.has(key)) throw UsageError(text("prior ", prior, ": '", key, "' is missing"));
  return settings.get(key, 0.0);
}

PriorPtr read_table_prior(const std::string& file) {
  const Table table = read_table(file);
  if (table.complex || table.columns() != 2)
    throw DataError(
        text(table.where, ": a prior's table has two columns, value and density; got ", table.columns()));
  try {
    return table_prior(table.values.col(0), table.values.col(1));
  } catch (const UsageError& e) {
    throw DataError(text(table.where, ": ", e.what()));
  }
}

struct Named {
  const char* name;
  std::set<std::string> settings;
};
const std::vector<Named>& kinds() {
  static const std::vector<Named> all{{"fixed", {"value"}},
                                      {"uniform", {"lower", "upper"}},
                                      {"log-uniform", {"lower", "upper"}},
                                      {"normal", {"mean", "deviation", "lower", "upper"}},
                                      {"log-normal", {"log_mean", "log_deviation", "lower", "upper"}},
                                      {"table", {"file", "lower", "upper"}}};
  return all;
}

}  // namespace

PriorPtr fixed_prior(double value) {
  if (std::isnan(value)) throw UsageError("prior: fixed at a value that is not a number");
  return std::make_shared<FixedPrior>(value);
}

PriorPtr uniform_prior(double lower, double upper) {
  check_interval("uniform", lower, upper);
  return std::make_shared<UniformPrior>(lower, upper);
}

PriorPtr log_uniform_prior(double lower, double upper) {
  check_interval("log-uniform", lower, upper);
  if (!(lower > 0.0)) throw UsageError(text("prior: log-uniform from ", lower, ", which must be positive"));
  return std::make_shared<LogUniformPrior>(lower, upper);
}

PriorPtr normal_prior(double mean, double deviation) {
  check_normal("normal", mean, deviation);
  return std::make_shared<NormalPrior>(mean, deviation);
}

PriorPtr log_normal_prior(double log_mean, double log_deviation) {
  check_normal("log-normal", log_mean, log_deviation);
  return std::make_shared<LogNormalPrior>(log_mean, log_deviation);
}

PriorPtr table_prior(const Vector& values, const Vector& densities) {
  if (values.size() < 2 || densities.size() != values.size())
    throw UsageError(text("prior: a table of ", values.size(), " values and ", densities.size(),
                          " densities; expected as many, two or more"));
  for (Index i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]) || !std::isfinite(densities[i]) || densities[i] < 0.0 ||
        (i > 0 && !(values[i] > values[i - 1])))
      throw UsageError(text("prior: row ", i, " of the table, ", values[i], " and ", densities[i],
                            "; values must ascend, densities must not be negative"));
  return std::make_shared<TablePrior>(values, densities);
}

PriorPtr truncated_prior(PriorPtr prior, double lower, double upper) {
  return std::make_shared<TruncatedPrior>(std::move(prior), lower, upper);
}

PriorPtr make_prior(const std::string& name, const Settings& settings) {
  const auto kind =
      std::find_if(kinds().begin(), kinds().end(), [&](const Named& n) { return n.name == name; });
  if (kind == kinds().end()) {
    std::string known;
    for (const std::string& n : prior_names()) known += (known.empty() ? "" : ", ") + n;
    throw UsageError(text("unknown prior '", name, "'; there are: ", known));
  }
  settings.check_known("prior " + name, kind->settings);
  const auto at = [&](const char* key) { return required(settings, name, key); };
  if (name == "fixed") return fixed_prior(at("value"));
  if (name == "uniform") return uniform_prior(at("lower"), at("upper"));
  if (name == "log-uniform") return log_uniform_prior(at("lower"), at("upper"));
  PriorPtr prior;
  if (name == "normal") {
    prior = normal_prior(at("mean"), at("deviation"));
  } else if (name == "log-normal") {
    prior = log_normal_prior(at("log_mean"), at("log_deviation"));
  } else {
    const std::string file = settings.get("file", "");
    if (file.empty()) throw UsageError("prior table: 'file' is missing");
    prior = read_table_prior(file);
  }
  if (!settings.has("lower") && !settings.has("upper")) return prior;
  return truncated_prior(prior, settings.get("lower", -infinity), settings.get("upper", infinity));
}

std::vector<std::string> prior_names() {
  std::vector<std::string> names;
  for (const Named& n : kinds()) names.emplace_back(n.name);
  return names;
}

}  // namespace ersatz
