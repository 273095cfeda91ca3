#pragma once
// Which share of the variance each input, and each group of inputs, causes: read off the coefficients of a
// polynomial chaos expansion (Sudret 2008), with no further model run.

#include <string>
#include <vector>

#include "ersatz/regression/predictor.hpp"

namespace ersatz {

/// For independent inputs with the densities that the expansion's polynomials are orthonormal for: uniform
/// between bounds (Legendre), or normal (Hermite).
struct SobolIndices {
  Vector mean;      ///< p: of each output over the inputs
  Vector variance;  ///< p
  Matrix first;     ///< d × p: by the input alone
  Matrix total;     ///< d × p: by the input, alone and with others

  /// The groups of inputs that occur together in a term, ordered by size and then by number; and the share of
  /// the variance that is due to exactly that group: groups × p.
  std::vector<std::vector<Index>> groups;
  Matrix shares;

  /// Share of exactly these inputs together (any order): {0, 2} is S13 of the literature. 0 where no term has
  /// them. Throws UsageError on numbers out of range.
  double interaction(std::vector<Index> inputs, Index output = 0) const;
};

/// Shares of an output without variance are 0. Throws UsageError where the predictor is not polynomial, or a
/// feature is not orthonormal (regressor chaos makes such predictors). Cost: features · (d + p).
SobolIndices sobol_indices(const Predictor& predictor);

/// "first order x1 0.314, x2 0.442; total x1 0.557, …; together x1 x3 0.244": one output, for people.
std::string describe_sobol(const SobolIndices& indices, Index output,
                           const std::vector<std::string>& input_names = {});

}  // namespace ersatz
