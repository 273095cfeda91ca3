#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/likelihood.hpp"
#include "inference/compressed_data.hpp"
#include "inference/linear_form.hpp"
#include "inference/low_rank_covariance.hpp"
#include "inference/node_form.hpp"
#include "inference/observed_entries.hpp"
#include "inference/residual_density.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

using Scales = LikelihoodScales;

/// The model at a point.
struct ModelPoint {
  Vector mean;      ///< m
  Vector variance;  ///< of an emulator that is linear in its coefficients: theirs, r
};

/// Derivatives of a value at a point.
struct Slopes {
  Vector by_mean;       ///< m
  Vector by_variance;   ///< r, as in ModelPoint
  Vector by_parameter;  ///< d: what mean and variance do not carry
};

/// The emulator's error at a point: FᵀF + diag(single).
struct ModelError {
  Matrix factors;  ///< K × m
  Vector single;   ///< m; empty: zeros
};

class GaussianLikelihood final : public Likelihood {
 public:
  GaussianLikelihood(ForwardModelPtr model, const Observation& observation, const GaussianOptions& options);

  const ForwardModel& model() const override { return *model_; }
  const std::vector<NuisanceParameter>& nuisance() const override { return nuisance_; }
  bool has_gradient() const override { return linear_ ? linear_->has_gradient() : model_->has_gradient(); }
  LikelihoodValue evaluate(const double* theta, double* gradient, Workspace& workspace) const override;
  LikelihoodScales scales(const double* theta, Workspace& workspace) const override;
  std::string describe() const override;

 private:
  Index dimension() const { return model_->space().size(); }
  void check(const Observation& observation) const;
  Scales scales_of(const double* theta) const;  ///< the nuisance parameters' part
  double compressed(const double* x, double* gradient, Workspace& workspace) const;
  double at_nodes(const double* x, double* gradient, Workspace& workspace) const;
  double general(const double* theta, double* gradient, Workspace& workspace) const;
  double of_point(const double* theta, const ModelPoint& point, double* gradient, Slopes* slopes,
                  Workspace& workspace) const;
  double of_linear(const double* theta, double* gradient, Slopes& slopes, Workspace& workspace) const;
  /// How much wider the covariance is than the emulator says.
  double widening(const double* x, Workspace& workspace) const;
  /// The emulator's covariance times `factor`.
  ModelError error_at(const double* x, const ModelPoint& point, double factor, Workspace& workspace) const;
  ModelError linear_error(const ModelPoint& point, double factor) const;
  /// `lower` keeps a Cholesky factor that the result refers to.
  LowRankCovariance covariance(ModelError error, const Scales& scales, Matrix& lower) const;
  Vector slopes_by_variance(const ModelPoint& point, double factor,
                            const LowRankCovariance::Solution& solution, const Vector& inverse_core,
                            const Vector& inverse_diagonal, double weight) const;
  void add_widening_slopes(const double* x, double half_share, Vector& gradient, Workspace& workspace) const;
  void add_differences(const double* x, const Scales& scales, const Vector& residual, Vector& gradient,
                       Workspace& workspace) const;

  ForwardModelPtr model_;
  Observation data_;
  GaussianOptions options_;
  ResidualDensity density_;
  std::vector<ObservedEntry> entries_;
  std::vector<ObservedRun> runs_;
  std::vector<NuisanceParameter> nuisance_;
  Index amplitude_ = -1, error_scale_ = -1, jitter_ = -1;  ///< where each stands in theta; -1: not in use
  Matrix lower_;  ///< Cholesky factor of the data's covariance, where that is full
  std::optional<LinearForm> linear_;
  std::optional<NodeForm> nodes_;
  std::optional<CompressedData> compressed_;
  std::optional<LowRankCovariance> fixed_;  ///< the covariance, where no parameter changes it
};

