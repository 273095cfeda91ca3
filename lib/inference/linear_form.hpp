#pragma once
// An emulator that is linear in its coefficients, seen at the entries that were observed. Not installed.

#include <optional>
#include <vector>

#include "ersatz/emulator/emulator.hpp"
#include "inference/observed_entries.hpp"

namespace ersatz {

/// With the coefficients c and their variances v at a point: mean = offset + cᵀ rows, covariance =
/// Σ v_a e_a e_aᵀ + modesᵀ modes + diag(rest), e_a the error rows.
struct LinearModel {
  Index coefficients() const { return rows.rows(); }
  const Matrix& errors() const { return error_rows.size() > 0 ? error_rows : rows; }

  Vector offset;      ///< m
  Matrix rows;        ///< r × m
  Matrix error_rows;  ///< r × m: those times the calibration's scale; empty: the same
  Matrix modes;       ///< k × m
  Vector rest;        ///< m
  Vector shares;      ///< r: v is a number, which depends on x, times these; empty: it is not
};

/// That of an emulator.
class LinearForm : public LinearModel {
 public:
  /// None where a decoder or a transform is not linear, or where coefficients are as many as bins.
  static std::optional<LinearForm> of(const Emulator& emulator, const std::vector<ObservedEntry>& entries);

  bool has_variance() const;
  bool has_gradient() const;
  /// c and v: coefficients() values, v may be null; `tape`, tape_size() doubles, keeps what pull() takes up.
  /// Null: no gradient is wanted.
  Index tape_size() const;
  void evaluate(const double* x, double* c, double* v, double* tape, Workspace& workspace) const;
  /// gradient, d values: Σ by_c ∂c/∂x + Σ by_v ∂v/∂x, by_v null where v was. Slopes of variances that the
  /// predictor does not know are central differences.
  void pull(const double* x, const double* tape, const double* by_c, const double* by_v, double* gradient,
            Workspace& workspace) const;

 private:
  void add_differences(const double* x, const Channel& channel, const double* by_v, double* gradient,
                       Workspace& workspace) const;

  explicit LinearForm(const Emulator& emulator) : emulator_(emulator) {}
  Emulator emulator_;
  std::vector<std::size_t> channels_;  ///< whose coefficients these are, one after the other
};

}  // namespace ersatz
