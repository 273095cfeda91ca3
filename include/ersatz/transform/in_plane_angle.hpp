#pragma once
// The direction of two spins in the orbital plane: the one angle that the orbit-averaged equations of a
// precessing binary do not depend on. An input map and a decoder that use the symmetry share it.

#include <array>
#include <complex>
#include <set>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// alpha = arg z, z = w1 m1^p (chi1x + i chi1y) + w2 m2^p (chi2x + i chi2y), with m1 = q/(1+q), m2 = 1/(1+q)
/// (masses count as equal without q). Turning both spins about z by beta adds beta to alpha. alpha is 0 where
/// z vanishes, and jumps about there, as any such angle must.
struct InPlaneAngle {
  std::array<Index, 4> spins{};             ///< which parameters are chi1x, chi1y, chi2x, chi2y
  Index mass_ratio = -1;                    ///< which one is q; -1: none
  std::array<double, 2> weights{1.0, 1.0};  ///< w1, w2
  double mass_power = 2.0;                  ///< p; 2: of the spins S_i = m_i^2 chi_i

  /// exp(i alpha) for the parameters x in their own units.
  Complex direction(const double* x) const;
  double angle(const double* x) const;  ///< alpha in (-pi, pi]
  /// Change of alpha along dx, to first order; 0 where z vanishes.
  double push(const double* x, const double* dx) const;

  void save(const h5::Group& group) const;
  static InPlaneAngle load(const h5::Group& group);
  bool fits(Index parameters) const;  ///< whether all of these are among so many parameters
};

/// From the settings `spins` (names, default chi1x, chi1y, chi2x, chi2y), `mass_ratio` (name, default q where
/// there is a parameter of this name), `weights` (default 1, 1) and `mass_power` (default 2). Other keys are
/// left to the caller. Throws UsageError where a name is not among `parameters`; `whose` begins the message.
InPlaneAngle in_plane_angle(const Settings& settings, const std::vector<std::string>& parameters,
                            const std::string& whose);
/// Those keys, for Settings::check_known.
const std::set<std::string>& in_plane_angle_settings();

}  // namespace ersatz
