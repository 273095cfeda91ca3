#pragma once
// The inputs that a Gaussian process works on, and their internal units.

#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/core/matrix.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz::gp {

/// What ScaledData and the state of every predictor begin with.
struct InputFrame {
  Index inputs = 0;           ///< d, of the user
  std::vector<Index> active;  ///< inputs that vary in the data
  Vector lower, range;        ///< of the active inputs; internal units are (x - lower) / range

  Index dimension() const { return static_cast<Index>(active.size()); }
  /// x: d values of the user; u: the active ones in internal units.
  void scale(const double* x, double* u) const;
  /// row(k) = factor × gradient / range for the active inputs k, which is by the user's inputs again; the
  /// others are left as they are.
  void unscale(const double* gradient, double factor, Eigen::Ref<Eigen::RowVectorXd> row) const;

  void save(const h5::Group& group) const;
  static InputFrame load(const h5::Group& group);
};

/// "…; the file is damaged or from a newer version"
StorageError damaged(const h5::Group& group, const std::string& what);

/// The kernel and the mean that a file names, on `dimension` inputs. Throws StorageError where there are none
/// such.
struct Structure {
  KernelPtr kernel;
  Trend trend;
};
Structure read_structure(const h5::Group& group, const std::string& kernel, Index degree, Index dimension);

}  // namespace ersatz::gp
