// Our numbers for comparison with other regression codes. Files hold plain doubles, row by row.
//
//   regression_peer NAME INPUTS OUTPUTS TRAIN TEST RESULT [THREADS [KEY=VALUE…]]
//
// TRAIN has the inputs and then the outputs of each row, TEST the inputs. RESULT gets the predictions of all
// test points and then the leave-one-out residuals, where there are some. Facts, warnings and seconds are
// printed.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "ersatz/regression/regressor.hpp"
#include "peers/peer.hpp"

namespace {

using namespace ersatz;
using peer::read;
using peer::seconds;

int run(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "regression_peer NAME INPUTS OUTPUTS TRAIN TEST RESULT [THREADS [KEY=VALUE...]]\n");
    return 2;
  }
  const Index d = std::atol(argv[2]), p = std::atol(argv[3]);
  const Matrix all = read(argv[4], d + p), X = read(argv[5], d);
  TrainingData data;
  data.x = all.leftCols(d);
  data.y = all.rightCols(p);
  const auto executor = make_executor(argc > 7 ? std::atol(argv[7]) : 1);
  Settings settings;
  for (int a = 8; a < argc; ++a) {
    const std::string setting = argv[a], key = setting.substr(0, setting.find('='));
    const std::string value = setting.substr(key.size() + 1);
    std::vector<double> numbers;
    const char* at = value.c_str();
    char* end = nullptr;
    for (double v = std::strtod(at, &end); end != at; v = std::strtod(at, &end)) {
      numbers.push_back(v);
      at = *end == ',' ? end + 1 : end;
    }
    if (*at != '\0')
      settings.set(key, value);
    else if (numbers.size() == 1)
      settings.set(key, numbers[0]);
    else
      settings.set(key, numbers);
  }
  FitContext context;
  context.executor = executor.get();
  const double begin = seconds();
  const Fit fit = make_regressor(argv[1], settings)->fit(data, context);
  const double fitted = seconds();
  Matrix mean(X.rows(), p);
  Workspace workspace;
  fit.predictor->mean(X, mean, workspace);
  const double predicted = seconds();
  std::printf("fit_seconds %.6f\npredict_seconds %.6f\n", fitted - begin, predicted - fitted);
  for (const auto& [name, value] : fit.summary.facts)
    std::printf("fact %s: %s\n", name.c_str(), value.c_str());
  for (const auto& warning : fit.summary.warnings) std::printf("warning %s\n", warning.c_str());
  std::ofstream out(argv[6], std::ios::binary);
  for (const Matrix* m : {static_cast<const Matrix*>(&mean), &fit.summary.leave_one_out})
    out.write(reinterpret_cast<const char*>(m->data()), m->size() * 8);
  return out ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "regression_peer: %s\n", e.what());
    return 1;
  }
}
