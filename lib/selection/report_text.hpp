#pragma once
// Words and numbers for people: what the report writes between its tags. Nothing here depends on the locale.

#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz::report {

/// Text made safe for HTML and XML, in content and in quoted attributes. Control characters become blanks,
/// bytes that are not UTF-8 become U+FFFD.
std::string escape(std::string_view text);

/// A number to `digits` significant digits: 0.0123, 4 500, 1.2×10⁻⁵. A dash where there is none (not finite).
/// Integers below 10⁶ are written out, with narrow blanks between thousands from 10 000 on.
std::string number(double value, int digits = 3);

/// Fixed decimals, with a true minus sign and grouped thousands.
std::string fixed(double value, int decimals);

/// A power of ten with superscripts: 10⁻⁵.
std::string power_of_ten(int exponent);

/// A fraction as 0.21%; below 0.001% as a plain number, 3×10⁻⁶.
std::string percent(double fraction, int digits = 2);

/// A duration: 12.3 µs, 4.5 ms, 3.2 s, 5.1 min, 2.3 h, 1.2 d.
std::string duration(double seconds);

/// How many times: "190 000", to two digits.
std::string times(double ratio);

/// "name [unit]", or the name alone.
std::string with_unit(std::string_view name, std::string_view unit);

/// "a", "a and b", "a, b and c"; from `most` on "a, b and 7 more".
std::string listing(const std::vector<std::string>& items, std::size_t most = 4);

/// The value below which the share q of the finite values lies (linear interpolation); NaN without any.
double quantile(const Vector& values, double q);

/// Code points, the measure for the width of a text.
std::size_t length(std::string_view text);

}  // namespace ersatz::report
