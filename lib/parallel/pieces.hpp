#pragma once
// Messages of any size: MPI counts in int, so that longer ones go in pieces.

#include <algorithm>

#include "ersatz/parallel/communicator.hpp"

namespace ersatz::parallel {

/// move(first, count) for each piece of `count` items.
template <class Move>
void by_pieces(Index count, const Move& move) {
  constexpr Index piece = Index{1} << 27;
  for (Index at = 0; at < count; at += piece) move(at, static_cast<int>(std::min(piece, count - at)));
}

/// From one rank to another, which need not know the size.
void send(const Communicator& comm, const Bytes& bytes, int to);
Bytes receive(const Communicator& comm, int from);

}  // namespace ersatz::parallel
