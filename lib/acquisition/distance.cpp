#include "acquisition/distance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "acquisition/acquisitions.hpp"
#include "acquisition/latent_posterior.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::acquisition {

Nearest::Nearest(Matrix candidates, ConstMatrixRef points, Executor& executor)
    : candidates_(std::move(candidates)),
      squared_(Vector::Constant(candidates_.rows(), std::numeric_limits<double>::infinity())),
      nearest_(static_cast<std::size_t>(candidates_.rows()), 0) {
  in_blocks(candidates_.rows(), 512, executor, [&](Index begin, Index count) {
    for (Index i = begin; i < begin + count; ++i)
      for (Index j = 0; j < points.rows(); ++j) {
        const double squared = (candidates_.row(i) - points.row(j)).squaredNorm();
        if (squared >= squared_[i]) continue;
        squared_[i] = squared;
        nearest_[static_cast<std::size_t>(i)] = j;
      }
  });
}

void Nearest::add(Index candidate) {
  const Vector point = candidates_.row(candidate).transpose();
  add(point.data());
}

void Nearest::add(const double* point) {
  const Eigen::Map<const Eigen::RowVectorXd> p(point, candidates_.cols());
  squared_ = squared_.cwiseMin((candidates_.rowwise() - p).rowwise().squaredNorm());
}

Penalty::Penalty(Matrix candidates, ConstMatrixRef runs) : candidates_(std::move(candidates)) {
  double sum = 0.0;
  Index count = 0;
  for (Index i = 0; i < runs.rows(); ++i) {
    double least = std::numeric_limits<double>::infinity();
    for (Index j = 0; j < runs.rows(); ++j)
      if (j != i) least = std::min(least, (runs.row(i) - runs.row(j)).squaredNorm());
    if (!std::isfinite(least)) continue;
    sum += std::sqrt(least);
    ++count;
  }
  if (count > 0) reach_squared_ = (sum / static_cast<double>(count)) * (sum / static_cast<double>(count));
}

void Penalty::apply(const double* point, Vector& scores) const {
  if (!(reach_squared_ > 0.0)) return;
  const Eigen::Map<const Eigen::RowVectorXd> p(point, candidates_.cols());
  for (Index i = 0; i < scores.size(); ++i)
    scores[i] *= -std::expm1(-0.5 * (candidates_.row(i) - p).squaredNorm() / reach_squared_);
}

PenalisedScoring::PenalisedScoring(Vector scores, const Knowledge& knowledge, ConstMatrixRef candidates,
                                   Executor& executor)
    : scores_(std::move(scores)),
      penalty_(mapped(knowledge.emulator, candidates, executor),
               mapped(knowledge.emulator, knowledge.runs.parameters, executor)) {
  const Matrix pending = mapped(knowledge.emulator, knowledge.under_way, executor);
  for (Index i = 0; i < pending.rows(); ++i) penalty_.apply(pending.row(i).data(), scores_);
}

namespace {

class RandomScoring final : public Scoring {
 public:
  explicit RandomScoring(Vector scores) : scores_(std::move(scores)) {}
  const Vector& scores() const override { return scores_; }
  void pend(Index) override {}

 private:
  Vector scores_;
};

class Random final : public Acquisition {
 public:
  std::string name() const override { return "random"; }
  std::unique_ptr<Scoring> start(const Knowledge&, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    RandomStream random = context.random.split("random");
    Vector scores(candidates.rows());
    for (double& s : scores) s = random.uniform();
    return std::make_unique<RandomScoring>(std::move(scores));
  }
};

/// Squared distance to the nearest point, times a factor of the nearest run (or 1).
class DistanceScoring final : public Scoring {
 public:
  DistanceScoring(const Knowledge& knowledge, ConstMatrixRef candidates, const Vector& of_run,
                  Executor& executor)
      : nearest_(mapped(knowledge.emulator, candidates, executor),
                 mapped(knowledge.emulator, knowledge.runs.parameters, executor), executor) {
    factor_ = Vector::Ones(candidates.rows());
    if (of_run.size() > 0)
      for (Index i = 0; i < candidates.rows(); ++i)
        factor_[i] = of_run[nearest_.nearest()[static_cast<std::size_t>(i)]];
    const Matrix pending = mapped(knowledge.emulator, knowledge.under_way, executor);
    for (Index i = 0; i < pending.rows(); ++i) nearest_.add(pending.row(i).data());
    update();
  }
  const Vector& scores() const override { return scores_; }
  void pend(Index candidate) override {
    nearest_.add(candidate);
    update();
  }

 private:
  void update() { scores_ = factor_.cwiseProduct(nearest_.squared_distance()); }

  Nearest nearest_;
  Vector factor_, scores_;
};

class SpaceFilling final : public Acquisition {
 public:
  std::string name() const override { return "space-filling"; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    SerialExecutor serial;
    return std::make_unique<DistanceScoring>(knowledge, candidates, Vector(),
                                             context.executor ? *context.executor : serial);
  }
};

class Residual final : public Acquisition {
 public:
  std::string name() const override { return "residual"; }
  bool needs_folds() const override { return true; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    if (knowledge.residual.size() != knowledge.runs.size())
      throw UsageError(text("the acquisition residual needs the error of each of the ", knowledge.runs.size(),
                            " runs, got ", knowledge.residual.size()));
    SerialExecutor serial;
    return std::make_unique<DistanceScoring>(knowledge, candidates, knowledge.residual,
                                             context.executor ? *context.executor : serial);
  }
};

}  // namespace

AcquisitionPtr make_random(const Settings& settings) {
  settings.check_known("acquisition random", {});
  return std::make_shared<Random>();
}
AcquisitionPtr make_space_filling(const Settings& settings) {
  settings.check_known("acquisition space-filling", {});
  return std::make_shared<SpaceFilling>();
}
AcquisitionPtr make_residual(const Settings& settings) {
  settings.check_known("acquisition residual", {});
  return std::make_shared<Residual>();
}

}  // namespace ersatz::acquisition
