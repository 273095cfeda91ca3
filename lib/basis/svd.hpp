#pragma once
// Right singular vectors of snapshots through LAPACK.

#include "ersatz/core/matrix.hpp"

namespace ersatz {

struct SingularVectors {
  Vector values;   ///< k, descending
  Matrix vectors;  ///< k × width: rows v^T such that rows ≈ Σ (row · conj v) v; complex interleaved
};

/// Singular value decomposition of the snapshots (n × width, complex interleaved or real) by LAPACK's divide
/// and conquer, after a QR or LQ step where one side is much longer. Throws NumericalError if LAPACK fails.
SingularVectors right_singular_vectors(ConstMatrixRef rows, bool complex);

}  // namespace ersatz
