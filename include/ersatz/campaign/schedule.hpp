#pragma once
// Which rows of a design go out together, and when: the books of the simulation farm. No clock, no threads,
// no messages; docs/farm.md shows what it reaches, simulated with up to 65 536 workers.

#include <map>
#include <optional>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

struct ScheduleOptions {
  Index workers = 1;
  /// A batch is at most 1/divisor of a worker's even share of the rows that are left (guided
  /// self-scheduling: Polychronopoulos and Kuck 1987; with 2, half of the rows go out in the time in which
  /// all workers ask once, as in Hummel, Schonberg and Flynn 1992).
  double divisor = 2.0;
  /// Batches expected to be shorter than this are not worth their message.
  double shortest = 0.02;
  /// Seconds that process 0 needs for one batch (hand it out, book its results): batches are so long that it
  /// can serve all workers in turn, and four times as long where there are rows enough.
  double message = 2e-5;
  /// No batch is expected to be longer, unless process 0 could not keep up.
  double longest = 1.0;
  /// What is known of the costs of rows from before: how many, their seconds in all.
  Index known_runs = 0;
  double known_seconds = 0.0;
};

/// Rows handed out together, in order; a worker runs them one after the other.
struct Batch {
  Index number = 0;
  std::vector<Index> rows;
};

/// Hands out each row once, in order. A batch is one row until costs are known, then grows with the number of
/// runs seen for each worker: the cheapest come back first, and are no measure of the others.
class Schedule {
 public:
  Schedule(std::vector<Index> rows, const ScheduleOptions& options);

  /// The next batch for a worker that is free. Empty when every worker has one, when no rows are left, or
  /// after stop().
  std::optional<Batch> hand_out();
  /// A batch came back: `ended` of its rows have run, in `seconds` of their own. Throws Error for a batch
  /// that is not out, and for more rows than it had.
  void book(Index number, Index ended, double seconds);
  /// Nothing is handed out any more.
  void stop() { stopped_ = true; }

  Index waiting() const { return static_cast<Index>(rows_.size()) - next_; }  ///< rows never handed out
  Index out() const { return static_cast<Index>(batches_.size()); }           ///< batches under way
  Index ended() const { return ended_; }
  /// The expected seconds of a run; 0 while nothing is known.
  double mean() const;

 private:
  Index batch_size() const;

  std::vector<Index> rows_;
  ScheduleOptions options_;
  std::map<Index, Index> batches_;  ///< rows in each batch under way, by number
  Index next_ = 0, number_ = 0, ended_ = 0;
  double seconds_ = 0.0;
  bool stopped_ = false;
};

}  // namespace ersatz
