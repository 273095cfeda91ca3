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
  bool has_gradient() const override { return emulator_.has_jacobian(); }
  double domain_score(const double* x, Workspace& workspace) const override {
    return emulator_.domain_score(x, workspace);
  }
  bool evaluate(const double* x, double* const* means, Workspace& workspace) const override {
    try {
      emulator_.mean(Eigen::Map<const Matrix>(x, 1, space().size()), means, workspace);
    } catch (const NumericalError&) {  // so far outside that it overflows
      return false;
    }
    return true;
  }
  bool evaluate_backwards(const double* x, double* const* means, const Emulator::Weigh& weigh,
                          double* gradient, Workspace& workspace) const override {
    bool weighing = false;
    const auto watched = [&](double* const* weights) {
      weighing = true;
      const bool wanted = weigh(weights);
      weighing = false;
      return wanted;
    };
    try {
      return emulator_.mean_and_gradient(x, means, watched, gradient, workspace);
    } catch (const NumericalError&) {
      if (weighing) throw;  // not the emulator's
      return false;
    }
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
  bool evaluate(const double* x, double* const* means, Workspace&) const override {
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

bool ForwardModel::evaluate_backwards(const double*, double* const*, const Emulator::Weigh&, double*,
                                      Workspace&) const {
  throw UsageError("forward model: it gives no derivatives");
}

ForwardModelPtr forward_model(Emulator emulator) {
  return std::make_shared<EmulatorModel>(std::move(emulator));
}

ForwardModelPtr forward_model(std::shared_ptr<const Simulator> simulator) {
  if (!simulator) throw UsageError("forward model: there is no simulator");
  return std::make_shared<SimulatorModel>(std::move(simulator));
}

}  // namespace ersatz
