// Times of the decoder of precessing waveforms: one waveform of the simulator, 2251 times and five modes.
//
//   precessing_benchmark [REPEATS]
//
// Prints the best time of each step in microseconds, for every instruction set of this processor where it
// matters.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <vector>

#include "core/kernels.hpp"
#include "emulator/decoders.hpp"
#include "emulator/precessing_decoder.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/simulators/waveform.hpp"
#include "ersatz/transform/rotation.hpp"
#include "peers/peer.hpp"

namespace {

using namespace ersatz;

template <class Work>
double best(int repeats, Work work) {
  double shortest = 1e300;
  for (int i = 0; i < repeats; ++i) {
    const double begin = peer::seconds();
    work();
    shortest = std::min(shortest, peer::seconds() - begin);
  }
  return 1e6 * shortest;
}

void run(int repeats) {
  const auto simulator = make_waveform();
  RandomStream random(1);
  const Matrix x = simulator->space().sample(3, random);
  const Index n = simulator->axes()[0].values.size();
  std::vector<Matrix> values(5, Matrix(3, 2 * n));
  for (Index i = 0; i < 3; ++i) {
    const SimulationResult result = simulator->run(x.row(i).data());
    for (std::size_t m = 0; m < 5; ++m) values[m].row(i) = result.outputs[m].transpose();
  }
  const Vector& time = simulator->axes()[0].values;
  DecoderData data{simulator->space().names(), x, "waves", simulator->outputs(), time, "M", {}, {}};
  for (const Matrix& v : values) data.values.emplace_back(v);
  const DecoderPtr fitted = fit_decoder("precessing", {{"symmetry", true}}, data);
  PrecessingDecoder::Parts parts = static_cast<const PrecessingDecoder&>(*fitted).parts();
  parts.has.fill(true);
  const PrecessingDecoder full(parts);

  std::vector<const double*> h;
  for (const Matrix& v : values) h.push_back(v.data());
  std::vector<Vector> channels, out(5, Vector(2 * n));
  for (const ChannelShape& s : full.channels()) channels.emplace_back(s.width());
  std::vector<double*> to, modes;
  for (Vector& v : channels) to.push_back(v.data());
  for (Vector& v : out) modes.push_back(v.data());
  const std::vector<const double*> from(to.begin(), to.end());

  std::printf("instructions %s, %ld times, five modes, best of %d, microseconds\n", kernels::table().name,
              static_cast<long>(n), repeats);
  std::printf("encode                  %8.1f\n",
              best(repeats, [&] { full.encode(x.row(0).data(), h.data(), to.data()); }));
  std::printf("decode, symmetric h22   %8.1f\n",
              best(repeats, [&] { fitted->decode(x.row(0).data(), from.data(), modes.data()); }));
  std::printf("decode, all ten pieces  %8.1f\n",
              best(repeats, [&] { full.decode(x.row(0).data(), from.data(), modes.data()); }));
  const Vector tangent = Vector::Ones(3 * n);
  const char* what[] = {"direction", "phase    ", "piece    "};
  for (Index c = 0; c < 3; ++c) {
    std::printf("push, %s         %8.1f\n", what[c], best(repeats, [&] {
                  fitted->push(x.row(0).data(), from.data(), c, tangent.data(), modes.data());
                }));
    std::printf("variance, %s     %8.1f\n", what[c], best(repeats, [&] {
                  fitted->add_variance(x.row(0).data(), from.data(), c, tangent.data(), modes.data());
                }));
  }
  for (const char* name : {"generic", "avx2", "avx512"}) {
    const kernels::Table* t = kernels::table_named(name);
    if (!t) continue;
    Vector sine(n), cosine(n);
    std::printf("%-8s sine and cosine %8.1f\n", name,
                best(repeats, [&] { t->sines_cosines(from[1], n, sine.data(), cosine.data()); }));
  }
  // For comparison: quaternions and Wigner matrices in plain C++, sample by sample.
  Matrix v(n, 3);
  for (Index i = 0; i < n; ++i) v.row(i) << channels[0][i], channels[0][n + i], channels[0][2 * n + i];
  std::printf("quaternions only        %8.1f\n", best(repeats, [&] {
                const Matrix q =
                    transported_frames(v, n - 1, shortest_arc(Vector3::UnitZ(), v.row(n - 1).transpose()));
                out[0][0] = q(0, 0);
              }));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::max(1, std::atoi(argv[1])) : 300);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "precessing_benchmark: %s\n", e.what());
    return 1;
  }
  return 0;
}
