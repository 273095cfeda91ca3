#pragma once
// Proper orthogonal decomposition: the orthonormal elements that leave least of the snapshots.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/basis/basis.hpp"
#include "ersatz/core/executor.hpp"

namespace ersatz {

/// Snapshots that need not be in memory: rows of `width` doubles (complex interleaved), read by blocks.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  virtual Index rows() const = 0;
  virtual Index width() const = 0;
  virtual bool complex() const = 0;
  /// Fills `block` with the rows first, first + 1, …. The same rows are the same numbers every time; methods
  /// with several passes, and with an executor of several workers, read them again and at the same time.
  virtual void read(Index first, MatrixRef block) const = 0;
};
using SnapshotSourcePtr = std::shared_ptr<const SnapshotSource>;

/// Rows that a function computes.
SnapshotSourcePtr generated_snapshots(Index rows, Index width, bool complex,
                                      std::function<void(Index first, MatrixRef block)> fill);
/// The completed runs of /outputs/NAME of an archive, which stays open.
SnapshotSourcePtr archive_snapshots(const std::string& path, const std::string& output);

enum class PodMethod {
  automatic,   ///< exact where that is cheap, randomised where the rank is small, streaming beyond memory
  exact,       ///< LAPACK's singular value decomposition
  randomised,  ///< range finder that grows until its error estimate meets the tolerance
  streaming    ///< one pass, block by block; memory for a block and the elements
};
const char* to_string(PodMethod method);
PodMethod pod_method_from_string(const std::string& name);  ///< throws UsageError

/// What the tolerance bounds.
enum class PodTolerance {
  whole,  ///< the relative error of all snapshots together: the square root of the energy cut off
  worst   ///< the error of the worst snapshot, relative to the root mean square norm of all
};

/// How the elements lie in their span, which is the same for all.
enum class PodRotation {
  none,    ///< as they come: each holds most of what those before leave, and has a say in every bin
  varimax  ///< turned so that each is concentrated on few bins: Σ |entry|⁴ is largest (Kaiser 1958; for
           ///< orthonormal elements his criterion and quartimax are one). Coefficients are then about what
           ///< happens in one place, and depend on fewer inputs where these act in places
};
const char* to_string(PodRotation rotation);
PodRotation pod_rotation_from_string(const std::string& name);  ///< throws UsageError

struct PodOptions {
  PodMethod method = PodMethod::automatic;
  double tolerance = 1e-7;  ///< from 0 (all that double precision resolves) to below 1
  PodTolerance tolerance_of = PodTolerance::whole;
  Index max_rank = 0;                        ///< never more elements, tolerance met or not; 0: no limit
  bool centred = false;                      ///< subtract the mean snapshot; it becomes the basis' offset
  Vector weights;                            ///< of the inner product, one per bin, positive; empty: all 1
  PodRotation rotation = PodRotation::none;  ///< of the elements that are kept, after the truncation
  Index folds = 0;                           ///< of the cross-validation of what new rows lose; 0: none
  Index block_rows = 0;                      ///< rows read at a time by the streaming method; 0: about 4 MB
  std::uint64_t seed = 0;                    ///< of the randomised method
  double memory_limit = 2e9;                 ///< bytes; "automatic" streams sources that are larger
  Executor* executor = nullptr;  ///< null: serial. Results have the same bits on any number of threads
};

struct PodSummary {
  PodMethod method = PodMethod::exact;
  std::string reason;           ///< why this method
  Index passes = 0;             ///< over the snapshots
  double bytes = 0.0;           ///< working memory beside the snapshots, about
  double error_estimate = 0.0;  ///< relative error of the whole set, as the method knows it: see fit_pod
  double rounding_level = 0.0;  ///< relative error below which rounding decides
  bool tolerance_met = false;
  std::string message;  ///< in words, for people
};

struct Pod {
  bool complex = false;
  Matrix elements;         ///< r × width, complex interleaved, orthonormal in the weighted inner product
  Vector singular_values;  ///< descending, of all modes that were computed: r or more. Element k belongs to
                           ///< value k unless they are rotated; then elements are in the order of the
                           ///< variance of their coefficients
  PodRotation rotation = PodRotation::none;
  Vector offset;   ///< the mean snapshot where centred, else empty
  Vector weights;  ///< as in the options
  Index snapshots = 0;
  double energy = 0.0;       ///< Σ ‖row - offset‖²
  double lost = 0.0;         ///< of the energy, what the singular values do not hold
  Matrix residual_modes;     ///< as in Basis: by cross-validation, or of the snapshots themselves where
  Vector residual_variance;  ///< there are fewer than two rows to a fold. Empty where `folds` is 0: then
                             ///< the basis takes what it leaves out for nothing
  BasisErrors errors;
  PodSummary summary;

  Index rank() const { return elements.rows(); }
  BasisPtr basis() const;
};

/// Decomposes snapshots, n × width (complex interleaved). Truncates at the smallest rank that meets the
/// tolerance, and at max_rank.
///
/// exact: singular values to rounding; n m min(n, m) operations. The error estimate is the error itself.
///
/// randomised (after Halko, Martinsson & Tropp 2011, algorithm 4.2 with the estimate of section 4.3 taken in
/// the Frobenius norm): starts from the space of a few random snapshots, and grows by blocks Aᴴ A Ω until the
/// residual of the projected Gaussian probes Ω (‖A Ω‖² / probes, whose expectation is ‖residual‖²) falls
/// below a twentieth of the tolerance, so that the error at the chosen rank is within one percent
/// of the optimum. With max_rank: subspace iterations until what is cut off changes by less than 0.2%. The
/// error estimate is that of the probes together with the modes cut off. 2 n m (rank + 30) operations. Falls
/// back to exact, and says so, where the rank turns out to be more than half of the smaller side.
///
/// streaming (block-incremental SVD, Brand 2006, Baker et al. 2012): what is dropped on the way is summed; as
/// the Gram matrix is the sum of what is kept and what was dropped, error² ≤ dropped + cut off at the end,
/// which is the error estimate. One pass; one more for the worst snapshot or for folds, which keeps the
/// coefficients of all rows (n × rank).
///
/// Throws UsageError on options that make no sense, DataError where there are no snapshots or one is not
/// finite (which one).
Pod fit_pod(ConstMatrixRef snapshots, bool complex, const PodOptions& options = {});
Pod fit_pod(const SnapshotSource& snapshots, const PodOptions& options = {});

/// The POD of the joined snapshots of several runs, from their elements and singular values, without the
/// snapshots. Its error is that of the parts together with what is cut off here: parts should be more exact
/// than `options.tolerance`. Parts must agree in width, complexity, weights, and all be centred or none.
/// Parts that are rotated have lost which value belongs to which element, and are a UsageError.
Pod merge_pods(const std::vector<Pod>& parts, const PodOptions& options = {});
/// A fitted or loaded basis as something to merge. Throws UsageError for one that is not a POD, or rotated.
Pod pod_of(const Basis& basis);

/// Sets the validation errors to those of snapshots that the elements were not made from.
void validate_pod(Pod& pod, ConstMatrixRef snapshots);

}  // namespace ersatz
