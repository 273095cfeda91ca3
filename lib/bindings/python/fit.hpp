#pragma once
// Training from arrays, and models to files and bytes.

#include "arrays.hpp"

namespace ersatz::python {

/// What fit() takes besides the arrays; None: the default.
struct FitOptions {
  std::optional<std::vector<std::string>> names, units, scales;
  std::optional<Rows> bounds;  ///< d × 2
  py::object axis;             ///< bins, or a dictionary of them by output
  std::string recipe;          ///< TOML, or the name of a file of it
  std::optional<std::string> regressor;
  std::optional<double> test_fraction;
  std::uint64_t seed = 0;
  int threads = 0;
};

/// X: n × d. Y: n values, n × bins, or a dictionary of such by the outputs' names. Rows with a NaN in any
/// output are failed runs. The GIL is released while it learns.
Model fit(const Rows& X, const py::object& Y, const FitOptions& options);

void save(const Model& model, const std::string& path, bool overwrite);
py::bytes to_bytes(const Model& model);
Model from_bytes(const py::bytes& bytes);

/// Scores on runs set aside by output and name; None where there are none.
py::object scores(const Model& model);

}  // namespace ersatz::python
