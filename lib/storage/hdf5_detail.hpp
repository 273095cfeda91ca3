#pragma once
// What the sources of the HDF5 layer share. Not installed.

#include <hdf5.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz::h5 {

/// Holds the process-wide lock, and keeps HDF5 from printing its errors; the caller's own handler is put
/// back.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t handler_ = nullptr;
  void* handler_data_ = nullptr;
};

/// The innermost complaint on HDF5's error stack, in parentheses; empty when there is none.
std::string complaint();
[[noreturn]] void fail(const std::string& where, std::string_view what, StorageError::Access access);

/// An HDF5 identifier and the call that closes it. Used within a Session.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id() = default;
  Id(hid_t id, Close close) : id_(id), close_(close) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() { reset(); }
  void reset() {
    if (id_ >= 0 && close_ != nullptr) close_(id_);
    id_ = -1;
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// An open file, shared by its groups. `close` makes every group of it unusable.
struct OpenFile {
  hid_t id = -1;
  std::string path;
  bool writable = false;

  ~OpenFile() { close(); }
  void close();
  StorageError::Access access() const {
    return writable ? StorageError::Access::write : StorageError::Access::read;
  }
};

struct Group::Handle {
  std::shared_ptr<OpenFile> file;
  hid_t id = -1;
  std::string path;  ///< within the file, "/" for the root

  ~Handle();
  std::string where() const { return file->path + ":" + path; }
  std::string where(std::string_view name) const {
    return where() + (path.back() == '/' ? "" : "/") + std::string(name);
  }
  std::string where_attribute(std::string_view object, std::string_view name) const {
    return (object.empty() ? where() : where(object)) + ", attribute '" + std::string(name) + "'";
  }
};

/// Makes groups from identifiers, for File and AtomicFile.
std::shared_ptr<Group::Handle> root_handle(const std::shared_ptr<OpenFile>& file);
std::shared_ptr<OpenFile> create_in_memory(const std::string& name);
/// The bytes of a file that is in memory: valid until the file changes or is closed.
std::string_view memory_of(const OpenFile& file);

/// What stands at the end of a file of ours: see hdf5_session.cpp. And XXH64 of the first `size` bytes of a
/// file.
std::string trailer_of(std::uint64_t size, std::uint64_t hash);
std::uint64_t hash_of(int descriptor, std::uint64_t size, const std::string& path);

/// The handle of a group, usable: throws UsageError for a default-constructed group, StorageError when its
/// file was closed.
const Group::Handle& usable(const std::shared_ptr<Group::Handle>& handle);

// In hdf5_values.cpp: values of datasets (`attribute` false) and attributes.

struct Source {
  hid_t id;
  bool attribute;
  std::string where;
  hsize_t file_size;  ///< what it says it holds must be plausible for it

  Id type() const;
  Id space() const;
};

enum class Kind { integer, real, complex, string };
/// Throws StorageError for what this layer does not read (opaque bytes, references, other compounds).
Kind kind_of(const Source& source);
std::vector<hsize_t> dimensions_of(const Source& source);
/// The number of elements; throws StorageError when that many cannot be in the file.
std::size_t count_of(const Source& source);
void read_doubles(const Source& source, double* values);  ///< complex: twice as many
void read_rows(const Source& source, hsize_t first, hsize_t rows, double* values);
std::vector<std::int64_t> read_all_integers(const Source& source);
std::vector<std::string> read_all_strings(const Source& source);
Id complex_type(hid_t number = H5T_NATIVE_DOUBLE);

}  // namespace ersatz::h5
