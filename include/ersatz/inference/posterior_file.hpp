#pragma once
// A posterior as a TOML file; docs/inference.md describes it.

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "ersatz/inference/posterior.hpp"

namespace ersatz {

/// Where the data of one output stand.
struct DataFile {
  std::string file;                 ///< a table, see read_table
  std::string output;               ///< empty: the only output of the model
  std::vector<std::string> values;  ///< column; complex: real and imaginary part. Empty: found by name
  std::vector<std::string> errors;  ///< columns of deviations, or
  double deviation = 0.0;           ///< the same for all, or
  std::string covariance;           ///< a table of their covariance, rows as those of the file
  std::string axis;                 ///< column of the coordinate; empty: rows are the bins in order
  std::string mask;                 ///< column; where it is 0 the row does not count
  std::vector<std::pair<double, double>> exclude;  ///< ranges of the axis that do not count
};

struct PosteriorFile {
  std::vector<DataFile> data;
  std::variant<GaussianOptions, WaveformOptions> likelihood;
  std::map<std::string, PriorPtr> priors;  ///< of parameters and nuisance parameters
  std::vector<std::string> inputs;         ///< the files that it names
};

/// Throws StorageError when the file, or one that it names, cannot be read; UsageError naming file, line and
/// key for what is missing, unknown or of the wrong type.
PosteriorFile read_posterior_file(const std::string& path);
PosteriorFile posterior_file_from_toml(const std::string& toml, const std::string& where);

/// Reads the data for a model. Columns that are not named are found: `value` or the output's name (complex:
/// those with _re and _im), `error`, the name of the axis. Throws DataError naming file, row and column where
/// an axis value is no bin of the model (to 1e-6 of a bin's width), or a bin comes twice; where ranges are
/// excluded and none holds a row; or where there are no errors and `errors` are needed. Without, none are
/// read, and UsageError is thrown where the configuration names some.
Observation read_observation(const std::vector<DataFile>& data, const ForwardModel& model,
                             bool errors = true);

std::shared_ptr<const Posterior> build_posterior(const PosteriorFile& file, ForwardModelPtr model);
/// With data that were read before: of this model, or of another one with the same outputs.
std::shared_ptr<const Posterior> build_posterior(const PosteriorFile& file, const Observation& observation,
                                                 ForwardModelPtr model);
/// read_observation with the errors that the file's likelihood needs.
Observation observation_of(const PosteriorFile& file, const ForwardModel& model);
std::shared_ptr<const Posterior> build_posterior(const PosteriorFile& file, Emulator emulator);

}  // namespace ersatz
