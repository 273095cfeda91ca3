// Tables as text.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "storage/table_detail.hpp"

namespace ersatz {
namespace detail {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

// The fields of a line; quotes keep commas and spaces together and are taken off names later.
void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  bool quoted = false, comma = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    comma = comma || (c == ',' && !quoted);
  }
  quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    const bool end = i == line.size() || (!quoted && (comma ? line[i] == ',' : is_space(line[i])));
    if (!end) continue;
    const auto field = trimmed(line.substr(begin, i - begin));
    if (comma || !field.empty()) fields.push_back(field);
    begin = i + 1;
  }
}

// Up to a '#' outside of quotes.
std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted) return line.substr(0, i);
  }
  return line;
}

std::string unquoted(std::string_view field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return std::string(field);
  std::string name;
  field = field.substr(1, field.size() - 2);
  for (std::size_t i = 0; i < field.size(); ++i) {
    name += field[i];
    if (field[i] == '"' && i + 1 < field.size() && field[i + 1] == '"') ++i;
  }
  return name;
}

std::string shown(std::string_view token) {
  return token.size() <= 40 ? std::string(token) : std::string(token.substr(0, 40)) + "...";
}

// Names from a leading comment: as many words as columns, all different, none of them a number.
std::vector<std::string> names_in_comments(const std::vector<std::string_view>& comments,
                                           std::size_t columns) {
  std::vector<std::string_view> words;
  for (auto comment = comments.rbegin(); comment != comments.rend(); ++comment) {
    split(trimmed(*comment), words);
    std::set<std::string> distinct;
    double number;
    for (const auto w : words)
      if (!w.empty() && !parse_number(w, number)) distinct.insert(unquoted(w));
    if (words.size() != columns || distinct.size() != columns) continue;
    std::vector<std::string> names;
    for (const auto w : words) names.push_back(unquoted(w));
    return names;
  }
  return {};
}

}  // namespace

bool parse_number(std::string_view token, double& value) {
  if (!token.empty() && token.front() == '+') {
    token.remove_prefix(1);
    if (!token.empty() && token.front() == '-') return false;
  }
  if (token.empty()) return false;
  const char *begin = token.data(), *end = begin + token.size();
  std::string fortran;
  auto result = std::from_chars(begin, end, value);
  if (result.ec != std::errc::invalid_argument && result.ptr != end &&
      (*result.ptr == 'd' || *result.ptr == 'D')) {
    fortran = token;
    fortran[static_cast<std::size_t>(result.ptr - begin)] = 'e';
    begin = fortran.data();
    end = begin + fortran.size();
    // from_chars takes no '+' in front of the number, but one in the exponent.
    result = std::from_chars(begin, end, value);
  }
  if (result.ec == std::errc::invalid_argument || result.ptr != end) return false;
  if (result.ec == std::errc::result_out_of_range) {
    const std::string_view all(begin, static_cast<std::size_t>(end - begin));
    const auto exponent = all.find_first_of("eE");
    const bool small = exponent == std::string_view::npos ? all.find_first_not_of("-0.") > all.find('.')
                                                          : all.substr(exponent + 1, 1) == "-";
    value = small ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return true;
}

Table parse_text_table(std::string_view bytes, const std::string& where) {
  Table table;
  table.where = where;
  if (bytes.substr(0, 3) == "\xef\xbb\xbf") bytes.remove_prefix(3);
  std::vector<double> numbers;
  std::vector<std::string_view> fields, comments;
  std::size_t columns = 0, line_number = 0, rows = 0, header_line = 0, first_line = 0;
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.find('\n'), bytes.size());
    const std::string_view whole = bytes.substr(0, length);
    bytes.remove_prefix(std::min(length + 1, bytes.size()));
    ++line_number;
    const auto line = trimmed(without_comment(whole));
    if (line.empty()) {
      const auto hash = whole.find('#');
      if (columns == 0 && hash != std::string_view::npos) comments.push_back(whole.substr(hash + 1));
      continue;
    }
    split(line, fields);
    if (columns == 0) {
      // A line without a single number is a header.
      bool any_number = false;
      for (const auto f : fields) {
        double value;
        any_number = any_number || parse_number(f, value);
      }
      columns = fields.size();
      first_line = line_number;
      if (!any_number) {
        header_line = line_number;
        std::set<std::string> seen;
        for (std::size_t i = 0; i < fields.size(); ++i) {
          const std::string name = unquoted(fields[i]);
          if (name.empty())
            throw DataError(text(where, ", line ", line_number, ", column ", i + 1, ": the name is empty"));
          if (!seen.insert(name).second)
            throw DataError(text(where, ", line ", line_number, ", column ", i + 1, ": the name '", name,
                                 "' appears twice"));
          table.names.push_back(name);
        }
        continue;
      }
    }
    if (fields.size() != columns)
      throw DataError(text(where, ", line ", line_number, ": ", fields.size(), " columns, ", columns,
                           " are expected as in line ", first_line));
    for (std::size_t i = 0; i < columns; ++i) {
      double value = 0.0;
      if (!parse_number(fields[i], value))
        throw DataError(text(where, ", line ", line_number, ", column ", i + 1, ": '", shown(fields[i]),
                             "' is not a number"));
      if (!std::isfinite(value))
        throw DataError(text(where, ", line ", line_number, ", column ", i + 1, ": '", shown(fields[i]),
                             "' is not finite"));
      numbers.push_back(value);
    }
    ++rows;
  }
  if (rows == 0)
    throw DataError(text(where, header_line ? ": there is a header but not one row of numbers"
                                            : ": there is not one row of numbers"));
  if (table.names.empty()) {
    table.names = names_in_comments(comments, columns);
    table.names_guessed = !table.names.empty();
  }
  table.values =
      Eigen::Map<const Matrix>(numbers.data(), static_cast<Index>(rows), static_cast<Index>(columns));
  return table;
}

}  // namespace detail

CsvFile::CsvFile(const std::string& path, const std::vector<std::string>& names)
    : file_(std::make_unique<ReplacementFile>(path)), names_(names.size()) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& name = names[i];
    double number;
    if (name.empty() || name.find_first_of("\r\n") != std::string::npos || detail::parse_number(name, number))
      throw UsageError(text("'", path, "': '", name, "' cannot be the name of a column in a text file"));
    out += i ? "," : "";
    if (name.find_first_of(" \t\v\f,\"#") == std::string::npos) {
      out += name;
      continue;
    }
    out += '"';
    for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
    out += '"';
  }
  if (!names.empty()) file_->write(out + '\n');
}

CsvFile::~CsvFile() = default;

void CsvFile::append(ConstMatrixRef rows) {
  if (names_ > 0 && static_cast<Index>(names_) != rows.cols())
    throw UsageError(text("'", file_->path(), "': ", names_, " names for ", rows.cols(), " columns"));
  std::string out;
  char buffer[32];
  for (Index i = 0; i < rows.rows(); ++i) {
    for (Index k = 0; k < rows.cols(); ++k) {
      if (k) out += ',';
      out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, rows(i, k)).ptr);
    }
    out += '\n';
    if (out.size() > (std::size_t{1} << 20)) {
      file_->write(out);
      out.clear();
    }
  }
  file_->write(out);
}

void CsvFile::commit(bool durable) { file_->commit(durable); }

void write_csv(const std::string& path, ConstMatrixRef values, const std::vector<std::string>& names,
               bool durable) {
  CsvFile file(path, names);
  file.append(values);
  file.commit(durable);
}

}  // namespace ersatz
