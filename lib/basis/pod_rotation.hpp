#pragma once
// Elements of a POD turned within their span.

#include "basis/pod_space.hpp"

namespace ersatz {

/// Turns the first `rank` directions by varimax (see PodRotation) and sorts them by the variance of their
/// coefficients; the coefficients in `space.c` stay those of before. A pass over the directions and a
/// singular value decomposition of rank × rank for each of the iterations, whose number it returns.
template <class T>
int rotate_space(pod::Space<T>& space, Index rank);

}  // namespace ersatz