GaussianLikelihood::GaussianLikelihood(ForwardModelPtr model, const Observation& observation,
                                       const GaussianOptions& options)
    : model_(std::move(model)),
      data_(observation),
      options_(options),
      density_(observation.size(), options.degrees_of_freedom),
      entries_(observed_entries(observation, model_->outputs())),
      runs_(observed_runs(entries_)) {
  check(observation);
  for (const std::string& name : options_.nuisance) {
    const Index at = dimension() + static_cast<Index>(nuisance_.size());
    if (name == "amplitude" && amplitude_ < 0) {
      amplitude_ = at;
      nuisance_.push_back({name, "", 0.0, infinity, 1.0});
    } else if (name == "error_scale" && error_scale_ < 0) {
      error_scale_ = at;
      nuisance_.push_back({name, "", 0.0, infinity, 1.0});
    } else if (name == "log_jitter" && jitter_ < 0) {
      jitter_ = at;
      nuisance_.push_back({name, "", -infinity, infinity, -infinity});
    } else {
      throw UsageError(text("likelihood: unknown nuisance parameter '", name,
                            "', or it comes twice; there are: amplitude, error_scale, log_jitter"));
    }
  }
  if (data_.covariance.size() > 0) {
    lower_ = data_.covariance;
    if (!cholesky(lower_)) throw DataError("likelihood: the covariance of the data is not positive definite");
  }
  const Emulator* emulator = model_->emulator();
  if (!emulator) options_.emulator_error = EmulatorError::none;
  if (emulator) linear_ = LinearForm::of(*emulator, entries_);
  if (linear_ && nuisance_.empty() && options_.emulator_error != EmulatorError::diagonal)
    compressed_.emplace(*linear_, data_.values, data_.deviations.cwiseAbs2(), data_.covariance,
                        options_.emulator_error == EmulatorError::full);
  if (emulator && !linear_ && options_.reduced_quadrature > 0.0) {
    const bool full = data_.covariance.size() > 0;
    const Vector deviations = full ? Vector(data_.covariance.diagonal().cwiseSqrt()) : data_.deviations;
    nodes_.emplace(
        *emulator, entries_, deviations,
        [&](const Vector& difference) {
          if (!full) return difference.cwiseQuotient(deviations).norm();
          Vector whitened = difference;
          solve_lower(lower_, whitened);
          return whitened.norm();
        },
        options_.reduced_quadrature);
    compressed_.emplace(nodes_->linear(), data_.values, data_.deviations.cwiseAbs2(), data_.covariance,
                        false);
  }
  if (!compressed_ && nuisance_.empty() && options_.emulator_error == EmulatorError::none) {
    Matrix unused;
    fixed_.emplace(covariance({Matrix(0, data_.size()), {}}, Scales(), unused));
  }
}

void GaussianLikelihood::check(const Observation& observation) const {
  const Index m = observation.size();
  if (m == 0) throw UsageError("likelihood: there are no data");
  if (m != static_cast<Index>(entries_.size()))
    throw UsageError(text("likelihood: ", m, " values for ", entries_.size(), " entries of outputs"));
  const Matrix& c = observation.covariance;
  const bool full = c.size() > 0;
  if (full ? (c.rows() != m || c.cols() != m || observation.deviations.size() > 0)
           : observation.deviations.size() != m)
    throw UsageError(text("likelihood: ", m, " values need as many deviations, or their covariance"));
  for (Index j = 0; j < m; ++j) {
    const double deviation = full ? std::sqrt(c(j, j)) : observation.deviations[j];
    if (!std::isfinite(observation.values[j]) || !std::isfinite(deviation) || !(deviation > 0.0))
      throw DataError(text("likelihood: value ", j, " of the data is ", observation.values[j],
                           " with deviation ", deviation,
                           "; values must be finite, deviations positive (mask what is not known)"));
  }
  if (full && !((c - c.transpose()).cwiseAbs().maxCoeff() <= 1e-9 * c.diagonal().maxCoeff()))
    throw DataError("likelihood: the covariance of the data is not symmetric, or not finite");
  if (!std::isfinite(options_.degrees_of_freedom) || options_.degrees_of_freedom < 0.0)
    throw UsageError(text("likelihood: ", options_.degrees_of_freedom, " degrees of freedom"));
  check_reduced_quadrature(options_.reduced_quadrature);
  const Emulator* emulator = model_->emulator();
  if (!emulator) return;
  if (options_.reduced_quadrature > 0.0 && options_.emulator_error != EmulatorError::none)
    throw UsageError(
        "likelihood: reduced_quadrature leaves the emulator's error out: set emulator_error = "
        "\"none\" with it");
  if (options_.reduced_quadrature > 0.0 && !options_.nuisance.empty())
    throw UsageError("likelihood: reduced_quadrature goes without nuisance parameters");
  if (options_.emulator_error != EmulatorError::none && !emulator->has_std())
    throw UsageError(
        "likelihood: this emulator does not know its error; train one that does, or set emulator_error = "
        "\"none\"");
  if (options_.emulator_error == EmulatorError::none && options_.outside == Outside::widen)
    throw UsageError("likelihood: outside = \"widen\" widens the emulator's covariance, which is left out");
}

