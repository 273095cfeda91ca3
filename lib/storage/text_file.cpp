#include "storage/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ersatz/core/error.hpp"

namespace ersatz {

std::string read_whole_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) throw StorageError(text("there is no file '", path, "'"));
    throw StorageError(text("'", path, "' cannot be opened: ", std::strerror(errno)));
  }
  std::string bytes;
  struct stat info;
  const bool known = ::fstat(descriptor, &info) == 0;
  if (known && (S_ISBLK(info.st_mode) || (S_ISCHR(info.st_mode) && !::isatty(descriptor)))) {
    ::close(descriptor);
    throw StorageError(text("'", path, "' is a device, which may have no end; name a file or a pipe"));
  }
  if (known && S_ISREG(info.st_mode) && info.st_size > 0)
    bytes.reserve(static_cast<std::size_t>(info.st_size) + 1);
  std::size_t used = 0;
  for (;;) {
    // Through resize in steps, so that pipes and /dev/stdin work as well.
    bytes.resize(used + (std::size_t{1} << 16) > bytes.capacity() && bytes.capacity() > used
                     ? bytes.capacity()
                     : used + (std::size_t{1} << 16));
    const ssize_t got = ::read(descriptor, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      ::close(descriptor);
      throw StorageError(text("'", path, "' cannot be read: ", std::strerror(error)));
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  ::close(descriptor);
  bytes.resize(used);
  return bytes;
}

}  // namespace ersatz
