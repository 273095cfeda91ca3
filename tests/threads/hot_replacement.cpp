// hot_replacement FOLDER [TIMES]: a model is replaced TIMES times (1000) by new versions from their files,
// while threads evaluate whatever is in use, through the C and the C++ interface. Every result must be that
// of one version or the other, to the last bit; one that cannot take the place is refused. FOLDER has the
// files of tests/unit/bindings/write_models.cpp. Made to be run under the thread sanitizer.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bindings/ersatz.h"
#include "ersatz/emulator/contract.hpp"

namespace {

constexpr int row = 24;
constexpr double point[2] = {3.0, 0.25};
using Row = std::vector<double>;

void need(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "hot_replacement: %s; last message: %s\n", what, ersatz_message());
  std::exit(1);
}

/// What is in use. C: an atomic handle, closed once another stands in its place. C++: a value behind a mutex.
class InUse {
 public:
  InUse(const std::string& path) : cxx_(ersatz::open_emulator(path)) {
    ersatz_emulator* first = nullptr;
    need(ersatz_open(path.c_str(), &first) == ERSATZ_OK, "the first version does not open");
    c_ = first;
  }
  ~InUse() { need(ersatz_close(c_) == ERSATZ_OK, "the last version does not close"); }
  InUse(const InUse&) = delete;

  /// Whether the model of a file took the place.
  bool replace(const std::string& path) {
    ersatz_emulator* next = nullptr;
    need(ersatz_open(path.c_str(), &next) == ERSATZ_OK, "a new version does not open");
    if (ersatz_check_replacement(c_, next) != ERSATZ_OK) {
      need(ersatz_close(next) == ERSATZ_OK, "what was refused does not close");
      return false;
    }
    need(ersatz_close(c_.exchange(next)) == ERSATZ_OK, "the old version does not close");
    const ersatz::Emulator replacement = ersatz::open_emulator(path, cxx());
    const std::lock_guard<std::mutex> lock(mutex_);
    cxx_ = replacement;
    return true;
  }
  ersatz_emulator* c() const { return c_; }
  ersatz::Emulator cxx() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return cxx_;
  }

 private:
  std::atomic<ersatz_emulator*> c_{nullptr};
  mutable std::mutex mutex_;
  ersatz::Emulator cxx_;
};

Row row_of(const std::string& path) {
  ersatz_emulator* emulator = nullptr;
  Row mean(row);
  need(ersatz_open(path.c_str(), &emulator) == ERSATZ_OK, "a model does not open");
  need(ersatz_mean(emulator, nullptr, 1, point, 2, mean.data(), row) == ERSATZ_OK,
       "a model does not predict");
  need(ersatz_close(emulator) == ERSATZ_OK, "a model does not close");
  return mean;
}

struct Count {
  long first = 0, second = 0, late = 0;
};

void count(const Row& found, const Row& first, const Row& second, Count& counts) {
  const auto same = [&](const Row& r) {
    return std::memcmp(r.data(), found.data(), row * sizeof(double)) == 0;
  };
  const bool is_first = same(first), is_second = same(second);
  need(is_first || is_second, "a result is that of neither version");
  counts.first += is_first;
  counts.second += is_second;
}

/// Leaves the processors to what opens files.
void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1], paths[] = {folder + "/spectrum.h5", folder + "/spectrum-next.h5"};
  const int times = argc > 2 ? std::atoi(argv[2]) : 1000;
  const Row first = row_of(paths[0]), second = row_of(paths[1]);
  need(first != second, "the two versions say the same");

  InUse in_use(paths[0]);
  std::atomic<bool> over{false};
  std::vector<Count> counts(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < counts.size(); ++t)
    threads.emplace_back([&, t] {
      Row mean(row);
      if (t < 2) {
        ersatz_workspace* workspace = nullptr;
        need(ersatz_workspace_open(&workspace) == ERSATZ_OK, "no workspace");
        while (!over) {
          const int status =
              ersatz_mean(in_use.c(), t == 0 ? workspace : nullptr, 1, point, 2, mean.data(), row);
          if (status == ERSATZ_BAD_HANDLE) {  // closed between these two lines: the next one is there already
            ++counts[t].late;
            continue;
          }
          need(status == ERSATZ_OK, "an evaluation fails");
          count(mean, first, second, counts[t]);
          pause();
        }
        need(ersatz_workspace_close(workspace) == ERSATZ_OK, "a workspace does not close");
      } else {
        ersatz::Workspace workspace;
        const Eigen::Map<const ersatz::Matrix> x(point, 1, 2);
        double* outputs[] = {mean.data()};
        while (!over) {
          in_use.cxx().mean(x, outputs, workspace);
          count(mean, first, second, counts[t]);
          pause();
        }
      }
    });

  int refused = 0;
  for (int i = 1; i <= times; ++i) {
    need(in_use.replace(paths[i % 2]), "a new version is refused");
    if (i % 50 == 0) refused += !in_use.replace(folder + "/gp.h5");
  }
  over = true;
  for (std::thread& t : threads) t.join();
  need(refused == times / 50, "a model with other outputs was taken");
  Count all;
  for (const Count& c : counts) {
    need(c.first > 0 && c.second > 0, "a thread saw one version only");
    all = {all.first + c.first, all.second + c.second, all.late + c.late};
  }
  std::printf(
      "%d replacements, %d refused; %ld results of the one version, %ld of the other, %ld calls came late\n",
      times, refused, all.first, all.second, all.late);
  return 0;
}
