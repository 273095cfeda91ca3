// The checksum over a file's content, and the format and version that it declares.

#include <algorithm>

#include "storage/hdf5_detail.hpp"
#include "storage/xxh64.hpp"

namespace ersatz::h5 {
namespace {

constexpr auto reading = StorageError::Access::read;
constexpr int deepest = 64;

void add_text(Xxh64& hash, std::string_view s) {
  hash.update_number(s.size());
  hash.update(s);
}

void add_doubles(Xxh64& hash, const double* values, std::size_t count) {
  static_assert(sizeof(double) == 8);
  hash.update(values, count * sizeof(double));
}

void add_value(Xxh64& hash, const Source& source) {
  const Kind kind = kind_of(source);
  const auto dimensions = dimensions_of(source);
  hash.update(kind == Kind::integer ? "i" : kind == Kind::real ? "f" : kind == Kind::complex ? "c" : "s");
  hash.update_number(dimensions.size());
  for (const hsize_t n : dimensions) hash.update_number(n);
  const std::size_t count = count_of(source);
  if (kind == Kind::string) {
    for (const auto& s : read_all_strings(source)) add_text(hash, s);
    return;
  }
  if (kind == Kind::integer) {
    for (const std::int64_t v : read_all_integers(source)) hash.update_number(static_cast<std::uint64_t>(v));
    return;
  }
  if (count == 0) return;
  const std::size_t width = kind == Kind::complex ? 2 : 1;
  if (source.attribute || dimensions.empty()) {
    std::vector<double> values(count * width);
    read_doubles(source, values.data());
    add_doubles(hash, values.data(), values.size());
    return;
  }
  const std::size_t row = count / static_cast<std::size_t>(dimensions[0]) * width;
  const hsize_t step = std::max<hsize_t>(1, (std::size_t{1} << 18) / row);
  std::vector<double> block(std::min(step, dimensions[0]) * row);
  for (hsize_t first = 0; first < dimensions[0]; first += step) {
    const hsize_t rows = std::min(step, dimensions[0] - first);
    read_rows(source, first, rows, block.data());
    add_doubles(hash, block.data(), static_cast<std::size_t>(rows) * row);
  }
}

herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

herr_t collect_link(hid_t, const char* name, const H5L_info_t* info, void* out) {
  if (info->type != H5L_TYPE_HARD) return -1;
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

void add_attributes(Xxh64& hash, hid_t object, const std::string& where, hsize_t file_size, bool top) {
  std::vector<std::string> names;
  hsize_t position = 0;
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &position, collect_attribute, &names) < 0)
    fail(where, "its attributes cannot be listed: it is damaged", reading);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (top && name == "checksum") continue;
    const Id attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    const std::string place = where + ", attribute '" + name + "'";
    if (!attribute) fail(place, "cannot be opened", reading);
    hash.update("A");
    add_text(hash, name);
    add_value(hash, {attribute.get(), true, place, file_size});
  }
}

void add_group(Xxh64& hash, hid_t group, const std::string& file, const std::string& path, hsize_t file_size,
               int depth) {
  const std::string where = file + ":/" + path;
  if (depth > deepest) fail(where, text("groups are nested more than ", deepest, " deep"), reading);
  std::vector<std::string> names;
  hsize_t position = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &position, collect_link, &names) < 0)
    fail(where, "cannot be listed: it is damaged, or has soft or external links, which are not followed",
         reading);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    const std::string inner = path.empty() ? name : path + "/" + name;
    const Id object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
    const std::string place = file + ":/" + inner;
    if (!object) fail(place, "cannot be opened: it is damaged", reading);
    const H5I_type_t type = H5Iget_type(object.get());
    if (type == H5I_GROUP) {
      hash.update("G");
      add_text(hash, inner);
      add_attributes(hash, object.get(), place, file_size, false);
      add_group(hash, object.get(), file, inner, file_size, depth + 1);
    } else if (type == H5I_DATASET) {
      hash.update("D");
      add_text(hash, inner);
      add_attributes(hash, object.get(), place, file_size, false);
      add_value(hash, {object.get(), false, place, file_size});
    } else {
      fail(place, "is neither a group nor a dataset", reading);
    }
  }
}

}  // namespace

std::uint64_t content_checksum(const Group& group) {
  const Session session;
  const std::string where = group.where();
  const auto& h = group.raw();
  hsize_t file_size = 0;
  H5Fget_filesize(h.file->id, &file_size);
  Xxh64 hash;
  add_attributes(hash, h.id, where, file_size, true);
  add_group(hash, h.id, h.file->path, "", file_size, 0);
  return hash.digest();
}

void verify_checksum(const File& file, bool required) {
  const Group root = file.root();
  if (!root.has_attribute("checksum")) {
    if (!required) return;
    throw StorageError(text("'", file.path(), "' carries no checksum: it is damaged or was made by hand"));
  }
  const std::string stored = root.get_string("checksum");
  const std::string found = hexadecimal(content_checksum(root));
  if (stored != found)
    throw StorageError(text("'", file.path(), "' is damaged: the checksum of its content is ", found,
                            ", the file says ", stored,
                            ". Copy it again, or make it anew; where it was edited on purpose, delete the "
                            "attribute 'checksum'"));
}

std::int64_t check_format(const Group& root, std::string_view format, std::int64_t supported,
                          const std::string& path) {
  if (!root.has_attribute("format"))
    throw StorageError(text("'", path,
                            "' is an HDF5 file, but not one of Ersatz's: it has no attribute 'format', '",
                            format, "' is expected"));
  const std::string found = root.get_string("format");
  if (found != format)
    throw StorageError(text("'", path, "' has the format '", found, "', '", format, "' is expected"));
  const std::int64_t version = root.get_integer("version");
  if (version < 1)
    throw StorageError(
        text("'", path, "' has the version ", version, ", versions begin at 1: it is damaged"));
  if (version > supported)
    throw StorageError(text("'", path, "' was made by a newer Ersatz: its '", format, "' has version ",
                            version, ", this one reads versions up to ", supported,
                            ". Update Ersatz to read it"));
  return version;
}

}  // namespace ersatz::h5