std::string GaussianLikelihood::describe() const {
  std::string s = options_.degrees_of_freedom > 0.0
                      ? text("Student t with ", options_.degrees_of_freedom, " degrees of freedom")
                      : std::string("Gaussian");
  s += text(", ", data_.size(), lower_.size() > 0 ? " values with their covariance" : " values");
  if (!model_->emulator()) return s + ", simulated";
  switch (options_.emulator_error) {
    case EmulatorError::full:
      s += ", with the emulator's covariance";
      break;
    case EmulatorError::diagonal:
      s += ", with the emulator's deviations of single values";
      break;
    case EmulatorError::none:
      s += ", without the emulator's error";
      break;
  }
  if (nodes_)
    s += text(" (", nodes_->nodes(), " of them evaluated, from which the others follow to ",
              brief(nodes_->error()), " deviations)");
  else if (compressed_)
    s += text(" (compressed to ", linear_->coefficients(), " coefficients)");
  return s + (options_.outside == Outside::reject ? "; rejected outside of its domain"
                                                  : "; widened outside of its domain");
}

LikelihoodScales GaussianLikelihood::scales(const double* theta, Workspace& workspace) const {
  Scales s = scales_of(theta);
  if (options_.emulator_error != EmulatorError::none)
    s.emulator = s.amplitude * std::sqrt(widening(theta, workspace));
  return s;
}

Scales GaussianLikelihood::scales_of(const double* theta) const {
  Scales s;
  if (amplitude_ >= 0) s.amplitude = theta[amplitude_];
  if (error_scale_ >= 0) s.error_scale = theta[error_scale_];
  if (jitter_ >= 0) s.jitter = std::exp(theta[jitter_]);
  return s;
}

LikelihoodValue GaussianLikelihood::evaluate(const double* theta, double* gradient,
                                             Workspace& workspace) const {
  if (gradient && !has_gradient())
    throw UsageError("likelihood: the model gives no derivatives; sample without gradients");
  const double score = model_->domain_score(theta, workspace);
  LikelihoodValue value{-infinity, score <= 1.0};
  if (!std::isfinite(score) || (!value.inside_domain && options_.outside == Outside::reject)) return value;
  const Scales s = scales_of(theta);
  if (!(s.amplitude >= 0.0) || !(s.error_scale > 0.0) ||
      !std::isfinite(s.amplitude + s.error_scale + s.jitter))
    return value;
  value.log = compressed_ && value.inside_domain ? compressed(theta, gradient, workspace)
                                                 : general(theta, gradient, workspace);
  if (std::isnan(value.log)) value.log = -infinity;
  return value;
}

/// By reduced-order quadrature.
double GaussianLikelihood::at_nodes(const double* x, double* gradient, Workspace& workspace) const {
  double value = -infinity;
  Vector values, by_value;
  if (!gradient) {
    if (nodes_->evaluate(x, values, workspace))
      value = compressed_->evaluate(values.data(), nullptr, density_, nullptr, nullptr);
    return value;
  }
  by_value.resize(nodes_->nodes());
  const auto weigh = [&]() -> const double* {
    value = compressed_->evaluate(values.data(), nullptr, density_, by_value.data(), nullptr);
    return std::isfinite(value) ? by_value.data() : nullptr;
  };
  return nodes_->evaluate(x, values, weigh, gradient, workspace) ? value : -infinity;
}

/// Of an emulator that is linear in its coefficients, nothing else being free.
double GaussianLikelihood::compressed(const double* x, double* gradient, Workspace& workspace) const {
  if (nodes_) return at_nodes(x, gradient, workspace);
  const Index r = linear_->coefficients();
  const bool with_error = options_.emulator_error == EmulatorError::full;
  const Workspace::Frame frame(workspace);
  double *c = workspace.take(r), *v = with_error ? workspace.take(r) : nullptr;
  double* tape = gradient ? workspace.take(linear_->tape_size()) : nullptr;
  try {
    linear_->evaluate(x, c, v, tape, workspace);
  } catch (const NumericalError&) {
    return -infinity;
  }
  if (!gradient) return compressed_->evaluate(c, v, density_, nullptr, nullptr);
  double *by_mean = workspace.take(r), *by_variance = workspace.take(r);
  const double value = compressed_->evaluate(c, v, density_, by_mean, by_variance);
  linear_->pull(x, tape, by_mean, with_error ? by_variance : nullptr, gradient, workspace);
  return value;
}

