#pragma once
// The one interface that all regressors share: immutable settings, fit(data) returns a predictor and a
// summary.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/progress.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/regression/predictor.hpp"

namespace ersatz {

/// What a regressor learns from. Rows of x and y belong together.
struct TrainingData {
  Matrix x;                              ///< n × d
  Matrix y;                              ///< n × p
  std::vector<std::string> input_names;  ///< d, or empty
  /// One unit of x in the user's own, where x was scaled before it came here (d, or empty: all 1). For what
  /// users give and read in their own units: periods and lengths of kernels.
  Vector input_units;
  /// Standard deviation of each value of y where it is known (n × p), else empty.
  Matrix noise_std;
  /// Where the inputs were to lie, both d or both empty: the range of orthogonal polynomials. Empty: the
  /// range of the rows of x.
  Vector input_lower, input_upper;

  /// Throws DataError naming row and column: shapes that disagree, no rows, values that are not finite,
  /// bounds that are not finite or inverted.
  void check() const;
};

/// What a fit runs with.
struct FitContext {
  Executor* executor = nullptr;  ///< null: serial
  RandomStream random{0};
  Progress* progress = nullptr;  ///< null: silent
};

/// What happened during a fit.
struct FitSummary {
  bool usable = true;     ///< the predictor may be used
  bool converged = true;  ///< every iteration met its own stopping rule
  std::string message;    ///< one line
  std::vector<std::string>
      warnings;  ///< duplicates found, jitter added, bounds hit, inputs that do not matter
  /// Named facts for reports: {"lengthscales of output 0", "0.31 1.2"}, {"alpha", "1e-4"}, …
  std::vector<std::pair<std::string, std::string>> facts;
  /// Leave-one-out residuals y - y_(-i), n × p, where the regressor has them in closed form; else empty.
  Matrix leave_one_out;
  /// And the standard deviations that these predictions come with, as those of observed values (the residuals
  /// have noise in them), n × p; else empty.
  Matrix leave_one_out_std;
  double seconds = 0.0;
  std::string settings;  ///< what was chosen among the regressor's settings(); empty: nothing was open
};

struct Fit {
  PredictorPtr predictor;
  FitSummary summary;
};

class Regressor {
 public:
  virtual ~Regressor() = default;
  virtual std::string name() const = 0;      ///< as in a recipe: "gp", "ridge", …
  virtual std::string settings() const = 0;  ///< one line for tables: "matern52, nugget estimated"
  /// Throws DataError on unusable data, NumericalError when the numbers cannot do it.
  virtual Fit fit(const TrainingData& data, const FitContext& context) const = 0;
};

using RegressorPtr = std::shared_ptr<const Regressor>;

/// From the table of trainers in lib/regression/trainers.cpp. Throws UsageError on an unknown name (naming
/// the known ones) or setting.
RegressorPtr make_regressor(const std::string& name, const Settings& settings = {});
std::vector<std::string> regressor_names();  ///< the simplest first

/// A regressor that lives outside of the library: from now on `make_regressor` knows it, in every thread.
/// Throws UsageError when the name is taken. Those of the library stand in the table itself.
using RegressorMaker = RegressorPtr (*)(const Settings& settings);
void register_regressor(const std::string& name, RegressorMaker maker);

}  // namespace ersatz
