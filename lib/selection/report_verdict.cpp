#include "selection/report_verdict.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "selection/report_text.hpp"

namespace ersatz::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLow68 = 0.55, kHigh68 = 0.85, kLow95 = 0.88, kHigh95 = 0.995;
constexpr double kGoodNrmse = 0.2, kPoorNrmse = 0.5;
constexpr Index kFewRuns = 20;

std::string count(Index n, const std::string& one, const std::string& many) {
  return number(static_cast<double>(n), 6) + " " + (n == 1 ? one : many);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string s;
  for (const std::string& part : parts) s += (s.empty() ? "" : "; ") + part;
  return s;
}

/// The largest finite value of a score and the output that has it.
struct Largest {
  double value = kNaN;
  std::string output;
};
Largest largest(const std::vector<OutputScores>& outputs, double OutputScores::*score) {
  Largest found;
  for (const OutputScores& o : outputs)
    if (std::isfinite(o.*score) && !(o.*score <= found.value)) found = {o.*score, o.name};
  return found;
}

struct Accuracy {
  Level level = Level::unknown;
  std::string reason;  ///< why not good
  std::string clause;  ///< of the sentence
  Finding finding;
};

Accuracy judge_accuracy(const Validation& v) {
  std::vector<std::string> rough, poor, constant;
  std::size_t known = 0;
  for (const OutputScores& o : v.outputs) {
    const Level level = accuracy_of(o);
    known += level != Level::unknown;
    if (level == Level::care) rough.push_back(o.name);
    if (level == Level::poor) poor.push_back(o.name);
    if (level == Level::unknown) constant.push_back(o.name);
  }
  const bool several = v.outputs.size() > 1;
  const Largest typical = largest(v.outputs, &OutputScores::median_relative_l2);
  const Largest tail = largest(v.outputs, &OutputScores::p95_relative_l2);
  const Largest left_over = largest(v.outputs, &OutputScores::nrmse);
  double smallest = typical.value;
  for (const OutputScores& o : v.outputs)
    if (accuracy_of(o) != Level::unknown && o.median_relative_l2 < smallest) smallest = o.median_relative_l2;
  Accuracy a;
  a.level = known == 0                        ? Level::unknown
            : poor.size() == known            ? Level::poor
            : !poor.empty() || !rough.empty() ? Level::care
                                              : Level::good;
  if (a.level == Level::poor)
    a.reason = several ? "no output is reproduced" : "the output is not reproduced";
  else if (!poor.empty())
    a.reason = listing(poor) + (poor.size() == 1 ? " is" : " are") + " not reproduced";
  else if (!rough.empty())
    a.reason = several ? listing(rough) + (rough.size() == 1 ? " is" : " are") + " reproduced roughly"
                       : "the output is reproduced roughly";
  else if (known == 0)
    a.reason = "the held-out truth does not vary";

  std::string mismatch;
  if (!v.groups.empty() && std::isfinite(v.groups.front().mismatch_median))
    mismatch = "the typical mismatch of " + v.groups.front().name + " is " +
               number(v.groups.front().mismatch_median, 2) +
               " (95%: " + number(v.groups.front().mismatch_p95, 2) + ")";
  a.finding = {a.level, "Accuracy", percent(typical.value), ""};
  if (std::isfinite(typical.value)) {
    const std::string at = several ? " (" + typical.output + ")" : "";
    const std::string at_tail = several ? " (" + tail.output + ")" : "";
    a.clause = "its typical relative error " +
               (!several || smallest == typical.value
                    ? "is " + percent(typical.value)
                    : "lies between " + percent(smallest) + " and " + percent(typical.value)) +
               at + ", 95% of the held-out runs stay below " + percent(tail.value) + at_tail;
    if (!mismatch.empty()) a.clause += ", " + mismatch;
    a.finding.detail = "Typical relative error of a run" +
                       (several ? " (worst output: " + typical.output + ")" : "") +
                       "; 95% of the runs are below " + percent(tail.value) + at_tail + ".";
  } else if (std::isfinite(left_over.value)) {
    a.finding.value = percent(left_over.value);
    a.clause = "its error is " + percent(left_over.value) + " of the variation among simulations";
    a.finding.detail = "Error over the variation among simulations.";
  } else {
    a.finding.detail = "There is no error to measure.";
  }
  if (std::isfinite(left_over.value))
    a.finding.detail += " It leaves " + percent(left_over.value * left_over.value) +
                        " of the variance among simulations unexplained" +
                        (several ? " (" + left_over.output + ")." : ".");
  if (!constant.empty() && known > 0)
    a.finding.detail += " " + listing(constant) + (constant.size() == 1 ? " does" : " do") + " not vary.";
  return a;
}

