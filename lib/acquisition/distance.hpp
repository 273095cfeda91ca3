#pragma once
// How far candidates are from what was run, as the emulator's input map sees it. Not installed.

#include "ersatz/acquisition/acquisition.hpp"

namespace ersatz::acquisition {

/// Squared distances of candidates to the nearest of some points.
class Nearest {
 public:
  /// Both q × d' and n × d', mapped. Cost: q n d' flops, shared out.
  Nearest(Matrix candidates, ConstMatrixRef points, Executor& executor);

  const Vector& squared_distance() const { return squared_; }  ///< q; infinite without points
  const std::vector<Index>& nearest() const { return nearest_; }
  /// A candidate is one of the points from now on; `nearest` stays among those from before.
  void add(Index candidate);
  /// One more point (d' values).
  void add(const double* point);

 private:
  Matrix candidates_;
  Vector squared_;
  std::vector<Index> nearest_;
};

/// Local penalisation, for scores that cannot be conditioned on points without values: each score is
/// multiplied with 1 - exp(-δ² / (2 ρ²)) for every pending point at distance δ, ρ the mean distance of a run
/// to its nearest neighbour. (González et al. 2016, with the runs' spacing in the place of a Lipschitz
/// constant.)
class Penalty {
 public:
  Penalty(Matrix candidates, ConstMatrixRef runs);
  /// Lowers the scores (never negative ones) near one more pending point, d' values.
  void apply(const double* point, Vector& scores) const;
  const Matrix& candidates() const { return candidates_; }

 private:
  Matrix candidates_;
  double reach_squared_ = 0.0;
};

/// Scores that a rule for single points gives, with penalties for those that are chosen.
class PenalisedScoring final : public Scoring {
 public:
  PenalisedScoring(Vector scores, const Knowledge& knowledge, ConstMatrixRef candidates, Executor& executor);
  const Vector& scores() const override { return scores_; }
  void pend(Index candidate) override {
    penalty_.apply(penalty_.candidates().row(candidate).data(), scores_);
  }

 private:
  Vector scores_;
  Penalty penalty_;
};

}  // namespace ersatz::acquisition
