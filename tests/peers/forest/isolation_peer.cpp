// Isolation of points from others, for comparison with other codes. Files hold plain doubles, row by row.
//
//   isolation_peer INPUTS POINTS TEST RESULT SEED
//
// RESULT gets the isolation of all test points, and then the limit.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>

#include "ersatz/emulator/domain_guard.hpp"
#include "peers/peer.hpp"

int main(int argc, char** argv) {
  using namespace ersatz;
  if (argc != 6) {
    std::fprintf(stderr, "isolation_peer INPUTS POINTS TEST RESULT SEED\n");
    return 2;
  }
  try {
    const Index d = std::atol(argv[1]);
    const Matrix points = peer::read(argv[2], d), X = peer::read(argv[3], d);
    const DomainGuard guard =
        fit_domain_guard(points, RandomStream(static_cast<std::uint64_t>(std::atol(argv[5]))));
    Vector result(X.rows() + 1);
    for (Index i = 0; i < X.rows(); ++i) result[i] = guard.isolation(X.row(i).data());
    result[X.rows()] = guard.isolation_limit();
    std::ofstream out(argv[4], std::ios::binary);
    out.write(reinterpret_cast<const char*>(result.data()), result.size() * 8);
    return out ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "isolation_peer: %s\n", e.what());
    return 1;
  }
}
