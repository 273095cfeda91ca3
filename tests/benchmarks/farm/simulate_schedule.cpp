// The farm's scheduler with simulated clocks: the very class that hands out runs (campaign/schedule.hpp), at
// any number of workers, with log-normal costs. Workers, messages and process 0 are events; process 0 is a
// server that takes messages one after the other.
//
//   farm_simulation                              the whole table, as CSV (two minutes)
//   farm_simulation --workers 1024 --runs 100 --mean 1 --sigma 1 --policy batched
//
// Times are seconds. Columns: efficiency = time spent in runs / (workers × duration); possible = what no
// schedule could exceed, as a run cannot be split; tail = from the moment when no row was left to hand out to
// the end; load = share of the duration for which process 0 was busy; waited = longest that a worker waited
// for process 0.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "ersatz/campaign/schedule.hpp"

namespace {

using ersatz::Index;
using ersatz::Schedule;
using ersatz::ScheduleOptions;

struct Case {
  Index workers = 1024;
  Index runs_per_worker = 100;
  double mean = 1.0;
  double sigma = 1.0;  ///< of the logarithm; 1.05: 99.9% of the costs lie within a factor of 1000
  double service = 1e-5, latency = 1e-3;
  /// single: one run per request; prefetch: and one waiting at each worker; free: single, and messages cost
  /// nothing.
  std::string policy = "batched";
};

struct Outcome {
  double duration = 0.0, efficiency = 0.0, possible = 0.0, tail = 0.0, load = 0.0, rate = 0.0, waited = 0.0;
  Index batches = 0;
};

struct Event {
  double time, seconds;  ///< when a batch is back at process 0; what its runs took
  Index worker, batch, runs;
  bool operator>(const Event& other) const {
    return time != other.time ? time > other.time : batch > other.batch;
  }
};

std::vector<double> costs_of(const Case& c) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(0.0, c.sigma);
  std::vector<double> costs(static_cast<std::size_t>(c.workers * c.runs_per_worker));
  for (auto& cost : costs) cost = c.mean * std::exp(normal(random) - 0.5 * c.sigma * c.sigma);
  return costs;
}

Outcome simulate(const Case& c) {
  const auto costs = costs_of(c);
  const double total = std::accumulate(costs.begin(), costs.end(), 0.0);
  std::vector<Index> rows(costs.size());
  std::iota(rows.begin(), rows.end(), Index{0});
  ScheduleOptions options;
  options.workers = c.workers;
  if (c.policy != "batched") options.shortest = options.message = options.longest = 0.0;
  Schedule schedule(std::move(rows), options);

  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  Outcome o;
  double server = 0.0, last_handed = 0.0;  // process 0 is free from then on
  const auto send = [&](Index worker) {
    auto batch = schedule.hand_out();
    if (!batch) return;
    ++o.batches;
    if (schedule.waiting() == 0) last_handed = server;
    double seconds = 0.0;
    for (const Index row : batch->rows) seconds += costs[static_cast<std::size_t>(row)];
    events.push({server + seconds + 2.0 * c.latency, seconds, worker, batch->number,
                 static_cast<Index>(batch->rows.size())});
  };
  for (Index w = 0; w < c.workers; ++w) {
    server += 0.5 * c.service;  // nothing comes back yet
    send(w);
  }
  double busy = server;
  while (!events.empty()) {
    const Event event = events.top();
    events.pop();
    o.waited = std::max(o.waited, server - event.time);
    server = std::max(server, event.time) + c.service;
    busy += c.service;
    schedule.book(event.batch, event.runs, event.seconds);
    send(event.worker);
    o.duration = server;
  }
  if (schedule.ended() != static_cast<Index>(costs.size())) {
    std::fprintf(stderr, "%ld of %zu rows ran\n", static_cast<long>(schedule.ended()), costs.size());
    std::exit(1);
  }
  const double even = total / static_cast<double>(c.workers);
  o.efficiency = even / o.duration;
  o.possible = even / std::max(even, *std::max_element(costs.begin(), costs.end()));
  o.tail = o.duration - last_handed;
  o.load = busy / o.duration;
  o.rate = 2.0 * static_cast<double>(o.batches) / o.duration;
  return o;
}

void print_header() {
  std::printf(
      "policy,workers,runs_per_worker,mean,sigma,service,latency,duration,efficiency,possible,tail,load,"
      "messages_per_second,batches,waited\n");
}

void print(const Case& c) {
  const Outcome o = simulate(c);
  std::printf("%s,%ld,%ld,%g,%g,%g,%g,%.5g,%.4f,%.4f,%.4g,%.4f,%.4g,%ld,%.3g\n", c.policy.c_str(),
              static_cast<long>(c.workers), static_cast<long>(c.runs_per_worker), c.mean, c.sigma, c.service,
              c.latency, o.duration, o.efficiency, o.possible, o.tail, o.load, o.rate,
              static_cast<long>(o.batches), o.waited);
  std::fflush(stdout);
}

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "farm_simulation [--workers N] [--runs PER_WORKER] [--mean S] [--sigma S] [--service S]\n"
               "                [--latency S] [--policy single|batched|free]\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  Case c;
  bool one = false;
  if (argc % 2 == 0) usage();
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i], value = argv[i + 1];
    const double number = std::atof(argv[i + 1]);
    if (key == "--workers")
      c.workers = static_cast<Index>(number), one = true;
    else if (key == "--runs")
      c.runs_per_worker = static_cast<Index>(number), one = true;
    else if (key == "--mean")
      c.mean = number, one = true;
    else if (key == "--sigma")
      c.sigma = number, one = true;
    else if (key == "--service")
      c.service = number;
    else if (key == "--latency")
      c.latency = number;
    else if (key == "--policy" && (value == "single" || value == "batched" || value == "free"))
      c.policy = value, one = true;
    else
      usage();
  }
  print_header();
  if (one) {
    if (c.policy == "free") c.service = c.latency = 0.0;
    print(c);
    return 0;
  }
  const auto all_sizes = [&] {
    for (const Index workers : {2, 16, 64, 256, 1024, 4096, 16384, 65536}) {
      c.workers = workers;
      print(c);
    }
  };
  const Case given = c;
  c.policy = "free";
  c.service = c.latency = 0.0;
  all_sizes();
  c = given;
  for (const double mean : {0.01, 0.1, 1.0})
    for (const char* policy : {"batched", "single"}) {
      c.mean = mean;
      c.policy = policy;
      all_sizes();
    }
  return 0;
}
