// Files whose large datasets go to disk by plain writes: HDF5 lays them out, and is done before the first
// row.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ersatz/storage/replace_file.hpp"
#include "storage/hdf5_detail.hpp"

namespace ersatz::h5 {
namespace {

constexpr auto writing = StorageError::Access::write;
static_assert(sizeof(double) == 8 && sizeof(std::int64_t) == 8);

// Where a dataset's values stand in the file.
struct Room {
  std::string where;
  Index rows = 0, width = 0;  // numbers of 8 bytes
  std::uint64_t offset = 0;
};

}  // namespace

struct StreamedFile::State {
  ReplacementFile target;
  std::shared_ptr<OpenFile> file = std::make_shared<OpenFile>();
  std::vector<Room> rooms;
  std::uint64_t size = 0;
  bool laid_out = false;

  explicit State(const std::string& path) : target(path) {
    // HDF5 cannot even close a file whose disk is full, and may crash over it: there has to be room for what
    // it writes.
    target.reserve(std::uint64_t{1} << 20);
    const Session session;
    const Id properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_fclose_degree(properties.get(),
                         H5F_CLOSE_STRONG);  // groups that are still about do not keep it open
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(properties.get(), false, true);  // the replacement holds a lock already
#endif
    file->path = path;
    file->writable = true;
    file->id = H5Fcreate(target.temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, properties.get());
    if (file->id < 0) fail(path, "an HDF5 file cannot be made", writing);
  }
  ~State() { file->close(); }

  std::size_t reserve(const Group& group, std::string_view name, hid_t type,
                      const std::vector<hsize_t>& shape, Index width) {
    if (laid_out) throw UsageError(text("'", target.path(), "': room is reserved before lay_out()"));
    const Group::Handle& handle = group.raw();
    const std::string where = handle.where(name);
    const Id space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_layout(properties.get(), H5D_CONTIGUOUS);
    H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER);
    const Id dataset(H5Dcreate2(handle.id, std::string(name).c_str(), type, space.get(), H5P_DEFAULT,
                                properties.get(), H5P_DEFAULT),
                     H5Dclose);
    if (!dataset) fail(where, "the dataset cannot be made", writing);
    const haddr_t offset = H5Dget_offset(dataset.get());
    const auto rows = static_cast<Index>(shape[0]);
    if (offset == HADDR_UNDEF && rows * width > 0)
      fail(where, "the dataset has no place in the file", writing);
    rooms.push_back({where, rows, width, rows * width > 0 ? offset : 0});
    return rooms.size() - 1;
  }

  void write_rows(std::size_t dataset, Index first, Index count, const void* values) {
    if (!laid_out) throw UsageError(text("'", target.path(), "': rows are written after lay_out()"));
    const Room& room = rooms.at(dataset);
    if (first < 0 || count < 0 || first + count > room.rows)
      throw UsageError(text(room.where, ": rows ", first, " to ", first + count - 1, " of ", room.rows));
    const auto row = static_cast<std::uint64_t>(room.width) * 8;
    target.write_at(room.offset + static_cast<std::uint64_t>(first) * row, values,
                    static_cast<std::size_t>(count) * static_cast<std::size_t>(row));
  }
};

StreamedFile::StreamedFile(const std::string& path) : state_(std::make_unique<State>(path)) {}
StreamedFile::~StreamedFile() = default;

Group StreamedFile::root() const {
  Group group;
  group.handle_ = root_handle(state_->file);
  return group;
}

std::size_t StreamedFile::reserve(const Group& group, std::string_view name, Index rows, Index width,
                                  bool complex) {
  const Session session;
  const auto n = static_cast<hsize_t>(rows), m = static_cast<hsize_t>(width);
  if (!complex) return state_->reserve(group, name, H5T_IEEE_F64LE, {n, m}, width);
  return state_->reserve(group, name, complex_type(H5T_IEEE_F64LE).get(), {n, m / 2}, width);
}

std::size_t StreamedFile::reserve_integers(const Group& group, std::string_view name, Index rows) {
  const Session session;
  return state_->reserve(group, name, H5T_STD_I64LE, {static_cast<hsize_t>(rows)}, 1);
}

void StreamedFile::lay_out() {
  State& s = *state_;
  {
    const Session session;
    if (H5Fflush(s.file->id, H5F_SCOPE_GLOBAL) < 0) fail(s.file->path, "the file cannot be written", writing);
  }
  s.file->close();
  struct stat info;
  if (::stat(s.target.temporary().c_str(), &info) != 0)
    throw StorageError(text("'", s.target.path(), "': its temporary file is gone: ", std::strerror(errno)),
                       writing);
  s.size = static_cast<std::uint64_t>(info.st_size);
  s.target.reserve(s.size);
  s.laid_out = true;
}

void StreamedFile::write_rows(std::size_t dataset, Index first, Index count, const double* values) {
  state_->write_rows(dataset, first, count, values);
}

void StreamedFile::write_rows(std::size_t dataset, Index first, Index count, const std::int64_t* values) {
  state_->write_rows(dataset, first, count, values);
}

void StreamedFile::commit() {
  State& s = *state_;
  if (!s.laid_out) throw UsageError(text("'", s.target.path(), "': commit() comes after lay_out()"));
  const int descriptor = ::open(s.target.temporary().c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw StorageError(text("'", s.target.path(), "': its temporary file is gone: ", std::strerror(errno)),
                       writing);
  std::uint64_t hash = 0;
  try {
    hash = hash_of(descriptor, s.size, s.target.path());
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
  const std::string trailer = trailer_of(s.size, hash);
  s.target.write_at(s.size, trailer.data(), trailer.size());
  s.target.commit();
}

}  // namespace ersatz::h5
