// Chains of Hamiltonian trajectories, with the adaptation of their step size and mass matrix.

#include <algorithm>
#include <cmath>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/maximum.hpp"
#include "inference/sampler.hpp"
#include "inference/trajectory.hpp"

namespace ersatz {
namespace {

/// Dual averaging of the logarithm of the step size: Hoffman & Gelman, J. Mach. Learn. Res. 15, 1593 (2014),
/// Eq. 6 and algorithm 5, with their constants.
struct StepSize {
  double step = 1.0, target = 0.0, count = 0.0, error = 0.0, average = 0.0;

  void restart(double from) {
    step = from;
    target = std::log(10.0 * from);
    count = error = average = 0.0;
  }
  void learn(double acceptance, double wanted) {
    count += 1.0;
    const double share = 1.0 / (count + 10.0);
    error = (1.0 - share) * error + share * (wanted - acceptance);
    const double now = target - std::sqrt(count) / 0.05 * error;
    const double weight = std::pow(count, -0.75);
    average = weight * now + (1.0 - weight) * average;
    step = std::exp(now);
  }
  void settle() {
    if (count > 0.0) step = std::exp(average);
  }
};

/// Mean and sum of products of deviations, point by point (Welford 1962).
struct Moments {
  double count = 0.0;
  Vector mean;
  Matrix products;

  explicit Moments(Index d) : mean(Vector::Zero(d)), products(Matrix::Zero(d, d)) {}
  void add(const Vector& u) {
    count += 1.0;
    const Vector before = u - mean;
    mean += before / count;
    products += (u - mean) * before.transpose();
  }
};

/// When the mass matrix is learnt: not in the first steps of the warm-up, which come from afar, nor in the
/// last, which settle the step size; between them in windows of doubling length (as Stan does, reference
/// manual, "HMC algorithm parameters").
struct Windows {
  Index begin = 0, end = 0;  ///< steps whose points count
  std::vector<Index> last;   ///< of each window

  explicit Windows(Index warmup) {
    if (warmup < 20) return;
    Index lead = 75, tail = 50, length = 25;
    if (lead + length + tail > warmup) {
      lead = 15 * warmup / 100;
      tail = warmup / 10;
      length = warmup - lead - tail;
    }
    begin = lead;
    end = warmup - tail;
    for (Index at = begin; at < end; length *= 2) {
      // What is left after this window must hold the next one, or goes to this one.
      if (at + length + 2 * length > end) length = end - at;
      at += length;
      last.push_back(at - 1);
    }
  }
  bool counts(Index step) const { return step >= begin && step < end; }
  bool closes(Index step) const { return std::find(last.begin(), last.end(), step) != last.end(); }
};

struct ChainState {
  Vector u;
  StepSize size;
  Matrix inverse_mass;
  Moments moments;

  explicit ChainState(Index d) : u(d), inverse_mass(d, d), moments(d) {}

  /// u, the five numbers of the step size, the inverse mass matrix, and count, mean and products of moments.
  std::vector<double> numbers() const {
    std::vector<double> n(u.begin(), u.end());
    n.insert(n.end(), {size.step, size.target, size.count, size.error, size.average});
    n.insert(n.end(), inverse_mass.data(), inverse_mass.data() + inverse_mass.size());
    n.push_back(moments.count);
    n.insert(n.end(), moments.mean.begin(), moments.mean.end());
    n.insert(n.end(), moments.products.data(), moments.products.data() + moments.products.size());
    return n;
  }
  static ChainState from(const std::vector<double>& numbers, Index d) {
    ChainState s(d);
    const double* at = numbers.data();
    const auto take = [&](double* to, Index count) {
      std::copy(at, at + count, to);
      at += count;
    };
    take(s.u.data(), d);
    for (double* x : {&s.size.step, &s.size.target, &s.size.count, &s.size.error, &s.size.average})
      take(x, 1);
    take(s.inverse_mass.data(), d * d);
    take(&s.moments.count, 1);
    take(s.moments.mean.data(), d);
    take(s.moments.products.data(), d * d);
    return s;
  }
};

class Nuts final : public Sampler {
 public:
  Nuts(const LogDensity& density, const SamplingOptions& options)
      : density_(density),
        options_(options),
        windows_(options.warmup),
        random_(RandomStream(options.seed).split("nuts")) {
    if (!density.has_gradient())
      throw UsageError(
          "Hamiltonian sampling (nuts) follows gradients, which this posterior does not have; use the "
          "ensemble");
    if (!(options.acceptance > 0.0 && options.acceptance < 1.0))
      throw UsageError(text("the acceptance that the step size is adapted to is between 0 and 1, got ",
                            options.acceptance));
    if (options.depth < 1 || options.depth > 20)
      throw UsageError(text("the depth of trajectories is between 1 and 20, got ", options.depth));
  }

