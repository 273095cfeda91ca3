#include "ersatz/parallel/distributed_gp.hpp"

#include <algorithm>
#include <cstring>

#include "ersatz/core/error.hpp"
#include "parallel/block_cyclic.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/method.hpp"
#include "regression/gp/predictor.hpp"
#include "regression/gp/report.hpp"
#include "storage/xxh64.hpp"

namespace ersatz {

using parallel::BlockCyclicCovariance;
using parallel::ProcessGrid;

struct DistributedGp::State {
  std::shared_ptr<const ProcessGrid> grid;
  std::shared_ptr<const gp::GpPredictor> means;
  std::vector<std::shared_ptr<const BlockCyclicCovariance>> factors;
  FitSummary summary;
};

namespace {

GpOptions checked(const GpOptions& options) {
  if (options.method != "auto" && options.method != "exact")
    throw UsageError(text("a Gaussian process on ranks is exact, but method is \"", options.method, "\""));
  if (options.likelihood == gp::Estimator::leave_one_out)
    throw UsageError(
        "a Gaussian process on ranks has the likelihoods \"restricted\" and \"profile\"; \"leave-one-out\" "
        "needs method = \"exact\" in one process");
  return gp::checked(options);
}

/// Of all that decides about a fit.
std::uint64_t fingerprint(const GpOptions& options, const TrainingData& data, const FitContext& context,
                          const DistributedGpLayout& layout) {
  std::string all = text(gp::settings_of(options), ' ', options.starts, ' ', options.max_iterations, ' ',
                         options.extra_noise, ' ', context.random.key(), ' ', layout.block, ' ', layout.rows,
                         ' ', layout.columns);
  if (options.bounds) all += text(' ', options.bounds->first, ' ', options.bounds->second);
  if (options.nugget) all += text(" nugget ", *options.nugget);
  if (options.noise) all += text(" noise ", *options.noise);
  const auto add = [&](const auto& m) {
    all += text(' ', m.rows(), " x ", m.cols(), ' ');
    all.append(reinterpret_cast<const char*>(m.data()), static_cast<std::size_t>(m.size()) * sizeof(double));
  };
  add(data.x);
  add(data.y);
  add(data.noise_std);
  add(data.input_units);
  for (const auto& name : data.input_names) all += ' ' + name;
  return xxh64(all);
}

}  // namespace

DistributedGp::DistributedGp(std::shared_ptr<const State> state) : state_(std::move(state)) {}

DistributedGp DistributedGp::fit(const GpOptions& options, const TrainingData& data, const Communicator& comm,
                                 const FitContext& context, const DistributedGpLayout& layout) {
  GpOptions meant;
  std::uint64_t mine = 0;
  comm.together([&] {
    meant = checked(options);
    data.check();
    mine = fingerprint(meant, data, context, layout);
  });
  comm.agree(mine, "data, options or seed of a Gaussian process");

  auto state = std::make_shared<State>();
  const auto grid =
      std::make_shared<const ProcessGrid>(comm, parallel::GridShape{layout.rows, layout.columns});
  state->grid = grid;
  gp::ExactFit fit = gp::fit_exact(meant, data, context, [&](ConstMatrixRef x) {
    return std::make_shared<BlockCyclicCovariance>(
        grid, x, BlockCyclicCovariance::Options{layout.block, layout.threads});
  });
  for (const auto& factor : fit.factors)
    state->factors.push_back(std::static_pointer_cast<const BlockCyclicCovariance>(factor));
  state->means = std::make_shared<const gp::GpPredictor>(std::move(fit.state));
  state->summary = std::move(fit.summary);
  return DistributedGp(std::move(state));
}

const FitSummary& DistributedGp::summary() const { return state_->summary; }
Index DistributedGp::inputs() const { return state_->means->inputs(); }
Index DistributedGp::outputs() const { return state_->means->outputs(); }
PredictorPtr DistributedGp::means() const { return state_->means; }

void DistributedGp::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                      Index batch) const {
  const gp::GpPredictor& gp = *state_->means;
  const Communicator& comm = state_->grid->comm();
  comm.together([&] {
    check_points(gp, X, mean);
    check_points(gp, X, variance);
    if (batch < 1) throw UsageError(text("points are taken ", batch, " at a time, expected 1 or more"));
  });
  const Index p = outputs();
  const auto correlations = static_cast<Index>(state_->factors.size());
  for (Index begin = 0; begin < X.rows(); begin += batch) {
    const Index count = std::min(batch, X.rows() - begin);
    Matrix explained(count, correlations), u(count, gp.state().dimension());
    for (Index i = 0; i < count; ++i) gp.state().scale(X.row(begin + i).data(), u.row(i).data());
    for (Index c = 0; c < correlations; ++c) {
      const auto& coefficients = gp.state().correlations[static_cast<std::size_t>(c)].coefficients;
      explained.col(c) =
          state_->factors[static_cast<std::size_t>(c)]->explained(gp.kernel(), coefficients.data(), u);
    }
    // The rest is n kernel values for each point: every rank has some of the points.
    const Part part = part_of(count, comm.rank(), comm.size());
    Matrix values = Matrix::Zero(2 * count, p);
    comm.together([&] {
      Workspace workspace;
      const Index first = begin + part.begin;
      gp.mean_and_variance_from(explained.middleRows(part.begin, part.size()),
                                X.middleRows(first, part.size()), values.middleRows(part.begin, part.size()),
                                values.middleRows(count + part.begin, part.size()), noise, workspace);
    });
    comm.sum(values.data(), values.size());
    mean.middleRows(begin, count) = values.topRows(count);
    variance.middleRows(begin, count) = values.bottomRows(count);
  }
}

PredictorPtr DistributedGp::gather() const {
  gp::GpState whole;
  const Communicator& comm = state_->grid->comm();
  comm.together([&] {
    if (comm.rank() == 0) whole = state_->means->state();
  });
  for (std::size_t c = 0; c < state_->factors.size(); ++c) {
    Vector panels = state_->factors[c]->gather_panels();
    if (comm.rank() == 0) whole.correlations[c].panels = std::move(panels);
  }
  if (comm.rank() != 0) return nullptr;
  return std::make_shared<const gp::GpPredictor>(std::move(whole));
}

}  // namespace ersatz
