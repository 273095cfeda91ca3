#include "ersatz/selection/diff.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/contract.hpp"

namespace ersatz {
namespace {

/// Points of one space that the other one holds too.
Matrix shared_points(const ParameterSpace& a, const ParameterSpace& b, Index n, RandomStream random) {
  Matrix X = a.sample(n, random);
  Index kept = 0;
  for (Index i = 0; i < n; ++i)
    if (b.contains(X.row(i).data())) X.row(kept++) = X.row(i).eval();
  X.conservativeResize(kept, Eigen::NoChange);
  return X;
}

const OutputScores* scores_of(const Model& model, const std::string& output) {
  if (model.validation)
    for (const OutputScores& s : model.validation->outputs)
      if (s.name == output) return &s;
  return nullptr;
}

OutputDifference difference_of(const std::string& name, Index bins, const Matrix& a, const Matrix& b,
                               const Matrix* std_a, const Matrix* std_b) {
  OutputDifference d;
  d.name = name;
  const Matrix change = b - a;
  d.rms = std::sqrt(change.squaredNorm() / static_cast<double>(a.rows() * bins));
  const double spread = (a.rowwise() - a.colwise().mean()).squaredNorm();
  d.relative = spread > 1e-24 * a.squaredNorm() ? std::sqrt(change.squaredNorm() / spread) : std::nan("");
  d.max_abs = change.cwiseAbs().maxCoeff();
  if (std_a && std_b) {
    const auto two =
        2.0 * (std_a->array().square() + std_b->array().square()).sqrt() + 1e-15 * a.array().abs();
    d.consistent =
        static_cast<double>((change.array().abs() <= two).count()) / static_cast<double>(change.size());
  }
  return d;
}

}  // namespace

ModelDifference diff(const Model& older, const Model& newer, Index points, RandomStream random, int threads) {
  if (points < 1) throw UsageError(text("diff: ", points, " points to compare at, expected 1 or more"));
  ModelDifference result;
  result.incompatibilities = incompatibilities(older.emulator, newer.emulator);
  result.same_data = older.info.data_hash == newer.info.data_hash;
  result.same_recipe = older.info.recipe_hash == newer.info.recipe_hash;
  const Emulator &a = older.emulator, &b = newer.emulator;
  if (a.space().names() != b.space().names()) return result;
  for (Index k = 0; k < a.space().size(); ++k)
    if (a.space()[k].unit != b.space()[k].unit) return result;  // the same numbers mean other points
  const Matrix X = shared_points(a.space(), b.space(), points, random);
  result.points = X.rows();
  if (X.rows() == 0) return result;
  const Prediction before = a.predict(X, a.has_std(), threads), after = b.predict(X, b.has_std(), threads);
  for (std::size_t o = 0; o < a.outputs().size(); ++o)
    for (std::size_t p = 0; p < b.outputs().size(); ++p) {
      const OutputSpec &mine = a.outputs()[o], &theirs = b.outputs()[p];
      if (mine.name != theirs.name || mine.size != theirs.size || mine.complex != theirs.complex ||
          mine.unit != theirs.unit)
        continue;
      OutputDifference d =
          difference_of(mine.name, mine.size, before.mean[o], after.mean[p],
                        a.has_std() ? &before.std[o] : nullptr, b.has_std() ? &after.std[p] : nullptr);
      if (const OutputScores* s = scores_of(older, mine.name)) {
        d.old_nrmse = s->nrmse;
        d.old_coverage_95 = s->coverage_95;
      }
      if (const OutputScores* s = scores_of(newer, mine.name)) {
        d.new_nrmse = s->nrmse;
        d.new_coverage_95 = s->coverage_95;
      }
      result.outputs.push_back(std::move(d));
    }
  return result;
}

}  // namespace ersatz
