#pragma once
// The exact Gaussian process whose covariance matrix is spread over the ranks of a communicator: n²/ranks
// doubles on each, so that n is bounded by the memory of all nodes, not of one.

#include <memory>

#include "ersatz/parallel/communicator.hpp"
#include "ersatz/regression/gp/gp.hpp"

namespace ersatz {

/// How the matrix is laid out. The defaults suit one rank for each core, or one for each node with `threads`.
struct DistributedGpLayout {
  /// Blocks of block × block elements are dealt out over a grid of rows × columns ranks (Blackford et al.
  /// 1997, chapter 4). 0: by n and the number of ranks.
  Index block = 0;
  /// 0: as near to a square as uses most ranks (no side more than four times the other; of 5 ranks 2 × 2, of
  /// 7 2 × 3). Ranks beyond the grid hold nothing, but take part in the calls.
  int rows = 0, columns = 0;
  int threads = 1;  ///< of each rank, for kernel values and BLAS
};

/// A fitted process. Immutable; all calls are const, and collective where not said otherwise: every rank
/// makes them, in the same order, with the same arguments. Keeps a copy of the communicator, so it has to go
/// before MPI_Finalize.
///
/// What it computes is what the exact process of gp.hpp computes, by the same code but for the matrix: value
/// and gradient of the likelihood at given hyperparameters agree to rounding times the condition of the
/// matrix, and so do predictions. All ranks get the same bits; another number of ranks gives others, so a
/// search may end at hyperparameters that differ within its stopping rule.
class DistributedGp {
 public:
  /// Every rank has all of the data: n (d + p) doubles. One output after the other is fitted, on all ranks
  /// (`options.shared`: all at once, one matrix). Memory of a rank: n²/ranks doubles during the search, and
  /// as many for every correlation afterwards. Costs ranks-th of the flops of the serial process;
  /// docs/distributed-gp.md has the model and what was measured.
  ///
  /// options.method is "exact" or "auto", which here mean the same, and options.likelihood is restricted or
  /// profile, else UsageError. context.executor is not used. Throws DataError where ranks disagree about
  /// data, options or seed, on values that are not finite and on what the serial fit refuses; NumericalError
  /// where no hyperparameters give a positive definite matrix even with jitter. Whatever is thrown, is thrown
  /// on all ranks.
  static DistributedGp fit(const GpOptions& options, const TrainingData& data, const Communicator& comm,
                           const FitContext& context = {}, const DistributedGpLayout& layout = {});

  const FitSummary& summary() const;
  Index inputs() const;
  Index outputs() const;

  /// X (q × d), mean and variance (q × p) are whole on every rank. Points are taken `batch` at a time: memory
  /// n × batch / (rows of the grid) doubles. n² flops for each point and correlation over all ranks.
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise = Noise::latent,
                         Index batch = 256) const;

  /// Means and their derivatives, without variances: n (d + p) doubles that every rank has anyway. Not
  /// collective; for use anywhere, in any thread, after MPI_Finalize too. Can be saved and loaded as any
  /// other: the file says nothing of variances, and asking for them is a UsageError.
  PredictorPtr means() const;

  /// The whole process on rank 0, as the serial fit would have given it, and null on the others. n²/2 doubles
  /// for each correlation there (n = 50 000: 10 GB); where that is too much, throws Error on all ranks.
  PredictorPtr gather() const;

 private:
  struct State;
  explicit DistributedGp(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace ersatz
