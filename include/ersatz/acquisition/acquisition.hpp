#pragma once
// Which simulation next: candidates are scored by what running them would teach, and a batch is chosen that
// does not ask the same question twice.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/regression/regressor.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {

/// What there is to choose by. References have to outlive the scoring.
struct Knowledge {
  const Emulator& emulator;  ///< learnt from `runs`
  const Archive& runs;       ///< the completed ones
  Matrix under_way;  ///< m × d: points whose outcome is not known (pending) or never will be (failed)
  /// One per output: squared errors of its entries are multiplied with this and summed. See error_weights.
  Vector weights;
  /// One per run: its squared error (weighted as above) by an emulator that did not know it. For those that
  /// `needs_folds`.
  Vector residual;
  /// Emulators of the same recipe, each of which did not know a part of the runs. Likewise.
  std::vector<Emulator> committee;
  /// m × d: the points that matter; no rows: the whole space does. What is averaged is averaged over them.
  Matrix focus{};
};

/// The scores of q candidates, and how they change as some of them are chosen.
class Scoring {
 public:
  virtual ~Scoring() = default;
  /// q; larger is better. Among very many candidates, those that are not the best may have an upper bound
  /// here: best() decides.
  virtual const Vector& scores() const = 0;
  /// The first of the candidates that score best, without those taken and those whose score is NaN; its score
  /// is exact. -1 where there is none.
  virtual Index best(const std::vector<bool>& taken);
  /// What a score is a part of, where scores say by how much that shrinks: the mean weighted variance over
  /// the space, given what pends. NaN where they say something else.
  virtual double shrinking() const;
  /// From now on the candidate counts as one that will be run.
  virtual void pend(Index candidate) = 0;
};

/// Immutable settings; `start` scores.
class Acquisition {
 public:
  virtual ~Acquisition() = default;
  virtual std::string name() const = 0;
  /// Whether it looks at Knowledge::residual or Knowledge::committee.
  virtual bool needs_folds() const { return false; }
  /// candidates: q × d in the units of the space. The same scores whatever the executor. Throws UsageError
  /// where the emulator lacks what this needs (a variance).
  virtual std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                         const FitContext& context) const = 0;
};

using AcquisitionPtr = std::shared_ptr<const Acquisition>;

/// By name; docs/learning.md says what each is good for.
///   "integrated-variance"   how much the variance shrinks over the whole space: ALC, Cohn (1996); of the
///                           latent coefficients, weighted by what they do to the outputs. Setting
///                           `reference`: points that the space is represented by, default 500 (at most;
///                           with Knowledge::focus every so many of them)
///   "largest-variance"      the variance at the candidate: ALM, MacKay (1992)
///                           Both: setting `local` (false): variances are multiplied with how much larger the
///                           squared leave-one-out residuals of the nearest runs are than predicted, so that
///                           they see where the function is rough. Exact Gaussian processes only
///   "mice"                  the variance at the candidate over that given the other candidates: Beck &
///                           Guillas, SIAM/ASA J. Uncertain. Quantif. 4, 739 (2016). Settings `others`: how
///                           many of them, default 300; `nugget`: noise over variance of their values,
///                           default 1. Exact Gaussian processes only
///   "residual"              squared error of the nearest run when it was set aside, times the squared
///                           distance to it: after Xu et al., J. Mech. Des. 136, 071009 (2014)
///   "committee"             the variance between emulators of folds: Seung, Opper & Sompolinsky (1992)
///   "expected-improvement"  over the best run so far: Jones, Schonlau & Welch (1998), Eq. 15. Settings
///                           `output` (a real one with one bin; default the first) and `maximise` (false)
///   "space-filling"         the distance to the nearest run, in the emulator's mapped inputs
///   "random"                anything
/// Throws UsageError on an unknown name (naming the known ones) or setting.
AcquisitionPtr make_acquisition(const std::string& name, const Settings& settings = {});
std::vector<std::string> acquisition_names();

struct Choice {
  Index candidate = 0;
  double score = 0.0;  ///< when it was chosen, given those before
  /// The share of the mean variance over the space that it takes away, given those before; NaN where the
  /// acquisition does not know.
  double share = 0.0;
};

/// `count` different candidates, best first: the best, then the best given that, and so on. Where every
/// predictor has covariances, what is chosen already counts through its exact effect on the variances (a
/// variance does not depend on the value that will be found: kriging believer and joint variance are one);
/// elsewhere scores near it are lowered (local penalisation). Ties go to the first. Throws UsageError where
/// count < 1 or there are fewer candidates.
std::vector<Choice> choose_batch(const Acquisition& acquisition, const Knowledge& knowledge,
                                 ConstMatrixRef candidates, Index count, const FitContext& context = {});

}  // namespace ersatz
