#pragma once
// What an emulator does not know at many points, coefficient by coefficient, and what running some of them
// would leave. Not installed.

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/emulator/emulator.hpp"
#include "ersatz/regression/gp/cross_covariance.hpp"

namespace ersatz::acquisition {

/// One coefficient that a predictor of the emulator learns.
struct Latent {
  Index channel = 0, coefficient = 0;
  const Predictor* predictor = nullptr;
  double scale = 1.0;  ///< the channel's variance_scale
  double noise = 0.0;  ///< variance of an observed value beyond the function's own, scaled
};

/// Coefficients of all channels, in order. Throws UsageError unless emulator.has_std().
std::vector<Latent> latents_of(const Emulator& emulator);

/// X (q × d, the space's units) as the input map gives it.
Matrix mapped(const Emulator& emulator, ConstMatrixRef X, Executor& executor);

/// The rows of all, one below the other; all have as many columns as the first.
Matrix stacked(std::initializer_list<Matrix> parts);

/// q × coefficients: by how much the weighted square of the outputs changes with the square of each
/// coefficient, where the coefficients are `means` (q × coefficients); first order. Cost per point:
/// coefficients × width of the outputs.
Matrix sensitivity(const Emulator& emulator, ConstMatrixRef X, ConstMatrixRef means, const Vector& weights,
                   Executor& executor);

/// Variances of all coefficients at q points, given the data and the points observed since. Coefficients that
/// share a correlation are a family: their covariances differ by factors, and those of its first are
/// computed.
class LatentPosterior {
 public:
  /// U: q × d', mapped.
  /// `bounded`: of so many of the first points upper bounds will do for now, where predictors have cheap ones
  /// (large exact Gaussian processes).
  LatentPosterior(const Emulator& emulator, Matrix U, Executor& executor, Index bounded = 0);

  /// The first of each family.
  const std::vector<Latent>& latents() const { return latents_; }
  const Matrix& points() const { return U_; }
  const Matrix& mean() const { return mean_; }  ///< q × coefficients
  /// families × q, of the functions behind the noise; upper bounds of points that are not refined.
  const Matrix& variance() const { return variance_; }
  /// q × coefficients, what multiplies their variances, to families × q, what multiplies those above.
  Matrix weights_of_families(ConstMatrixRef weights) const;
  /// Every predictor has covariances: observe() may be called.
  bool exact() const { return exact_; }
  /// False: variance() has an upper bound of this point.
  bool refined(Index p) const { return refined_.empty() || refined_[static_cast<std::size_t>(p)]; }
  /// Computes their variances, with the bits that they have without bounds.
  void refine(const std::vector<Index>& points);
  /// Conditions on point p (refined) without knowing its value. Cost: n kernel values for each point and
  /// family.
  void observe(Index p);
  /// One for each observed point: families × q, the covariance that went with it over the deviation of
  /// its observed value. What was known after it: covariance(a, b) minus its product at a and b.
  const std::vector<Matrix>& explained() const { return explained_; }

 private:
  struct Member {
    Index family = 0;
    double factor = 1.0;  ///< its covariance over that of the family's first
  };

  const Emulator& emulator_;
  Executor& executor_;
  std::vector<char> refined_;  ///< empty: all are
  std::vector<Latent> latents_;
  std::vector<Member> members_;  ///< of all coefficients
  Matrix U_, mean_, variance_;
  std::vector<Matrix> explained_;
  bool exact_ = true;
};

/// Calls work(begin, count) for blocks of at most `block` of n, on the workers of this process.
template <class Work>
void in_blocks(Index n, Index block, Executor& executor, const Work& work) {
  executor.local().map((n + block - 1) / block, [&](Index task) {
    const Index begin = task * block;
    work(begin, std::min(block, n - begin));
    return Bytes();
  });
}

}  // namespace ersatz::acquisition
