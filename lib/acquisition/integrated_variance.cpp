// Scores by what a Gaussian process does not know over the whole space.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "acquisition/acquisitions.hpp"
#include "acquisition/latent_posterior.hpp"
#include "acquisition/local_errors.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/design/design.hpp"

namespace ersatz::acquisition {
namespace {

/// What the scores that are chosen among may keep in memory, in numbers.
constexpr double kept_numbers = 1e7;

/// What stands for the space, or for what matters of it.
Matrix reference_points(const Knowledge& knowledge, Index count, const RandomStream& random) {
  const Matrix& focus = knowledge.focus;
  if (focus.rows() == 0) {
    return shifted_sobol(knowledge.emulator.space(), count, random.split("reference"));
  }
  if (focus.rows() <= count) return focus;
  Matrix some(count, focus.cols());
  for (Index i = 0; i < count; ++i) some.row(i) = focus.row(i * focus.rows() / count);
  return some;
}

/// How much Σ over coefficients of weight × variance shrinks when a candidate is run, averaged over reference
/// points r: for each coefficient weight(r) covariance(c, r)² / (variance(c) + noise).
class IntegratedVariance final : public Scoring {
 public:
  IntegratedVariance(const Knowledge& knowledge, ConstMatrixRef candidates, Index reference, bool local,
                     const FitContext& context)
      : executor_(context.executor ? *context.executor : serial_), q_(candidates.rows()) {
    const Emulator& emulator = knowledge.emulator;
    const Matrix X = reference_points(knowledge, reference, context.random);
    r_ = X.rows();
    const Matrix U = mapped(emulator, X, executor_);
    posterior_ =
        std::make_unique<LatentPosterior>(emulator,
                                          stacked({mapped(emulator, candidates, executor_), U,
                                                   mapped(emulator, knowledge.under_way, executor_)}),
                                          executor_);
    weights_ = posterior_->weights_of_families(sensitivity(emulator, X, posterior_->mean().middleRows(q_, r_),
                                                           knowledge.weights, executor_)) /
               static_cast<double>(r_);
    if (local) weights_ *= LocalErrors(knowledge, executor_).factors(U, executor_).asDiagonal();
    if (!posterior_->exact())
      throw UsageError(
          "the acquisition integrated-variance needs predictors with covariances between points (Gaussian "
          "processes); take largest-variance, committee or residual");
    for (Index i = 0; i < knowledge.under_way.rows(); ++i) posterior_->observe(q_ + r_ + i);
    score_all();
  }
  const Vector& scores() const override { return scores_; }
  double shrinking() const override {
    return weights_.cwiseProduct(posterior_->variance().middleCols(q_, r_)).sum();
  }
  void pend(Index candidate) override {
    if (kept_.empty()) keep_best();
    posterior_->observe(candidate);
    const Matrix& u = posterior_->explained().back();
    scores_.setConstant(-std::numeric_limits<double>::infinity());
    for (const Index c : kept_) scores_[c] = 0.0;
    for (Index k = 0; k < u.rows(); ++k) {
      Matrix& covariance = covariance_[static_cast<std::size_t>(k)];
      const auto of_reference = u.row(k).segment(q_, r_);
      const double largest = posterior_->variance().row(k).maxCoeff();
      for (std::size_t m = 0; m < kept_.size(); ++m) {
        auto row = covariance.row(static_cast<Index>(m));
        row -= u(k, kept_[m]) * of_reference;
        scores_[kept_[m]] += gain(k, kept_[m], row, largest);
      }
    }
  }

 private:
  /// Of family k. A candidate that is known to rounding (`largest`: the largest variance) teaches
  /// nothing.
  template <class Row>
  double gain(Index k, Index candidate, const Row& covariance, double largest) const {
    const double observed =
        posterior_->variance()(k, candidate) + posterior_->latents()[static_cast<std::size_t>(k)].noise;
    return observed > 1e-14 * largest ? covariance.cwiseAbs2().dot(weights_.row(k)) / observed : 0.0;
  }

