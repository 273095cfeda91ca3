#include "ersatz/storage/table.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "storage/table_detail.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

bool is_file(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

std::string first_bytes(const std::string& path) {
  char head[8] = {};
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {};
  struct stat info;
  ssize_t got = 0;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode))
    got = ::pread(descriptor, head, sizeof head, 0);
  ::close(descriptor);
  return {head, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

// Where `file.h5:/dataset` parts: the first ":/" behind the name of a file.
std::size_t dataset_mark(const std::string& input) {
  for (auto at = input.find(":/"); at != std::string::npos; at = input.find(":/", at + 1))
    if (is_file(input.substr(0, at))) return at;
  for (const char* ending : {".h5:/", ".hdf5:/"})
    if (const auto at = input.find(ending); at != std::string::npos) return at + std::strlen(ending) - 2;
  return std::string::npos;
}

void list_datasets(const h5::Group& group, const std::string& path, int depth, std::string& out) {
  for (const auto& name : group.names()) {
    if (out.size() > 400 || depth > 4) return;
    const std::string inner = path + "/" + name;
    try {
      list_datasets(group.group(name), inner, depth + 1, out);
    } catch (const StorageError&) {
      out += (out.empty() ? "" : ", ") + inner;
    }
  }
}

// A table that is in memory.
class TableInMemory final : public detail::RowSource {
 public:
  explicit TableInMemory(Table table) : table_(std::move(table)) {}
  Index rows() const override { return table_.rows(); }
  Table read(Index first, Index count) const override {
    Table part;
    part.complex = table_.complex;
    part.names = table_.names;
    part.names_guessed = table_.names_guessed;
    part.where = table_.where;
    part.values = table_.values.middleRows(first, count);
    return part;
  }

 private:
  Table table_;
};

class Hdf5Rows final : public detail::RowSource {
 public:
  Hdf5Rows(const std::string& path, const std::string& dataset) : root_(h5::File::open(path).root()) {
    const auto begin = dataset.find_first_not_of('/');
    if (begin == std::string::npos) throw UsageError(text("'", path, ":", dataset, "' names no dataset"));
    name_ = dataset.substr(begin);
    where_ = path + ":/" + name_;
    const auto shape = root_.shape(name_);
    complex_ = root_.is_complex(name_);
    if (shape.empty() || shape.size() > 2)
      throw StorageError(text(where_, ": has ", shape.size(), " dimensions; one row per point is expected"));
    rows_ = shape[0];
    width_ = (shape.size() == 2 ? shape[1] : 1) * (complex_ ? 2 : 1);
    if (!root_.has_attribute_on(name_, "names")) return;
    names_ = root_.get_strings_on(name_, "names");
    const Index columns = complex_ ? width_ / 2 : width_;
    if (static_cast<Index>(names_.size()) != columns)
      throw DataError(
          text(where_, ", attribute 'names': ", names_.size(), " names for ", columns, " columns"));
  }
  Index rows() const override { return rows_; }
  Table read(Index first, Index count) const override {
    Table table;
    table.where = where_;
    table.complex = complex_;
    table.names = names_;
    table.values.resize(count, width_);
    root_.read_rows(name_, first, count, table.values.data());
    return table;
  }

 private:
  h5::Group root_;
  std::string name_, where_;
  bool complex_ = false;
  Index rows_ = 0, width_ = 0;
  std::vector<std::string> names_;
};

std::unique_ptr<detail::RowSource> open_source(const std::string& input) {
  if (!is_file(input)) {
    const auto mark = dataset_mark(input);
    if (mark != std::string::npos)
      return std::make_unique<Hdf5Rows>(input.substr(0, mark), input.substr(mark + 1));
  }
  const std::string head = first_bytes(input);
  if (head.substr(0, 6) == "\x93NUMPY") return detail::npy_rows(input);
  if (head.substr(0, 4) == "\x89HDF") {
    std::string datasets;
    list_datasets(h5::File::open(input).root(), "", 0, datasets);
    throw UsageError(text("'", input, "' is an HDF5 file: say which dataset, as '", input,
                          ":/NAME'; there are: ", datasets.empty() ? "none" : datasets));
  }
  if (head.substr(0, 4) == std::string("PK\x03\x04", 4))
    throw DataError(
        text("'", input, "' is a .npz or zip file: save one array with numpy.save and give that"));
  const std::string bytes = read_whole_file(input);
  if (bytes.find('\0') != std::string::npos)
    throw DataError(text("'", input, "' is neither text, nor NumPy's .npy, nor HDF5"));
  return std::make_unique<TableInMemory>(detail::parse_text_table(bytes, input));
}

void check_finite(const Table& table, Index first) {
  if (table.values.allFinite()) return;
  for (Index i = 0; i < table.rows(); ++i)
    for (Index k = 0; k < table.values.cols(); ++k)
      if (!std::isfinite(table.values(i, k)))
        throw DataError(text(table.where, ", row ", first + i, ", column ", table.complex ? k / 2 : k, ": ",
                             table.values(i, k), " is not finite"));
}

// ---------------------------------------------------------------------------------------------- selections

std::optional<Index> whole_number(std::string_view s) {
  if (s.empty() || s.size() > 12) return std::nullopt;
  Index value = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

class Selection {
 public:
  explicit Selection(const Table& table) : table_(table) {}

  std::vector<Index> parse(std::string_view columns) {
    for (std::size_t begin = 0; begin <= columns.size();) {
      const std::size_t end = std::min(columns.find(',', begin), columns.size());
      add(trimmed(columns.substr(begin, end - begin)));
      begin = end + 1;
    }
    std::set<Index> seen;
    for (const Index k : chosen_)
      if (!seen.insert(k).second) fail(text("column ", k, " is chosen twice"));
    return chosen_;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw UsageError(text("columns of ", table_.where, ": ", why));
  }

  std::optional<Index> by_name(std::string_view name) const {
    for (std::size_t k = 0; k < table_.names.size(); ++k)
      if (table_.names[k] == name) return static_cast<Index>(k);
    return std::nullopt;
  }

  Index column(std::string_view token) const {
    if (const auto k = by_name(token)) return *k;
    if (const auto k = whole_number(token)) {
      if (*k >= table_.columns())
        fail(text("there is no column ", *k, "; they are 0 to ", table_.columns() - 1));
      return *k;
    }
    std::string known;
    for (const auto& name : table_.names) known += (known.empty() ? "" : ", ") + name;
    fail(text("there is no column '", token,
              "'; there are: ", known.empty() ? "no names, take numbers from 0" : known));
  }

  void add(std::string_view token) {
    if (token.empty()) fail("a name is empty; write [a,b], [a:c] or [0:7]");
    const auto colon = token.find(':');
    if (by_name(token) || colon == std::string_view::npos) {
      chosen_.push_back(column(token));
      return;
    }
    const auto first = trimmed(token.substr(0, colon)), last = trimmed(token.substr(colon + 1));
    const bool first_named = !first.empty() && (by_name(first) || !whole_number(first));
    const bool last_named = !last.empty() && (by_name(last) || !whole_number(last));
    if ((first_named && !last.empty() && !last_named) || (last_named && !first.empty() && !first_named))
      fail(text("'", token, "' mixes a name and a number"));
    const Index from = first.empty() ? 0 : column(first);
    Index to = table_.columns();
    if (!last.empty()) to = last_named ? column(last) + 1 : *whole_number(last);
    if (to > table_.columns()) fail(text("'", token, "' goes beyond the ", table_.columns(), " columns"));
    if (from >= to) fail(text("'", token, "' is empty"));
    for (Index k = from; k < to; ++k) chosen_.push_back(k);
  }

  const Table& table_;
  std::vector<Index> chosen_;
};

Table with_columns(const Table& table, const std::vector<Index>& columns) {
  Table result;
  result.complex = table.complex;
  result.names_guessed = table.names_guessed;
  result.where = table.where;
  const Index parts = table.complex ? 2 : 1;
  result.values.resize(table.rows(), static_cast<Index>(columns.size()) * parts);
  for (std::size_t k = 0; k < columns.size(); ++k) {
    result.values.middleCols(static_cast<Index>(k) * parts, parts) =
        table.values.middleCols(columns[k] * parts, parts);
    if (!table.names.empty()) result.names.push_back(table.names[static_cast<std::size_t>(columns[k])]);
  }
  return result;
}

}  // namespace

struct TableRows::State {
  std::unique_ptr<detail::RowSource> source;
  bool selects = false;
  std::vector<Index> columns;
};

TableRows::TableRows(const std::string& input) : state_(std::make_unique<State>()) {
  std::string name = input, columns;
  if (!input.empty() && input.back() == ']' && !is_file(input)) {
    const auto bracket = input.rfind('[');
    if (bracket == std::string::npos || bracket == 0)
      throw UsageError(text("'", input, "': a selection of columns is written FILE[a,b]"));
    name = input.substr(0, bracket);
    columns = input.substr(bracket + 1, input.size() - bracket - 2);
    state_->selects = true;
  }
  state_->source = open_source(name);
  const Table head = state_->source->read(0, std::min<Index>(state_->source->rows(), 1));
  if (head.values.size() == 0) throw DataError(text(head.where, ": there is not one row of numbers"));
  if (state_->selects) state_->columns = Selection(head).parse(columns);
}

TableRows::~TableRows() = default;
TableRows::TableRows(TableRows&&) noexcept = default;

Index TableRows::rows() const { return state_->source->rows(); }

Table TableRows::read(Index first, Index count) const {
  Table table = state_->source->read(first, count);
  if (state_->selects) table = with_columns(table, state_->columns);
  check_finite(table, first);
  return table;
}

Table read_table(const std::string& input) {
  const TableRows rows(input);
  return rows.read(0, rows.rows());
}

Matrix parameters_of(const Table& table, const ParameterSpace& space) {
  if (table.complex) throw DataError(text(table.where, ": parameters must be real numbers"));
  std::vector<Index> columns;
  std::string missing;
  for (const auto& p : space.parameters()) {
    const auto found = std::find(table.names.begin(), table.names.end(), p.name);
    if (found == table.names.end())
      missing += (missing.empty() ? "" : ", ") + p.name;
    else
      columns.push_back(static_cast<Index>(found - table.names.begin()));
  }
  if (missing.empty() && !table.names.empty()) return with_columns(table, columns).values;
  if (!table.names.empty() && !table.names_guessed) {
    std::string names;
    for (const auto& name : table.names) names += (names.empty() ? "" : ", ") + name;
    throw DataError(text(table.where, ": there is no column for ", missing, "; the columns are: ", names));
  }
  if (table.columns() != space.size())
    throw DataError(text(table.where, ": ", table.columns(), " columns without names, the space has ",
                         space.size(), " parameters; choose columns as in FILE[0:", space.size(), "]"));
  return table.values;
}

std::vector<Index> select_rows(std::string_view rule, Index n) {
  const auto fail = [&](std::string_view why) {
    throw UsageError(text("rows '", rule, "': ", why, "; write every:K, except-every:K or FROM:TO"));
  };
  std::vector<Index> rows;
  const auto colon = rule.find(':');
  if (rule.empty()) {
    for (Index i = 0; i < n; ++i) rows.push_back(i);
    return rows;
  }
  if (colon == std::string_view::npos) fail("there is no colon");
  const auto head = rule.substr(0, colon), tail = rule.substr(colon + 1);
  if (head == "every" || head == "except-every") {
    const auto step = whole_number(tail);
    if (!step || *step < 1) fail(text("'", tail, "' is not a positive whole number"));
    for (Index i = 0; i < n; ++i)
      if ((i % *step == 0) == (head == "every")) rows.push_back(i);
  } else {
    const auto from = head.empty() ? std::optional<Index>(0) : whole_number(head);
    const auto to = tail.empty() ? std::optional<Index>(n) : whole_number(tail);
    if (!from || !to) fail(text("'", !from ? head : tail, "' is not a whole number"));
    if (*to > n) fail(text("there are ", n, " rows only"));
    for (Index i = *from; i < *to; ++i) rows.push_back(i);
  }
  if (rows.empty()) fail(text("no row of ", n, " is chosen"));
  return rows;
}

}  // namespace ersatz
