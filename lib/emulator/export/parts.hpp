#pragma once
// What each part of an emulator becomes in C. Parts are read from what they save: the model file's groups,
// which docs/file-formats.md describes, say all that there is to know.
//
// In C, `work` is memory that a function may overwrite, as many doubles as its part says.

#include <string>

#include "emulator/export/c_file.hpp"
#include "ersatz/core/parameter_space.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz::c {

/// int NAME(const double *u, double *mean, double *variance, double *work): 0, or not where the point is too
/// far away. Without standard deviations, or where the predictor has none, `variance` is not looked at.
struct PredictorCode {
  std::string name;
  Index work = 0;
};
/// Throws UsageError for a kind that has no C source; `whose` begins the message.
PredictorCode export_predictor(CFile& file, const h5::Group& group, const std::string& whose);

/// void NAME(const double *y, double *z, double *work).
struct ForwardCode {
  std::string name;
  Index work = 0;
};
ForwardCode export_input_map(CFile& file, const h5::Group& group, const std::string& whose);

/// void NAME_inverse(const double *z, double *y, double *work), and with standard deviations NAME_variance(z,
/// variance of z, variance of y, work); where `directions` are pushed through it, NAME_push(z, dz, dy, work).
struct TransformCode {
  std::string name;
  Index work = 0;
};
TransformCode export_transform(CFile& file, const h5::Group& group, const std::string& whose,
                               bool directions);

/// void NAME_row(const double *coefficients, double *row), and with standard deviations
/// NAME_element(int coefficient, double factor, double *row): factor times the row per unit of it.
struct BasisCode {
  std::string name;
};
BasisCode export_basis(CFile& file, const h5::Group& group, const std::string& whose);

/// void NAME_decode(const double *x, const double *const *rows, double *const *out, double *work), and with
/// standard deviations NAME_add_variance(x, rows, channel, variance, variances, work); where `directions` are
/// pushed through it, NAME_push(x, rows, channel, tangent, tangents, work). As in Decoder.
struct DecoderCode {
  std::string name;
  Index work = 0;
};
DecoderCode export_decoder(CFile& file, const h5::Group& group, const std::string& whose, bool directions);

/// Trees: a call `leaf(u, roots[t], …)` for tree t at u.
struct TreesCode {
  std::string leaf;
  Index count = 0;
};
TreesCode export_trees(CFile& file, const h5::Group& group);

/// int NAME(const double *x): in the box and its constraints.
std::string export_space(CFile& file, const ParameterSpace& space);

/// The error of a part of this kind that has no C source.
[[noreturn]] void no_source(const std::string& whose, const char* part, const std::string& kind);

}  // namespace ersatz::c
