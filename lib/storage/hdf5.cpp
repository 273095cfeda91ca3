// Groups: datasets and attributes.

#include "ersatz/storage/hdf5.hpp"

#include <algorithm>
#include <limits>

#include "storage/hdf5_detail.hpp"

namespace ersatz::h5 {
namespace {

using Handle = Group::Handle;

std::string z(std::string_view name) { return std::string(name); }

std::vector<Index> to_indices(const std::vector<hsize_t>& dimensions) {
  std::vector<Index> result;
  for (const hsize_t n : dimensions) {
    if (n > static_cast<hsize_t>(std::numeric_limits<Index>::max() / 16))
      throw StorageError(text("a dimension of ", static_cast<std::uint64_t>(n), " is beyond reason"));
    result.push_back(static_cast<Index>(n));
  }
  return result;
}

std::string show(const std::vector<Index>& shape) {
  std::string s;
  for (const Index n : shape) s += (s.empty() ? "" : " x ") + std::to_string(n);
  return s.empty() ? "a single value" : s;
}
std::string show_wanted(Index n) { return n < 0 ? "any" : std::to_string(n); }

bool exists(const Handle& h, std::string_view name) {
  // H5Lexists wants every part of the path to exist but the last.
  std::string path;
  std::size_t from = 0;
  while (from <= name.size()) {
    const std::size_t slash = std::min(name.find('/', from), name.size());
    if (slash > from) {
      path += (path.empty() ? "" : "/") + z(name.substr(from, slash - from));
      if (H5Lexists(h.id, path.c_str(), H5P_DEFAULT) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return false;
      }
    }
    from = slash + 1;
  }
  const bool there = !path.empty() && H5Oexists_by_name(h.id, path.c_str(), H5P_DEFAULT) > 0;
  H5Eclear2(H5E_DEFAULT);
  return there;
}

hsize_t size_of_file(const Handle& h) {
  hsize_t size = 0;
  if (H5Fget_filesize(h.file->id, &size) < 0) H5Eclear2(H5E_DEFAULT);
  return size;
}

// A dataset opened for reading, with what is needed to read it.
struct Dataset {
  Id id;
  Source source;

