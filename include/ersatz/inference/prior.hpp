#pragma once
// Prior densities of single parameters.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/random.hpp"
#include "ersatz/core/settings.hpp"

namespace ersatz {

class Prior;
using PriorPtr = std::shared_ptr<const Prior>;

/// A normalised density on an interval. Immutable and thread safe.
class Prior {
 public:
  virtual ~Prior() = default;
  virtual double lower() const = 0;  ///< of the support; may be infinite
  virtual double upper() const = 0;
  /// One value alone, without a density.
  bool fixed() const { return lower() == upper(); }

  /// -infinity outside of the support.
  virtual double log_density(double x) const = 0;
  /// d log density / dx within the support.
  virtual double slope(double x) const = 0;
  virtual double cdf(double x) const = 0;
  /// The inverse of cdf, 0 <= p <= 1.
  virtual double quantile(double p) const = 0;
  virtual std::string describe() const = 0;  ///< "normal, mean 0, deviation 1"

  double sample(RandomStream& random) const { return quantile(std::max(random.uniform(), 0x1p-54)); }
};

/// All throw UsageError on bounds that do not ascend, deviations that are not positive, values that are not
/// finite.
PriorPtr fixed_prior(double value);
PriorPtr uniform_prior(double lower, double upper);
/// Uniform in the logarithm; 0 < lower < upper.
PriorPtr log_uniform_prior(double lower, double upper);
PriorPtr normal_prior(double mean, double deviation);
/// The natural logarithm is normal with this mean and deviation.
PriorPtr log_normal_prior(double log_mean, double log_deviation);
/// Linear between the values (at least two, ascending), zero outside; densities from 0 on, in any scale.
PriorPtr table_prior(const Vector& values, const Vector& densities);
/// Another prior cut to an interval, whose ends may be infinite, and normalised again. Throws UsageError
/// where less than 1e-10 of it is left.
PriorPtr truncated_prior(PriorPtr prior, double lower, double upper);

/// By name, as in a configuration: "fixed" (setting `value`), "uniform" and "log-uniform" (`lower`, `upper`),
/// "normal" (`mean`, `deviation`), "log-normal" (`log_mean`, `log_deviation`), "table" (`file`: two columns,
/// value and density, see read_table). The last three are cut where `lower` or `upper` are given. Throws
/// UsageError naming what is missing or unknown, and what read_table throws.
PriorPtr make_prior(const std::string& name, const Settings& settings);
std::vector<std::string> prior_names();

}  // namespace ersatz
