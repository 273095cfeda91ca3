#include "emulator/export/c_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "ersatz/core/error.hpp"

namespace ersatz::c {
namespace {

constexpr std::size_t line_width = 110;

template <class Write>
std::string list(std::size_t n, const Write& write) {
  std::string all, line = " ";
  for (std::size_t i = 0; i < n; ++i) {
    const std::string value = " " + write(i) + ",";
    if (line.size() + value.size() > line_width) {
      all += line + "\n";
      line = " ";
    }
    line += value;
  }
  return all + line + "\n";
}

}  // namespace

std::string literal(double value) {
  if (!std::isfinite(value))
    throw NumericalError(text("a number of the model is ", value, ", and has no place in a C source"));
  char buffer[48];
  char* end = buffer + sizeof buffer;
  if (value == std::floor(value) && std::abs(value) < 1e9) {
    end = std::to_chars(buffer, end, value, std::chars_format::fixed, 1).ptr;
    return {buffer, end};
  }
  end = std::to_chars(buffer, end, std::abs(value), std::chars_format::hex).ptr;
  return (value < 0.0 ? "-0x" : "0x") + std::string(buffer, end);
}

std::string quoted(std::string_view words) {
  std::string all = "\"";
  for (const char character : words) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 32 || byte > 126 || character == '"' || character == '\\' || character == '?') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\%03o", static_cast<unsigned>(byte));
      all += escape;
    } else {
      all += character;
    }
  }
  return all + "\"";
}

std::string CFile::name(const std::string& stem) {
  const int count = ++names_[stem];
  return count == 1 ? stem : text(stem, count);
}

std::string CFile::table(const std::string& stem, const double* values, Index n) {
  if (n == 0) return "0";
  const std::string bytes(reinterpret_cast<const char*>(values),
                          static_cast<std::size_t>(n) * sizeof(double));
  if (const auto same = tables_.find(bytes); same != tables_.end()) return same->second;
  const std::string own = name(stem);
  code_ += text("static const double ", own, "[", n, "] = {\n");
  code_ += list(static_cast<std::size_t>(n), [&](std::size_t i) { return literal(values[i]); });
  code_ += "};\n\n";
  tables_[bytes] = own;
  return own;
}
std::string CFile::table(const std::string& stem, const Vector& values) {
  return table(stem, values.data(), values.size());
}
std::string CFile::table(const std::string& stem, const Matrix& values) {
  return table(stem, values.data(), values.size());
}

std::string CFile::integers(const std::string& stem, const std::vector<Index>& values) {
  if (values.empty()) return "0";
  const std::string own = name(stem);
  code_ += text("static const int ", own, "[", values.size(), "] = {\n");
  code_ += list(values.size(), [&](std::size_t i) { return text(values[i]); });
  code_ += "};\n\n";
  return own;
}

void CFile::use(std::string_view snippet) {
  const auto& all = snippets();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Snippet& s) { return snippet == s.name; });
  if (found == all.end()) throw Error(text("export: there is no snippet '", snippet, "'"));
  if (!used_.insert(found->name).second) return;
  for (const std::string_view needed : found->needs) use(needed);
}

std::string CFile::source() const {
  std::string all;
  for (const Snippet& s : snippets())
    if (used_.count(s.name)) all += s.text;
  return all + code_;
}

}  // namespace ersatz::c
