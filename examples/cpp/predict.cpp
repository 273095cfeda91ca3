// Opens a model file and predicts at one point: a line per output, bin, mean and standard deviation.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"

namespace {

ersatz::Matrix point_from(const ersatz::Emulator& emulator, char** words, int n) {
  const ersatz::ParameterSpace& space = emulator.space();
  if (n != space.size()) {
    std::string wanted;
    for (const ersatz::Parameter& p : space.parameters())
      wanted += ersatz::text("\n  ", p.name, " ", p.unit, " from ", p.lower, " to ", p.upper);
    throw ersatz::UsageError(ersatz::text("expected ", space.size(), " parameters, got ", n, ":", wanted));
  }
  ersatz::Matrix x(1, n);
  for (int i = 0; i < n; ++i) {
    char* end = nullptr;
    x(0, i) = std::strtod(words[i], &end);
    if (end == words[i] || *end != '\0')
      throw ersatz::UsageError(
          ersatz::text("parameter ", space[i].name, ": '", words[i], "' is not a number"));
  }
  return x;
}

void print(const ersatz::Emulator& emulator, const ersatz::Matrix& x) {
  // One Workspace per thread. After its first use, predictions allocate nothing.
  ersatz::Workspace workspace;
  const std::size_t count = emulator.outputs().size();
  std::vector<ersatz::Vector> mean(count), std(count);
  std::vector<double*> mean_pointers(count), std_pointers(count);
  for (std::size_t o = 0; o < count; ++o) {
    mean[o].setZero(emulator.outputs()[o].width());
    std[o].setZero(emulator.outputs()[o].width());
    mean_pointers[o] = mean[o].data();
    std_pointers[o] = std[o].data();
  }
  if (emulator.has_std())
    emulator.mean_and_std(x, mean_pointers.data(), std_pointers.data(), workspace);
  else
    emulator.mean(x, mean_pointers.data(), workspace);

  const double score = emulator.domain_score(x.data(), workspace);
  std::printf("# %s the domain that the emulator was trained on (score %.3g)\n",
              score <= 1 ? "inside" : "OUTSIDE of", score);
  for (std::size_t o = 0; o < count; ++o) {
    const ersatz::OutputSpec& output = emulator.outputs()[o];
    const ersatz::Axis& axis = emulator.axis_of(output);
    const ersatz::Index step = output.complex ? 2 : 1;
    for (ersatz::Index j = 0; j < output.size; ++j) {
      std::printf("%s %.17g", output.name.c_str(), axis.values[j]);
      for (ersatz::Index part = 0; part < step; ++part)
        std::printf(" %.17g %.3g", mean[o][step * j + part], std[o][step * j + part]);
      std::printf("\n");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: predict model.h5 PARAMETER...\n");
    return 2;
  }
  try {
    const ersatz::Emulator emulator = ersatz::open_emulator(argv[1]);
    print(emulator, point_from(emulator, argv + 2, argc - 2));
    return 0;
  } catch (const ersatz::Error& error) {
    std::fprintf(stderr, "predict: %s\n", error.what());
    return error.exit_status();
  }
}