  Dataset(const Handle& h, std::string_view name) : source{-1, false, h.where(name), size_of_file(h)} {
    if (!exists(h, name)) throw StorageError(text(source.where, ": there is no such dataset"));
    id = Id(H5Dopen2(h.id, z(name).c_str(), H5P_DEFAULT), H5Dclose);
    if (!id) fail(source.where, "is not a dataset, or is damaged", StorageError::Access::read);
    source.id = id.get();
  }
};

// The object that carries an attribute: the group itself (name empty) or a dataset in it.
struct Carrier {
  Id dataset;
  hid_t id;
  Carrier(const Handle& h, std::string_view name) : id(h.id) {
    if (name.empty()) return;
    dataset = Id(exists(h, name) ? H5Oopen(h.id, z(name).c_str(), H5P_DEFAULT) : -1, H5Oclose);
    if (!dataset) fail(h.where(name), "there is no such object", h.file->access());
    id = dataset.get();
  }
};

struct Attribute {
  Carrier carrier;
  Id id;
  Source source;
  Attribute(const Handle& h, std::string_view object, std::string_view name)
      : carrier(h, object), source{-1, true, h.where_attribute(object, name), size_of_file(h)} {
    if (H5Aexists(carrier.id, z(name).c_str()) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      throw StorageError(text(source.where, " is missing"));
    }
    id = Id(H5Aopen(carrier.id, z(name).c_str(), H5P_DEFAULT), H5Aclose);
    if (!id) fail(source.where, "cannot be opened", StorageError::Access::read);
    source.id = id.get();
  }
};

Id make_space(const std::vector<hsize_t>& dimensions) {
  if (dimensions.empty()) return Id(H5Screate(H5S_SCALAR), H5Sclose);
  return Id(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr), H5Sclose);
}

void write_dataset(const Handle& h, std::string_view name, hid_t file_type, hid_t memory_type,
                   const std::vector<hsize_t>& dimensions, const void* values) {
  if (exists(h, name)) fail(h.where(name), "there is such an object already", StorageError::Access::write);
  const Id space = make_space(dimensions);
  const Id links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Id dataset(
      H5Dcreate2(h.id, z(name).c_str(), file_type, space.get(), links.get(), H5P_DEFAULT, H5P_DEFAULT),
      H5Dclose);
  if (!dataset) fail(h.where(name), "the dataset cannot be made", StorageError::Access::write);
  if (H5Sget_simple_extent_npoints(space.get()) == 0) return;
  if (H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    fail(h.where(name), "the dataset cannot be written", StorageError::Access::write);
}

void write_attribute(const Handle& h, std::string_view object, std::string_view name, hid_t file_type,
                     hid_t memory_type, const std::vector<hsize_t>& dimensions, const void* values) {
  const Carrier carrier(h, object);
  if (H5Aexists(carrier.id, z(name).c_str()) > 0) H5Adelete(carrier.id, z(name).c_str());
  const Id space = make_space(dimensions);
  const Id attribute(
      H5Acreate2(carrier.id, z(name).c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute)
    fail(h.where_attribute(object, name), "cannot be made (attributes hold up to 64 kB)",
         StorageError::Access::write);
  if (H5Sget_simple_extent_npoints(space.get()) == 0) return;
  if (H5Awrite(attribute.get(), memory_type, values) < 0)
    fail(h.where_attribute(object, name), "cannot be written", StorageError::Access::write);
}

Id text_type() {
  Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

void check_text(const std::string& where, std::string_view value) {
  if (value.find('\0') != std::string_view::npos)
    throw StorageError(text(where, ": a text with a zero byte inside cannot be stored"),
                       StorageError::Access::write);
}

void write_texts(const Handle& h, std::string_view object, std::string_view name,
                 const std::vector<std::string>& values, bool attribute) {
  std::vector<const char*> pointers;
  for (const auto& v : values) {
    check_text(attribute ? h.where_attribute(object, name) : h.where(name), v);
    pointers.push_back(v.c_str());
  }
  const Id type = text_type();
  const std::vector<hsize_t> dimensions{values.size()};
  if (attribute)
    write_attribute(h, object, name, type.get(), type.get(), dimensions, pointers.data());
  else
    write_dataset(h, name, type.get(), type.get(), dimensions, pointers.data());
}

void write_text(const Handle& h, std::string_view object, std::string_view name, std::string_view value) {
  check_text(h.where_attribute(object, name), value);
  const Id type = text_type();
  const std::string copy(value);
  const char* pointer = copy.c_str();
  write_attribute(h, object, name, type.get(), type.get(), {}, &pointer);
}

void write_doubles(const Handle& h, std::string_view object, std::string_view name,
                   const std::vector<double>& values) {
  write_attribute(h, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {values.size()}, values.data());
}

std::vector<double> attribute_doubles(const Handle& h, std::string_view object, std::string_view name) {
  const Attribute a(h, object, name);
  if (kind_of(a.source) == Kind::complex)
    throw StorageError(text(a.source.where, ": real numbers are expected, not complex ones"));
  std::vector<double> values(count_of(a.source));
  read_doubles(a.source, values.data());
  return values;
}

std::string attribute_text(const Handle& h, std::string_view object, std::string_view name) {
  const Attribute a(h, object, name);
  const auto values = read_all_strings(a.source);
  if (values.size() != 1)
    throw StorageError(text(a.source.where, ": one text is expected, there are ", values.size()));
  return values[0];
}

std::vector<std::string> attribute_texts(const Handle& h, std::string_view object, std::string_view name) {
  const Attribute a(h, object, name);
  return read_all_strings(a.source);
}

bool attribute_exists(const Handle& h, std::string_view object, std::string_view name) {
  if (!object.empty() && !exists(h, object)) return false;
  const Carrier carrier(h, object);
  const bool there = H5Aexists(carrier.id, z(name).c_str()) > 0;
  H5Eclear2(H5E_DEFAULT);
  return there;
}

void check_shape(const Source& source, const std::vector<Index>& shape, const std::vector<Index>& wanted) {
  bool fits = shape.size() == wanted.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = wanted[i] < 0 || shape[i] == wanted[i];
  if (fits) return;
  std::string expected;
  for (const Index n : wanted) expected += (expected.empty() ? "" : " x ") + show_wanted(n);
  throw StorageError(text(source.where, ": the shape is ", show(shape), ", expected ", expected));
}

void check_real(const Source& source) {
  if (kind_of(source) == Kind::complex)
    throw StorageError(text(source.where, ": real numbers are expected, not complex ones"));
}

herr_t collect_name(hid_t, const char* name, const H5L_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

}  // namespace

Group Group::group(std::string_view name) const {
  const Session session;
  const auto& h = usable(handle_);
  Group result;
  result.handle_ = std::make_shared<Handle>();
  result.handle_->file = h.file;
  result.handle_->path = h.path + (h.path.back() == '/' ? "" : "/") + z(name);
  if (!exists(h, name)) throw StorageError(text(h.where(name), ": there is no such group"), h.file->access());
  result.handle_->id = H5Gopen2(h.id, z(name).c_str(), H5P_DEFAULT);
  if (result.handle_->id < 0) fail(h.where(name), "is not a group, or is damaged", h.file->access());
  return result;
}

Group Group::create_group(std::string_view name) const {
  const Session session;
  const auto& h = usable(handle_);
  if (exists(h, name)) fail(h.where(name), "there is such an object already", StorageError::Access::write);
  Group result;
  result.handle_ = std::make_shared<Handle>();
  result.handle_->file = h.file;
  result.handle_->path = h.path + (h.path.back() == '/' ? "" : "/") + z(name);
  const Id links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  result.handle_->id = H5Gcreate2(h.id, z(name).c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT);
  if (result.handle_->id < 0) fail(h.where(name), "the group cannot be made", StorageError::Access::write);
  return result;
}

bool Group::has(std::string_view name) const {
  const Session session;
  return exists(usable(handle_), name);
}

std::vector<std::string> Group::names() const {
  const Session session;
  const auto& h = usable(handle_);
  std::vector<std::string> result;
  hsize_t position = 0;
  if (H5Literate(h.id, H5_INDEX_NAME, H5_ITER_NATIVE, &position, collect_name, &result) < 0)
    fail(h.where(), "its content cannot be listed: it is damaged", h.file->access());
  std::sort(result.begin(), result.end());
  return result;
}

const Group::Handle& Group::raw() const { return usable(handle_); }

std::string Group::where() const { return usable(handle_).where(); }

// ------------------------------------------------------------------------------------------------ datasets

void Group::write(std::string_view name, ConstMatrixRef values) const {
  const Session session;
  const std::vector<hsize_t> dimensions{static_cast<hsize_t>(values.rows()),
                                        static_cast<hsize_t>(values.cols())};
  if (values.rows() <= 1 || values.outerStride() == values.cols()) {
    write_dataset(usable(handle_), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, dimensions, values.data());
  } else {
    const Matrix packed = values;
    write_dataset(usable(handle_), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, dimensions, packed.data());
  }
}

void Group::write(std::string_view name, const Vector& values) const {
  const Session session;
  write_dataset(usable(handle_), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                {static_cast<hsize_t>(values.size())}, values.data());
}

void Group::write(std::string_view name, const ComplexMatrix& values) const {
  const Session session;
  write_dataset(usable(handle_), name, complex_type(H5T_IEEE_F64LE).get(), complex_type().get(),
                {static_cast<hsize_t>(values.rows()), static_cast<hsize_t>(values.cols())}, values.data());
}

void Group::write(std::string_view name, const std::vector<std::int64_t>& values) const {
  const Session session;
  write_dataset(usable(handle_), name, H5T_STD_I64LE, H5T_NATIVE_INT64, {values.size()}, values.data());
}

void Group::write(std::string_view name, const std::vector<std::string>& values) const {
  const Session session;
  write_texts(usable(handle_), "", name, values, false);
}

std::vector<Index> Group::shape(std::string_view name) const {
  const Session session;
  return to_indices(dimensions_of(Dataset(usable(handle_), name).source));
}

bool Group::is_complex(std::string_view name) const {
  const Session session;
  return kind_of(Dataset(usable(handle_), name).source) == Kind::complex;
}

Matrix Group::read_matrix(std::string_view name, Index rows, Index cols) const {
  const Session session;
  const Dataset dataset(usable(handle_), name);
  const auto shape = to_indices(dimensions_of(dataset.source));
  check_shape(dataset.source, shape, {rows, cols});
  check_real(dataset.source);
  count_of(dataset.source);
  Matrix values(shape[0], shape[1]);
  read_doubles(dataset.source, values.data());
  return values;
}

Vector Group::read_vector(std::string_view name, Index size) const {
  const Session session;
  const Dataset dataset(usable(handle_), name);
  const auto shape = to_indices(dimensions_of(dataset.source));
  check_shape(dataset.source, shape, {size});
  check_real(dataset.source);
  count_of(dataset.source);
  Vector values(shape[0]);
  read_doubles(dataset.source, values.data());
  return values;
}

ComplexMatrix Group::read_complex_matrix(std::string_view name, Index rows, Index cols) const {
  const Session session;
  const Dataset dataset(usable(handle_), name);
  auto shape = to_indices(dimensions_of(dataset.source));
  if (shape.size() == 1) shape.push_back(1);
  check_shape(dataset.source, shape, {rows, cols});
  count_of(dataset.source);
  ComplexMatrix values(shape[0], shape[1]);
  if (kind_of(dataset.source) != Kind::complex) {
    Matrix real(shape[0], shape[1]);
    read_doubles(dataset.source, real.data());
    values = real.cast<Complex>();
  } else if (values.size() > 0) {
    read_doubles(dataset.source, reinterpret_cast<double*>(values.data()));
  }
  return values;
}

void Group::read_rows(std::string_view name, Index first, Index count, double* values) const {
  const Session session;
  const Dataset dataset(usable(handle_), name);
  const auto shape = to_indices(dimensions_of(dataset.source));
  if (shape.empty() || shape.size() > 2)
    throw StorageError(text(dataset.source.where, ": is ", show(shape), ", rows of numbers are expected"));
  if (first < 0 || count < 0 || first + count > shape[0])
    throw StorageError(
        text(dataset.source.where, ": rows ", first, " to ", first + count - 1, " are wanted of ", shape[0]));
  count_of(dataset.source);
  if (count > 0)
    h5::read_rows(dataset.source, static_cast<hsize_t>(first), static_cast<hsize_t>(count), values);
}

std::vector<std::int64_t> Group::read_integers(std::string_view name, Index size) const {
  const Session session;
  const Dataset dataset(usable(handle_), name);
  check_shape(dataset.source, to_indices(dimensions_of(dataset.source)), {size});
  return read_all_integers(dataset.source);
}

std::vector<std::string> Group::read_strings(std::string_view name, Index size) const {
  const Session session;
  const Dataset dataset(usable(handle_), name);
  check_shape(dataset.source, to_indices(dimensions_of(dataset.source)), {size});
  return read_all_strings(dataset.source);
}

// ---------------------------------------------------------------------------------------------- attributes

void Group::set(std::string_view name, std::string_view value) const {
  const Session session;
  write_text(usable(handle_), "", name, value);
}

void Group::set(std::string_view name, double value) const {
  const Session session;
  write_attribute(usable(handle_), "", name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {}, &value);
}

void Group::set(std::string_view name, std::int64_t value) const {
  const Session session;
  write_attribute(usable(handle_), "", name, H5T_STD_I64LE, H5T_NATIVE_INT64, {}, &value);
}

void Group::set(std::string_view name, const std::vector<double>& values) const {
  const Session session;
  write_doubles(usable(handle_), "", name, values);
}

void Group::set(std::string_view name, const std::vector<std::string>& values) const {
  const Session session;
  write_texts(usable(handle_), "", name, values, true);
}

bool Group::has_attribute(std::string_view name) const {
  const Session session;
  return attribute_exists(usable(handle_), "", name);
}

std::string Group::get_string(std::string_view name) const {
  const Session session;
  return attribute_text(usable(handle_), "", name);
}

double Group::get_double(std::string_view name) const {
  const Session session;
  const auto values = attribute_doubles(usable(handle_), "", name);
  if (values.size() != 1)
    throw StorageError(text(usable(handle_).where_attribute("", name), ": one number is expected, there are ",
                            values.size()));
  return values[0];
}

std::int64_t Group::get_integer(std::string_view name) const {
  const Session session;
  const Attribute a(usable(handle_), "", name);
  const auto values = read_all_integers(a.source);
  if (values.size() != 1)
    throw StorageError(text(a.source.where, ": one whole number is expected, there are ", values.size()));
  return values[0];
}

std::vector<double> Group::get_doubles(std::string_view name) const {
  const Session session;
  return attribute_doubles(usable(handle_), "", name);
}

std::vector<std::string> Group::get_strings(std::string_view name) const {
  const Session session;
  return attribute_texts(usable(handle_), "", name);
}

void Group::set_on(std::string_view dataset, std::string_view name, std::string_view value) const {
  const Session session;
  write_text(usable(handle_), dataset, name, value);
}

void Group::set_on(std::string_view dataset, std::string_view name, const std::vector<double>& values) const {
  const Session session;
  write_doubles(usable(handle_), dataset, name, values);
}

void Group::set_on(std::string_view dataset, std::string_view name,
                   const std::vector<std::string>& values) const {
  const Session session;
  write_texts(usable(handle_), dataset, name, values, true);
}

bool Group::has_attribute_on(std::string_view dataset, std::string_view name) const {
  const Session session;
  return attribute_exists(usable(handle_), dataset, name);
}

std::string Group::get_string_on(std::string_view dataset, std::string_view name) const {
  const Session session;
  return attribute_text(usable(handle_), dataset, name);
}

std::vector<double> Group::get_doubles_on(std::string_view dataset, std::string_view name) const {
  const Session session;
  return attribute_doubles(usable(handle_), dataset, name);
}

std::vector<std::string> Group::get_strings_on(std::string_view dataset, std::string_view name) const {
  const Session session;
  return attribute_texts(usable(handle_), dataset, name);
}

}  // namespace ersatz::h5
