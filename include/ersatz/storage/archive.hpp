#pragma once
// Simulations in memory and on disk: parameters, several named outputs on named axes, per-run status.

#include <cstdint>
#include <string>
#include <vector>

#include "ersatz/core/axis.hpp"
#include "ersatz/core/parameter_space.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

enum class RunStatus : std::int64_t { pending = 0, done = 1, failed = 2 };

/// A value: all rows in memory. Rows of outputs whose run is not done are NaN.
struct Archive {
  ParameterSpace space;
  Matrix parameters;  ///< n × d
  std::vector<Axis> axes;
  std::vector<OutputSpec> outputs;
  std::vector<Matrix> values;         ///< one per output: n × width (complex interleaved)
  std::vector<RunStatus> status;      ///< n
  std::vector<std::string> messages;  ///< n; why a run failed
  std::vector<double> seconds;        ///< n; what each run took, NaN where not known
  std::string provenance;             ///< who made it: command line, version, date

  Index size() const { return parameters.rows(); }
  Index count(RunStatus which) const;
  const Axis& axis(const std::string& name) const;    ///< throws DataError
  Index output_index(const std::string& name) const;  ///< throws UsageError naming the known ones

  /// The rows that are done, in order.
  Archive completed() const;
  Archive subset(const std::vector<Index>& rows) const;
  /// Throws DataError naming dataset, row and column of the first thing that is wrong: shapes that disagree,
  /// values that are not finite in a run marked done, duplicate names, axes that are not strictly monotonic.
  void check() const;
  /// XXH64 over parameters and values of the completed runs, as 16 hexadecimal digits.
  std::string data_hash() const;
};

/// Weights that make squared errors of all outputs comparable: for each output that varies among the runs
/// 1 / (k × the mean over rows of |row - mean row|²), k the number of such outputs. The weighted square of an
/// error, averaged over points, is then the mean over outputs of NRMSE². Outputs that do not vary: 0.
Vector error_weights(const Archive& runs);

/// Reads docs/file-formats.md's archive (ours or h5py's). Throws StorageError on a foreign, truncated, newer
/// or corrupted file, DataError on one whose content does not fit together.
Archive read_archive(const std::string& path);
/// One output of an archive, read by blocks of rows, for archives larger than memory. Values are not checked.
class ArchiveRows {
 public:
  /// Throws as read_archive does, and UsageError where there is no such output.
  ArchiveRows(const std::string& path, const std::string& output);
  Index rows() const { return static_cast<Index>(done_.size()); }  ///< completed runs
  Index width() const { return width_; }                           ///< doubles per row: complex interleaved
  bool complex() const { return complex_; }
  /// The completed runs first, first + 1, … into the rows of `block`. Safe for concurrent calls.
  void read(Index first, MatrixRef block) const;

 private:
  h5::Group root_;
  std::string dataset_;
  std::vector<Index> done_;
  Index width_ = 0;
  bool complex_ = false;
};
/// Writes atomically.
void write_archive(const std::string& path, const Archive& archive);

}  // namespace ersatz