  std::vector<std::vector<double>> begin(const Matrix& starts) const override {
    std::vector<std::vector<double>> states;
    Workspace workspace;
    for (Index c = 0; c < starts.rows(); ++c) {
      const Vector theta = starts.row(c);
      ChainState state(density_.size());
      density_.map().to_unbounded(theta.data(), state.u.data());
      state.inverse_mass = first_guess(state.u, workspace);
      state.size.restart(1.0);
      states.push_back(state.numbers());
    }
    return states;
  }

  void advance(std::vector<std::vector<double>>& states, Index first, Index count, Executor& executor,
               std::vector<std::vector<double>>& rows) const override {
    const Index d = density_.size();
    const auto results = executor.map(static_cast<Index>(states.size()), [&](Index c) {
      const WorkspacePool::Loan workspace(workspaces_);
      ChainState state = ChainState::from(states[static_cast<std::size_t>(c)], d);
      std::vector<double> numbers;
      run(state, c, first, count, numbers, *workspace);
      const std::vector<double> after = state.numbers();
      numbers.insert(numbers.end(), after.begin(), after.end());
      return to_bytes(numbers);
    });
    for (std::size_t c = 0; c < states.size(); ++c) {
      const std::vector<double> numbers = doubles_from_bytes(results[c]);
      const auto end = numbers.end() - static_cast<std::ptrdiff_t>(states[c].size());
      rows[c].insert(rows[c].end(), numbers.begin(), end);
      states[c].assign(end, numbers.end());
    }
  }

 private:
  /// From the curvature at the start, each direction by its size, none wider than 1.
  Matrix first_guess(const Vector& u, Workspace& workspace) const {
    const Index d = u.size();
    const Matrix h = curvature(density_, u, workspace);
    if (h.size() == 0 || !h.allFinite()) return 0.01 * Matrix::Identity(d, d);
    if (!options_.dense) return h.diagonal().cwiseAbs().cwiseMax(1.0).cwiseInverse().asDiagonal();
    const SymmetricEigen eigen = symmetric_eigen(h);
    const Vector sizes = eigen.values.cwiseAbs().cwiseMax(1.0).cwiseInverse();
    const Matrix m = eigen.vectors * sizes.asDiagonal() * eigen.vectors.transpose();
    return 0.5 * (m + m.transpose());
  }

  /// A window's covariance, drawn a little towards a small multiple of one where points are few.
  Matrix learnt(const Moments& m) const {
    const double n = m.count;
    Matrix covariance = m.products / (n - 1.0) * (n / (n + 5.0));
    covariance = (0.5 * (covariance + covariance.transpose())).eval();
    if (!options_.dense) covariance = Matrix(covariance.diagonal().asDiagonal());
    covariance.diagonal().array() += 1e-3 * 5.0 / (n + 5.0) * std::min(1.0, covariance.diagonal().mean());
    return covariance;
  }

  void run(ChainState& state, Index chain, Index first, Index count, std::vector<double>& rows,
           Workspace& workspace) const {
    const RandomStream own = random_.split(static_cast<std::uint64_t>(chain));
    auto hamiltonian = std::make_unique<Hamiltonian>(density_, state.inverse_mass, workspace);
    PhasePoint point;
    point.u = state.u;
    if (!hamiltonian->update(point)) throw NumericalError("a chain stands where the density is zero");
    Vector theta(state.u.size());
    for (Index step = first; step < first + count; ++step) {
      RandomStream stream = own.split(static_cast<std::uint64_t>(step));
      if (step == 0)
        state.size.restart(reasonable_step(*hamiltonian, point, 1.0, options_.acceptance, stream));
      const TrajectoryResult result =
          draw_trajectory(*hamiltonian, point, state.size.step, options_.depth, stream);
      if (step < options_.warmup) {
        state.size.learn(result.acceptance, options_.acceptance);
        if (windows_.counts(step)) state.moments.add(point.u);
        if (windows_.closes(step)) {
          state.inverse_mass = learnt(state.moments);
          state.moments = Moments(state.u.size());
          hamiltonian = std::make_unique<Hamiltonian>(density_, state.inverse_mass, workspace);
          state.size.restart(
              reasonable_step(*hamiltonian, point, state.size.step, options_.acceptance, stream));
        }
        if (step + 1 == options_.warmup) state.size.settle();
      }
      density_.map().to_bounded(point.u.data(), theta.data());
      rows.insert(rows.end(), theta.begin(), theta.end());
      const LogDensityValue& value = point.value.parts;
      rows.insert(rows.end(),
                  {value.log_prior, value.log_likelihood, value.inside_domain ? 1.0 : 0.0, result.acceptance,
                   static_cast<double>(result.evaluations), static_cast<double>(result.end)});
    }
    state.u = point.u;
  }

  UnconstrainedDensity density_;
  SamplingOptions options_;
  Windows windows_;
  RandomStream random_;
  mutable WorkspacePool workspaces_;
};

}  // namespace

std::unique_ptr<Sampler> make_nuts(const LogDensity& density, const SamplingOptions& options) {
  return std::make_unique<Nuts>(density, options);
}

}  // namespace ersatz
