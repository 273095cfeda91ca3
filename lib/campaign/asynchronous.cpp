// A new point whenever one has ended: the points are the same whatever the order in which runs end.
//
// With `batch` points under way, point k is chosen from the runs before k - batch + 1 (at least from the
// start), and those after them count as under way, also where they have ended. So what is chosen depends on
// numbers and not on times. The archive is written whenever a run has ended, with those under way as pending.

#include <algorithm>
#include <exception>

#include "campaign/batch_runner.hpp"
#include "campaign/books.hpp"
#include "campaign/learner.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::detail {
LearnResult Learner::run_asynchronously() {
  std::exception_ptr error;
  std::optional<Verdict> verdict;
  try {
    const auto queue = executor_.open([this](const Bytes& point) { return simulate_point(point); });
    if (executor_.process() != 0) {
      queue->next();
    } else {
      team_ = &executor_.local();
      verdict = lead(*queue);
    }
  } catch (...) {
    error = std::current_exception();
  }
  team_ = &executor_;
  const Bytes end = executor_.share([&] {
    if (error) std::rethrow_exception(error);
    return verdict ? static_cast<char>(verdict->end) + verdict->why : Bytes();
  });
  share(archive_, executor_);
  history_ = decode_rounds(executor_.share([&] { return encode(history_); }));
  if (end.empty()) return stopped();
  // With what was under way when the end was decided on.
  if (history_.empty() || history_.back().runs < archive_.size()) {
    const LearnRound last = assess(archive_.size());
    note(last);
    if (static_cast<LearnEnd>(end[0]) == LearnEnd::budget) return result(*this->verdict(last));
  }
  return result({static_cast<LearnEnd>(end[0]), end.substr(1)});
}

Index Learner::known_for_next() const {
  return std::max(options_.start, archive_.size() - options_.batch + 1);
}

std::optional<Verdict> Learner::lead(TaskQueue& queue) {
  const auto is_pending = [&](Index i) {
    return archive_.status[static_cast<std::size_t>(i)] == RunStatus::pending;
  };
  const auto stopping = [&] { return options_.stop != nullptr && options_.stop->load(); };
  for (Index i = 0; i < archive_.size(); ++i)
    if (is_pending(i)) submit(queue, i);
  std::optional<Verdict> end;
  Index ended = 0;  // all runs before it have
  for (;;) {
    while (ended < archive_.size() && !is_pending(ended)) ++ended;
    while (!end && !stopping() && ended >= std::min(known_for_next(), options_.budget)) {
      end = choose_next();
      if (!end) submit(queue, archive_.size() - 1);
    }
    const auto finished = queue.next();
    if (!finished) break;
    for (const RunRecord& record : decode_records(finished->second))
      if (record.status != RunStatus::pending) take(archive_, record);
    files_.store(archive_);
  }
  if (archive_.count(RunStatus::pending) > 0) return std::nullopt;
  if (!end && stopping()) return std::nullopt;
  return end;
}

std::optional<Verdict> Learner::choose_next() {
  if (archive_.size() >= options_.budget) return Verdict{LearnEnd::budget, "the budget is spent"};
  const Index known = known_for_next();
  const bool anew = !assessed_ || assessed_->runs != known;
  if (anew) assessed_ = assess(known);
  LearnRound round = *assessed_;
  std::optional<Verdict> end = verdict(round);
  if (!end) {
    const Matrix point = choose(1, round);
    end = not_worth_it(round);
    if (!end) {
      const Campaign campaign{"", archive_.space, archive_.axes, archive_.outputs, point};
      append(archive_, empty_archive(campaign, archive_.provenance));
    }
  }
  if (anew) note(round);
  return end;
}

void Learner::submit(TaskQueue& queue, Index row) const {
  std::vector<double> numbers{static_cast<double>(row)};
  numbers.insert(numbers.end(), archive_.parameters.row(row).begin(), archive_.parameters.row(row).end());
  queue.submit(row, to_bytes(numbers));
}

Bytes Learner::simulate_point(const Bytes& point) const {
  const auto stopping = [&] { return options_.stop != nullptr && options_.stop->load(); };
  const std::vector<double> numbers = doubles_from_bytes(point);
  const auto d = static_cast<Index>(numbers.size()) - 1;
  RunRecord record;
  record.status = RunStatus::pending;
  if (!stopping())
    record = run_row(simulator_, Eigen::Map<const Matrix>(numbers.data() + 1, 1, d), 0, options_.retries,
                     options_.stop);
  // A run that fails after the signal was ended by it.
  if (record.status != RunStatus::done && stopping()) record.status = RunStatus::pending;
  record.row = static_cast<Index>(numbers[0]);
  Bytes bytes;
  append_record(bytes, record);
  return bytes;
}

}  // namespace ersatz::detail
