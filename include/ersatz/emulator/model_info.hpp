#pragma once
// What a model file says about itself beside the emulator.

#include <string>
#include <utility>
#include <vector>

#include "ersatz/basis/basis.hpp"
#include "ersatz/core/matrix.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

inline constexpr const char* model_format = "ersatz-emulator";
inline constexpr int model_version = 1;

/// What a report draws of a channel's basis.
struct BasisView {
  std::string axis, axis_unit;  ///< of the bins; empty: they are numbered
  Vector bins;                  ///< places of the bins that are drawn
  Matrix elements;              ///< the first few × bins; real parts of complex ones
  Vector nodes;                 ///< places of the nodes of a basis that interpolates
  /// Relative L2 error (root mean square over the runs) that the first so many elements leave, of runs that
  /// the basis was made from and of runs set aside; the latter empty where there are none. At the last rank
  /// the basis is whole.
  Vector rank, training_error, validation_error;
  BasisErrors errors;  ///< as the basis itself tells, in its own inner product
};

/// One channel of the emulator: what it is made of.
struct ChannelSummary {
  std::string name;
  std::string transform;          ///< "log, center"
  std::string basis;              ///< "pod, 23 elements"
  std::string regressor;          ///< "gp, matern52"
  Index coefficients = 0;         ///< real coefficients that regressors learn
  Index elements = 0;             ///< of the basis, the cut-off among the singular values; 0: no basis
  Vector singular_values;         ///< of all modes seen, descending
  double projection_error = 0.0;  ///< relative L2 error that the basis leaves on held-out folds
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> warnings;
  BasisView basis_view{};
};

struct ModelInfo {
  std::string title;  ///< name of the simulator or of the data
  std::string library_version;
  std::string created;      ///< ISO 8601, UTC
  std::string recipe;       ///< TOML
  std::string recipe_hash;  ///< XXH64 of the recipe's text
  std::string data_hash;    ///< XXH64 of the training runs
  std::string provenance;   ///< of the training data
  Index training_runs = 0;
  Index failed_runs = 0;  ///< in the archive, not trained on
  double training_seconds = 0.0;
  double simulator_seconds = 0.0;  ///< per run, median; NaN where not known
  std::vector<std::string> warnings;
  std::vector<ChannelSummary> channels;
};

void save_model_info(const h5::Group& root, const ModelInfo& info);
ModelInfo load_model_info(const h5::Group& root);

/// Opens a model file for reading; verifies format, version and checksum. Throws StorageError.
h5::File open_model_file(const std::string& path);
/// The same of a file's bytes; `name` stands for it in messages.
h5::File open_model_image(const h5::Bytes& image, const std::string& name);

}  // namespace ersatz
