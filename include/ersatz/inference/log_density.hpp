#pragma once
// What samplers and optimisers ask for: the logarithm of a density over a few named parameters.

#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"

namespace ersatz {

/// One of the parameters. Bounds may be infinite; the density is zero outside of them.
struct DensityParameter {
  std::string name, unit;
  double lower, upper;
};

/// The two parts of a log density, up to constants.
struct LogDensityValue {
  double log_prior = 0.0;       ///< -infinity outside of the support
  double log_likelihood = 0.0;  ///< -infinity where it is not to be (a point that is rejected)
  bool inside_domain = true;    ///< of the emulator
  double sum() const { return log_prior + log_likelihood; }
};

/// A density over size() parameters, known up to a constant. Immutable, safe from many threads with a
/// Workspace each. Never NaN: what cannot be evaluated is -infinity, or an exception where it is a mistake of
/// the caller.
class LogDensity {
 public:
  virtual ~LogDensity() = default;
  virtual const std::vector<DensityParameter>& parameters() const = 0;
  Index size() const { return static_cast<Index>(parameters().size()); }
  virtual bool has_gradient() const = 0;

  /// theta: size() values. gradient: size() values, of sum() by theta, or null; left alone where sum() is not
  /// finite. Throws UsageError on a gradient that there is not.
  virtual LogDensityValue evaluate(const double* theta, double* gradient, Workspace& workspace) const = 0;
};

}  // namespace ersatz
