#include "selection/report_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "selection/quantile.hpp"

namespace ersatz::report {
namespace {

constexpr const char* kMinus = "\u2212";
constexpr const char* kNarrowBlank = "\u202f";
constexpr const char* kDash = "\u2013";

/// Length of the UTF-8 sequence that starts at i, 0 if it is none (RFC 3629).
std::size_t sequence(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return 1;
  const std::size_t n = first >= 0xF0 && first <= 0xF4   ? 4
                        : first >= 0xE0 && first <= 0xEF ? 3
                        : first >= 0xC2 && first <= 0xDF ? 2
                                                         : 0;
  if (n == 0 || i + n > s.size()) return 0;
  for (std::size_t k = 1; k < n; ++k)
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  const bool noncharacter = first == 0xEF && second == 0xBF && byte(i + 2) >= 0xBE;
  return overlong || beyond || noncharacter ? 0 : n;
}

std::string to_fixed(double value, int decimals) {
  std::array<char, 400> buffer;
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, decimals);
  return result.ec == std::errc() ? std::string(buffer.data(), result.ptr) : std::string(kDash);
}

/// Digits of a non-negative number with its thousands set apart from 10 000 on.
std::string grouped(const std::string& digits) {
  const auto point = std::min(digits.find('.'), digits.size());
  if (point < 5) return digits;
  std::string s;
  for (std::size_t i = 0; i < point; ++i) {
    if (i > 0 && (point - i) % 3 == 0) s += kNarrowBlank;
    s += digits[i];
  }
  return s + digits.substr(point);
}

void strip_zeros(std::string& digits) {
  if (digits.find('.') == std::string::npos) return;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
}

}  // namespace

std::string escape(std::string_view text) {
  std::string s;
  s.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = sequence(text, i);
    if (n == 0) {
      s += "\uFFFD";
      ++i;
      continue;
    }
    if (n > 1) {
      s.append(text, i, n);
    } else {
      switch (const char c = text[i]) {
        case '&':
          s += "&amp;";
          break;
        case '<':
          s += "&lt;";
          break;
        case '>':
          s += "&gt;";
          break;
        case '"':
          s += "&quot;";
          break;
        case '\'':
          s += "&#39;";
          break;
        default:
          s += (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? ' ' : c;
      }
    }
    i += n;
  }
  return s;
}

std::string power_of_ten(int exponent) {
  static constexpr std::array<const char*, 10> kSuperscripts = {"⁰", "¹", "²", "³", "⁴",
                                                                "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string s = "10";
  if (exponent < 0) s += "⁻";
  for (const char c : std::to_string(std::abs(exponent)))
    s += kSuperscripts[static_cast<std::size_t>(c - '0')];
  return s;
}

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return kDash;
  std::string digits = to_fixed(std::abs(value), std::clamp(decimals, 0, 15));
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return (value < 0 && !zero ? kMinus : "") + grouped(digits);
}

std::string number(double value, int digits) {
  if (!std::isfinite(value)) return kDash;
  if (value == 0.0) return "0";
  const double size = std::abs(value);
  const std::string sign = value < 0 ? kMinus : "";
  // to_chars rounds first, so that 9.996 to three digits has the exponent of 10.0.
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), size,
                                 std::chars_format::scientific, digits - 1)
                       .ptr;
  const std::string scientific(buffer.data(), end);
  const auto e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  if (exponent >= -3 && exponent <= 5) {
    std::string plain = to_fixed(size, std::max(0, digits - 1 - exponent));
    strip_zeros(plain);
    return sign + grouped(plain);
  }
  std::string mantissa = scientific.substr(0, e);
  strip_zeros(mantissa);
  return sign + (mantissa == "1" ? "" : mantissa + "×") + power_of_ten(exponent);
}

std::string percent(double fraction, int digits) {
  if (!std::isfinite(fraction)) return kDash;
  if (fraction != 0.0 && std::abs(fraction) < 1e-5) return number(fraction, digits);
  // Two digits of a percentage near 100 would hide what matters there.
  return number(100.0 * fraction, std::abs(fraction) >= 0.1 ? std::max(digits, 3) : digits) + "%";
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return kDash;
  struct Unit {
    double below, size;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{1e-6, 1e-9, "ns"}, {1e-3, 1e-6, "µs"},   {1.0, 1e-3, "ms"},
                                    {120.0, 1.0, "s"},  {7200.0, 60., "min"}, {172800.0, 3600.0, "h"}};
  if (seconds == 0.0) return "0\u00a0s";
  for (const Unit& unit : kUnits)
    if (seconds < unit.below * 0.9995) return number(seconds / unit.size) + "\u00a0" + unit.name;
  return number(seconds / 86400.0) + "\u00a0d";
}

std::string times(double ratio) {
  if (!std::isfinite(ratio) || ratio <= 0) return kDash;
  if (ratio < 10) return number(ratio, 2);
  const double unit = std::pow(10.0, std::floor(std::log10(ratio)) - 1);
  return ratio < 1e9 ? fixed(std::round(ratio / unit) * unit, 0) : number(ratio, 2);
}

std::string with_unit(std::string_view name, std::string_view unit) {
  std::string s(name);
  if (!unit.empty()) s.append(" [").append(unit).append("]");
  return s;
}

std::string listing(const std::vector<std::string>& items, std::size_t most) {
  std::string s;
  const std::size_t shown = items.size() <= most ? items.size() : most - 1;
  for (std::size_t i = 0; i < shown; ++i)
    s += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  if (shown < items.size()) s += " and " + std::to_string(items.size() - shown) + " more";
  return s;
}

double quantile(const Vector& values, double q) {
  std::vector<double> finite;
  for (const double v : values)
    if (std::isfinite(v)) finite.push_back(v);
  return ersatz::quantile(std::move(finite), q);
}

std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace ersatz::report
