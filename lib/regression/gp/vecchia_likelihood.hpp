#pragma once
// The likelihood of the nearest-neighbour Gaussian process.

#include <cstdint>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/regression/gp/covariance_objective.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "regression/gp/vecchia_block.hpp"

namespace ersatz::gp {

/// Points in the order in which each is conditioned on some of those before it.
struct VecchiaData {
  Matrix x;      ///< n × d, inputs spanning about [0, 1]
  Matrix y;      ///< n × p
  Vector noise;  ///< n, known noise variances in the square of y's unit; empty: none
  Index neighbours = 0;
  std::vector<std::int32_t> preceding;  ///< n × neighbours, see preceding_neighbours
};

/// Maximin ordering and nearest predecessors where distances are multiplied by `metric`, input by input.
VecchiaData order_for_vecchia(ConstMatrixRef x, ConstMatrixRef y, const Vector& noise, const Vector& metric,
                              Index neighbours, Executor& executor);

/// Of p outputs that share a correlation: coefficients of the mean, process variances, and (FᵀR⁻¹F)⁻¹.
struct VecchiaConcentrated {
  Matrix mean;             ///< q × p
  Vector variance;         ///< p
  Matrix mean_covariance;  ///< q × q, over the process variance
};

/// Minus the log likelihood of Vecchia (1988): the joint density of y as a product of conditional ones, each
/// point given its nearest predecessors (with their noise),
///
///   w_i = R_NN⁻¹ r_Ni,  d_i = R_ii - r_Niᵀ w_i,  e_i = (y_i - w_iᵀ y_N) / √d_i  (and the mean's columns
///   alike),
///
/// so that log det R = Σ log d_i and the mean and the process variance follow by least squares on e, as in
/// the exact likelihood; with all predecessors it is the exact likelihood. Cost of a value: n (m³/6 + m²/2
/// kernel values), of a gradient twice that and one pass over the kernel's derivatives, whatever the number
/// of hyperparameters and outputs. Chunks of points are tasks; sums have one order, the result does not
/// depend on the number of threads.
class VecchiaLikelihood final : public Objective {
 public:
  /// `data` and `executor` must outlive it. The parameters are θ, then log nugget where it is estimated, then
  /// the log process variance where noise is known.
  /// Of the options, all but the noise count; not leave_one_out.
  VecchiaLikelihood(KernelPtr kernel, const VecchiaData& data, const ObjectiveOptions& options,
                    Executor& executor);

  Index parameters() const override {
    return kernel_->parameters() + (options_.nugget ? 0 : 1) + (known_noise() ? 1 : 0);
  }
  /// Added to the diagonal like a nugget, but not seen as noise.
  void set_jitter(double jitter) { options_.jitter = jitter; }
  /// Of the last successful evaluation.
  const VecchiaConcentrated& concentrated() const { return concentrated_; }

 private:
  bool compute(const double* parameters, double* value, double* gradient) override;
  bool whiten(double nugget, double* log_determinant);
  bool concentrate(double* log_information);
  bool known_noise() const { return data_.noise.size() > 0; }
  VecchiaModel model(double nugget) const;
  void differentiate(double nugget, double* gradient) const;

  KernelPtr kernel_;
  const VecchiaData& data_;
  Eigen::MatrixXd f_;  // n × q
  ObjectiveOptions options_;
  LogPrior prior_;
  Executor& executor_;
  std::vector<double> coefficients_;
  Vector noise_;  // over the process variance
  Matrix white_;  // n × (p + q)
  VecchiaConcentrated concentrated_;
};

}  // namespace ersatz::gp
