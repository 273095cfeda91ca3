#pragma once
// What decides between models: scores by name, those that ship and a user's own.

#include <functional>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// One output on held-out rows; complex ones by real and imaginary part.
struct ScoreData {
  std::string output;         ///< its name, for messages
  ConstMatrixRef prediction;  ///< n × m
  ConstMatrixRef truth;       ///< n × m
  ConstMatrixRef std;         ///< n × m, or 0 × 0 unless the score asks for it
  Index inputs = 0;           ///< d, the number of parameters
};

/// How the scores of several outputs become one.
enum class OverOutputs { mean, root_mean_square, largest };

struct Score {
  std::string name;   ///< as in --score
  std::string label;  ///< in tables: "NRMSE"
  bool larger_is_better = false;
  /// 0 or more, 0 for a perfect prediction: quotients of two mean something, and it can be extrapolated.
  bool is_error = true;
  bool needs_std = false;
  OverOutputs over = OverOutputs::mean;
  /// NaN: there is none (the truth does not vary). Throws UsageError where the outputs are none that it can
  /// take. Empty: the mismatch, which is of waveforms and not of single outputs.
  std::function<double(const ScoreData&)> value;
};

/// "nrmse": root mean square error over the root mean square of truth minus its mean row. "rmse", in the
/// output's unit. "relative-l2": median over rows of |prediction - truth| / |truth|. "rmsle": root mean
/// square difference of log(1 + y), of outputs from 0; predictions below 0 count as 0. "r2": 1 - nrmse².
/// "adjusted-r2": 1 - (1 - r2) (n - 1) / (n - d - 1), NaN without n > d + 1 rows. "max-error": the largest
/// absolute error. "mismatch": median over rows, of complex outputs. "crps" (Gneiting & Raftery 2007, eq.
/// 21) and "log-score" (negative log density): means over values, of Gaussian predictions. Throws UsageError
/// naming the known ones.
Score find_score(const std::string& name);
std::vector<std::string> score_names();

/// A score from outside of the library: from now on find_score knows it, in every thread. Throws UsageError
/// when the name is taken, or name or function are empty.
void register_score(Score score);

}  // namespace ersatz
