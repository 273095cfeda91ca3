#pragma once
// How much candidates tell of each other, before anything was run. Not installed.

#include <vector>

#include "acquisition/latent_posterior.hpp"

namespace ersatz::acquisition {

/// latents × q: the variance that each coefficient's process has at each of U (q × d', mapped) given its
/// values, with noise of `nugget` times the variance, at the first `others` of them without the point itself;
/// over the variance given nothing. From nugget / (1 + nugget) at the least (many others nearby) to one. No
/// data enter. Cost for each coefficient: others³/3 + q others² flops. Throws UsageError where a predictor is
/// no exact Gaussian process, NumericalError where the nugget is too small to factorise with.
Matrix prior_conditional(const std::vector<Latent>& latents, const Matrix& U, Index others, double nugget,
                         Executor& executor);

}  // namespace ersatz::acquisition
