#pragma once
// A campaign whose emulator has to be good where data point.

#include <memory>

#include "ersatz/campaign/focus.hpp"
#include "ersatz/inference/posterior_file.hpp"
#include "ersatz/simulators/simulator.hpp"

namespace ersatz::driver {

/// Draws from the posterior of a file, made with the emulator of the round. Beyond its domain the emulator's
/// error is widened instead of rejecting the point: that is where it may have to learn. The data are read
/// once, here, for the simulator's outputs. Throws what build_posterior throws.
std::shared_ptr<const Focus> posterior_focus(PosteriorFile file, std::shared_ptr<const Simulator> simulator);

}  // namespace ersatz::driver
