#include "storage/hdf5_array.hpp"

#include "storage/hdf5_detail.hpp"

namespace ersatz::h5 {
namespace {

void write(const Group& group, std::string_view name, const std::vector<Index>& shape, hid_t file_type,
           hid_t memory_type, const void* values) {
  const Session session;
  const Group::Handle& h = group.raw();
  const std::vector<hsize_t> dimensions(shape.begin(), shape.end());
  const Id space(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr), H5Sclose);
  const Id dataset(H5Dcreate2(h.id, std::string(name).c_str(), file_type, space.get(), H5P_DEFAULT,
                              H5P_DEFAULT, H5P_DEFAULT),
                   H5Dclose);
  if (!dataset) fail(h.where(name), "the dataset cannot be made", StorageError::Access::write);
  if (H5Sget_simple_extent_npoints(space.get()) == 0) return;
  if (H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    fail(h.where(name), "the dataset cannot be written", StorageError::Access::write);
}

std::string in_words(const std::vector<Index>& shape) {
  std::string s;
  for (const Index n : shape) s += text(s.empty() ? "" : " x ", n);
  return s;
}

}  // namespace

void write_array(const Group& group, std::string_view name, const std::vector<Index>& shape,
                 const double* values) {
  write(group, name, shape, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values);
}

void write_array(const Group& group, std::string_view name, const std::vector<Index>& shape,
                 const std::int8_t* values) {
  write(group, name, shape, H5T_STD_I8LE, H5T_NATIVE_INT8, values);
}

std::vector<double> read_array(const Group& group, std::string_view name, const std::vector<Index>& shape) {
  const std::vector<Index> found = group.shape(name);
  if (found != shape)
    throw StorageError(
        text(group.where(), ", ", name, ": is ", in_words(found), ", expected ", in_words(shape)));
  const Session session;
  const Group::Handle& h = group.raw();
  const Id dataset(H5Dopen2(h.id, std::string(name).c_str(), H5P_DEFAULT), H5Dclose);
  hsize_t size = 0;
  if (!dataset || H5Fget_filesize(h.file->id, &size) < 0)
    fail(h.where(name), "cannot be read", StorageError::Access::read);
  const Source source{dataset.get(), false, h.where(name), size};
  std::vector<double> values(count_of(source));
  if (!values.empty()) read_doubles(source, values.data());
  return values;
}

}  // namespace ersatz::h5
