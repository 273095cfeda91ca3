#pragma once
// Parts of the loop in learn.cpp. Not installed.

#include <string>
#include <vector>

#include "ersatz/campaign/learn.hpp"

namespace ersatz::detail {

/// Squared errors (weighted, see error_weights) of single runs, and emulators that did not know them.
struct Folds {
  Vector squared;  ///< one per completed run
  std::vector<Emulator> emulators;
};
Folds cross_validate(const Archive& runs, const Recipe& recipe, Index folds, const FitContext& context);

/// One per run of `test` (all completed), weighted.
Vector squared_errors(const Emulator& emulator, const Archive& test, const Vector& weights,
                      Executor& executor);

/// error, error_upper and error_p95 from squared errors.
void summarise(const Vector& squared, double confidence, LearnRound& round);

/// LearnRound::gain from the shares of variance that the choices of a batch take away, one after the other;
/// NaN where they are.
double gain_of_shares(const std::vector<double>& shares);
/// The same for the next `batch` simulations along a power law through the errors of all rounds, whose last
/// is now; NaN with fewer than five, or where there is no error.
double gain_of_errors(const std::vector<LearnRound>& rounds, Index batch);

/// A campaign's files, on process 0; in memory all calls do nothing.
class LearnFiles {
 public:
  explicit LearnFiles(const LearnOptions& options) : options_(options) {}

  std::string batch() const { return beside(".batch.h5"); }
  std::string test() const { return beside(".test.h5"); }
  std::string history() const { return beside(".history.h5"); }

  /// The runs of before, none where there are none. Throws UsageError when files are in the way.
  Archive open(const Simulator& simulator) const;
  /// Removes what is left of a batch that is in the archive already.
  void tidy(const Archive& archive) const;
  /// Throws UsageError where a batch is under way: asynchronous campaigns know none after their start.
  void refuse_batch() const;
  void store(const Archive& archive) const;
  std::vector<LearnRound> load_history() const;
  void store(const std::vector<LearnRound>& history) const;

 private:
  std::string beside(const char* ending) const {
    return options_.archive.empty() ? std::string() : options_.archive + ending;
  }
  const LearnOptions& options_;
};

/// Rounds on their way between processes.
Bytes encode(const std::vector<LearnRound>& rounds);
std::vector<LearnRound> decode_rounds(const Bytes& bytes);

/// Rows of `more` behind those of `archive`.
void append(Archive& archive, const Archive& more);
/// What process 0 has, on all. The others' archives need their space, axes and outputs; rows are overwritten.
void share(Archive& archive, Executor& executor);

}  // namespace ersatz::detail
