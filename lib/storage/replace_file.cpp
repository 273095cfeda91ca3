#include "ersatz/storage/replace_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
  if (error == ENOSPC || error == EDQUOT)
    throw StorageError(
        text("cannot write '", path, "': the disk is full or the quota is used up (", std::strerror(error),
             "); what stood there before is untouched. Free some space "
             "and try again"),
        StorageError::Access::write);
  throw StorageError(text("cannot write '", path, "': ", what, ": ", std::strerror(error)),
                     StorageError::Access::write);
}

// put(from, count, bytes done) until all are written.
template <class Put>
void write_pieces(const std::string& path, const void* data, std::size_t size, const Put& put) {
  const char* p = static_cast<const char*>(data);
  for (std::size_t done = 0; done < size;) {
    const ssize_t written = put(p + done, std::min(size - done, std::size_t{1} << 26), done);
    if (written >= 0)
      done += static_cast<std::size_t>(written);
    else if (errno != EINTR)
      fail(path, "writing failed", errno);
  }
}

std::string resolved(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path;
  char buffer[PATH_MAX];
  if (::realpath(path.c_str(), buffer) == nullptr) return path;
  return buffer;
}

// A temporary file is locked for as long as its writer lives: one that can be locked has been left behind.
void remove_left_behind(const std::string& folder, const std::string& prefix) {
  DIR* listing = ::opendir(folder.c_str());
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name.size() <= prefix.size() + 4 || name.substr(0, prefix.size()) != prefix ||
        name.substr(name.size() - 4) != ".tmp")
      continue;
    const std::string path = folder + "/" + std::string(name);
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    ::close(descriptor);
  }
  ::closedir(listing);
}

}  // namespace

struct ReplacementFile::State {
  std::string path, folder, temporary;
  int descriptor = -1;

  ~State() {
    if (!temporary.empty()) ::unlink(temporary.c_str());
    if (descriptor >= 0) ::close(descriptor);
  }
};

ReplacementFile::ReplacementFile(const std::string& path) : state_(std::make_unique<State>()) {
  auto& s = *state_;
  s.path = resolved(path);
  const auto slash = s.path.rfind('/');
  s.folder = slash == std::string::npos ? "." : slash == 0 ? "/" : s.path.substr(0, slash);
  const std::string name = slash == std::string::npos ? s.path : s.path.substr(slash + 1);
  if (name.empty())
    throw StorageError(text("cannot write '", path, "': it names a folder, not a file"),
                       StorageError::Access::write);
  struct stat old;
  const bool replaces = ::stat(s.path.c_str(), &old) == 0;
  if (replaces && !S_ISREG(old.st_mode))
    throw StorageError(text("cannot write '", path, "': it is a folder or a device, not a plain file"),
                       StorageError::Access::write);
  const std::string prefix = "." + name + ".";
  remove_left_behind(s.folder, prefix);
  for (int attempt = 0; s.descriptor < 0; ++attempt) {
    const std::string temporary =
        text(s.folder, "/", prefix, static_cast<long>(::getpid()), "-", attempt, ".tmp");
    s.descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (s.descriptor < 0) {
      if (errno == EEXIST && attempt < 10000) continue;
      fail(path, text("no file can be made in the folder '", s.folder, "'").c_str(), errno);
    }
    // Between open and flock another writer may take the file for one left behind and remove it.
    struct stat mine, there;
    if (::flock(s.descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(s.descriptor);
      s.descriptor = -1;
      continue;
    }
    if (::fstat(s.descriptor, &mine) != 0 || ::stat(temporary.c_str(), &there) != 0 ||
        mine.st_ino != there.st_ino) {
      ::close(s.descriptor);
      s.descriptor = -1;
      continue;
    }
    s.temporary = temporary;
  }
  if (replaces) (void)!::fchmod(s.descriptor, old.st_mode & 07777);
}

ReplacementFile::~ReplacementFile() = default;

const std::string& ReplacementFile::path() const { return state_->path; }

void ReplacementFile::write(const void* data, std::size_t size) {
  write_pieces(state_->path, data, size, [this](const char* p, std::size_t count, std::size_t) {
    return ::write(state_->descriptor, p, count);
  });
}

const std::string& ReplacementFile::temporary() const { return state_->temporary; }

void ReplacementFile::reserve(std::uint64_t size) {
  if (size == 0) return;
  const int error = ::posix_fallocate(state_->descriptor, 0, static_cast<off_t>(size));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    fail(state_->path, "there is no room for it", error);
}

void ReplacementFile::write_at(std::uint64_t offset, const void* data, std::size_t size) {
  write_pieces(state_->path, data, size, [this, offset](const char* p, std::size_t count, std::size_t done) {
    return ::pwrite(state_->descriptor, p, count, static_cast<off_t>(offset + done));
  });
}

void ReplacementFile::commit(bool durable) {
  auto& s = *state_;
  if (s.temporary.empty())
    throw StorageError(text("'", s.path, "' has been committed already"), StorageError::Access::write);
  if (durable && ::fsync(s.descriptor) != 0) fail(s.path, "flushing to disk failed", errno);
  if (::rename(s.temporary.c_str(), s.path.c_str()) != 0)
    fail(s.path, "renaming the temporary file failed", errno);
  s.temporary.clear();
  ::close(s.descriptor);
  s.descriptor = -1;
  if (!durable) return;
  const int folder = ::open(s.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    // Not every file system can sync a folder (EINVAL): then the rename is as durable as it gets.
    const int synced = ::fsync(folder);
    const int error = errno;
    ::close(folder);
    if (synced != 0 && error != EINVAL && error != ENOTSUP) fail(s.path, "flushing its folder failed", error);
  }
}

void replace_file(const std::string& path, std::string_view bytes) {
  ReplacementFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace ersatz
