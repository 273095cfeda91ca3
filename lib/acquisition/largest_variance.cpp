// Scores by what a Gaussian process does not know at the candidate.

#include <cmath>
#include <functional>

#include "acquisition/acquisitions.hpp"
#include "acquisition/distance.hpp"
#include "acquisition/latent_posterior.hpp"
#include "acquisition/local_errors.hpp"
#include "acquisition/prior_conditional.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::acquisition {
namespace {

constexpr Index bounded_from = 10000;          ///< candidates from which on bounds of variances pay
constexpr std::size_t refined_at_once = 1000;  ///< candidates

/// Σ over coefficients of weight × variance at each candidate.
class LargestVariance final : public Scoring {
 public:
  /// What multiplies the weights (families × q) of candidates (q × d', mapped).
  using Weighing = std::function<void(const std::vector<Latent>& latents, const Matrix& U, Executor& executor,
                                      Matrix& weights)>;

  LargestVariance(const Knowledge& knowledge, ConstMatrixRef candidates, const Weighing& weigh,
                  const FitContext& context)
      : executor_(context.executor ? *context.executor : serial_),
        q_(candidates.rows()),
        penalty_(mapped(knowledge.emulator, candidates, executor_),
                 mapped(knowledge.emulator, knowledge.runs.parameters, executor_)),
        posterior_(
            knowledge.emulator,
            stacked({penalty_.candidates(), mapped(knowledge.emulator, knowledge.under_way, executor_)}),
            executor_, q_ >= bounded_from ? q_ : 0),
        weights_(posterior_.weights_of_families(sensitivity(
            knowledge.emulator, candidates, posterior_.mean().topRows(q_), knowledge.weights, executor_))) {
    if (weigh) weigh(posterior_.latents(), penalty_.candidates(), executor_, weights_);
    update();
    for (Index i = 0; i < knowledge.under_way.rows(); ++i) pend(q_ + i);
  }
  const Vector& scores() const override { return scores_; }
  /// Bounds are made exact from the largest on, until the largest is.
  Index best(const std::vector<bool>& taken) override {
    for (;;) {
      const Index best = Scoring::best(taken);
      if (best < 0 || posterior_.refined(best)) return best;
      std::vector<Index> next;
      for (Index i = 0; i < q_; ++i)
        if (!posterior_.refined(i) && !taken[static_cast<std::size_t>(i)]) next.push_back(i);
      const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>(next.size(), refined_at_once));
      std::partial_sort(next.begin(), next.begin() + count, next.end(), [&](Index a, Index b) {
        return scores_[a] != scores_[b] ? scores_[a] > scores_[b] : a < b;
      });
      next.resize(static_cast<std::size_t>(count));
      posterior_.refine(next);
      update();
    }
  }
  void pend(Index candidate) override {
    if (!posterior_.exact()) {
      penalty_.apply(posterior_.points().row(candidate).data(), scores_);
      return;
    }
    posterior_.observe(candidate);
    update();
  }

 private:
  void update() {
    scores_ = weights_.cwiseProduct(posterior_.variance().leftCols(q_)).colwise().sum().transpose();
  }

  SerialExecutor serial_;
  Executor& executor_;
  Index q_;
  Penalty penalty_;
  LatentPosterior posterior_;
  Matrix weights_;  ///< families × q
  Vector scores_;
};

class LargestVarianceRule final : public Acquisition {
 public:
  explicit LargestVarianceRule(bool local) : local_(local) {}
  std::string name() const override { return "largest-variance"; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    LargestVariance::Weighing weigh;
    if (local_)
      weigh = [&](const std::vector<Latent>&, const Matrix& U, Executor& executor, Matrix& weights) {
        weights *= LocalErrors(knowledge, executor).factors(U, executor).asDiagonal();
      };
    return std::make_unique<LargestVariance>(knowledge, candidates, weigh, context);
  }

 private:
  bool local_;
};

class MiceRule final : public Acquisition {
 public:
  MiceRule(Index others, double nugget) : others_(others), nugget_(nugget) {}
  std::string name() const override { return "mice"; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    return std::make_unique<LargestVariance>(
        knowledge, candidates,
        [&](const std::vector<Latent>& latents, const Matrix& U, Executor& executor, Matrix& weights) {
          weights = weights.cwiseQuotient(prior_conditional(latents, U, others_, nugget_, executor));
        },
        context);
  }

 private:
  Index others_;
  double nugget_;
};

}  // namespace

AcquisitionPtr make_largest_variance(const Settings& settings) {
  settings.check_known("acquisition largest-variance", {"local"});
  return std::make_shared<LargestVarianceRule>(settings.get("local", false));
}

AcquisitionPtr make_mice(const Settings& settings) {
  settings.check_known("acquisition mice", {"others", "nugget"});
  const Index others = settings.get("others", Index{300});
  if (others < 1 || others > 20000)
    throw UsageError(
        text("acquisition mice: others = ", others, ", expected a number of candidates from 1 to 20000"));
  const double nugget = settings.get("nugget", 1.0);
  if (!(nugget > 0.0) || !std::isfinite(nugget))
    throw UsageError(text("acquisition mice: nugget = ", nugget, ", expected a positive number"));
  return std::make_shared<MiceRule>(others, nugget);
}

}  // namespace ersatz::acquisition
