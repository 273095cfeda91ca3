// Our lasso paths for comparison with other codes. Files hold plain doubles.
//
//   lasso_peer path|fit INPUTS OUTPUTS DATA RESULT THREADS REPEATS [KEY=VALUE…]
//
// DATA has the inputs and then the outputs of each row. `path` writes, path after path: the number of alphas
// and of outputs, then for each alpha: alpha, gap, violation of the optimality conditions, sweeps, converged,
// cross-validation error and its standard error (-1 without cross-validation), the intercept of each output,
// and the coefficients, output by output; at the end the fold of each row (if there are folds). `fit` writes
// nothing; both print the least time of the repeats. Keys are those of the recipe; folds = 0 leaves
// cross-validation out.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "ersatz/regression/lasso.hpp"
#include "peers/peer.hpp"

namespace {

using namespace ersatz;
using peer::read;
using peer::seconds;

LassoOptions options_of(int argc, char** argv, int from) {
  LassoOptions options;
  for (int a = from; a < argc; ++a) {
    const std::string setting = argv[a], key = setting.substr(0, setting.find('='));
    const std::string value = setting.substr(key.size() + 1);
    const double number = std::atof(value.c_str());
    if (key == "alphas") {  // a file: lists are long
      const Matrix alphas = read(value.c_str(), 1);
      options.alphas.assign(alphas.data(), alphas.data() + alphas.size());
    } else if (key == "degree") {
      options.degree = static_cast<Index>(number);
    } else if (key == "path_length") {
      options.path_length = static_cast<Index>(number);
    } else if (key == "path_ratio") {
      options.path_ratio = number;
    } else if (key == "l1_ratio") {
      options.l1_ratio = number;
    } else if (key == "shared") {
      options.shared = number > 0.0;
    } else if (key == "folds") {
      options.folds = static_cast<Index>(number);
    } else if (key == "rule") {
      options.rule = value == "minimum" ? LassoRule::minimum : LassoRule::one_standard_error;
    } else if (key == "tolerance") {
      options.tolerance = number;
    } else {
      throw UsageError(text("unknown key ", key));
    }
  }
  return options;
}

void write(const LassoPaths& paths, const char* file) {
  std::ofstream out(file, std::ios::binary);
  const auto put = [&](double v) { out.write(reinterpret_cast<const char*>(&v), 8); };
  for (const LassoPath& path : paths.paths) {
    put(static_cast<double>(path.alphas.size()));
    put(static_cast<double>(path.outputs.size()));
    for (std::size_t s = 0; s < path.alphas.size(); ++s) {
      const auto a = static_cast<Index>(s);
      put(path.alphas[s]);
      put(path.gap[a]);
      put(path.kkt_error[a]);
      put(static_cast<double>(path.sweeps[s]));
      put(path.converged[s] ? 1.0 : 0.0);
      put(path.cv_error.size() > 0 ? path.cv_error[a] : -1.0);
      put(path.cv_error.size() > 0 ? path.cv_standard_error[a] : -1.0);
      for (Index c = 0; c < path.intercepts.rows(); ++c) put(path.intercepts(c, a));
      for (const Matrix& coefficients : path.coefficients)
        for (Index t = 0; t < coefficients.rows(); ++t) put(coefficients(t, a));
    }
  }
  for (const Index fold : paths.fold) put(static_cast<double>(fold));
  if (!out) throw Error(text("cannot write ", file));
}

int run(int argc, char** argv) {
  if (argc < 8) {
    std::fprintf(stderr, "lasso_peer path|fit INPUTS OUTPUTS DATA RESULT THREADS REPEATS [KEY=VALUE...]\n");
    return 2;
  }
  const Index d = std::atol(argv[2]), p = std::atol(argv[3]);
  TrainingData data;
  {
    const Matrix all = read(argv[4], d + p);
    data.x = all.leftCols(d);
    data.y = all.rightCols(p);
  }
  const auto executor = make_executor(std::atol(argv[6]));
  FitContext context;
  context.executor = executor.get();
  const LassoOptions options = options_of(argc, argv, 8);
  double best = 1e300;
  for (int r = 0; r < std::atoi(argv[7]); ++r) {
    const double begin = seconds();
    if (std::string(argv[1]) == "path") {
      const LassoPaths paths = lasso_path(data, options, context);
      best = std::min(best, seconds() - begin);
      if (r == 0) write(paths, argv[5]);
      continue;
    }
    const Fit fit = make_lasso_regressor(options)->fit(data, context);
    best = std::min(best, seconds() - begin);
    if (r > 0) continue;
    for (const auto& [name, value] : fit.summary.facts)
      std::printf("fact %s: %s\n", name.c_str(), value.c_str());
    for (const auto& warning : fit.summary.warnings) std::printf("warning %s\n", warning.c_str());
  }
  std::printf("seconds %.6f\n", best);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "lasso_peer: %s\n", e.what());
    return 1;
  }
}
