#include "inference/node_form.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "ersatz/basis/greedy.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"
#include "ersatz/design/design.hpp"

namespace ersatz {
namespace {

constexpr Index first_predictions = 256, most_predictions = 4096;

/// An emulator's predictions of what was observed, in units of `scale`, at one point of a Sobol' sequence
/// after the other.
class Predictions {
 public:
  Predictions(const Emulator& emulator, const std::vector<ObservedEntry>& entries, const Vector& scale)
      : model_(forward_model(emulator)),
        runs_(observed_runs(entries)),
        points_(make_design(DesignMethod::sobol, emulator.space(), 4 * most_predictions, RandomStream(1))),
        scale_(scale) {}

  /// `count` more below those in `rows`; fewer where the sequence ends.
  void add(Index count, Matrix& rows) {
    const Index before = rows.rows();
    rows.conservativeResize(before + count, scale_.size());
    Index made = before;
    Vector mean;
    for (; next_ < points_.rows() && made < before + count; ++next_) {
      const double* x = points_.row(next_).data();
      if (model_->domain_score(x, workspace_) <= 1.0 && evaluate_entries(*model_, runs_, x, mean, workspace_))
        rows.row(made++) = mean.cwiseQuotient(scale_).transpose();
    }
    rows.conservativeResize(made, scale_.size());
  }

 private:
  ForwardModelPtr model_;
  std::vector<ObservedRun> runs_;
  Matrix points_;
  Vector scale_;
  Index next_ = 0;
  Workspace workspace_;
};

}  // namespace

void check_reduced_quadrature(double tolerance) {
  if (!std::isfinite(tolerance) || tolerance < 0.0)
    throw UsageError(
        text("likelihood: a reduced_quadrature of ", tolerance, "; it is an error in deviations, as 0.01"));
}

NodeForm::NodeForm(const Emulator& emulator, const std::vector<ObservedEntry>& entries, const Vector& scale,
                   const Length& length, double tolerance) {
  const Index m = scale.size();
  Predictions predictions(emulator, entries, scale);
  SerialExecutor executor;
  Matrix rows;
  predictions.add(first_predictions, rows);
  GreedyOptions options;
  options.normalise = false;
  options.max_rank = std::max<Index>(1, m / 2);
  const auto fail = [&](const std::string& why) {
    throw UsageError(text("likelihood: reduced_quadrature = ", brief(tolerance), ": ", why,
                          "; take a larger one, or leave it out and use all bins"));
  };
  const auto few = [](Index n) {
    return text("no more than ", n, " points are found within the emulator's domain");
  };
  double aim = tolerance / 4.0;
  for (;; aim /= 2.0) {
    const Index n = rows.rows();
    if (n < 4) fail(few(n));
    const Vector center = rows.colwise().mean().transpose();
    const Matrix centered = rows.rowwise() - center.transpose();
    const double largest = centered.rowwise().squaredNorm().maxCoeff();
    if (!(largest > 0.0))
      throw UsageError(
          "likelihood: the emulator predicts the same for all parameters; there is nothing to learn");
    options.tolerance = std::min(aim * aim / largest, 0.5);
    const GreedyBasis basis = greedy_basis(centered, false, options, executor);
    if (basis.summary.termination == GreedyTermination::max_rank)
      fail(text(basis.rank(), " nodes of ", m, " values are not enough"));
    const EmpiricalInterpolation nodes = empirical_interpolation(basis.elements, false, NodeRule::q_deim);

    Matrix fresh;
    predictions.add(std::max<Index>(n / 3, 4), fresh);
    if (fresh.rows() < 4) fail(few(n));
    error_ = 0.0;
    for (Index i = 0; i < fresh.rows(); ++i) {
      const Vector row = fresh.row(i).transpose() - center;
      error_ = std::max(error_, length((row - interpolate(nodes, row)).cwiseProduct(scale)));
    }
    if (error_ <= tolerance) {
      std::vector<ObservedEntry> at;
      linear_.rows = nodes.matrix * scale.asDiagonal();
      linear_.offset = (center - interpolate(nodes, center)).cwiseProduct(scale);
      for (Index k = 0; k < basis.rank(); ++k) {
        const Index node = nodes.nodes[static_cast<std::size_t>(k)];
        at.push_back(entries[static_cast<std::size_t>(node)]);
        linear_.rows.row(k) /= scale[node];
      }
      use(emulator, at);
      return;
    }
    if (n + fresh.rows() > most_predictions)
      fail(text("with ", n, " predictions to learn from, others are ", brief(error_), " deviations off"));
    rows.conservativeResize(n + fresh.rows(), m);
    rows.bottomRows(fresh.rows()) = fresh;
  }
}

/// The emulator of the nodes' bins alone, and where the nodes are in its rows.
void NodeForm::use(const Emulator& emulator, const std::vector<ObservedEntry>& nodes) {
  const auto bin_of = [](const OutputSpec& output, Index entry) {
    return output.complex ? entry / 2 : entry;
  };
  Emulator some = emulator;
  std::vector<ObservedEntry> places = nodes;
  for (const Axis& axis : emulator.axes()) {
    std::set<Index> bins;
    for (const ObservedEntry& e : nodes)
      if (const OutputSpec& output = emulator.outputs()[e.output]; output.axis == axis.name)
        bins.insert(bin_of(output, e.entry));
    if (bins.empty()) bins.insert(0);  // not observed: as little as there can be
    const std::vector<Index> kept(bins.begin(), bins.end());
    some = some.restricted(axis.name, kept);
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      const OutputSpec& output = emulator.outputs()[nodes[k].output];
      if (output.axis != axis.name) continue;
      const auto place = static_cast<Index>(
          std::lower_bound(kept.begin(), kept.end(), bin_of(output, nodes[k].entry)) - kept.begin());
      places[k].entry = output.complex ? 2 * place + nodes[k].entry % 2 : place;
    }
  }
  model_ = forward_model(std::move(some));
  runs_ = observed_runs(places);
}

}  // namespace ersatz
