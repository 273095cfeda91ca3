// mismatch_peer A B TIMES MODES: rows of modes (complex, one after the other) on equal steps of 1/4096 s;
// prints one line per definition and pair, for mismatch_peer.py.

#include "ersatz/selection/mismatch.hpp"

#include <cstdio>
#include <cstdlib>

#include "peers/peer.hpp"

using namespace ersatz;

int main(int, char** argv) {
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
