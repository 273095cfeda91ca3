#pragma once
// A campaign whose emulator has to be good where data point.

#include <memory>
#include <string>

#include "ersatz/campaign/focus.hpp"

namespace ersatz::driver {

/// Draws from the posterior of the file infer.toml, made with the emulator of the round. Beyond its domain
/// the emulator's error is widened instead of rejecting the point: that is where it may have to learn.
/// Throws what read_posterior_file throws.
std::shared_ptr<const Focus> posterior_focus(const std::string& path, std::vector<std::string>& inputs);

}  // namespace ersatz::driver
