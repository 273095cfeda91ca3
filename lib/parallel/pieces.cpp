#include "parallel/pieces.hpp"

#include "parallel/check.hpp"

namespace ersatz::parallel {
namespace {

constexpr int tag = 1;

}  // namespace

void send(const Communicator& comm, const Bytes& bytes, int to) {
  auto size = static_cast<std::uint64_t>(bytes.size());
  check(MPI_Send(&size, 1, MPI_UINT64_T, to, tag, comm.handle()), "MPI_Send");
  by_pieces(static_cast<Index>(size), [&](Index at, int count) {
    check(MPI_Send(bytes.data() + at, count, MPI_BYTE, to, tag, comm.handle()), "MPI_Send");
  });
}

Bytes receive(const Communicator& comm, int from) {
  std::uint64_t size = 0;
  check(MPI_Recv(&size, 1, MPI_UINT64_T, from, tag, comm.handle(), MPI_STATUS_IGNORE), "MPI_Recv");
  Bytes bytes(size, '\0');
  by_pieces(static_cast<Index>(size), [&](Index at, int count) {
    check(MPI_Recv(bytes.data() + at, count, MPI_BYTE, from, tag, comm.handle(), MPI_STATUS_IGNORE),
          "MPI_Recv");
  });
  return bytes;
}

}  // namespace ersatz::parallel
