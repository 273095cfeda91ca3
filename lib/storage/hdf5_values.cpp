// Reading values, whatever type a file keeps them in.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "storage/hdf5_detail.hpp"

namespace ersatz::h5 {
namespace {

constexpr auto reading = StorageError::Access::read;

bool is_complex_type(hid_t type) {
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return false;
  for (unsigned i = 0; i < 2; ++i) {
    char* name = H5Tget_member_name(type, i);
    const bool right = name != nullptr && std::strcmp(name, i == 0 ? "r" : "i") == 0;
    H5free_memory(name);
    if (!right || H5Tget_member_class(type, i) != H5T_FLOAT) return false;
  }
  return true;
}

herr_t read_raw(const Source& s, hid_t memory_type, void* values) {
  return s.attribute ? H5Aread(s.id, memory_type, values)
                     : H5Dread(s.id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

// h5py keeps booleans as an enumeration: its numbers count.
Id number_type(const Source& s, hid_t wanted) {
  const Id type = s.type();
  if (H5Tget_class(type.get()) != H5T_ENUM) return Id(H5Tcopy(wanted), H5Tclose);
  return Id(H5Tget_native_type(type.get(), H5T_DIR_DEFAULT), H5Tclose);
}

// Converts in place what was read as the enumeration's own integers.
void widen(const Source& s, hid_t memory_type, hid_t wanted, std::size_t count, void* values) {
  if (H5Tget_class(memory_type) != H5T_ENUM) return;
  const Id base(H5Tget_super(memory_type), H5Tclose);
  if (H5Tconvert(base.get(), wanted, count, values, nullptr, H5P_DEFAULT) < 0)
    fail(s.where, "its numbers cannot be converted", reading);
}

std::size_t memory_size(hid_t wanted, hid_t memory_type, std::size_t count) {
  return count * std::max(H5Tget_size(wanted), H5Tget_size(memory_type));
}

std::string until_padding(const char* p, std::size_t size, H5T_str_t padding) {
  std::size_t length = 0;
  if (padding == H5T_STR_SPACEPAD) {
    length = size;
    while (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\0')) --length;
  } else {
    while (length < size && p[length] != '\0') ++length;
  }
  return {p, length};
}

}  // namespace

Id Source::type() const {
  Id type(attribute ? H5Aget_type(id) : H5Dget_type(id), H5Tclose);
  if (!type) fail(where, "its type cannot be read", reading);
  return type;
}

Id Source::space() const {
  Id space(attribute ? H5Aget_space(id) : H5Dget_space(id), H5Sclose);
  if (!space) fail(where, "its shape cannot be read", reading);
  return space;
}

Kind kind_of(const Source& source) {
  const Id type = source.type();
  switch (H5Tget_class(type.get())) {
    case H5T_INTEGER:
    case H5T_ENUM:
      return Kind::integer;
    case H5T_FLOAT:
      return Kind::real;
    case H5T_STRING:
      return Kind::string;
    case H5T_COMPOUND:
      if (is_complex_type(type.get())) return Kind::complex;
      break;
    default:
      break;
  }
  throw StorageError(
      text(source.where,
           ": neither numbers, complex numbers (a compound of two floating-point members r and "
           "i) nor texts"));
}

std::vector<hsize_t> dimensions_of(const Source& source) {
  const Id space = source.space();
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) return {0};
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0) fail(source.where, "its shape cannot be read", reading);
  std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), dimensions.data(), nullptr);
  return dimensions;
}

std::size_t count_of(const Source& source) {
  double count = 1.0;
  for (const hsize_t n : dimensions_of(source)) count *= static_cast<double>(n);
  // Deflate packs a thousand to one at best; a shape beyond that is damage (or an attack), and would take all
  // memory. Nothing is stored of a dataset that was never written.
  const hsize_t stored =
      source.attribute ? source.file_size : std::min(H5Dget_storage_size(source.id), source.file_size);
  const double bytes = count * static_cast<double>(H5Tget_size(source.type().get()));
  if (bytes > 1e6 + 1100.0 * static_cast<double>(stored))
    throw StorageError(text(source.where, ": claims ", count, " values, of which the file holds ",
                            static_cast<std::uint64_t>(stored),
                            " bytes: it is damaged, or was never filled"));
  return static_cast<std::size_t>(count);
}

