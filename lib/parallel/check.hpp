#pragma once
// MPI's return codes as exceptions.

#include <mpi.h>

#include "ersatz/core/error.hpp"

namespace ersatz::parallel {

inline void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char message[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, message, &length);
  throw Error(text(what, ": ", std::string_view(message, static_cast<std::size_t>(length))));
}

}  // namespace ersatz::parallel
