#include "campaign/farm_summary.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

std::string percent(double part, double total) {
  char out[16];
  std::snprintf(out, sizeof out, "%5.1f %%", total > 0.0 ? 100.0 * part / total : 0.0);
  return out;
}

std::string use_line(const std::string& name, const ProcessUse& u) {
  char head[64];
  std::snprintf(head, sizeof head, "  %-12s %7ld %9ld", name.c_str(), static_cast<long>(u.workers),
                static_cast<long>(u.runs));
  return text(head, "  ", percent(u.busy, u.total), "  ", percent(u.storage, u.total), "  ",
              percent(u.idle(), u.total), "\n");
}

double busy_share(const ProcessUse& u) { return u.total > 0.0 ? u.busy / u.total : 0.0; }

// All processes, or the first ones, the median and the worst of many.
std::string use_report(const std::vector<ProcessUse>& use) {
  ProcessUse sum;
  sum.workers = 0;
  for (const auto& u : use) {
    sum.workers += u.workers;
    sum.runs += u.runs;
    sum.busy += u.busy;
    sum.storage += u.storage;
    sum.total += u.total;
  }
  std::string out = text(sum.workers, sum.workers == 1 ? " worker: " : " workers: ", "busy ",
                         percent(sum.busy, sum.total), ", waiting for storage ",
                         percent(sum.storage, sum.total), ", idle ", percent(sum.idle(), sum.total), "\n");
  for (auto at = out.find("  "); at != std::string::npos; at = out.find("  ")) out.erase(at, 1);
  if (use.size() == 1) return out;
  out += "  process      workers      runs     busy  storage     idle\n";
  constexpr std::size_t most = 8, first = 4;
  for (std::size_t p = 0; p < (use.size() <= most ? use.size() : first); ++p)
    out += use_line(text(use[p].process), use[p]);
  if (use.size() <= most) return out;
  auto ranked = use;
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return busy_share(a) < busy_share(b); });
  const auto& median = ranked[ranked.size() / 2];
  out += use_line(text(median.process, " (median)"), median);
  return out + use_line(text(ranked[0].process, " (worst)"), ranked[0]);
}

}  // namespace

double ProcessUse::idle() const { return std::max(0.0, total - busy - storage); }

std::string FarmSummary::report() const {
  std::string out = text(done, " of ", runs, " runs done, ", failed, " failed, ", pending, " pending");
  if (kept > 0) out += text(" (", kept, " from before)");
  out += text(" in ", brief(seconds), " s\n");
  std::vector<std::pair<Index, std::string>> common;
  for (const auto& [why, count] : reasons) common.emplace_back(count, why);
  std::stable_sort(common.begin(), common.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < common.size() && i < 5; ++i)
    out += text("  ", common[i].first, " failed: ", common[i].second, "\n");
  if (common.size() > 5) out += text("  and ", common.size() - 5, " other reasons\n");
  if (!use.empty()) out += use_report(use);
  if (end == FarmEnd::stopped) out += "stopped on request\n";
  if (end == FarmEnd::walltime) out += "stopped: the next run might not have ended within the time allowed\n";
  if (!log.empty()) out += text("what is finished stands in ", log, "; go on with --resume\n");
  return out;
}

namespace detail {

using Json = nlohmann::json;

Bytes encode(const ProcessUse& u) {
  return to_bytes({static_cast<double>(u.process), static_cast<double>(u.workers),
                   static_cast<double>(u.runs), u.busy, u.storage, u.total});
}

ProcessUse decode_process_use(const Bytes& bytes) {
  const auto n = doubles_from_bytes(bytes);
  return {static_cast<Index>(n.at(0)),
          static_cast<Index>(n.at(1)),
          static_cast<Index>(n.at(2)),
          n.at(3),
          n.at(4),
          n.at(5)};
}

Bytes encode(const FarmSummary& s) {
  Json use = Json::array();
  for (const auto& u : s.use) use.push_back(doubles_from_bytes(encode(u)));
  Json reasons = Json::array();  // an object's keys would have to be UTF-8
  for (const auto& [why, count] : s.reasons)
    reasons.push_back({std::vector<int>(why.begin(), why.end()), count});
  const Json j = {{"end", static_cast<int>(s.end)},
                  {"runs", s.runs},
                  {"done", s.done},
                  {"failed", s.failed},
                  {"pending", s.pending},
                  {"kept", s.kept},
                  {"reasons", reasons},
                  {"seconds", s.seconds},
                  {"log", std::vector<int>(s.log.begin(), s.log.end())},
                  {"use", use}};
  return j.dump();
}

FarmSummary decode_farm_summary(const Bytes& bytes) {
  const Json j = Json::parse(bytes);
  const auto words = [](const Json& codes) {
    std::string s;
    for (const int c : codes.get<std::vector<int>>()) s.push_back(static_cast<char>(c));
    return s;
  };
  FarmSummary s;
  s.end = static_cast<FarmEnd>(j.at("end").get<int>());
  s.runs = j.at("runs");
  s.done = j.at("done");
  s.failed = j.at("failed");
  s.pending = j.at("pending");
  s.kept = j.at("kept");
  for (const auto& reason : j.at("reasons")) s.reasons[words(reason.at(0))] = reason.at(1);
  s.seconds = j.at("seconds");
  s.log = words(j.at("log"));
  for (const auto& u : j.at("use"))
    s.use.push_back(decode_process_use(to_bytes(u.get<std::vector<double>>())));
  return s;
}

}  // namespace detail
}  // namespace ersatz
