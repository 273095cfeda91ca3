#pragma once
// Anything that computes outputs from parameters: physics that ships, test functions, external programs.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/axis.hpp"
#include "ersatz/core/parameter_space.hpp"

namespace ersatz {

/// Settled once a run ended: the rows of all outputs, or the reason why there are none.
struct SimulationResult {
  std::vector<Vector> outputs;  ///< one per OutputSpec, `width()` doubles each; empty when failed
  std::string failure;          ///< empty when the run succeeded

  bool ok() const { return failure.empty(); }
  static SimulationResult failed(std::string why) { return {{}, std::move(why)}; }
};

/// Implementations are immutable; `run` may be called from many threads at once.
class Simulator {
 public:
  virtual ~Simulator() = default;

  virtual std::string name() const = 0;
  virtual std::string description() const = 0;  ///< one paragraph with the references
  virtual const ParameterSpace& space() const = 0;
  virtual const std::vector<Axis>& axes() const = 0;
  virtual const std::vector<OutputSpec>& outputs() const = 0;

  /// One run at x (d values in the space's order and units). Points outside of the default space are allowed
  /// where the physics is defined. Never throws for a failing run: the failure is part of the result.
  virtual SimulationResult run(const double* x) const = 0;
  /// Whether the next run at x costs nothing, as this process has its result from before.
  virtual bool has_result(const double* /*x*/) const { return false; }
};

/// The simulators that ship, by name ("supernova", "waveform-aligned", "borehole", …).
std::vector<std::string> simulator_names();
/// Throws UsageError naming the known ones.
std::shared_ptr<const Simulator> make_simulator(const std::string& name);

}  // namespace ersatz
