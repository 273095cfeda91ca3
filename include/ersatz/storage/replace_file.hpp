#pragma once
// Replaces a file in one step, so that a reader sees the old one or the new one, whatever happens between.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ersatz {

/// A file that takes the place of `path` when it is committed. Until then it stands under a temporary name
/// (".NAME.PID-N.tmp") in the same folder; it is removed when this object is destroyed before `commit`.
/// A temporary file that a killed process left behind is removed by the next writer of the same path.
class ReplacementFile {
 public:
  /// Throws StorageError(write) when the folder is missing or not writable, or `path` is not a plain file. A
  /// symbolic link is followed: the file it points to is replaced.
  explicit ReplacementFile(const std::string& path);
  ~ReplacementFile();
  ReplacementFile(const ReplacementFile&) = delete;
  ReplacementFile& operator=(const ReplacementFile&) = delete;

  const std::string& path() const;
  /// Appends. Throws StorageError(write) saying so when the disk is full.
  void write(const void* data, std::size_t size);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  /// For files whose parts come in any order, or from other libraries: the name that it has until `commit`;
  /// takes the space for its first `size` bytes, so that a full disk is found out before the work (where the
  /// file system can do that); writes at a place.
  const std::string& temporary() const;
  void reserve(std::uint64_t size);
  void write_at(std::uint64_t offset, const void* data, std::size_t size);
  /// Syncs the file, renames it, syncs the folder. Not durable: renames it only (for files that a power loss
  /// may take).
  void commit(bool durable = true);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same for bytes at hand.
void replace_file(const std::string& path, std::string_view bytes);

}  // namespace ersatz
