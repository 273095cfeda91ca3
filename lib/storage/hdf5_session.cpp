// The lock, HDF5's error stack, and how files are opened, held in memory and closed.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "ersatz/storage/replace_file.hpp"
#include "storage/hdf5_detail.hpp"
#include "storage/xxh64.hpp"

namespace ersatz::h5 {
namespace {

std::recursive_mutex& process_lock() {
  static auto* mutex = new std::recursive_mutex;  // never destroyed: handles may outlive static objects
  return *mutex;
}

herr_t first_description(unsigned n, const H5E_error2_t* error, void* out) {
  if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
  return 0;
}

constexpr std::size_t memory_step = std::size_t{1} << 22;  // bytes that a file in memory grows by

// A file in memory. Closing it closes its groups, so that `close` means what it says.
Id memory_properties() {
  Id properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(properties.get(), H5F_CLOSE_STRONG);
  H5Pset_fapl_core(properties.get(), memory_step, 0);
  return properties;
}

// HDF5 takes two files in memory of the same name for one: each gets a name of its own.
std::string memory_name() {
  static std::atomic<std::uint64_t> made{0};
  return text("ersatz-memory-", ++made);
}

}  // namespace

Session::Session() : lock_(process_lock()) {
  H5Eget_auto2(H5E_DEFAULT, &handler_, &handler_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Session::~Session() { H5Eset_auto2(H5E_DEFAULT, handler_, handler_data_); }

std::string complaint() {
  std::string description;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_description, &description);
  H5Eclear2(H5E_DEFAULT);
  return description.empty() ? description : " (HDF5: " + description + ")";
}

void fail(const std::string& where, std::string_view what, StorageError::Access access) {
  throw StorageError(text(where, ": ", what, complaint()), access);
}

void OpenFile::close() {
  if (id < 0) return;
  const Session session;
  H5Fclose(id);
  id = -1;
}

Group::Handle::~Handle() {
  if (id < 0 || file->id < 0) return;
  const Session session;
  H5Gclose(id);
}

std::shared_ptr<Group::Handle> root_handle(const std::shared_ptr<OpenFile>& file) {
  const Session session;
  auto handle = std::make_shared<Group::Handle>();
  handle->file = file;
  handle->path = "/";
  if (file->id < 0) fail(file->path, "the file is closed", file->access());
  handle->id = H5Gopen2(file->id, "/", H5P_DEFAULT);
  if (handle->id < 0)
    fail(file->path, "the root group cannot be opened: the file is damaged", file->access());
  return handle;
}

const Group::Handle& usable(const std::shared_ptr<Group::Handle>& handle) {
  if (!handle) throw UsageError("an HDF5 group was used that belongs to no file");
  if (handle->file->id < 0)
    throw StorageError(text(handle->where(), ": the file is closed"), handle->file->access());
  return *handle;
}

std::shared_ptr<OpenFile> create_in_memory(const std::string& name) {
  const Session session;
  const Id properties = memory_properties();
  auto file = std::make_shared<OpenFile>();
  file->path = name;
  file->writable = true;
  file->id = H5Fcreate(memory_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, properties.get());
  if (file->id < 0) fail(name, "an HDF5 file cannot be made in memory", StorageError::Access::write);
  return file;
}

std::string_view memory_of(const OpenFile& file) {
  if (H5Fflush(file.id, H5F_SCOPE_GLOBAL) < 0) fail(file.path, "the file cannot be flushed", file.access());
  const ssize_t size = H5Fget_file_image(file.id, nullptr, 0);
  void* handle = nullptr;
  if (size < 0 || H5Fget_vfd_handle(file.id, H5P_DEFAULT, &handle) < 0 || handle == nullptr)
    fail(file.path, "the bytes of the file cannot be had", file.access());
  return {*static_cast<const char* const*>(handle), static_cast<std::size_t>(size)};
}

// ---------------------------------------------------------------------------------------------- the trailer

// HDF5 itself can crash on a damaged file, so what we write ends in a checksum of its bytes that is looked at
// before HDF5 sees them; HDF5 does not mind bytes behind its own.
namespace {

constexpr std::string_view trailer_magic = "ErsatzT1";
constexpr std::size_t trailer_size = 24;  // magic, bytes before it, XXH64 of them; numbers lowest byte first

}  // namespace

std::string trailer_of(std::uint64_t size, std::uint64_t hash) {
  std::string trailer(trailer_magic);
  for (const std::uint64_t number : {size, hash})
    for (int i = 0; i < 8; ++i) trailer.push_back(static_cast<char>((number >> (8 * i)) & 0xff));
  return trailer;
}

std::uint64_t hash_of(int descriptor, std::uint64_t size, const std::string& path) {
  Xxh64 hash;
  std::vector<char> block(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < size;) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - at));
    const ssize_t got = ::pread(descriptor, block.data(), wanted, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw StorageError(
          text("'", path, "' cannot be read: ", got < 0 ? std::strerror(errno) : "it ends early"));
    hash.update(block.data(), static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  return hash.digest();
}

namespace {

[[noreturn]] void report_damage(const std::string& path) {
  throw StorageError(text("'", path,
                          "' is damaged: its bytes do not have the checksum that was stored with them. "
                          "Copy it again, or make it anew"));
}

void check_bytes(std::string_view bytes, const std::string& path) {
  if (bytes.size() < trailer_size) return;
  const auto body = bytes.substr(0, bytes.size() - trailer_size), trailer = bytes.substr(body.size());
  if (trailer.substr(0, trailer_magic.size()) != trailer_magic) return;
  if (trailer != trailer_of(body.size(), xxh64(body))) report_damage(path);
}

void check_bytes(int descriptor, std::uint64_t size, const std::string& path) {
  char trailer[trailer_size];
  if (size < trailer_size) return;
  const std::uint64_t body = size - trailer_size;
  if (::pread(descriptor, trailer, trailer_size, static_cast<off_t>(body)) != ssize_t{trailer_size}) return;
  const std::string_view stored(trailer, trailer_size);
  if (stored.substr(0, trailer_magic.size()) != trailer_magic) return;
  if (stored != trailer_of(body, hash_of(descriptor, body, path))) report_damage(path);
}

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

// ---------------------------------------------------------------------------------------------------- File

struct File::State {
  std::shared_ptr<OpenFile> file;
};

File File::open(const std::string& path) {
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (descriptor.number < 0) {
    if (errno == ENOENT) throw StorageError(text("there is no file '", path, "'"));
    throw StorageError(text("'", path, "' cannot be opened: ", std::strerror(errno)));
  }
  struct stat info;
  if (::fstat(descriptor.number, &info) != 0 || !S_ISREG(info.st_mode))
    throw StorageError(text("'", path, "' is not a file but a folder or a device"));
  if (info.st_size == 0) throw StorageError(text("'", path, "' is empty"));
  unsigned char head[8] = {};
  const ssize_t got = ::pread(descriptor.number, head, sizeof head, 0);
  check_bytes(descriptor.number, static_cast<std::uint64_t>(info.st_size), path);

  const Session session;
  const htri_t known = H5Fis_hdf5(path.c_str());
  H5Eclear2(H5E_DEFAULT);
  constexpr unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  if (known <= 0 && (got < 8 || std::memcmp(head, signature, sizeof signature) != 0))
    throw StorageError(text("'", path, "' is not an HDF5 file"));
  const Id properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(properties.get(), true, true);  // on file systems without locks, go without
#endif
  auto state = std::make_shared<State>();
  state->file = std::make_shared<OpenFile>();
  state->file->path = path;
  state->file->id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, properties.get());
  if (state->file->id < 0)
    throw StorageError(text("'", path, "' is an HDF5 file, but truncated, damaged or being written",
                            complaint(), ". Copy it again, or make it anew"));
  File file;
  file.state_ = std::move(state);
  return file;
}

File File::from_memory(const Bytes& image, const std::string& name) {
  constexpr unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  if (image.size() < sizeof signature || std::memcmp(image.data(), signature, sizeof signature) != 0)
    throw StorageError(text("'", name, "' is not an HDF5 file"));
  check_bytes(image, name);
  const Session session;
  const Id properties = memory_properties();
  if (H5Pset_file_image(properties.get(), const_cast<char*>(image.data()), image.size()) < 0)
    fail(name, "the file does not fit into memory", StorageError::Access::read);
  auto state = std::make_shared<State>();
  state->file = std::make_shared<OpenFile>();
  state->file->path = name;
  state->file->id = H5Fopen(memory_name().c_str(), H5F_ACC_RDONLY, properties.get());
  if (state->file->id < 0)
    throw StorageError(text("'", name, "' is an HDF5 file, but truncated or damaged", complaint()));
  File file;
  file.state_ = std::move(state);
  return file;
}

File File::in_memory(const std::string& name) {
  File file;
  file.state_ = std::make_shared<State>();
  file.state_->file = create_in_memory(name);
  return file;
}

Group File::root() const {
  if (!state_) throw UsageError("an HDF5 file was used that was never opened");
  Group group;
  group.handle_ = root_handle(state_->file);
  return group;
}

Bytes File::image() {
  if (!state_) throw UsageError("an HDF5 file was used that was never opened");
  const auto& file = *state_->file;
  const Session session;
  if (file.writable && H5Fflush(file.id, H5F_SCOPE_GLOBAL) < 0)
    fail(file.path, "the file cannot be flushed", file.access());
  const ssize_t size = H5Fget_file_image(file.id, nullptr, 0);
  if (size < 0) fail(file.path, "the bytes of the file cannot be had", file.access());
  Bytes bytes(static_cast<std::size_t>(size), '\0');
  if (H5Fget_file_image(file.id, bytes.data(), bytes.size()) != size)
    fail(file.path, "the bytes of the file cannot be had", file.access());
  return bytes + trailer_of(bytes.size(), xxh64(bytes));
}

const std::string& File::path() const {
  if (!state_) throw UsageError("an HDF5 file was used that was never opened");
  return state_->file->path;
}

// ---------------------------------------------------------------------------------------------- AtomicFile

// HDF5 works in memory, and the finished bytes go to disk by plain writes: an HDF5 file whose disk is full
// cannot even be closed properly.
struct AtomicFile::State {
  ReplacementFile target;
  std::shared_ptr<OpenFile> file;
  explicit State(const std::string& path) : target(path), file(create_in_memory(path)) {}
  ~State() { file->close(); }
};

AtomicFile::AtomicFile(const std::string& path) : state_(std::make_unique<State>(path)) {}
AtomicFile::~AtomicFile() = default;

Group AtomicFile::root() const {
  Group group;
  group.handle_ = root_handle(state_->file);
  return group;
}

void AtomicFile::commit() {
  {
    const Session session;
    const Group top = root();
    top.set("checksum", hexadecimal(content_checksum(top)));
    const std::string_view bytes = memory_of(*state_->file);
    state_->target.write(bytes);
    state_->target.write(trailer_of(bytes.size(), xxh64(bytes)));
  }
  state_->file->close();
  state_->target.commit();
}

}  // namespace ersatz::h5