struct ErrorBars {
  std::string reason, clause;
  Finding finding;
};

ErrorBars judge_error_bars(const Validation& v) {
  ErrorBars e;
  // Too narrow is the worst, as it misleads.
  const Calibration kinds[] = {Calibration::narrow, Calibration::misshapen, Calibration::wide,
                               Calibration::calibrated};
  std::vector<std::string> members[4];
  const OutputScores* shown = nullptr;
  std::size_t shown_kind = 4, judged = 0;
  for (const OutputScores& o : v.outputs) {
    const Calibration c = calibration_of(o);
    const auto kind = static_cast<std::size_t>(std::find(kinds, kinds + 4, c) - kinds);
    if (kind == 4) continue;
    ++judged;
    members[kind].push_back(o.name);
    if (kind > shown_kind ||
        (kind == shown_kind && std::abs(o.coverage_68 - 0.68) <= std::abs(shown->coverage_68 - 0.68)))
      continue;
    shown_kind = kind;
    shown = &o;
  }
  if (shown == nullptr) {
    e.clause = "it gives no error bars";
    e.reason = "no error bars";
    e.finding = {Level::care, "Error bars", "none",
                 "Predictions come without an uncertainty. Take the errors on this page as the error."};
    return e;
  }
  const bool several = judged > 1, good = kinds[shown_kind] == Calibration::calibrated;
  std::string state = good ? "calibrated" : "";
  for (std::size_t k = 0; k < 3; ++k) {
    if (members[k].empty()) continue;
    state += (state.empty() ? "" : ", ") + to_string(kinds[k]);
    if (several) state += members[k].size() == judged ? " for all outputs" : " for " + listing(members[k]);
  }
  if (!good) e.reason = "error bars are " + state;
  e.clause = "its error bars are " + state;
  const std::string whose = several ? " for " + shown->name : "";
  e.clause += " (68% and 95% intervals hold " + percent(shown->coverage_68) + " and " +
              percent(shown->coverage_95) + " of the truth" + whose + ")";
  e.finding = {good                                       ? Level::good
               : kinds[shown_kind] == Calibration::narrow ? Level::poor
                                                          : Level::care,
               "Error bars", to_string(kinds[shown_kind]),
               "68% intervals hold " + percent(shown->coverage_68) + " of the truth, 95% intervals hold " +
                   percent(shown->coverage_95) + (several ? " (" + shown->name + ")" : "") + "."};
  return e;
}

Finding judge_speed(const ReportData& d, std::string& clause, std::string& reason) {
  const double seconds = d.validation.predict_seconds;
  if (!(seconds > 0))
    return {Level::unknown, "Speed", "not measured", "The cost of a prediction was not measured."};
  std::string detail = duration(seconds) + " per prediction";
  if (d.validation.batch_seconds > 0)
    detail += ", " + duration(d.validation.batch_seconds) + " each in a batch";
  const double ratio = speed_up(d);
  if (!std::isfinite(ratio)) {
    clause = "a prediction takes " + duration(seconds);
    return {Level::unknown, "Speed", duration(seconds),
            detail + "; the cost of the simulator is not recorded."};
  }
  detail += "; a simulation takes " + duration(d.simulator_seconds) + ".";
  if (ratio < 1) {
    clause = "it is " + times(1 / ratio) + " times slower than the simulator";
    reason = "slower than the simulator";
    return {Level::poor, "Speed", "× " + number(ratio, 2), detail};
  }
  clause = "a prediction takes " + duration(seconds) + ", " + times(ratio) + " times less than a simulation";
  return {Level::good, "Speed-up", "× " + times(ratio), detail};
}

Finding judge_sample(const Validation& v, std::string& reason) {
  Finding f{Level::good, "Tested on", count(v.n, "run", "runs"),
            v.source.empty() ? "Held-out runs" : v.source};
  if (v.n < kFewRuns) {
    f.level = Level::care;
    reason = "only " + count(v.n, "held-out run", "held-out runs");
    f.detail += "; so few that the 95% figures are rough";
  }
  if (v.outside_domain > 0)
    f.detail += "; " + number(static_cast<double>(v.outside_domain), 6) +
                (v.outside_domain == 1 ? " lies" : " lie") + " outside of the domain learnt";
  f.detail += ".";
  return f;
}

}  // namespace