Id complex_type(hid_t number) {
  Id type(H5Tcreate(H5T_COMPOUND, 16), H5Tclose);
  H5Tinsert(type.get(), "r", 0, number);
  H5Tinsert(type.get(), "i", 8, number);
  return type;
}

namespace {

/// What `read(type, target)` reads of a dataset, as `count` doubles (complex: pairs of them).
template <class Read>
void read_as_doubles(const Source& s, std::size_t count, double* values, const Read& read) {
  const Kind kind = kind_of(s);
  if (kind == Kind::string) throw StorageError(text(s.where, ": holds texts where numbers are expected"));
  if (count == 0) return;
  const Id type = kind == Kind::complex ? complex_type() : number_type(s, H5T_NATIVE_DOUBLE);
  std::vector<char> wide;  // for types that take more memory than a double while they are converted
  void* target = values;
  if (kind != Kind::complex && H5Tget_size(type.get()) > sizeof(double)) {
    wide.resize(memory_size(H5T_NATIVE_DOUBLE, type.get(), count));
    target = wide.data();
  }
  if (read(type.get(), target) < 0) fail(s.where, "cannot be read", reading);
  if (kind == Kind::complex) return;
  widen(s, type.get(), H5T_NATIVE_DOUBLE, count, target);
  if (target != values) std::memcpy(values, target, count * sizeof(double));
}

}  // namespace

void read_doubles(const Source& s, double* values) {
  read_as_doubles(s, count_of(s), values,
                  [&](hid_t type, void* target) { return read_raw(s, type, target); });
}

void read_rows(const Source& s, hsize_t first, hsize_t rows, double* values) {
  const Id file_space = s.space();
  auto shape = dimensions_of(s);
  std::vector<hsize_t> start(shape.size(), 0);
  start[0] = first;
  shape[0] = rows;
  if (H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, shape.data(), nullptr) < 0)
    fail(s.where, "rows cannot be selected", reading);
  const Id memory_space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  std::size_t count = 1;
  for (const hsize_t n : shape) count *= static_cast<std::size_t>(n);
  read_as_doubles(s, count, values, [&](hid_t type, void* target) {
    return H5Dread(s.id, type, memory_space.get(), file_space.get(), H5P_DEFAULT, target);
  });
}

std::vector<std::int64_t> read_all_integers(const Source& s) {
  const Kind kind = kind_of(s);
  const std::size_t count = count_of(s);
  std::vector<std::int64_t> values(count);
  if (count == 0) return values;
  if (kind == Kind::real) {
    std::vector<double> doubles(count);
    read_doubles(s, doubles.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (!(std::abs(doubles[i]) < 9.2e18) || doubles[i] != std::floor(doubles[i]))
        throw StorageError(text(s.where, ": value ", i, " is ", doubles[i], ", a whole number is expected"));
      values[i] = static_cast<std::int64_t>(doubles[i]);
    }
    return values;
  }
  if (kind != Kind::integer) throw StorageError(text(s.where, ": whole numbers are expected"));
  const Id type = number_type(s, H5T_NATIVE_INT64);
  if (H5Tget_size(type.get()) > sizeof(std::int64_t)) fail(s.where, "its integers are too wide", reading);
  if (read_raw(s, type.get(), values.data()) < 0) fail(s.where, "cannot be read", reading);
  widen(s, type.get(), H5T_NATIVE_INT64, count, values.data());
  return values;
}

std::vector<std::string> read_all_strings(const Source& s) {
  if (kind_of(s) != Kind::string) throw StorageError(text(s.where, ": texts are expected"));
  const Id type = s.type();
  const std::size_t count = count_of(s);
  std::vector<std::string> values(count);
  if (count == 0) return values;
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> pointers(count, nullptr);
    const Id memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory.get(), H5T_VARIABLE);
    H5Tset_cset(memory.get(), H5Tget_cset(type.get()));
    if (read_raw(s, memory.get(), pointers.data()) < 0) fail(s.where, "cannot be read", reading);
    for (std::size_t i = 0; i < count; ++i)
      if (pointers[i] != nullptr) values[i] = pointers[i];
    const Id space = s.space();
    H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, pointers.data());
    return values;
  }
  const std::size_t size = H5Tget_size(type.get());
  std::vector<char> raw(count * size);
  if (read_raw(s, type.get(), raw.data()) < 0) fail(s.where, "cannot be read", reading);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = until_padding(raw.data() + i * size, size, H5Tget_strpad(type.get()));
  return values;
}

}  // namespace ersatz::h5
