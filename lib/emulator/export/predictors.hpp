#pragma once
// What the sources of exported predictors share.

#include "emulator/export/parts.hpp"

namespace ersatz::c {

/// Head of a predictor's function, its unused arguments named.
std::string predictor_head(const std::string& name);

/// Products of polynomials of (u - centre) inverse_scale: exponents are terms × inputs; families: of the
/// inputs, empty: powers.
struct Polynomials {
  Vector centre, inverse_scale;
  Matrix exponents;
  std::vector<std::string> families;
};
Index most_degree(const Matrix& exponents);  ///< the largest total degree
/// A call that writes their values; it takes inputs × (most_degree + 1) of work.
std::string polynomials_call(CFile& file, const Polynomials& p, const std::string& from,
                             const std::string& to, const std::string& work);

PredictorCode export_gp(CFile& file, const h5::Group& group, const std::string& whose);
PredictorCode export_inducing(CFile& file, const h5::Group& group, const std::string& whose);
PredictorCode export_vecchia(CFile& file, const h5::Group& group, const std::string& whose);

}  // namespace ersatz::c
