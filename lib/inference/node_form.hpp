#pragma once
// Reduced-order quadrature of a likelihood: the model at a few of the observed entries, from which
// the others follow. Not installed.

#include <functional>
#include <vector>

#include "ersatz/inference/forward_model.hpp"
#include "inference/linear_form.hpp"
#include "inference/observed_entries.hpp"

namespace ersatz {

/// Empirical interpolation (Antil, Field, Herrmann, Nochetto & Tiglio 2013; Canizares et al. 2015) of what an
/// emulator predicts at the entries: mean ≈ offset + valuesᵀ rows, the values those of the nodes. Error, of a
/// prediction: its length with the covariance of the data whitened away, so that a posterior mean moves, to
/// first order, by no more than so many of its deviations.
class NodeForm {
 public:
  /// Of a difference between two predictions, whitened.
  using Length = std::function<double(const Vector& difference)>;

  /// Learns from predictions over the emulator's space, where its domain score is at most 1, until all of
  /// others, a third as many, are within `tolerance`. Cost: some hundred to some thousand predictions, and as
  /// many times nodes × m products. Throws UsageError where half of the values, or thousands of predictions,
  /// are not enough; where a decoder or a transform needs whole rows; and where nothing depends on the
  /// parameters. `scale`, m: the deviation of each value, or what stands for it: nodes are looked for as if
  /// values in these units counted the same.
  NodeForm(const Emulator& emulator, const std::vector<ObservedEntry>& entries, const Vector& scale,
           const Length& length, double tolerance);

  const LinearModel& linear() const { return linear_; }
  Index nodes() const { return linear_.coefficients(); }
  double error() const { return error_; }  ///< the largest of the predictions that it was tested on

  /// As evaluate_entries, of the nodes.
  bool evaluate(const double* x, Vector& values, Workspace& workspace) const {
    return evaluate_entries(*model_, runs_, x, values, workspace);
  }
  bool evaluate(const double* x, Vector& values, const std::function<const double*()>& weigh,
                double* gradient, Workspace& workspace) const {
    return evaluate_entries(*model_, runs_, x, values, weigh, gradient, workspace);
  }

 private:
  void use(const Emulator& emulator, const std::vector<ObservedEntry>& nodes);

  ForwardModelPtr model_;  ///< of the bins that the nodes are in
  std::vector<ObservedRun> runs_;
  LinearModel linear_;
  double error_ = 0.0;
};

/// Throws UsageError unless it is a finite number from 0.
void check_reduced_quadrature(double tolerance);

}  // namespace ersatz
