// Our side of the comparisons in this folder.
//
//   inference_peer diagnose DRAWS CHAINS        four numbers: R-hat, bulk and tail sizes, autocorrelation
//   time inference_peer sample ensemble|nuts CHAINS WARMUP STEPS SEED RESULT
//       draws (chains, steps, 3) of the density that compare_emcee.py knows as well
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ersatz/inference/maximum.hpp"
#include "ersatz/inference/sampling.hpp"
#include "peers/peer.hpp"
#include "unit/inference/densities.hpp"

using namespace ersatz;

namespace {

/// A bent ridge in the first two parameters; the third is cut at 0 and falls off as a gamma of shape 2.
auto ridge() {
  const auto function = [](const double* x, double* g) {
    const double off = (x[1] - 0.5 * x[0] * x[0]) / 0.25;
    if (g) {
      g[0] = -x[0] + x[0] * off;
      g[1] = -off;
      g[2] = 1.0 / x[2] - 1.5;
    }
    return -0.5 * x[0] * x[0] - 0.5 * (x[1] - 0.5 * x[0] * x[0]) * off + std::log(x[2]) - 1.5 * x[2];
  };
  constexpr double wide = testing::infinite;
  return testing::Density<decltype(function)>(
      {{"a", "", -wide, wide}, {"b", "", -wide, wide}, {"c", "", 0.0, 20.0}}, function);
}

int diagnose(char** argv) {
  const Index chains = std::atol(argv[3]);
  const Matrix flat = peer::read(argv[2], 1);
  const Matrix draws = Eigen::Map<const Matrix>(flat.data(), chains, flat.rows() / chains);
  std::printf("%.17g %.17g %.17g %.17g\n", r_hat(draws), bulk_effective_size(draws),
              tail_effective_size(draws), autocorrelation_time(draws));
  return 0;
}

int sample(char** argv) {
  SamplingOptions o;
  o.method = sampling_method_from_string(argv[2]);
  o.chains = std::atol(argv[3]);
  o.warmup = std::atol(argv[4]);
  o.steps = std::atol(argv[5]);
  o.seed = std::strtoull(argv[6], nullptr, 10);
  const auto density = ridge();
  SerialExecutor serial;
  const auto maxima = find_maxima(density, Matrix::Ones(1, 3), {}, serial);
  Chains chains = begin_chains(density, o, starting_points(density, maxima, o.chains, RandomStream(o.seed)));
  run_chains(density, chains, {});
  const Matrix all = chains.all();
  std::ofstream(argv[7], std::ios::binary)
      .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()) * 8);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "diagnose") == 0) return diagnose(argv);
  if (argc == 8 && std::strcmp(argv[1], "sample") == 0) return sample(argv);
  std::fprintf(stderr, "see the source\n");
  return 2;
}
