#pragma once
// Reduced-order quadrature: a Gaussian likelihood of a waveform from its values at a few nodes.

#include <optional>
#include <vector>

#include "ersatz/basis/interpolation.hpp"

namespace ersatz {

/// What is compared: a complex frequency series with stationary Gaussian noise of one-sided power spectral
/// density S. ⟨a, b⟩ = Re Σ_k weight_k conj(a_k) b_k with weight_k = 4 Δf_k / S(f_k).
struct DetectorData {
  ComplexVector data;  ///< m
  Vector weights;      ///< m, not negative; 0 leaves a bin out
  Vector frequencies;  ///< m, for shifts in time; may be empty where there are none
};

/// log L = ⟨d, h⟩ - ⟨h, h⟩ / 2 - ⟨d, d⟩ / 2 of data d and a model h shifted in time, h(f) exp(-2πi f t), from
/// values of h at nodes alone (Antil, Field, Herrmann, Nochetto & Tiglio 2013; Canizares et al. 2015, PRL
/// 114, 071104, Eqs. 5 to 7). With h = Σ_i h(F_i) B_i, ⟨d, h⟩ = Re Σ_i ω_i(t) h(F_i), ω_i(t) = Σ_k w_k
/// conj(d_k) B_i,k exp(-2πi f_k t). ⟨h, h⟩ does not depend on t: with nodes of its own, of a basis of |h|²
/// (real), Σ_j ψ_j |h(G_j)|² with ψ_j = Σ_k w_k B'_j,k; without, the Hermitian form of the values at the
/// nodes F.
class ReducedOrderQuadrature {
 public:
  /// `linear`: complex interpolation of h over the bins of the data. `quadratic`: real interpolation of |h|²,
  /// or empty. `times`: shifts for which weights are made ready; empty: none but 0. Cost: r m for each time.
  /// Throws UsageError where shapes do not fit together, DataError naming a value that is not finite.
  ReducedOrderQuadrature(const EmpiricalInterpolation& linear,
                         const std::optional<EmpiricalInterpolation>& quadratic, const DetectorData& data,
                         const Vector& times = {});

  const std::vector<Index>& linear_nodes() const { return linear_nodes_; }        ///< r bins
  const std::vector<Index>& quadratic_nodes() const { return quadratic_nodes_; }  ///< s bins; may be empty
  const Vector& times() const { return times_; }

  const ComplexMatrix& linear_weights() const { return linear_weights_; }  ///< times × r
  const Vector& quadratic_weights() const { return quadratic_weights_; }   ///< s; may be empty
  double data_squared() const { return data_squared_; }                    ///< ⟨d, d⟩

  /// ⟨d, h⟩ (real part) with h at the linear nodes, for time number `time`. r products.
  double linear(const ComplexVector& values, Index time = 0) const;
  /// ⟨h, h⟩ from |h|² at the quadratic nodes; s products.
  double quadratic(const Vector& squares) const;
  /// ⟨h, h⟩ from h at the linear nodes; r² products.
  double quadratic(const ComplexVector& values) const;

  /// From h at the linear nodes and |h|² at the quadratic ones.
  double log_likelihood(const ComplexVector& values, const Vector& squares, Index time = 0) const;
  /// From h at the linear nodes alone.
  double log_likelihood(const ComplexVector& values, Index time = 0) const;

 private:
  std::vector<Index> linear_nodes_, quadratic_nodes_;
  Vector times_;
  ComplexMatrix linear_weights_;
  Vector quadratic_weights_;
  Eigen::MatrixXcd form_;  ///< ⟨B_i, B_j⟩, complex
  double data_squared_ = 0.0;
};

/// The same without nodes: all m bins of h, shifted by `time`. For comparison.
double full_log_likelihood(const DetectorData& data, const ComplexVector& h, double time = 0.0);

}  // namespace ersatz
