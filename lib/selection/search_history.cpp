#include "selection/search_history.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ersatz/core/error.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
double number(const Json& value) { return value.is_null() ? std::nan("") : value.get<double>(); }

Json header_of(const SearchIdentity& identity) {
  Json j{{"format", "ersatz-search"}, {"version", 1}};
  for (const auto& [name, value] : identity) j[name] = value;
  return j;
}

void check_header(const Json& found, const SearchIdentity& identity, const std::string& path) {
  if (!found.is_object() || found.value("format", "") != "ersatz-search")
    throw UsageError(text(path, ": is no history of a search; name another file"));
  if (found.value("version", 0) != 1)
    throw StorageError(text(path, ": is of version ", found.value("version", 0),
                            ", this program knows version 1; use a newer one"));
  for (const auto& [name, value] : identity)
    if (const std::string theirs = found.value(name, ""); theirs != value)
      throw UsageError(text(path, ": is the history of another search: ", name, " is '", theirs,
                            "' there and '", value, "' here; name another file, or repeat that search"));
}

Json to_json(const SearchTrial& t) {
  Json values = Json::object();
  for (const auto& [name, value] : t.values) values[name] = value;
  return {{"unit", std::vector<double>(t.unit.data(), t.unit.data() + t.unit.size())},
          {"values", values},
          {"score", number(t.score)},
          {"standard_error", number(t.standard_error)},
          {"seconds", number(t.seconds)},
          {"failure", t.failure}};
}

SearchTrial trial_of(const Json& j) {
  SearchTrial t;
  const auto unit = j.at("unit").get<std::vector<double>>();
  t.unit = Eigen::Map<const Vector>(unit.data(), static_cast<Index>(unit.size()));
  for (const auto& [name, value] : j.at("values").items())
    t.values.emplace_back(name, value.get<std::string>());
  t.score = number(j.at("score"));
  t.standard_error = number(j.at("standard_error"));
  t.seconds = number(j.at("seconds"));
  t.failure = j.at("failure").get<std::string>();
  return t;
}

}  // namespace

std::string to_line(const SearchTrial& trial) { return to_json(trial).dump(); }
SearchTrial trial_of(const std::string& line) { return trial_of(Json::parse(line)); }

SearchHistory::SearchHistory(const std::string& path, bool resume, const SearchIdentity& identity)
    : path_(path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    write(header_of(identity).dump());
    return;
  }
  if (!resume)
    throw UsageError(text(path,
                          ": is there already, the history of a search; --resume goes on with it, or name "
                          "another file"));
  std::string content = read_whole_file(path);
  const auto end = content.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  if (whole < content.size() && truncate(path.c_str(), static_cast<off_t>(whole)) != 0)
    throw StorageError(text(path, ": the torn last line cannot be dropped: ", std::strerror(errno)),
                       StorageError::Access::write);
  content.resize(whole);
  if (content.empty()) {
    write(header_of(identity).dump());
    return;
  }
  std::size_t begin = 0;
  for (Index line = 1; begin < content.size(); ++line) {
    const std::size_t stop = content.find('\n', begin);
    try {
      const Json j = Json::parse(content.substr(begin, stop - begin));
      if (line == 1)
        check_header(j, identity, path);
      else if (j.contains("nested"))
        nested_.emplace_back(j.at("trials").get<Index>(), number(j.at("nested")));
      else
        trials_.push_back(trial_of(j));
    } catch (const Json::exception& e) {
      if (line == 1) throw UsageError(text(path, ": is no history of a search; name another file"));
      throw StorageError(text(path, ", line ", line, ": is damaged: ", e.what()));
    }
    begin = stop + 1;
  }
}

void SearchHistory::append(const SearchTrial& trial) { write(to_line(trial)); }
void SearchHistory::append_nested(double score, Index trials) {
  write(Json{{"nested", number(score)}, {"trials", trials}}.dump());
}

std::vector<double> SearchHistory::nested(Index trials) const {
  std::vector<double> scores;
  for (const auto& [of, score] : nested_)
    if (of == trials) scores.push_back(score);
  return scores;
}

void SearchHistory::write(const std::string& line) {
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << line + "\n";
  out.flush();
  if (!out)
    throw StorageError(text(path_, ": cannot be written to: ", std::strerror(errno)),
                       StorageError::Access::write);
}

}  // namespace ersatz