Calibration calibration_of(const OutputScores& s) {
  if (!std::isfinite(s.coverage_68) || !std::isfinite(s.coverage_95)) return Calibration::none;
  const int at68 = s.coverage_68 < kLow68 ? -1 : s.coverage_68 > kHigh68 ? 1 : 0;
  const int at95 = s.coverage_95 < kLow95 ? -1 : s.coverage_95 > kHigh95 ? 1 : 0;
  if (at68 == 0 && at95 == 0) return Calibration::calibrated;
  if (at68 * at95 < 0) return Calibration::misshapen;
  return at68 + at95 < 0 ? Calibration::narrow : Calibration::wide;
}

std::string to_string(Calibration calibration) {
  switch (calibration) {
    case Calibration::none:
      return "none";
    case Calibration::calibrated:
      return "calibrated";
    case Calibration::narrow:
      return "too narrow";
    case Calibration::wide:
      return "too wide";
    case Calibration::misshapen:
      return "of the wrong shape";
  }
  return "none";
}

Level accuracy_of(const OutputScores& s) {
  if (!std::isfinite(s.nrmse)) return Level::unknown;
  return s.nrmse <= kGoodNrmse ? Level::good : s.nrmse <= kPoorNrmse ? Level::care : Level::poor;
}

double speed_up(const ReportData& data) {
  const double simulator = data.simulator_seconds, emulator = data.validation.predict_seconds;
  return simulator > 0 && emulator > 0 && std::isfinite(simulator / emulator) ? simulator / emulator : kNaN;
}

Verdict judge(const ReportData& data) {
  const Validation& v = data.validation;
  Verdict verdict;
  if (v.n <= 0 || v.outputs.empty()) {
    verdict.level = Level::unknown;
    verdict.headline = "Not validated";
    verdict.sentence =
        "No held-out simulations were predicted, so nothing is known about the error. Run ersatz validate "
        "with "
        "simulations that training has not seen.";
    return verdict;
  }
  const Accuracy accuracy = judge_accuracy(v);
  const ErrorBars bars = judge_error_bars(v);
  std::string speed_clause, speed_reason, sample_reason;
  const Finding speed = judge_speed(data, speed_clause, speed_reason);
  const Finding sample = judge_sample(v, sample_reason);

  std::vector<std::string> reasons;
  for (const std::string& reason : {accuracy.reason, bars.reason, sample_reason, speed_reason})
    if (!reason.empty()) reasons.push_back(reason);
  verdict.level = accuracy.level == Level::poor ? Level::poor : reasons.empty() ? Level::good : Level::care;
  verdict.headline = verdict.level == Level::good   ? "Trustworthy inside its domain"
                     : verdict.level == Level::care ? "Use with care: " + joined(reasons)
                                                    : "Not trustworthy: " + joined(reasons);

  std::vector<std::string> clauses;
  for (const std::string& clause : {accuracy.clause, bars.clause, speed_clause})
    if (!clause.empty()) clauses.push_back(clause);
  verdict.sentence = "On " + count(v.n, "simulation", "simulations") + " that it has not seen, ";
  for (std::size_t i = 0; i < clauses.size(); ++i)
    verdict.sentence += (i == 0 ? "" : i + 1 == clauses.size() ? ", and " : "; ") + clauses[i];
  verdict.sentence += ".";
  verdict.findings = {accuracy.finding, bars.finding, speed, sample};
  return verdict;
}

std::string rules() {
  return "An output counts as reproduced when its root mean square error is at most " + percent(kGoodNrmse) +
         " of the variation among simulations (NRMSE), as reproduced roughly up to " + percent(kPoorNrmse) +
         ". Error bars count as calibrated when the 68% intervals hold " + percent(kLow68) + " to " +
         percent(kHigh68) + " of the truth and the 95% intervals " + percent(kLow95) + " to " +
         percent(kHigh95) + ". Fewer than " + std::to_string(kFewRuns) +
         " held-out runs count as few. How small an error has to be depends on what the emulator is for.";
}

}  // namespace ersatz::report
