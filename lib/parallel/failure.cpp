#include "parallel/failure.hpp"

#include <new>

#include "ersatz/core/error.hpp"

namespace ersatz::parallel {

Bytes encode_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UsageError& e) {
    return text("U", e.what());
  } catch (const DataError& e) {
    return text("D", e.what());
  } catch (const NumericalError& e) {
    return text("N", e.what());
  } catch (const StorageError& e) {
    return text(e.access() == StorageError::Access::read ? "R" : "W", e.what());
  } catch (const std::bad_alloc&) {
    return "Eout of memory";
  } catch (const std::exception& e) {
    return text("E", e.what());
  } catch (...) {
    return "Ean exception of unknown type";
  }
}

void throw_failure(const Bytes& failure, const std::string& prefix) {
  const std::string message = prefix + failure.substr(1);
  switch (failure[0]) {
    case 'U':
      throw UsageError(message);
    case 'D':
      throw DataError(message);
    case 'N':
      throw NumericalError(message);
    case 'R':
      throw StorageError(message, StorageError::Access::read);
    case 'W':
      throw StorageError(message, StorageError::Access::write);
    default:
      throw Error(message);
  }
}

}  // namespace ersatz::parallel