double GaussianLikelihood::general(const double* theta, double* gradient, Workspace& workspace) const {
  Slopes slopes;
  double value = -infinity;
  if (linear_) {
    value = of_linear(theta, gradient, slopes, workspace);
  } else {
    ModelPoint point;
    if (!gradient)
      return evaluate_entries(*model_, runs_, theta, point.mean, workspace)
                 ? of_point(theta, point, nullptr, nullptr, workspace)
                 : -infinity;
    const auto weigh = [&]() -> const double* {
      value = of_point(theta, point, gradient, &slopes, workspace);
      return std::isfinite(value) ? slopes.by_mean.data() : nullptr;
    };
    if (!evaluate_entries(*model_, runs_, theta, point.mean, weigh, gradient, workspace)) return -infinity;
  }
  if (gradient && std::isfinite(value)) Eigen::Map<Vector>(gradient, dimension()) += slopes.by_parameter;
  return value;
}

double GaussianLikelihood::of_linear(const double* theta, double* gradient, Slopes& slopes,
                                     Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const bool with_error = options_.emulator_error != EmulatorError::none;
  Vector c(linear_->coefficients());
  ModelPoint point;
  if (with_error) point.variance.resize(c.size());
  double *v = with_error ? point.variance.data() : nullptr,
         *tape = gradient ? workspace.take(linear_->tape_size()) : nullptr;
  try {
    linear_->evaluate(theta, c.data(), v, tape, workspace);
  } catch (const NumericalError&) {
    return -infinity;
  }
  point.mean = linear_->offset;
  point.mean.noalias() += linear_->rows.transpose() * c;
  const double value = of_point(theta, point, gradient, gradient ? &slopes : nullptr, workspace);
  if (!gradient || !std::isfinite(value)) return value;
  const Vector by_coefficient = linear_->rows * slopes.by_mean;
  linear_->pull(theta, tape, by_coefficient.data(), with_error ? slopes.by_variance.data() : nullptr,
                gradient, workspace);
  return value;
}

double GaussianLikelihood::widening(const double* x, Workspace& workspace) const {
  if (options_.outside == Outside::reject) return 1.0;
  const double score = model_->domain_score(x, workspace);
  return score > 1.0 && std::isfinite(score) ? score * score : 1.0;
}

ModelError GaussianLikelihood::linear_error(const ModelPoint& point, double factor) const {
  const Matrix &rows = linear_->errors(), &modes = linear_->modes;
  ModelError error;
  if (options_.emulator_error == EmulatorError::diagonal) {
    error.single = linear_->rest + modes.colwise().squaredNorm().transpose();
    error.single.noalias() += rows.cwiseAbs2().transpose() * point.variance;
    error.single *= factor;
    error.factors.resize(0, rows.cols());
    return error;
  }
  error.factors.resize(rows.rows() + modes.rows(), rows.cols());
  error.factors.topRows(rows.rows()) = (factor * point.variance).cwiseSqrt().asDiagonal() * rows;
  error.factors.bottomRows(modes.rows()) = std::sqrt(factor) * modes;
  error.single = factor * linear_->rest;
  return error;
}

ModelError GaussianLikelihood::error_at(const double* x, const ModelPoint& point, double factor,
                                        Workspace& workspace) const {
  if (options_.emulator_error == EmulatorError::none) return {Matrix(0, data_.size()), {}};
  if (linear_) return linear_error(point, factor);
  const auto covariances = model_->emulator()->covariance(x, workspace);
  // Where each output's part is: which covariance, and as which of its outputs.
  std::vector<std::pair<std::size_t, std::size_t>> place(model_->outputs().size());
  std::vector<Index> first;
  Index directions = 0;
  for (std::size_t c = 0; c < covariances.size(); ++c) {
    for (std::size_t k = 0; k < covariances[c].outputs.size(); ++k)
      place[static_cast<std::size_t>(covariances[c].outputs[k])] = {c, k};
    first.push_back(directions);
    directions += covariances[c].factors.front().rows();
  }
  ModelError error{Matrix::Zero(directions, data_.size()), Vector(data_.size())};
  for (Index j = 0; j < data_.size(); ++j) {
    const ObservedEntry& e = entries_[static_cast<std::size_t>(j)];
    const auto [c, k] = place[e.output];
    const Matrix& factors = covariances[c].factors[k];
    error.factors.col(j).segment(first[c], factors.rows()) = std::sqrt(factor) * factors.col(e.entry);
    error.single[j] = factor * covariances[c].diagonal[k][e.entry];
  }
  if (options_.emulator_error == EmulatorError::diagonal) {
    error.single += error.factors.colwise().squaredNorm().transpose();
    error.factors.resize(0, data_.size());
  }
  return error;
}

