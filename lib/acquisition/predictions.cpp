// Scores from what emulators predict: how they disagree, or what they promise.

#include <algorithm>
#include <cmath>

#include "acquisition/acquisitions.hpp"
#include "acquisition/distance.hpp"
#include "acquisition/latent_posterior.hpp"
#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::acquisition {
namespace {

constexpr Index block = 128;

/// Means of all outputs at some points, and deviations if asked for.
struct Rows {
  std::vector<Matrix> mean, deviation;

  Rows(const Emulator& emulator, ConstMatrixRef X, bool with_std, Workspace& workspace) {
    std::vector<double*> means, deviations;
    for (const OutputSpec& o : emulator.outputs()) {
      mean.emplace_back(X.rows(), o.width());
      if (with_std) deviation.emplace_back(X.rows(), o.width());
    }
    for (auto& m : mean) means.push_back(m.data());
    for (auto& s : deviation) deviations.push_back(s.data());
    if (with_std)
      emulator.mean_and_std(X, means.data(), deviations.data(), workspace);
    else
      emulator.mean(X, means.data(), workspace);
  }
};

class Committee final : public Acquisition {
 public:
  std::string name() const override { return "committee"; }
  bool needs_folds() const override { return true; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    const auto members = static_cast<double>(knowledge.committee.size());
    if (knowledge.committee.size() < 2)
      throw UsageError(text("a committee needs at least two emulators, got ", knowledge.committee.size()));
    SerialExecutor serial;
    Executor& executor = context.executor ? *context.executor : serial;
    Vector scores = Vector::Zero(candidates.rows());
    in_blocks(candidates.rows(), block, executor, [&](Index begin, Index count) {
      Workspace workspace;
      std::vector<Rows> opinions;
      for (const Emulator& e : knowledge.committee)
        opinions.emplace_back(e, candidates.middleRows(begin, count), false, workspace);
      for (std::size_t o = 0; o < opinions.front().mean.size(); ++o) {
        Matrix mean = Matrix::Zero(count, opinions.front().mean[o].cols());
        for (const Rows& r : opinions) mean += r.mean[o] / members;
        for (const Rows& r : opinions)
          scores.segment(begin, count) += knowledge.weights[static_cast<Index>(o)] / (members - 1.0) *
                                          (r.mean[o] - mean).rowwise().squaredNorm();
      }
    });
    return std::make_unique<PenalisedScoring>(std::move(scores), knowledge, candidates, executor);
  }
};

class ExpectedImprovement final : public Acquisition {
 public:
  ExpectedImprovement(std::string output, bool maximise) : output_(std::move(output)), maximise_(maximise) {}
  std::string name() const override { return "expected-improvement"; }
  std::unique_ptr<Scoring> start(const Knowledge& knowledge, ConstMatrixRef candidates,
                                 const FitContext& context) const override {
    SerialExecutor serial;
    Executor& executor = context.executor ? *context.executor : serial;
    const Index o = output_.empty() ? 0 : knowledge.runs.output_index(output_);
    const OutputSpec& spec = knowledge.runs.outputs[static_cast<std::size_t>(o)];
    if (spec.width() != 1)
      throw UsageError(text("the acquisition expected-improvement needs an output that is one real number; '",
                            spec.name, "' has ", spec.width(), " per run"));
    if (!knowledge.emulator.has_std())
      throw UsageError("the acquisition expected-improvement needs a regressor with a variance");
    const double sign = maximise_ ? -1.0 : 1.0;
    const double best = (sign * knowledge.runs.values[static_cast<std::size_t>(o)]).minCoeff();
    Vector scores(candidates.rows());
    in_blocks(candidates.rows(), block, executor, [&](Index begin, Index count) {
      Workspace workspace;
      const Rows rows(knowledge.emulator, candidates.middleRows(begin, count), true, workspace);
      for (Index i = 0; i < count; ++i)
        scores[begin + i] = expected_improvement(best, sign * rows.mean[static_cast<std::size_t>(o)](i, 0),
                                                 rows.deviation[static_cast<std::size_t>(o)](i, 0));
    });
    return std::make_unique<PenalisedScoring>(std::move(scores), knowledge, candidates, executor);
  }

 private:
  std::string output_;
  bool maximise_;
};

}  // namespace

AcquisitionPtr make_committee(const Settings& settings) {
  settings.check_known("acquisition committee", {});
  return std::make_shared<Committee>();
}

AcquisitionPtr make_expected_improvement(const Settings& settings) {
  settings.check_known("acquisition expected-improvement", {"output", "maximise"});
  return std::make_shared<ExpectedImprovement>(settings.get("output", ""), settings.get("maximise", false));
}

}  // namespace ersatz::acquisition