  /// Covariances of family k between some candidates and the reference, given all that was observed.
  void covariances(Index k, const gp::CrossCovariance& cross, const std::vector<Index>& candidates,
                   Index begin, MatrixRef result, Workspace& workspace) const {
    const Latent& l = posterior_->latents()[static_cast<std::size_t>(k)];
    Matrix U(result.rows(), posterior_->points().cols());
    for (Index i = 0; i < U.rows(); ++i)
      U.row(i) = posterior_->points().row(candidates[static_cast<std::size_t>(begin + i)]);
    cross(U, result, workspace);
    result *= l.scale;
    for (const Matrix& u : posterior_->explained())
      for (Index i = 0; i < U.rows(); ++i)
        result.row(i) -= u(k, candidates[static_cast<std::size_t>(begin + i)]) * u.row(k).segment(q_, r_);
  }

  void score_all() {
    std::vector<Index> all(static_cast<std::size_t>(q_));
    std::iota(all.begin(), all.end(), Index{0});
    scores_ = Vector::Zero(q_);
    for (Index k = 0; k < posterior_->variance().rows(); ++k) {
      const Latent& l = posterior_->latents()[static_cast<std::size_t>(k)];
      const gp::CrossCovariance cross(*l.predictor, posterior_->points().middleRows(q_, r_), l.coefficient);
      const double largest = posterior_->variance().row(k).maxCoeff();
      if (!(largest > 0.0)) continue;
      in_blocks(q_, 1024, executor_, [&](Index begin, Index count) {
        Workspace workspace;
        Matrix block(count, r_);
        covariances(k, cross, all, begin, block, workspace);
        for (Index i = 0; i < count; ++i) scores_[begin + i] += gain(k, begin + i, block.row(i), largest);
      });
    }
  }
  /// A batch is chosen among the candidates that alone are best, as many as memory is there for.
  void keep_best() {
    const Index families = posterior_->variance().rows();
    const auto most = static_cast<Index>(kept_numbers / static_cast<double>(families * r_));
    const Index count = std::min(q_, std::max<Index>(most, 100));
    kept_.resize(static_cast<std::size_t>(q_));
    std::iota(kept_.begin(), kept_.end(), Index{0});
    std::partial_sort(kept_.begin(), kept_.begin() + count, kept_.end(), [&](Index a, Index b) {
      return scores_[a] != scores_[b] ? scores_[a] > scores_[b] : a < b;
    });
    kept_.resize(static_cast<std::size_t>(count));
    covariance_.assign(static_cast<std::size_t>(families), Matrix(count, r_));
    for (Index k = 0; k < families; ++k) {
      const Latent& l = posterior_->latents()[static_cast<std::size_t>(k)];
      const gp::CrossCovariance cross(*l.predictor, posterior_->points().middleRows(q_, r_), l.coefficient);
      Matrix& result = covariance_[static_cast<std::size_t>(k)];
      in_blocks(count, 1024, executor_, [&](Index begin, Index size) {
        Workspace workspace;
        covariances(k, cross, kept_, begin, result.middleRows(begin, size), workspace);
      });
    }
  }

  SerialExecutor serial_;
  Executor& executor_;
  Index q_, r_;
  std::unique_ptr<LatentPosterior> posterior_;  ///< of candidates, reference, and points under way
  Matrix weights_;                              ///< families × r
  Vector scores_;
  std::vector<Index> kept_;
  std::vector<Matrix> covariance_;  ///< of each family: kept × r
};

class IntegratedVarianceRule final : public Acquisition {
 public:
  IntegratedVarianceRule(Index reference, bool local) : reference_(reference), local_(local) {}
  std::string name() const override { return "integrated-variance"; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    return std::make_unique<IntegratedVariance>(knowledge, candidates, reference_, local_, context);
  }

 private:
  Index reference_;
  bool local_;
};

}  // namespace

AcquisitionPtr make_integrated_variance(const Settings& settings) {
  settings.check_known("acquisition integrated-variance", {"reference", "local"});
  const Index reference = settings.get("reference", Index{500});
  if (reference < 1 || reference > 100000)
    throw UsageError(text("acquisition integrated-variance: reference = ", reference,
                          ", expected a number of points from 1 to 100000"));
  return std::make_shared<IntegratedVarianceRule>(reference, settings.get("local", false));
}

}  // namespace ersatz::acquisition
