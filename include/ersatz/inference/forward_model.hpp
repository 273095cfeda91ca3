#pragma once
// What predicts the data from parameters: an emulator with its error, or the simulator itself.

#include <memory>
#include <vector>

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/simulators/simulator.hpp"

namespace ersatz {

/// Immutable, safe from many threads (a Workspace each).
class ForwardModel {
 public:
  virtual ~ForwardModel() = default;
  virtual const ParameterSpace& space() const = 0;
  virtual const std::vector<Axis>& axes() const = 0;
  virtual const std::vector<OutputSpec>& outputs() const = 0;
  virtual bool has_gradient() const { return false; }

  /// Up to 1: a prediction that can be trusted; infinite: outside of the space, no prediction.
  virtual double domain_score(const double* x, Workspace& workspace) const = 0;
  /// means[o]: a row of output o. False where there is no value at x (the run failed, the numbers
  /// overflowed).
  virtual bool evaluate(const double* x, double* const* means, Workspace& workspace) const = 0;
  /// The emulator, for its covariance; null: the predictions have no error of their own.
  virtual const Emulator* emulator() const { return nullptr; }
  /// As evaluate, and the gradient (d values) of the number that `weigh` is about, see
  /// Emulator::mean_and_gradient. False also where that does not want it. Throws UsageError unless
  /// has_gradient().
  virtual bool evaluate_backwards(const double* x, double* const* means, const Emulator::Weigh& weigh,
                                  double* gradient, Workspace& workspace) const;
};

using ForwardModelPtr = std::shared_ptr<const ForwardModel>;

ForwardModelPtr forward_model(Emulator emulator);
/// Within the simulator's space; no derivatives.
ForwardModelPtr forward_model(std::shared_ptr<const Simulator> simulator);

}  // namespace ersatz
