#pragma once
// A folder of one test, removed when it ends.

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace ersatz::testing {

class Scratch {
 public:
  Scratch() {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/ersatz-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  std::string operator()(const std::string& name) const { return folder_ + "/" + name; }
  const std::string& folder() const { return folder_; }
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

 private:
  std::string folder_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// What the exception says; empty when none of type E was thrown.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return {};
}

/// Runs a Python program with Debian's interpreter; its exit status. 77 when numpy or h5py are missing.
inline int run_python(const std::string& program, const Scratch& scratch) {
  if (std::system("/usr/bin/python3 -c 'import h5py, numpy' >/dev/null 2>&1") != 0) return 77;
  spill(scratch("program.py"), program);
  const int status = std::system(("cd '" + scratch.folder() + "' && /usr/bin/python3 program.py").c_str());
  return status == 0 ? 0 : 1;
}

}  // namespace ersatz::testing
