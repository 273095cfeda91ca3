#pragma once
// What long work tells the user while it runs.

#include <string_view>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Receives progress and messages; calls may come from several threads. The default swallows everything;
/// the command line program prints to standard error.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void begin(std::string_view /*what*/, Index /*steps*/) {}
  virtual void step(Index /*done*/) {}
  virtual void end() {}
  virtual void note(std::string_view /*message*/) {}
};

}  // namespace ersatz
