// A Gaussian process on many points, for the benchmark of large n. Text out:
//
//   large_n_peer TRAINING TEST THREADS KEY=VALUE…     KEY=VALUE as in a recipe; numbers are numbers
//
// A file holds two 64-bit integers, rows and columns, and then the values row by row; the output is the last
// column. TEST has the function without noise.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "peers/peer.hpp"

namespace {

using namespace ersatz;
using peer::seconds;

TrainingData read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::int64_t size[2] = {0, 0};
  in.read(reinterpret_cast<char*>(size), sizeof size);
  Matrix all(size[0], size[1]);
  in.read(reinterpret_cast<char*>(all.data()), static_cast<std::streamsize>(sizeof(double)) * all.size());
  if (!in) throw DataError(text("cannot read ", path));
  TrainingData data;
  data.x = all.leftCols(all.cols() - 1);
  data.y = all.rightCols(1);
  return data;
}

Settings settings_from(int argc, char** argv) {
  Settings values;
  for (int a = 4; a < argc; ++a) {
    const std::string word = argv[a];
    const auto split = word.find('=');
    const std::string value = word.substr(split + 1);
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    values.set(word.substr(0, split), *end == '\0' ? SettingValue(number) : SettingValue(value));
  }
  return values;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) throw UsageError("see the head of large_n_peer.cpp for its arguments");
  const TrainingData data = read(argv[1]), test = read(argv[2]);
  const auto executor = make_executor(std::atoi(argv[3]));
  FitContext context;
  context.executor = executor.get();
  const Fit fit = make_gp_regressor(settings_from(argc, argv))->fit(data, context);
  std::printf("seconds %.4g\n", fit.summary.seconds);
  for (const auto& [key, value] : fit.summary.facts) std::printf("fact %s: %s\n", key.c_str(), value.c_str());
  for (const auto& warning : fit.summary.warnings) std::printf("warning %s\n", warning.c_str());

  Workspace workspace;
  const Index q = test.x.rows();
  Matrix mean(q, 1), variance(q, 1);
  double began = seconds();
  fit.predictor->mean(test.x, mean, workspace);
  std::printf("microseconds_mean %.4g\n", 1e6 * (seconds() - began) / static_cast<double>(q));
  began = seconds();
  fit.predictor->mean_and_variance(test.x, mean, variance, Noise::latent, workspace);
  std::printf("microseconds_both %.4g\n", 1e6 * (seconds() - began) / static_cast<double>(q));
  const Matrix error = mean - test.y;
  std::printf("error %.6g\n", std::sqrt(error.squaredNorm() / static_cast<double>(q)));
  Index inside = 0;
  for (Index i = 0; i < q; ++i)
    inside += std::abs(error(i, 0)) < 1.959963984540054 * std::sqrt(variance(i, 0));
  std::printf("coverage %.4g\n", static_cast<double>(inside) / static_cast<double>(q));
  return 0;
} catch (const Error& e) {
  std::fprintf(stderr, "large_n_peer: %s\n", e.what());
  return e.exit_status();
}
