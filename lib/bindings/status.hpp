#pragma once
// How errors leave through C: a status, and a sentence kept for the thread.

#include <string>

#include "bindings/ersatz.h"
#include "ersatz/core/error.hpp"

namespace ersatz::c {

/// An error that knows its status.
class Failure : public Error {
 public:
  Failure(ersatz_status status, const std::string& message) : Error(message), status_(status) {}
  ersatz_status status() const noexcept { return status_; }

 private:
  ersatz_status status_;
};

/// The status of the exception that is being handled; its message becomes that of the thread.
ersatz_status report() noexcept;

/// The body of every function of the interface: no exception leaves.
template <class Body>
ersatz_status guarded(Body&& body) noexcept {
  try {
    body();
    return ERSATZ_OK;
  } catch (...) {
    return report();
  }
}

}  // namespace ersatz::c
