#pragma once
// Tables of numbers from the files that people have: text (comma or white space), NumPy .npy, datasets in
// HDF5 files. docs/file-formats.md describes what is accepted.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/parameter_space.hpp"

namespace ersatz {

class ReplacementFile;

/// One row per point. All values are finite.
struct Table {
  Matrix values;  ///< n × m; complex: n × 2m, real and imaginary part side by side
  bool complex = false;
  std::vector<std::string> names;  ///< m, or none
  bool names_guessed = false;  ///< they stand in a comment: words that happen to be as many as the columns
  std::string where;           ///< the file (and dataset), for messages

  Index rows() const { return values.rows(); }
  Index columns() const { return complex ? values.cols() / 2 : values.cols(); }
};

/// Reads `FILE` or `FILE[COLUMNS]`. FILE is a text table, a .npy array, or `file.h5:/dataset`;
/// one-dimensional arrays are one column. COLUMNS is a list of names, numbers (from 0) and ranges: `q:chi2z`
/// (names, both included), `0:7` (numbers, without the last, as in Python; either may be left out). What a
/// file is, is seen from its first bytes, not from its name. Throws StorageError when it cannot be read,
/// DataError naming file, line or row, column and token for content that is not a table of finite numbers,
/// UsageError for a selection that names no column.
Table read_table(const std::string& input);

/// The same by blocks of rows, for files larger than memory: .npy arrays in C order and datasets of HDF5
/// files are read as far as asked for, text as a whole.
class TableRows {
 public:
  /// Throws as read_table does, but for values that are not finite.
  explicit TableRows(const std::string& input);
  ~TableRows();
  TableRows(TableRows&&) noexcept;
  Index rows() const;
  /// Rows first … first + count - 1 of the chosen columns. Throws as read_table does; messages count rows
  /// from the file's first.
  Table read(Index first, Index count) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The columns of a table that are the parameters of a space, in the space's order: by name where the table
/// has names, else by position, and then the number of columns must be right. Throws DataError.
Matrix parameters_of(const Table& table, const ParameterSpace& space);

/// A header with the names (where there are any), then one line per row, commas between, numbers in the
/// shortest form that reads back to the same bits. Atomic; flushed to disk when `durable`.
void write_csv(const std::string& path, ConstMatrixRef values, const std::vector<std::string>& names = {},
               bool durable = true);
/// NumPy's format, version 1.0, C order. Atomic.
void write_npy(const std::string& path, ConstMatrixRef values, bool durable = true);
void write_complex_npy(const std::string& path, const ComplexMatrix& values);

/// The same by blocks of rows. The file takes its place on commit(); destroyed before, it leaves nothing.
class CsvFile {
 public:
  /// Throws UsageError for names that cannot be read back.
  explicit CsvFile(const std::string& path, const std::vector<std::string>& names = {});
  ~CsvFile();
  void append(ConstMatrixRef rows);
  void commit(bool durable = true);

 private:
  std::unique_ptr<ReplacementFile> file_;
  std::size_t names_ = 0;
};
class NpyFile {
 public:
  /// width: doubles per row, two for each complex number. The room on the disk is taken at once.
  NpyFile(const std::string& path, Index rows, Index width, bool complex = false);
  ~NpyFile();
  void write_rows(Index first, ConstMatrixRef rows);  ///< in any order
  void commit(bool durable = true);

 private:
  std::unique_ptr<ReplacementFile> file_;
  Index rows_, width_;
  std::uint64_t begin_ = 0;
};

/// Row numbers out of 0 … n-1: `every:K` those that K divides, `except-every:K` the others, `FROM:TO` without
/// TO (either may be left out). An empty rule: all. Throws UsageError.
std::vector<Index> select_rows(std::string_view rule, Index n);

}  // namespace ersatz
