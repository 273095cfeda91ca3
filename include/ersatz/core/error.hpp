#pragma once
// One exception hierarchy. A message names the file, row, parameter and value, says what was expected, and
// what to do about it.

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace ersatz {

/// Base of all errors that Ersatz throws. `exit_status` is what the command line program ends with.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  virtual int exit_status() const noexcept { return 1; }
};

/// The caller asked for something that makes no sense (unknown name, wrong shape, contradictory options).
class UsageError : public Error {
 public:
  using Error::Error;
  int exit_status() const noexcept override { return 2; }
};

/// The data cannot be used as they are (not finite, wrong number of columns, outside of bounds).
class DataError : public Error {
 public:
  using Error::Error;
  int exit_status() const noexcept override { return 2; }
};

/// The numbers cannot do it: a matrix is singular, an iteration does not converge.
class NumericalError : public Error {
 public:
  using Error::Error;
  int exit_status() const noexcept override { return 3; }
};

/// A file cannot be read (foreign, truncated, newer: exit status 2) or written (disk full: exit status 1).
class StorageError : public Error {
 public:
  enum class Access { read, write };
  explicit StorageError(const std::string& message, Access access = Access::read)
      : Error(message), access_(access) {}
  Access access() const noexcept { return access_; }
  int exit_status() const noexcept override { return access_ == Access::read ? 2 : 1; }

 private:
  Access access_;
};

namespace detail {
inline void append(std::string& s, std::string_view v) { s.append(v); }
inline void append(std::string& s, char v) { s.push_back(v); }
template <class T, std::enable_if_t<std::is_same_v<T, bool>, int> = 0>
void append(std::string& s, T v) {
  s.append(v ? "true" : "false");
}
template <class T,
          std::enable_if_t<std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>,
                           int> = 0>
void append(std::string& s, T v) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  s.append(buffer, end);
}
}  // namespace detail

/// Joins text and numbers; doubles in the shortest form that reads back to the same value.
template <class... Args>
std::string text(const Args&... args) {
  std::string s;
  (detail::append(s, args), ...);
  return s;
}

/// A number to `digits` significant digits, for people.
std::string brief(double value, int digits = 4);

}  // namespace ersatz
