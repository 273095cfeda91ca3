// NumPy's .npy files: format versions 1.0 to 3.0 (numpy.lib.format, NEP 1).

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "storage/table_detail.hpp"

namespace ersatz {
namespace {

class Input {
 public:
  explicit Input(const std::string& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw StorageError(text("'", path, "' cannot be opened: ", std::strerror(errno)));
  }
  ~Input() { ::close(descriptor_); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  void read(void* target, std::size_t size) {
    char* p = static_cast<char*>(target);
    while (size > 0) {
      const ssize_t got = ::read(descriptor_, p, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw StorageError(text("'", path_, "' cannot be read: ", std::strerror(errno)));
      if (got == 0)
        throw StorageError(text("'", path_, "' is truncated: it is shorter than its header says"));
      p += got;
      size -= static_cast<std::size_t>(got);
    }
  }
  std::uint64_t size() const {
    struct stat info;
    return ::fstat(descriptor_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  }

 private:
  const std::string& path_;
  int descriptor_;
};

struct Header {
  char kind = 'f';  // f, i, u, b, c
  std::size_t item = 8;
  bool big_endian = false, fortran = false;
  std::vector<std::uint64_t> shape;
};

[[noreturn]] void foreign(const std::string& path, std::string_view why) {
  throw StorageError(text("'", path, "' is a NumPy file that cannot be used: ", why));
}

// The header is a Python dictionary, always written in one form: {'descr': '<f8', 'fortran_order': False,
// 'shape': (3, 4), }
std::string_view entry(std::string_view header, std::string_view key, const std::string& path) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    auto at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    at = header.find(':', at);
    if (at == std::string_view::npos) break;
    at = header.find_first_not_of(" ", at + 1);
    if (at == std::string_view::npos) break;
    return header.substr(at);
  }
  foreign(path, text("its header has no '", key, "'"));
}

Header parse_header(std::string_view dictionary, const std::string& path) {
  Header header;
  const auto type = entry(dictionary, "descr", path);
  if (type.front() == '[') foreign(path, "its type is a record; save one plain array");
  const auto quote = type.find(type.front(), 1);
  if ((type.front() != '\'' && type.front() != '"') || quote == std::string_view::npos || quote < 3)
    foreign(path, "its type is not understood");
  const std::string_view name = type.substr(1, quote - 1);
  header.big_endian = name[0] == '>';
  header.kind = name[1];
  const std::string_view digits = name.substr(2);
  header.item = digits == "1"    ? 1
                : digits == "2"  ? 2
                : digits == "4"  ? 4
                : digits == "8"  ? 8
                : digits == "16" ? 16
                                 : 0;
  const auto item = header.item;
  const bool known = (header.kind == 'f' && (item == 4 || item == 8)) ||
                     (header.kind == 'c' && (item == 8 || item == 16)) || (header.kind == 'b' && item == 1) ||
                     ((header.kind == 'i' || header.kind == 'u') && item >= 1 && item <= 8);
  if (!known || std::string_view("<>|=").find(name[0]) == std::string_view::npos)
    foreign(path, text("its type '", name, "' is not among f4, f8, c8, c16, integers and booleans"));
  const auto order = entry(dictionary, "fortran_order", path);
  header.fortran = order.substr(0, 4) == "True";
  if (!header.fortran && order.substr(0, 5) != "False") foreign(path, "its order is not understood");
  const auto shape = entry(dictionary, "shape", path);
  if (shape.front() != '(') foreign(path, "its shape is not understood");
  std::uint64_t number = 0;
  bool digit = false;
  for (const char c : shape.substr(1)) {
    if (c >= '0' && c <= '9') {
      if (number > (std::uint64_t{1} << 48)) foreign(path, "its shape is beyond reason");
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      digit = true;
    } else if (c == ',' || c == ')') {
      if (digit) header.shape.push_back(number);
      number = 0;
      digit = false;
      if (c == ')') return header;
    } else if (c != ' ' && c != 'L') {
      break;
    }
  }
  foreign(path, "its shape is not understood");
}

template <class T>
void widen(const char* from, std::size_t count, double* to) {
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof(T), sizeof(T));
    to[i] = static_cast<double>(value);
  }
}

void to_doubles(const Header& header, std::size_t part, const char* from, std::size_t count, double* to) {
  switch (header.kind) {
    case 'f':
    case 'c':
      return part == 4 ? widen<float>(from, count, to) : widen<double>(from, count, to);
    case 'i':
      return part == 1   ? widen<std::int8_t>(from, count, to)
             : part == 2 ? widen<std::int16_t>(from, count, to)
             : part == 4 ? widen<std::int32_t>(from, count, to)
                         : widen<std::int64_t>(from, count, to);
    default:  // u, b
      return part == 1   ? widen<std::uint8_t>(from, count, to)
             : part == 2 ? widen<std::uint16_t>(from, count, to)
             : part == 4 ? widen<std::uint32_t>(from, count, to)
                         : widen<std::uint64_t>(from, count, to);
  }
}

void write_array(const std::string& path, const char* type, Index rows, Index cols, const Matrix& values,
                 bool durable) {
  std::string dictionary =
      text("{'descr': '", type, "', 'fortran_order': False, 'shape': (", rows, ", ", cols, "), }");
  while ((10 + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(dictionary.size() & 0xff);
  head += static_cast<char>(dictionary.size() >> 8);
  ReplacementFile file(path);
  file.write(head + dictionary);
  file.write(values.data(), static_cast<std::size_t>(values.size()) * sizeof(double));
  file.commit(durable);
}

}  // namespace

namespace detail {

Table read_npy(const std::string& path) {
  Input input(path);
  unsigned char head[12];
  input.read(head, 10);
  if (head[6] < 1 || head[6] > 3)
    foreign(path, text("format version ", static_cast<int>(head[6]), " is newer than 3"));
  std::size_t length = head[8] + (std::size_t{head[9]} << 8), before = 10;
  if (head[6] > 1) {
    input.read(head + 10, 2);
    length += (std::size_t{head[10]} << 16) + (std::size_t{head[11]} << 24);
    before = 12;
  }
  if (before + length > input.size()) foreign(path, "it is truncated within its header");
  std::string dictionary(length, '\0');
  input.read(dictionary.data(), length);
  const Header header = parse_header(dictionary, path);
  if (header.shape.empty() || header.shape.size() > 2)
    foreign(path, text("it has ", header.shape.size(),
                       " dimensions; one row per point, or a single column, is expected"));
  const std::uint64_t n = header.shape[0], m = header.shape.size() == 2 ? header.shape[1] : 1;
  const double bytes = static_cast<double>(n) * static_cast<double>(m) * static_cast<double>(header.item);
  if (bytes > static_cast<double>(input.size() - before - length))
    throw StorageError(text("'", path, "' is truncated: its header says ", n, " x ", m, " values of ",
                            header.item, " bytes, ", input.size() - before - length, " bytes follow"));
  Table table;
  table.where = path;
  table.complex = header.kind == 'c';
  const std::size_t parts = table.complex ? 2 : 1, part = header.item / parts;
  table.values.resize(static_cast<Index>(n), static_cast<Index>(m * parts));
  const std::size_t count = static_cast<std::size_t>(n * m);
  std::vector<char> block((std::size_t{1} << 16) * header.item);
  std::vector<double> doubles((std::size_t{1} << 16) * parts);
  for (std::size_t done = 0; done < count;) {
    const std::size_t now = std::min(count - done, std::size_t{1} << 16);
    input.read(block.data(), now * header.item);
    if (header.big_endian && part > 1)
      for (std::size_t i = 0; i < now * parts; ++i)
        std::reverse(block.data() + i * part, block.data() + (i + 1) * part);
    to_doubles(header, part, block.data(), now * parts, doubles.data());
    if (!header.fortran) {
      std::copy_n(doubles.data(), now * parts, table.values.data() + done * parts);
    } else {
      for (std::size_t i = 0; i < now; ++i)
        std::copy_n(doubles.data() + i * parts, parts,
                    table.values.data() + ((done + i) % n * m + (done + i) / n) * parts);
    }
    done += now;
  }
  return table;
}

}  // namespace detail

void write_npy(const std::string& path, ConstMatrixRef values, bool durable) {
  write_array(path, "<f8", values.rows(), values.cols(), values, durable);
}

void write_complex_npy(const std::string& path, const ComplexMatrix& values) {
  write_array(path, "<c16", values.rows(), values.cols(), interleaved(values), true);
}

}  // namespace ersatz
