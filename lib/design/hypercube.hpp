#pragma once
// Latin hypercubes: alone, in slices, and around points that are there. Not installed.

#include "ersatz/design/design.hpp"

namespace ersatz::detail {

/// Throws NumericalError.
[[noreturn]] void too_narrow();

/// Of `maximin` or `lhs` designs; options as make_design() has checked them.
Matrix hypercube(const ParameterSpace& space, Index n, const RandomStream& random, bool maximin,
                 const DesignOptions& options);

}  // namespace ersatz::detail
