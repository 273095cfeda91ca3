#include "bindings/status.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "ersatz/version.hpp"

namespace ersatz::c {
namespace {

// No allocation: there may be no memory to say so.
constexpr std::size_t longest = 2048;
thread_local char last_message[longest] = "";

ersatz_status keep(ersatz_status status, const char* message) noexcept {
  std::size_t size = std::strlen(message);
  if (size >= longest) {
    size = longest - 1;
    while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xc0) == 0x80)
      --size;  // whole characters
  }
  std::memcpy(last_message, message, size);
  last_message[size] = '\0';
  return status;
}

}  // namespace

ersatz_status report() noexcept {
  try {
    throw;
  } catch (const Failure& e) {
    return keep(e.status(), e.what());
  } catch (const UsageError& e) {
    return keep(ERSATZ_NOT_AVAILABLE, e.what());
  } catch (const DataError& e) {
    return keep(ERSATZ_BAD_INPUT, e.what());
  } catch (const NumericalError& e) {
    return keep(ERSATZ_NOT_FINITE, e.what());
  } catch (const StorageError& e) {
    return keep(ERSATZ_BAD_FILE, e.what());
  } catch (const std::bad_alloc&) {
    return keep(ERSATZ_NO_MEMORY, "there is not enough memory for what was asked");
  } catch (const std::exception& e) {
    return keep(ERSATZ_FAILURE, e.what());
  } catch (...) {
    return keep(ERSATZ_FAILURE, "an exception of a foreign kind");
  }
}

}  // namespace ersatz::c

const char* ersatz_version(void) { return ersatz::version(); }
int ersatz_abi_version(void) { return 1; }
const char* ersatz_message(void) { return ersatz::c::last_message; }

const char* ersatz_status_text(ersatz_status status) {
  switch (status) {
#define ERSATZ_CASE(name, number, text) \
  case number:                          \
    return text;
    ERSATZ_STATUSES(ERSATZ_CASE)
#undef ERSATZ_CASE
    default:
      return "no status of this version of Ersatz";
  }
}
