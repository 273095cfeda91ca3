#include "ersatz/campaign/schedule.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

Schedule::Schedule(std::vector<Index> rows, const ScheduleOptions& options)
    : rows_(std::move(rows)), options_(options) {
  if (options.workers < 1) throw UsageError(text("a schedule for ", options.workers, " workers"));
  if (!(options.divisor >= 1.0))
    throw UsageError(text("a batch of 1/", options.divisor, " of a worker's share"));
}

double Schedule::mean() const {
  const Index runs = ended_ + options_.known_runs;
  return runs > 0 ? (seconds_ + options_.known_seconds) / static_cast<double>(runs) : 0.0;
}

Index Schedule::batch_size() const {
  const auto workers = static_cast<double>(options_.workers);
  const auto known = static_cast<double>(ended_ + options_.known_runs);
  const double trusted = 1.0 + known / workers * (1.0 + known / 1000.0);
  const double cost = std::max(mean(), 1e-9);
  const double turn = options_.message * workers;  // process 0 serves each worker once
  const double guided = static_cast<double>(waiting()) / (options_.divisor * workers);
  const double least = std::max(options_.shortest, turn) / cost;
  const double most = std::max({options_.longest, 4.0 * turn, options_.shortest}) / cost;
  const double size = std::min({std::clamp(guided, std::min(least, most), most), trusted, 1e6});
  return std::min(std::max<Index>(static_cast<Index>(size), 1), waiting());
}

std::optional<Batch> Schedule::hand_out() {
  if (stopped_ || waiting() == 0 || out() >= options_.workers) return std::nullopt;
  const Index size = batch_size();
  Batch batch{number_++, {rows_.begin() + next_, rows_.begin() + next_ + size}};
  next_ += size;
  batches_.emplace(batch.number, size);
  return batch;
}

void Schedule::book(Index number, Index ended, double seconds) {
  const auto batch = batches_.find(number);
  if (batch == batches_.end()) throw Error(text("batch ", number, " came back, which is not out"));
  if (ended < 0 || ended > batch->second)
    throw Error(text("batch ", number, " had ", batch->second, " rows, ", ended, " came back"));
  batches_.erase(batch);
  ended_ += ended;
  seconds_ += seconds;
}

}  // namespace ersatz
