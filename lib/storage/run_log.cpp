#include "ersatz/storage/run_log.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/space_file.hpp"
#include "storage/text_file.hpp"
#include "storage/xxh64.hpp"

namespace ersatz {
namespace {

using Json = nlohmann::json;

// File: "ErsatzRL", version (4 bytes), length of the header (4), header (JSON), XXH64 of all that (8); then
// records: "ErsR", length of the body (4), body, XXH64 of marker, length and body, seeded with the campaign's
// hash (8). Numbers have their lowest byte first.
constexpr std::string_view file_magic = "ErsatzRL", record_magic = "ErsR";
constexpr std::uint64_t log_version = 1;
constexpr std::size_t file_head = 16, record_head = 8, checksum_size = 8;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint64_t get(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

void put_double(std::string& out, double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  put(out, bits, 8);
}

double get_double(std::string_view bytes, std::size_t at) {
  const std::uint64_t bits = get(bytes, at, 8);
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

std::string encode_run_log_header(const Campaign& campaign) {
  Json axes = Json::array(), outputs = Json::array();
  for (const auto& a : campaign.axes)
    axes.push_back({{"name", a.name},
                    {"unit", a.unit},
                    {"values", std::vector<double>(a.values.begin(), a.values.end())}});
  for (const auto& o : campaign.outputs)
    outputs.push_back(
        {{"name", o.name}, {"unit", o.unit}, {"axis", o.axis}, {"size", o.size}, {"complex", o.complex}});
  const Json header = {{"campaign", hexadecimal(campaign.hash())},
                       {"simulator", campaign.simulator},
                       {"rows", campaign.design.rows()},
                       {"axes", axes},
                       {"outputs", outputs}};
  const std::string json = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string bytes(file_magic);
  put(bytes, log_version, 4);
  put(bytes, json.size(), 4);
  bytes += json;
  put(bytes, xxh64(bytes), 8);
  return bytes;
}

namespace {

// The header and where it ends.
std::pair<RunLogHeader, std::size_t> decode_header(std::string_view bytes, const std::string& path) {
  if (bytes.size() < file_head || bytes.substr(0, file_magic.size()) != file_magic)
    throw StorageError(text("'", path, "' is not a run log of Ersatz's, or its header is torn"));
  const std::uint64_t version = get(bytes, 8, 4), length = get(bytes, 12, 4);
  if (version > log_version)
    throw StorageError(text("'", path, "' was made by a newer Ersatz: version ", version,
                            ", this one reads versions up to ", log_version));
  const std::size_t end = file_head + static_cast<std::size_t>(length) + checksum_size;
  if (bytes.size() < end || get(bytes, end - 8, 8) != xxh64(bytes.substr(0, end - 8)))
    throw StorageError(text("'", path, "': the header of the run log is torn or damaged"));
  RunLogHeader header;
  try {
    const Json json = Json::parse(bytes.substr(file_head, static_cast<std::size_t>(length)));
    header.campaign = std::stoull(json.at("campaign").get<std::string>(), nullptr, 16);
    header.simulator = json.at("simulator").get<std::string>();
    header.rows = json.at("rows").get<Index>();
    for (const auto& a : json.at("axes")) {
      const auto values = a.at("values").get<std::vector<double>>();
      header.axes.push_back({a.at("name").get<std::string>(), a.at("unit").get<std::string>(),
                             Eigen::Map<const Vector>(values.data(), static_cast<Index>(values.size()))});
    }
    for (const auto& o : json.at("outputs"))
      header.outputs.push_back({o.at("name").get<std::string>(), o.at("unit").get<std::string>(),
                                o.at("axis").get<std::string>(), o.at("size").get<Index>(),
                                o.at("complex").get<bool>()});
  } catch (const std::exception& e) {
    throw StorageError(text("'", path, "': the header of the run log cannot be read: ", e.what()));
  }
  return {header, end};
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void write_failed(const std::string& path, int error) {
  const char* why =
      error == ENOSPC || error == EDQUOT ? "the disk is full or the quota is used up" : "writing failed";
  throw StorageError(text("run log '", path, "': ", why, " (", std::strerror(error),
                          "). What was finished before is kept: go on with --resume"),
                     StorageError::Access::write);
}

}  // namespace

RunLogHeader decode_run_log_header(std::string_view bytes) {
  return decode_header(bytes, "header of a run log").first;
}

std::string encode(const RunRecord& record) {
  std::string out;
  out.reserve(32 + record.message.size() + 8 * record.values.size());
  put(out, static_cast<std::uint64_t>(record.row), 8);
  put(out, static_cast<std::uint64_t>(record.status), 4);
  put(out, record.message.size(), 4);
  put_double(out, record.seconds);
  put(out, record.values.size(), 8);
  out += record.message;
  for (const double v : record.values) put_double(out, v);
  return out;
}

RunRecord decode_run_record(std::string_view bytes) {
  const auto fail = [] { throw StorageError("a record of a run does not have the size that it says"); };
  if (bytes.size() < 32) fail();
  RunRecord record;
  record.row = static_cast<Index>(get(bytes, 0, 8));
  const std::uint64_t status = get(bytes, 8, 4), message = get(bytes, 12, 4), count = get(bytes, 24, 8);
  if (status > 2 || message > bytes.size() || count > bytes.size() ||
      bytes.size() != 32 + message + 8 * count)
    fail();
  record.status = static_cast<RunStatus>(status);
  record.seconds = get_double(bytes, 16);
  record.message = bytes.substr(32, static_cast<std::size_t>(message));
  record.values.resize(static_cast<std::size_t>(count));
  std::size_t at = 32 + static_cast<std::size_t>(message);
  for (double& v : record.values) {
    v = get_double(bytes, at);
    at += 8;
  }
  return record;
}

Index Campaign::width() const {
  Index sum = 0;
  for (const auto& o : outputs) sum += o.width();
  return sum;
}

std::uint64_t Campaign::hash() const {
  Xxh64 hash;
  const auto add = [&](std::string_view s) {
    hash.update_number(s.size());
    hash.update(s);
  };
  const auto add_numbers = [&](const double* values, Index count) {
    hash.update_number(static_cast<std::uint64_t>(count));
    hash.update(values, static_cast<std::size_t>(count) * sizeof(double));
  };
  add(simulator);
  add(space_to_toml(space));
  for (const auto& a : axes) {
    add(a.name);
    add(a.unit);
    add_numbers(a.values.data(), a.values.size());
  }
  for (const auto& o : outputs) {
    add(o.name);
    add(o.unit);
    add(o.axis);
    hash.update_number(static_cast<std::uint64_t>(o.width()));
    hash.update_number(o.complex);
  }
  hash.update_number(static_cast<std::uint64_t>(design.cols()));
  add_numbers(design.data(), design.size());
  return hash.digest();
}

RunLogSummary read_run_log(const std::string& path, const std::function<void(RunRecord&&)>& take) {
  const std::string bytes = read_whole_file(path);
  const std::string_view all = bytes;
  RunLogSummary summary;
  std::size_t at = 0;
  std::tie(summary.header, at) = decode_header(all, path);
  summary.end = at;
  while (at + record_head + checksum_size <= all.size()) {
    bool good = all.compare(at, record_magic.size(), record_magic) == 0;
    std::size_t next = at;
    if (good) {
      const std::size_t length = static_cast<std::size_t>(get(all, at + 4, 4));
      next = at + record_head + length + checksum_size;
      good = next <= all.size() && get(all, next - checksum_size, 8) ==
                                       xxh64(all.substr(at, record_head + length), summary.header.campaign);
      if (good) {
        RunRecord record = decode_run_record(all.substr(at + record_head, length));
        if (record.row < 0 || record.row >= summary.header.rows)
          throw StorageError(
              text("run log '", path, "': a record of row ", record.row, " of ", summary.header.rows));
        ++summary.records;
        if (take) take(std::move(record));
      }
    }
    if (good) {
      summary.dropped += at - summary.end;
      summary.end = at = next;
    } else {
      at = std::min(all.find(record_magic, at + 1), all.size());
    }
  }
  summary.dropped += all.size() - summary.end;
  return summary;
}

bool ends_in_header(const std::string& path) {
  const std::string bytes = read_whole_file(path);
  const auto n = std::min(bytes.size(), file_magic.size());
  if (bytes.compare(0, n, file_magic, 0, n) != 0) return false;
  return bytes.size() < file_head || bytes.size() < file_head + get(bytes, 12, 4) + checksum_size;
}

bool run_log_in_use(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return held;
}

RunLog::RunLog(const std::string& path, const Campaign& campaign, Options options)
    : path_(path), options_(options), campaign_(campaign.hash()) {
  const auto refuse = [&](const std::string& why) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
    throw UsageError(text("run log '", path, "': ", why));
  };
  for (;;) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0)
      throw StorageError(text("run log '", path, "' cannot be opened: ", std::strerror(errno)),
                         StorageError::Access::write);
    // File systems without locks (ENOLCK and the like) go without.
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      refuse("another process is running this campaign; wait until it ends, or stop it");
    // Whoever held it may have deleted it meanwhile.
    struct stat mine, there;
    if (::fstat(descriptor_, &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino)
      break;
    ::close(descriptor_);
  }
  const std::string header = encode_run_log_header(campaign);
  const std::string found = read_whole_file(path);
  const bool torn_header = found.size() < header.size() && header.compare(0, found.size(), found) == 0;
  if (found.empty() || torn_header) {
    if (!found.empty() && ::ftruncate(descriptor_, 0) != 0) {
      const int error = errno;
      ::close(descriptor_);
      write_failed(path, error);
    }
  } else {
    if (!options.resume)
      refuse("it belongs to a campaign that was not finished. Go on with it with --resume, or delete it");
    RunLogSummary summary;
    try {
      summary = read_run_log(path);
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
    if (summary.header.campaign != campaign.hash())
      refuse(summary.header.simulator != campaign.simulator
                 ? text("it belongs to the simulator '", summary.header.simulator, "', not to '",
                        campaign.simulator, "'")
             : summary.header.rows != campaign.design.rows()
                 ? text("it belongs to a design of ", summary.header.rows, " points, this one has ",
                        campaign.design.rows())
                 : std::string("it belongs to another design, parameter space or set of outputs"));
    end_ = summary.end;
    if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) {
      const int error = errno;
      ::close(descriptor_);
      write_failed(path, error);
    }
  }
  try {
    if (end_ == 0) write(header);
    sync();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

RunLog::~RunLog() {
  if (descriptor_ < 0) return;
  ::fdatasync(descriptor_);
  ::close(descriptor_);
}

void RunLog::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(end_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      (void)!::ftruncate(descriptor_, static_cast<off_t>(end_));
      write_failed(path_, error);
    }
    done += static_cast<std::size_t>(written);
  }
  end_ += done;
}

void RunLog::append(const RunRecord& record) {
  std::string bytes(record_magic);
  const std::string body = encode(record);
  put(bytes, body.size(), 4);
  bytes += body;
  put(bytes, xxh64(bytes, campaign_), 8);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    write(bytes);
  }
  if (options_.sync_interval <= 0.0) return sync();
  if (now() - last_sync_ < options_.sync_interval || syncing_.exchange(true)) return;
  try {
    sync();
  } catch (...) {
    syncing_ = false;
    throw;
  }
  syncing_ = false;
}

void RunLog::sync() {
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) write_failed(path_, errno);
  last_sync_ = now();
}

void RunLog::remove() { ::unlink(path_.c_str()); }

std::string run_log_path(const std::string& archive, Index process) {
  return process == 0 ? archive + ".log" : text(archive, ".log.", process);
}

std::vector<std::string> run_logs_of(const std::string& archive) {
  const auto slash = archive.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : archive.substr(0, slash);
  const std::string prefix = (slash == std::string::npos ? archive : archive.substr(slash + 1)) + ".log";
  std::vector<std::pair<Index, std::string>> found;
  if (DIR* listing = ::opendir(folder.c_str())) {
    while (const dirent* entry = ::readdir(listing)) {
      const std::string name = entry->d_name;
      if (name == prefix) found.emplace_back(0, run_log_path(archive));
      if (name.size() <= prefix.size() + 1 || name.compare(0, prefix.size() + 1, prefix + ".") != 0) continue;
      const std::string number = name.substr(prefix.size() + 1);
      if (number.size() < 10 && number.find_first_not_of("0123456789") == std::string::npos)
        found.emplace_back(std::stol(number), run_log_path(archive, std::stol(number)));
    }
    ::closedir(listing);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (auto& f : found) paths.push_back(std::move(f.second));
  return paths;
}

}  // namespace ersatz