LowRankCovariance GaussianLikelihood::covariance(ModelError error, const Scales& scales,
                                                 Matrix& lower) const {
  const double f = scales.error_scale, noise = scales.jitter * scales.jitter;
  if (lower_.size() == 0) {
    Vector variances = f * f * data_.deviations.cwiseAbs2();
    variances.array() += noise;
    if (error.single.size() > 0) variances += error.single;
    return {variances, std::move(error.factors)};
  }
  if (noise == 0.0 && (error.single.size() == 0 || error.single.maxCoeff() == 0.0))
    return {lower_, f, std::move(error.factors)};
  lower = f * f * data_.covariance;
  lower.diagonal().array() += noise;
  if (error.single.size() > 0) lower.diagonal() += error.single;
  if (!cholesky(lower)) throw NumericalError("likelihood: the covariance is not positive definite");
  return {lower, 1.0, std::move(error.factors)};
}

/// The value at a point of the model; with a gradient, its part of the nuisance parameters, and the slopes
/// that have to go through the model.
double GaussianLikelihood::of_point(const double* theta, const ModelPoint& point, double* gradient,
                                    Slopes* slopes, Workspace& workspace) const {
  const Index d = dimension();
  const Scales scales = scales_of(theta);
  const double a = scales.amplitude, widened = widening(theta, workspace), factor = a * a * widened;
  ModelError error;
  try {
    error = error_at(theta, point, factor, workspace);
  } catch (const NumericalError&) {
    return -infinity;
  }
  const Vector residual = data_.values - a * point.mean, single = error.single;
  Matrix lower;
  std::optional<LowRankCovariance> own;
  if (!fixed_) own.emplace(this->covariance(std::move(error), scales, lower));
  const LowRankCovariance& covariance = fixed_ ? *fixed_ : *own;
  const LowRankCovariance::Solution solution = covariance.solve(residual);
  const double value = density_.log(solution.chi2) - 0.5 * covariance.log_determinant();
  if (!gradient || !std::isfinite(value)) return value;

  // d ln L = w alphaᵀ dμ + (w alphaᵀ dC alpha - tr C⁻¹ dC) / 2
  const double weight = density_.weight(solution.chi2);
  slopes->by_mean = (weight * a) * solution.alpha;
  slopes->by_parameter = Vector::Zero(d);
  if (fixed_) return value;
  const bool diagonal_needed = single.size() > 0 || jitter_ >= 0;
  const Vector inverse_core = covariance.inverse_core();
  const Vector inverse = diagonal_needed ? covariance.inverse_diagonal() : Vector();
  const Vector squares = solution.alpha.cwiseAbs2();
  const double along_single = single.size() > 0 ? single.dot(squares) : 0.0,
               trace_single = single.size() > 0 ? single.dot(inverse) : 0.0;
  const double trace_factors = static_cast<double>(covariance.directions()) - inverse_core.sum();
  const double share_of_error =
      weight * (solution.xi.squaredNorm() + along_single) - (trace_factors + trace_single);
  const double noise = scales.jitter * scales.jitter;
  const double along_jitter = noise * squares.sum(),
               trace_jitter = jitter_ >= 0 ? noise * inverse.sum() : 0.0;
  if (amplitude_ >= 0)
    gradient[amplitude_] = weight * solution.alpha.dot(point.mean) + (a > 0.0 ? share_of_error / a : 0.0);
  if (jitter_ >= 0) gradient[jitter_] = weight * along_jitter - trace_jitter;
  if (error_scale_ >= 0) {
    const double along = solution.whitened_square - along_jitter - along_single;
    const double trace = static_cast<double>(data_.size()) - trace_factors - trace_jitter - trace_single;
    gradient[error_scale_] = (weight * along - trace) / scales.error_scale;
  }
  if (options_.emulator_error == EmulatorError::none) return value;
  if (!linear_) {
    add_differences(theta, scales, residual, slopes->by_parameter, workspace);
    return value;
  }
  slopes->by_variance = slopes_by_variance(point, factor, solution, inverse_core, inverse, weight);
  if (widened > 1.0) add_widening_slopes(theta, 0.5 * share_of_error, slopes->by_parameter, workspace);
  return value;
}

