// Affine-invariant ensemble of walkers: Goodman & Weare, Comm. App. Math. Comp. Sci. 5, 65 (2010), in two
// halves that move in turn (Foreman-Mackey et al., PASP 125, 306, 2013).

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "inference/sampler.hpp"

namespace ersatz {
namespace {

/// Below this, half a step is done sooner than threads or ranks have begun with it.
constexpr double too_short = 3e-4;

class Ensemble final : public Sampler {
 public:
  Ensemble(const LogDensity& density, const SamplingOptions& options)
      : density_(density), options_(options), random_(RandomStream(options.seed).split("ensemble")) {
    const Index d = density.size();
    if (options.chains % 2 != 0 || options.chains < 2 * d)
      throw UsageError(text("an ensemble over ", d, " parameters needs an even number of at least ", 2 * d,
                            " walkers, got ", options.chains));
    if (!(options.stretch > 1.0) || !std::isfinite(options.stretch))
      throw UsageError(text("the stretch of an ensemble is a number above 1, got ", options.stretch));
  }

  std::vector<std::vector<double>> begin(const Matrix& starts) const override {
    std::vector<std::vector<double>> states;
    Workspace workspace;
    for (Index k = 0; k < starts.rows(); ++k) {
      const auto row = starts.row(k);
      const LogDensityValue value = density_.evaluate(row.data(), nullptr, workspace);
      std::vector<double> state(row.begin(), row.end());
      put(value, state);
      states.push_back(std::move(state));
    }
    return states;
  }

  void advance(std::vector<std::vector<double>>& states, Index first, Index count, Executor& executor,
               std::vector<std::vector<double>>& rows) const override {
    bool spread = executor.workers() > 1;
    std::vector<char> moved(states.size());
    for (Index step = first; step < first + count; ++step) {
      const RandomStream stream = random_.split(static_cast<std::uint64_t>(step));
      RandomStream order = stream.split("halves");
      const std::vector<Index> walkers = order.permutation(options_.chains);
      const Index half = options_.chains / 2;
      for (int side = 0; side < 2; ++side) {
        const Index* movers = walkers.data() + (side == 0 ? 0 : half);
        const Index* others = walkers.data() + (side == 0 ? half : 0);
        move(states, movers, others, half, stream, executor, spread, moved);
      }
      for (std::size_t k = 0; k < states.size(); ++k) {
        rows[k].insert(rows[k].end(), states[k].begin(), states[k].end());
        rows[k].push_back(moved[k] ? 1.0 : 0.0);
        rows[k].push_back(1.0);
        rows[k].push_back(0.0);
      }
    }
  }

 private:
  static void put(const LogDensityValue& value, std::vector<double>& numbers) {
    numbers.push_back(value.log_prior);
    numbers.push_back(value.log_likelihood);
    numbers.push_back(value.inside_domain ? 1.0 : 0.0);
  }

  /// The state that a mover comes to, preceded by whether it moved.
  std::vector<double> propose(const std::vector<std::vector<double>>& states, Index mover,
                              const Index* others, Index half, const RandomStream& step,
                              Workspace& workspace) const {
    const auto d = static_cast<std::size_t>(density_.size());
    RandomStream stream = step.split(static_cast<std::uint64_t>(mover));
    const std::vector<double>& at = states[static_cast<std::size_t>(mover)];
    const Index partner = others[stream.below(static_cast<std::uint64_t>(half))];
    const std::vector<double>& from = states[static_cast<std::size_t>(partner)];
    // Density of z proportional to 1/sqrt(z) between 1/a and a.
    const double root = (options_.stretch - 1.0) * stream.uniform() + 1.0;
    const double z = root * root / options_.stretch;
    const double accept = stream.uniform();
    std::vector<double> result{1.0};
    for (std::size_t i = 0; i < d; ++i) result.push_back(from[i] + z * (at[i] - from[i]));
    const LogDensityValue value = density_.evaluate(result.data() + 1, nullptr, workspace);
    put(value, result);
    const double gain = static_cast<double>(d - 1) * std::log(z) + value.sum() - (at[d] + at[d + 1]);
    if (std::isfinite(value.sum()) && std::log(accept) < gain) return result;
    result.assign(1, 0.0);
    result.insert(result.end(), at.begin(), at.end());
    return result;
  }

  void move(std::vector<std::vector<double>>& states, const Index* movers, const Index* others, Index half,
            const RandomStream& step, Executor& executor, bool& spread, std::vector<char>& moved) const {
    const std::size_t width = states[0].size() + 1;
    const auto block = [&](Index begin, Index end) {
      const WorkspacePool::Loan workspace(workspaces_);
      std::vector<double> numbers;
      for (Index k = begin; k < end; ++k) {
        const auto result = propose(states, movers[k], others, half, step, *workspace);
        numbers.insert(numbers.end(), result.begin(), result.end());
      }
      return numbers;
    };
    std::vector<double> all;
    if (spread) {
      // The time that blocks took comes with them, so that all processes decide alike.
      const Index blocks = std::min(half, executor.workers());
      double seconds = 0.0;
      for (const Bytes& bytes : executor.map(blocks, [&](Index b) {
             const auto start = std::chrono::steady_clock::now();
             auto numbers = block(b * half / blocks, (b + 1) * half / blocks);
             numbers.push_back(
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
             return to_bytes(numbers);
           })) {
        auto numbers = doubles_from_bytes(bytes);
        seconds += numbers.back();
        all.insert(all.end(), numbers.begin(), numbers.end() - 1);
      }
      spread = seconds > too_short;
    } else {
      all = block(0, half);
    }
    for (Index k = 0; k < half; ++k) {
      const auto mover = static_cast<std::size_t>(movers[k]);
      const auto begin = all.begin() + k * static_cast<std::ptrdiff_t>(width);
      moved[mover] = *begin != 0.0;
      states[mover].assign(begin + 1, begin + static_cast<std::ptrdiff_t>(width));
    }
  }

  const LogDensity& density_;
  SamplingOptions options_;
  RandomStream random_;
  mutable WorkspacePool workspaces_;
};

}  // namespace

std::unique_ptr<Sampler> make_ensemble(const LogDensity& density, const SamplingOptions& options) {
  return std::make_unique<Ensemble>(density, options);
}

}  // namespace ersatz
