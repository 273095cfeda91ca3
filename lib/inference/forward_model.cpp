#include "ersatz/inference/forward_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class EmulatorModel final : public ForwardModel {
 public:
  explicit EmulatorModel(Emulator emulator) : emulator_(std::move(emulator)) {}
  const ParameterSpace& space() const override { return emulator_.space(); }
  const std::vector<Axis>& axes() const override { return emulator_.axes(); }
  const std::vector<OutputSpec>& outputs() const override { return emulator_.outputs(); }
  bool has_jacobian() const override { return emulator_.has_jacobian(); }
  double domain_score(const double* x, Workspace& workspace) const override {
    return emulator_.domain_score(x, workspace);
  }
  bool evaluate(const double* x, double* const* means, double* const* jacobians,
                Workspace& workspace) const override {
    const Eigen::Map<const Matrix> point(x, 1, space().size());
    try {
      if (jacobians)
        emulator_.mean_and_jacobian(point, means, jacobians, workspace);
      else
        emulator_.mean(point, means, workspace);
    } catch (const NumericalError&) {  // so far outside that it overflows
      return false;
    }
    return true;
  }
  const Emulator* emulator() const override { return &emulator_; }

 private:
  Emulator emulator_;
};

class SimulatorModel final : public ForwardModel {
 public:
  explicit SimulatorModel(std::shared_ptr<const Simulator> simulator) : simulator_(std::move(simulator)) {}
  const ParameterSpace& space() const override { return simulator_->space(); }
  const std::vector<Axis>& axes() const override { return simulator_->axes(); }
  const std::vector<OutputSpec>& outputs() const override { return simulator_->outputs(); }
  double domain_score(const double* x, Workspace&) const override {
    return space().contains(x) ? 0.0 : infinity;
  }
  bool evaluate(const double* x, double* const* means, double* const* jacobians, Workspace&) const override {
    if (jacobians) throw UsageError(text("the simulator '", simulator_->name(), "' gives no derivatives"));
    const SimulationResult result = simulator_->run(x);
    if (!result.ok()) return false;
    for (std::size_t o = 0; o < result.outputs.size(); ++o)
      std::copy(result.outputs[o].data(), result.outputs[o].data() + result.outputs[o].size(), means[o]);
    return true;
  }

 private:
  std::shared_ptr<const Simulator> simulator_;
};

}  // namespace

ForwardModelPtr forward_model(Emulator emulator) {
  return std::make_shared<EmulatorModel>(std::move(emulator));
}

ForwardModelPtr forward_model(std::shared_ptr<const Simulator> simulator) {
  if (!simulator) throw UsageError("forward model: there is no simulator");
  return std::make_shared<SimulatorModel>(std::move(simulator));
}

}  // namespace ersatz
