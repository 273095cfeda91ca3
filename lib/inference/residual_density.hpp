#pragma once
// Gaussian or Student t, as functions of chi². Not installed.

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// ln density of m residuals = log(chi²) - ln|C| / 2. Multivariate t: Kotz & Nadarajah 2004, Eq. 1.1.
class ResidualDensity {
 public:
  /// degrees 0: Gaussian.
  ResidualDensity(Index size, double degrees) : size_(static_cast<double>(size)), degrees_(degrees) {
    constexpr double log_pi = 1.1447298858494002, log_two_pi = 1.8378770664093453;
    constant_ = degrees > 0.0
                    ? boost::math::lgamma(0.5 * (degrees + size_)) - boost::math::lgamma(0.5 * degrees) -
                          0.5 * size_ * (std::log(degrees) + log_pi)
                    : -0.5 * size_ * log_two_pi;
  }
  double log(double chi2) const {
    return constant_ - 0.5 * (degrees_ > 0.0 ? (degrees_ + size_) * std::log1p(chi2 / degrees_) : chi2);
  }
  /// -2 d log / d chi²
  double weight(double chi2) const { return degrees_ > 0.0 ? (degrees_ + size_) / (degrees_ + chi2) : 1.0; }

 private:
  double size_, degrees_, constant_;
};

}  // namespace ersatz
