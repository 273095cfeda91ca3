#pragma once
// HDF5 behind RAII handles. Every call either succeeds or throws a StorageError that names file and object.
// HDF5 itself is not thread safe: all calls take one process-wide lock.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz::h5 {

using Bytes = std::string;

/// A group of an open file; cheap to copy, keeps the file open.
class Group {
 public:
  Group() = default;

  Group group(std::string_view name) const;         ///< open
  Group create_group(std::string_view name) const;  ///< make
  bool has(std::string_view name) const;
  std::vector<std::string> names() const;  ///< links, sorted
  std::string where() const;               ///< "file.h5:/path", for messages

  // Datasets. Matrices are written as they are (row major).
  void write(std::string_view name, ConstMatrixRef values) const;
  void write(std::string_view name, const Matrix& values) const { write(name, ConstMatrixRef(values)); }
  void write(std::string_view name, const Vector& values) const;
  void write(std::string_view name, const ComplexMatrix& values) const;  ///< compound (r, i), as h5py
  void write(std::string_view name, const std::vector<std::int64_t>& values) const;
  void write(std::string_view name, const std::vector<std::string>& values) const;  ///< variable length UTF-8

  std::vector<Index> shape(std::string_view name) const;
  bool is_complex(std::string_view name) const;
  /// Numbers of any HDF5 numeric type as doubles. `rows`, `cols`: the shape required (-1: any); anything else
  /// is a StorageError naming both shapes. A one-dimensional dataset of m reads as m × 1 … by read_vector
  /// only.
  Matrix read_matrix(std::string_view name, Index rows = -1, Index cols = -1) const;
  Vector read_vector(std::string_view name, Index size = -1) const;
  /// Here a one-dimensional dataset of m reads as m × 1; real numbers are taken for complex ones.
  ComplexMatrix read_complex_matrix(std::string_view name, Index rows = -1, Index cols = -1) const;
  /// Rows first … first + count - 1 of a dataset of two dimensions into row-major memory; a complex number is
  /// two doubles. Nothing but these rows is read.
  void read_rows(std::string_view name, Index first, Index count, double* values) const;
  std::vector<std::int64_t> read_integers(std::string_view name, Index size = -1) const;
  std::vector<std::string> read_strings(std::string_view name,
                                        Index size = -1) const;  ///< fixed or variable length

  // Attributes of this group.
  void set(std::string_view name, std::string_view value) const;
  void set(std::string_view name, const char* value) const { set(name, std::string_view(value)); }
  void set(std::string_view name, double value) const;
  void set(std::string_view name, std::int64_t value) const;
  void set(std::string_view name, const std::vector<double>& values) const;
  void set(std::string_view name, const std::vector<std::string>& values) const;
  bool has_attribute(std::string_view name) const;
  std::string get_string(std::string_view name) const;
  double get_double(std::string_view name) const;
  std::int64_t get_integer(std::string_view name) const;
  std::vector<double> get_doubles(std::string_view name) const;
  std::vector<std::string> get_strings(std::string_view name) const;

  // Attributes of a dataset in this group.
  void set_on(std::string_view dataset, std::string_view name, std::string_view value) const;
  void set_on(std::string_view dataset, std::string_view name, const std::vector<double>& values) const;
  void set_on(std::string_view dataset, std::string_view name, const std::vector<std::string>& values) const;
  bool has_attribute_on(std::string_view dataset, std::string_view name) const;
  std::string get_string_on(std::string_view dataset, std::string_view name) const;
  std::vector<double> get_doubles_on(std::string_view dataset, std::string_view name) const;
  std::vector<std::string> get_strings_on(std::string_view dataset, std::string_view name) const;

  struct Handle;              // a shared HDF5 identifier, in the source
  const Handle& raw() const;  ///< for the sources of this layer

 private:
  friend class File;
  friend class AtomicFile;
  friend class StreamedFile;
  std::shared_ptr<Handle> handle_;
};

/// An open HDF5 file. What Ersatz wrote ends in a checksum of its bytes (see docs/file-formats.md): `open`
/// and `from_memory` compare it before HDF5 sees a byte, at the cost of reading the file once.
class File {
 public:
  static File open(const std::string& path);                             ///< read only
  static File from_memory(const Bytes& image, const std::string& name);  ///< read only, from a file's bytes
  static File in_memory(const std::string& name);                        ///< writable, never touches the disk
  Group root() const;
  Bytes image();  ///< the file's bytes (flushes first), with the trailer that `commit` writes
  const std::string& path() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Replaces `path` in one step: writes to a temporary name beside it, flushes to disk, renames. If it is
/// destroyed before commit, or anything throws, the temporary file is removed and `path` is as it was.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  Group root() const;
  /// Writes the root attribute `checksum` (see content_checksum) and the trailer, closes, syncs, renames,
  /// syncs the folder. The file is built in memory: at its peak that takes as much as its content again.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A new file with datasets larger than memory: replaces `path` in one step, as AtomicFile does. First
/// groups, attributes and small datasets are written and room is reserved for the large ones; then their rows
/// go to disk as they come, in any order. Such a file has no root attribute `checksum`, but the trailer.
class StreamedFile {
 public:
  explicit StreamedFile(const std::string& path);
  ~StreamedFile();
  StreamedFile(const StreamedFile&) = delete;
  StreamedFile& operator=(const StreamedFile&) = delete;
  Group root() const;  ///< until lay_out()
  /// Room for rows × width doubles (`complex`: width / 2 compounds a row) or, for `integers`, rows 64-bit
  /// numbers. Returns a number for write_rows.
  std::size_t reserve(const Group& group, std::string_view name, Index rows, Index width,
                      bool complex = false);
  std::size_t reserve_integers(const Group& group, std::string_view name, Index rows);
  /// Takes the room on the disk. Throws StorageError(write) where there is not enough of it. Groups of this
  /// file are closed.
  void lay_out();
  void write_rows(std::size_t dataset, Index first, Index count, const double* values);
  void write_rows(std::size_t dataset, Index first, Index count, const std::int64_t* values);
  /// Reads the file once for its trailer, syncs, renames. Rows that were never written are zeros.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH64 over everything below a group in sorted order: paths, types, shapes, values, attributes; the root
/// attribute `checksum` itself is left out. What it covers is written down in docs/file-formats.md.
std::uint64_t content_checksum(const Group& group);
/// Throws a StorageError when the root attribute `checksum` is there and differs, or is missing and
/// `required`.
void verify_checksum(const File& file, bool required);

/// The root attribute `version`, once `format` and `version` are what this library reads (1 … supported).
/// Throws a StorageError naming `path` for a foreign format and for a newer version.
std::int64_t check_format(const Group& root, std::string_view format, std::int64_t supported,
                          const std::string& path);

}  // namespace ersatz::h5
