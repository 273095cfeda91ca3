#pragma once
// What a Python emulator answers.

#include "arrays.hpp"

namespace ersatz::python {

/// Means, or (means, standard deviations), at one point or many; the GIL is released.
py::object predict(const Model& model, const Rows& x, bool with_std, int threads);
/// Derivatives of the means by the parameters, the parameters along the last axis.
py::object jacobian(const Model& model, const Rows& x);
/// Joint covariance of one output's values at a point (complex: of real and imaginary parts in turn).
py::array covariance(const Model& model, const Rows& x, const std::optional<std::string>& output);
/// The same as factors (K × values) and diagonal: covariance = factorsᵀ factors + diag(diagonal).
py::tuple covariance_factors(const Model& model, const Rows& x, const std::optional<std::string>& output);
/// A number, or one for each point.
py::object domain_score(const Model& model, const Rows& x);

}  // namespace ersatz::python
