// A program of others that links what runs on ranks; started without a launcher it has one.
#include <cstdio>
#include <string>

#include "ersatz/parallel/mpi_executor.hpp"

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  bool good = false;
  {
    ersatz::MpiExecutor executor(MPI_COMM_WORLD);
    const auto squares = executor.map(4, [](ersatz::Index i) { return std::to_string(i * i); });
    std::printf("%zu tasks on %d ranks, the last gave %s\n", squares.size(), executor.communicator().size(),
                squares.back().c_str());
    good = squares.back() == "9";
  }
  MPI_Finalize();
  return good ? 0 : 1;
}
