#include "ersatz/acquisition/acquisition.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "acquisition/acquisitions.hpp"
#include "core/named_table.hpp"

namespace ersatz {
namespace {

struct Entry {
  const char* name;
  AcquisitionPtr (*make)(const Settings&);
};

// One line per acquisition.
constexpr Entry entries[] = {
    {"integrated-variance", acquisition::make_integrated_variance},
    {"largest-variance", acquisition::make_largest_variance},
    {"mice", acquisition::make_mice},
    {"residual", acquisition::make_residual},
    {"committee", acquisition::make_committee},
    {"expected-improvement", acquisition::make_expected_improvement},
    {"space-filling", acquisition::make_space_filling},
    {"random", acquisition::make_random},
};

void check_candidates(const Knowledge& knowledge, ConstMatrixRef candidates, Index count) {
  if (count < 1) throw UsageError(text("a batch needs at least one point, got ", count));
  if (candidates.rows() < count)
    throw UsageError(
        text("a batch of ", count, " cannot be chosen among ", candidates.rows(), " candidates"));
  const Index d = knowledge.emulator.space().size();
  if (candidates.cols() != d)
    throw UsageError(text("candidates have ", candidates.cols(), " values each, the space has ", d));
  if (knowledge.under_way.rows() > 0 && knowledge.under_way.cols() != d)
    throw UsageError(
        text("points under way have ", knowledge.under_way.cols(), " values each, the space has ", d));
  const auto outputs = static_cast<Index>(knowledge.emulator.outputs().size());
  if (knowledge.weights.size() != outputs)
    throw UsageError(text(knowledge.weights.size(), " weights for ", outputs, " outputs"));
}

}  // namespace

double Scoring::shrinking() const { return std::numeric_limits<double>::quiet_NaN(); }

Index Scoring::best(const std::vector<bool>& taken) {
  const Vector& all = scores();
  Index best = -1;
  for (Index i = 0; i < all.size(); ++i)
    if (!taken[static_cast<std::size_t>(i)] && !std::isnan(all[i]) && (best < 0 || all[i] > all[best]))
      best = i;
  return best;
}

std::vector<std::string> acquisition_names() { return names_in(entries); }

AcquisitionPtr make_acquisition(const std::string& name, const Settings& settings) {
  return find_named(entries, name, "acquisition").make(settings);
}

std::vector<Choice> choose_batch(const Acquisition& acquisition, const Knowledge& knowledge,
                                 ConstMatrixRef candidates, Index count, const FitContext& context) {
  check_candidates(knowledge, candidates, count);
  const auto scoring = acquisition.start(knowledge, candidates, context);
  std::vector<bool> taken(static_cast<std::size_t>(candidates.rows()), false);
  std::vector<Choice> batch;
  for (;;) {
    const Index best = scoring->best(taken);
    const Vector& scores = scoring->scores();
    if (best < 0)
      throw NumericalError(text("acquisition ", acquisition.name(), ": no candidate has a score"));
    taken[static_cast<std::size_t>(best)] = true;
    const double all = scoring->shrinking();
    const double share = all > 0.0 ? std::min(1.0, scores[best] / all) : 0.0;
    batch.push_back({best, scores[best], std::isnan(all) ? all : share});
    if (static_cast<Index>(batch.size()) == count) return batch;
    scoring->pend(best);
  }
}

}  // namespace ersatz
