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

  void read(std::uint64_t offset, void* target, std::size_t size) const {
    char* p = static_cast<char*>(target);
    while (size > 0) {
      const ssize_t got = ::pread(descriptor_, p, size, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw StorageError(text("'", path_, "' cannot be read: ", std::strerror(errno)));
      if (got == 0)
        throw StorageError(text("'", path_, "' is truncated: it is shorter than its header says"));
      p += got;
      offset += static_cast<std::uint64_t>(got);
      size -= static_cast<std::size_t>(got);
    }
  }
  std::uint64_t size() const {
    struct stat info;
    return ::fstat(descriptor_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  }

 private:
  std::string path_;
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

/// Arrays in C order are read where they stand; in Fortran's order a block of rows is all over the file, so
/// that all of it is read at once.
class NpyRows final : public detail::RowSource {
 public:
  explicit NpyRows(const std::string& path) : path_(path), input_(path) {
    unsigned char head[12];
    input_.read(0, head, 10);
    if (head[6] < 1 || head[6] > 3)
      foreign(path, text("format version ", static_cast<int>(head[6]), " is newer than 3"));
    std::size_t length = head[8] + (std::size_t{head[9]} << 8), before = 10;
    if (head[6] > 1) {
      input_.read(10, head + 10, 2);
      length += (std::size_t{head[10]} << 16) + (std::size_t{head[11]} << 24);
      before = 12;
    }
    begin_ = before + length;
    if (begin_ > input_.size()) foreign(path, "it is truncated within its header");
    std::string dictionary(length, '\0');
    input_.read(before, dictionary.data(), length);
    header_ = parse_header(dictionary, path);
    if (header_.shape.empty() || header_.shape.size() > 2)
      foreign(path, text("it has ", header_.shape.size(),
                         " dimensions; one row per point, or a single column, is expected"));
    n_ = header_.shape[0];
    m_ = header_.shape.size() == 2 ? header_.shape[1] : 1;
    const double bytes =
        static_cast<double>(n_) * static_cast<double>(m_) * static_cast<double>(header_.item);
    if (bytes > static_cast<double>(input_.size() - begin_))
      throw StorageError(text("'", path, "' is truncated: its header says ", n_, " x ", m_, " values of ",
                              header_.item, " bytes, ", input_.size() - begin_, " bytes follow"));
    if (header_.fortran) whole_ = values(0, n_);
  }

  Index rows() const override { return static_cast<Index>(n_); }
  Table read(Index first, Index count) const override {
    Table table;
    table.where = path_;
    table.complex = header_.kind == 'c';
    if (header_.fortran)
      table.values = whole_.middleRows(first, count);
    else
      table.values = values(static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(count));
    return table;
  }

 private:
  Matrix values(std::uint64_t first, std::uint64_t rows) const {
    const std::size_t parts = header_.kind == 'c' ? 2 : 1, part = header_.item / parts;
    Matrix result(static_cast<Index>(rows), static_cast<Index>(m_ * parts));
    const std::size_t count = static_cast<std::size_t>(rows * m_), most = std::size_t{1} << 16;
    std::vector<char> block(std::min(count, most) * header_.item);
    std::vector<double> doubles(std::min(count, most) * parts);
    for (std::size_t done = 0; done < count;) {
      const std::size_t now = std::min(count - done, most);
      input_.read(begin_ + (first * m_ + done) * header_.item, block.data(), now * header_.item);
      if (header_.big_endian && part > 1)
        for (std::size_t i = 0; i < now * parts; ++i)
          std::reverse(block.data() + i * part, block.data() + (i + 1) * part);
      to_doubles(header_, part, block.data(), now * parts, doubles.data());
      if (!header_.fortran) {
        std::copy_n(doubles.data(), now * parts, result.data() + done * parts);
      } else {
        for (std::size_t i = 0; i < now; ++i)
          std::copy_n(doubles.data() + i * parts, parts,
                      result.data() + ((done + i) % n_ * m_ + (done + i) / n_) * parts);
      }
      done += now;
    }
    return result;
  }

  std::string path_;
  Input input_;
  Header header_;
  std::uint64_t begin_ = 0, n_ = 0, m_ = 1;
  Matrix whole_;
};

}  // namespace

std::unique_ptr<detail::RowSource> detail::npy_rows(const std::string& path) {
  return std::make_unique<NpyRows>(path);
}

NpyFile::NpyFile(const std::string& path, Index rows, Index width, bool complex)
    : file_(std::make_unique<ReplacementFile>(path)), rows_(rows), width_(width) {
  std::string dictionary =
      text("{'descr': '", complex ? "<c16" : "<f8", "', 'fortran_order': False, 'shape': (", rows, ", ",
           complex ? width / 2 : width, "), }");
  while ((10 + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(dictionary.size() & 0xff);
  head += static_cast<char>(dictionary.size() >> 8);
  head += dictionary;
  begin_ = head.size();
  file_->reserve(begin_ +
                 static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(width) * sizeof(double));
  file_->write_at(0, head.data(), head.size());
}

NpyFile::~NpyFile() = default;

void NpyFile::write_rows(Index first, ConstMatrixRef rows) {
  if (rows.cols() != width_ || first < 0 || first + rows.rows() > rows_)
    throw UsageError(text("'", file_->path(), "': rows ", first, " to ", first + rows.rows() - 1, " of ",
                          rows.cols(), " values do not fit ", rows_, " rows of ", width_));
  const std::uint64_t row = static_cast<std::uint64_t>(width_) * sizeof(double);
  const auto place = [&](Index i) { return begin_ + static_cast<std::uint64_t>(first + i) * row; };
  if (rows.outerStride() == rows.cols()) {
    file_->write_at(place(0), rows.data(), static_cast<std::size_t>(rows.size()) * sizeof(double));
    return;
  }
  for (Index i = 0; i < rows.rows(); ++i)
    file_->write_at(place(i), rows.row(i).data(), static_cast<std::size_t>(row));
}

void NpyFile::commit(bool durable) { file_->commit(durable); }

void write_npy(const std::string& path, ConstMatrixRef values, bool durable) {
  NpyFile file(path, values.rows(), values.cols());
  file.write_rows(0, values);
  file.commit(durable);
}

void write_complex_npy(const std::string& path, const ComplexMatrix& values) {
  NpyFile file(path, values.rows(), 2 * values.cols(), true);
  file.write_rows(0, interleaved(values));
  file.commit();
}

}  // namespace ersatz
