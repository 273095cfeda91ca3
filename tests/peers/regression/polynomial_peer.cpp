// Our numbers for comparison with other polynomial regressions. Files hold plain doubles, row by row.
//
//   polynomial_peer WORK INPUTS OUTPUTS TRAIN TEST RESULT THREADS REPEATS [KEY=VALUE…]
//
// TRAIN has the inputs and then the outputs of each row, TEST the inputs. WORK is a regressor, or "path". The
// keys `lower` and `upper` (a number for each input) are bounds, all others settings of the regressor.
// A regressor: RESULT gets the predictions of all test points; Sobol indices, if any, facts and the smallest
// of all fitting times are printed. "path", for ridge: RESULT gets the alphas, then the leave-one-out errors
// (alphas × outputs), then those of generalised cross-validation, then the intercepts and coefficients of
// each alpha.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "ersatz/regression/ridge_path.hpp"
#include "ersatz/regression/sobol_indices.hpp"
#include "peers/peer.hpp"

namespace {

using namespace ersatz;
using peer::read;
using peer::seconds;

class Output {
 public:
  explicit Output(const char* path) : out_(path, std::ios::binary) {}
  void write(const double* values, Index count) {
    out_.write(reinterpret_cast<const char*>(values), count * 8);
    if (!out_) throw DataError("cannot write the result");
  }

 private:
  std::ofstream out_;
};

std::vector<double> numbers_in(const std::string& value) {
  std::vector<double> numbers;
  const char* at = value.c_str();
  char* end = nullptr;
  for (double v = std::strtod(at, &end); end != at; v = std::strtod(at, &end)) {
    numbers.push_back(v);
    at = *end == ',' ? end + 1 : end;
  }
  return *at == '\0' ? numbers : std::vector<double>{};
}

template <class Work>
double shortest(int repeats, const Work& work) {
  double best = 1e300;
  for (int r = 0; r < repeats; ++r) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

int run(int argc, char** argv) {
  if (argc < 9) {
    std::fprintf(stderr,
                 "polynomial_peer WORK INPUTS OUTPUTS TRAIN TEST RESULT THREADS REPEATS [KEY=VALUE...]\n");
    return 2;
  }
  const std::string work = argv[1];
  const Index d = std::atol(argv[2]), p = std::atol(argv[3]);
  const Matrix all = read(argv[4], d + p), X = read(argv[5], d);
  TrainingData data;
  data.x = all.leftCols(d);
  data.y = all.rightCols(p);
  const auto executor = make_executor(std::atol(argv[7]));
  const int repeats = std::atoi(argv[8]);
  Settings settings;
  RidgeOptions options;
  options.degrees = {1};
  for (int a = 9; a < argc; ++a) {
    const std::string setting = argv[a], key = setting.substr(0, setting.find('='));
    const std::string value = setting.substr(key.size() + 1);
    const std::vector<double> numbers = numbers_in(value);
    if (key == "lower" || key == "upper")
      (key == "lower" ? data.input_lower : data.input_upper) =
          Eigen::Map<const Vector>(numbers.data(), static_cast<Index>(numbers.size()));
    else if (numbers.empty())
      settings.set(key, value);
    else if (numbers.size() == 1)
      settings.set(key, numbers[0]);
    else
      settings.set(key, numbers);
    if (key == "degree") options.degrees = {static_cast<Index>(numbers.at(0))};
    if (key == "alpha") options.alphas = numbers;
  }
  FitContext context;
  context.executor = executor.get();
  Output out(argv[6]);
  if (work == "path") {
    RidgePath path;
    std::printf("seconds %.6f\n", shortest(repeats, [&] { path = fit_ridge_path(data, options, context); }));
    out.write(path.alphas.data(), static_cast<Index>(path.alphas.size()));
    out.write(path.leave_one_out.data(), path.leave_one_out.size());
    out.write(path.gcv.data(), path.gcv.size());
    for (Index a = 0; a < path.leave_one_out.rows(); ++a) {
      const Vector intercept = path.intercept(a);
      const Matrix coefficients = path.coefficients(a);
      out.write(intercept.data(), intercept.size());
      out.write(coefficients.data(), coefficients.size());
    }
    return 0;
  }
  Fit fit;
  const RegressorPtr regressor = make_regressor(work, settings);
  std::printf("seconds %.6f\n", shortest(repeats, [&] { fit = regressor->fit(data, context); }));
  Matrix mean(X.rows(), p);
  Workspace workspace;
  fit.predictor->mean(X, mean, workspace);
  out.write(mean.data(), mean.size());
  if (work == "chaos") {
    const SobolIndices sobol = sobol_indices(*fit.predictor);
    std::printf("mean %.15g\nvariance %.15g\n", sobol.mean[0], sobol.variance[0]);
    for (Index k = 0; k < d; ++k)
      std::printf("sobol %d %.15g %.15g\n", static_cast<int>(k), sobol.first(k, 0), sobol.total(k, 0));
  }
  for (const auto& [name, value] : fit.summary.facts)
    std::printf("fact %s: %s\n", name.c_str(), value.c_str());
  for (const auto& warning : fit.summary.warnings) std::printf("warning %s\n", warning.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "polynomial_peer: %s\n", e.what());
    return 1;
  }
}
