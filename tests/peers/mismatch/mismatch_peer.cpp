// mismatch_peer A B TIMES MODES: rows of modes (complex, one after the other) on equal steps of 1/4096 s;
// prints one line per definition and pair, for mismatch_peer.py.
// mismatch_peer time: milliseconds of one mismatch of five modes of 2251 times, one thread, least of several.

#include "ersatz/selection/mismatch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "peers/peer.hpp"

using namespace ersatz;

namespace {

void time_one() {
  const Index times = 2251;
  const Axis axis{"time", "M", Vector::LinSpaced(times, -4500.0, 0.0)};
  const std::vector<std::string> names{"h22", "h21", "h20", "h2m1", "h2m2"};
  Matrix a(5, 2 * times), b(5, 2 * times);
  for (Index m = 0; m < 5; ++m)
    for (Index j = 0; j < times; ++j) {
      const double t = axis.values[j], phase = 0.04 * static_cast<double>(m - 2) * t * (1.0 + 2e-5 * t);
      a(m, 2 * j) = std::cos(phase);
      a(m, 2 * j + 1) = std::sin(phase);
      b(m, 2 * j) = std::cos(phase + 1e-3 * std::sin(0.01 * t));
      b(m, 2 * j + 1) = std::sin(phase + 1e-3 * std::sin(0.01 * t));
    }
  std::vector<const double*> x, y;
  for (Index m = 0; m < 5; ++m) {
    x.push_back(a.row(m).data());
    y.push_back(b.row(m).data());
  }
  const auto time = [&](const char* what, const MismatchOptions& o) {
    Mismatch measure(o, axis, names);
    double best = HUGE_VAL;
    for (int round = 0; round < 20; ++round) {
      const double start = peer::seconds();
      for (int k = 0; k < 10; ++k) measure(x, y);
      best = std::min(best, (peer::seconds() - start) / 10.0);
    }
    std::printf("%-36s %.2f ms\n", what, 1e3 * best);
  };
  MismatchOptions o;
  o.maximise = Maximise::none;
  time("nothing maximised", o);
  o.maximise = Maximise::time_phase;
  time("time and phase", o);
  o.noise = NoiseCurve::named("advanced-ligo");
  o.total_mass = 60.0;
  o.taper = taper_from_string("planck:0.1:0.05");
  time("the same with noise and taper", o);
  o.direction = Direction{0.7, 0.3, 0.2};
  o.maximise = Maximise::time_phase_polarisation;
  time("and polarisation, from a direction", o);
}

}  // namespace

int main(int count, char** argv) {
  if (count == 2 && std::string(argv[1]) == "time") {
    time_one();
    return 0;
  }
  const Index times = std::atol(argv[3]), modes = std::atol(argv[4]);
  const Matrix a = peer::read(argv[1], 2 * times * modes), b = peer::read(argv[2], 2 * times * modes);
  const Axis axis{"time", "s", Vector::LinSpaced(times, 0.0, static_cast<double>(times - 1) / 4096.0)};
  const std::vector<std::string> names(static_cast<std::size_t>(modes), "h");
  for (const bool noisy : {false, true})
    for (const Maximise m : {Maximise::none, Maximise::phase, Maximise::time_phase}) {
      MismatchOptions o;
      o.maximise = m;
      if (noisy) {
        o.noise = NoiseCurve::named("advanced-ligo");
        o.low = 20.0;
        o.high = 1024.0;
        o.taper = taper_from_string("planck:0.1:0.05");
      }
      Mismatch measure(o, axis, names);
      for (Index i = 0; i < a.rows(); ++i) {
        std::vector<const double*> x, y;
        for (Index k = 0; k < modes; ++k) {
          x.push_back(a.row(i).data() + 2 * times * k);
          y.push_back(b.row(i).data() + 2 * times * k);
        }
        std::printf("%d %d %ld %.17g\n", noisy, static_cast<int>(m), static_cast<long>(i), measure(x, y));
      }
    }
}