Vector GaussianLikelihood::slopes_by_variance(const ModelPoint& point, double factor,
                                              const LowRankCovariance::Solution& solution,
                                              const Vector& inverse_core, const Vector& inverse_diagonal,
                                              double weight) const {
  const Index r = linear_->coefficients();
  Vector by_variance = Vector::Zero(r);
  if (options_.emulator_error == EmulatorError::diagonal) {
    const Vector by_single =
        0.5 * factor * (weight * solution.alpha.array().square() - inverse_diagonal.array()).matrix();
    by_variance.noalias() = linear_->errors().cwiseAbs2() * by_single;
  } else {
    for (Index i = 0; i < r; ++i)
      if (point.variance[i] > 0.0)
        by_variance[i] =
            0.5 * (weight * solution.xi[i] * solution.xi[i] - (1.0 - inverse_core[i])) / point.variance[i];
  }
  return by_variance;
}

/// half_share: (w alphaᵀ C alpha - tr C⁻¹ C) / 2 with the emulator's covariance for C, which the derivative
/// of the widening's logarithm multiplies.
void GaussianLikelihood::add_widening_slopes(const double* x, double half_share, Vector& gradient,
                                             Workspace& workspace) const {
  Vector near = Eigen::Map<const Vector>(x, dimension());
  const double here = model_->domain_score(x, workspace);
  for (Index l = 0; l < dimension(); ++l) {
    const DifferencePoints points = difference_points(model_->space()[l], x[l]);
    double ends[2] = {here, here}, at[2] = {x[l], x[l]};
    for (const int side : {0, 1}) {
      near[l] = side ? points.above : points.below;
      const double score = model_->domain_score(near.data(), workspace);
      if (!std::isfinite(score)) continue;  // beyond the box
      ends[side] = std::max(score, 1.0);
      at[side] = near[l];
    }
    near[l] = x[l];
    if (at[1] > at[0]) gradient[l] += half_share * 2.0 * std::log(ends[1] / ends[0]) / (at[1] - at[0]);
  }
}

/// The covariance's part of the derivatives by the parameters, the residual held.
void GaussianLikelihood::add_differences(const double* x, const Scales& scales, const Vector& residual,
                                         Vector& gradient, Workspace& workspace) const {
  Vector near = Eigen::Map<const Vector>(x, dimension());
  const auto value = [&] {
    const double factor = scales.amplitude * scales.amplitude * widening(near.data(), workspace);
    Matrix lower;
    const LowRankCovariance c = covariance(error_at(near.data(), {}, factor, workspace), scales, lower);
    return density_.log(c.solve(residual).chi2) - 0.5 * c.log_determinant();
  };
  for (Index l = 0; l < dimension(); ++l) {
    const DifferencePoints points = difference_points(model_->space()[l], x[l]);
    near[l] = points.above;
    const double above = value();
    near[l] = points.below;
    const double below = value();
    near[l] = x[l];
    gradient[l] += (above - below) / (points.above - points.below);
  }
}

}  // namespace

EmulatorError emulator_error_from_string(std::string_view name) {
  if (name == "full") return EmulatorError::full;
  if (name == "diagonal") return EmulatorError::diagonal;
  if (name == "none") return EmulatorError::none;
  throw UsageError(text("unknown emulator_error '", name, "'; there are: full, diagonal, none"));
}

Outside outside_from_string(std::string_view name) {
  if (name == "reject") return Outside::reject;
  if (name == "widen") return Outside::widen;
  throw UsageError(
      text("unknown rule '", name, "' for points outside of the domain; there are: reject, widen"));
}

LikelihoodPtr gaussian_likelihood(ForwardModelPtr model, const Observation& observation,
                                  const GaussianOptions& options) {
  return std::make_shared<GaussianLikelihood>(std::move(model), observation, options);
}

}  // namespace ersatz
