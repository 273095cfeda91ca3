#include "ersatz/campaign/learn.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "campaign/learn_parts.hpp"
#include "ersatz/campaign/learn_file.hpp"
#include "ersatz/campaign/learn_report.hpp"
#include "ersatz/core/error.hpp"
#include "unit/campaign/hill.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::dies_in_run;
using testing::expect_same;
using testing::Hill;
using testing::message_of;
using testing::Scratch;
using testing::small;

TEST(Learn, SpendsItsBudgetAndGetsBetter) {
  const Hill hill;
  LearnOptions o = small();
  o.budget = 30;
  const LearnResult result = learn(hill, o);
  EXPECT_EQ(result.end, LearnEnd::budget);
  EXPECT_EQ(result.archive.size(), 30);
  EXPECT_EQ(result.archive.count(RunStatus::done), 30);
  EXPECT_EQ(result.test.size(), 30);
  EXPECT_EQ(hill.count, 60);
  ASSERT_EQ(result.history.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(result.history[i].runs, 8 + 2 * static_cast<Index>(i));
  EXPECT_LT(result.history.back().error, 0.1 * result.history.front().error);
  EXPECT_GT(result.history.back().error_upper, result.history.back().error);
  EXPECT_EQ(result.archive.parameters.topRows(8), start_design(hill.space(), o));
  EXPECT_TRUE(std::isnan(result.history.back().score));
  EXPECT_GT(result.history.front().score, 0.0);
}

TEST(Learn, StopsWhenTheErrorIsSmallEnough) {
  LearnOptions o = small();
  o.budget = 200;
  o.tolerance = 0.02;
  const LearnResult result = learn(Hill(), o);
  EXPECT_EQ(result.end, LearnEnd::tolerance) << result.why;
  EXPECT_LT(result.archive.size(), 60);
  EXPECT_LE(result.history.back().error_upper, 0.02);
  for (std::size_t i = 0; i + 1 < result.history.size(); ++i) EXPECT_GT(result.history[i].error_upper, 0.02);
}

// Each of n independent simulations of equal worth takes the share that all together give.
TEST(Learn, GainsAreSharesOfTheErrorPerSimulation) {
  EXPECT_NEAR(detail::gain_of_shares({0.19}), 0.1, 1e-12);
  EXPECT_NEAR(detail::gain_of_shares({0.19, 0.19, 0.19}), 0.1, 1e-12);
  EXPECT_NEAR(detail::gain_of_shares({0.75, 0.0}), 1.0 - std::sqrt(0.5), 1e-12);
  EXPECT_EQ(detail::gain_of_shares({0.0}), 0.0);
  EXPECT_TRUE(std::isnan(detail::gain_of_shares({std::nan("")})));
  // error(n) = 0.01 + 2 / n
  std::vector<LearnRound> rounds(4);
  for (std::size_t i = 0; i < 4; ++i) {
    rounds[i].runs = 10 * static_cast<Index>(i + 1);
    rounds[i].error = 0.01 + 0.2 / static_cast<double>(i + 1);
  }
  EXPECT_TRUE(std::isnan(detail::gain_of_errors(rounds, 5)));
  rounds.push_back(rounds.back());
  rounds.back().runs = 50;
  rounds.back().error = 0.05;
  const double then = 0.01 + 2.0 / 55.0;
  EXPECT_NEAR(detail::gain_of_errors(rounds, 5), 1.0 - std::pow(then / 0.05, 0.2), 1e-6);
}

TEST(Learn, StopsWhenASimulationIsNotWorthIt) {
  for (const char* acquisition : {"integrated-variance", "largest-variance"}) {
    LearnOptions o = small();
    o.budget = 40;
    o.acquisition = {acquisition, {}};
    const LearnResult whole = learn(Hill(), o);
    // The gain of a round in the middle, by which it is to end there or before.
    const double goal = whole.history[whole.history.size() / 2].gain;
    ASSERT_GT(goal, 0.0);
    std::size_t end = 0;
    while (!(whole.history[end].gain < 1.01 * goal)) ++end;
    const Scratch scratch;
    o.archive = scratch("runs.h5");
    o.minimum_gain = 1.01 * goal;
    const LearnResult result = learn(Hill(), o);
    EXPECT_EQ(result.end, LearnEnd::gain) << result.why;
    EXPECT_NE(result.why.find("less than minimum_gain"), std::string::npos) << result.why;
    EXPECT_EQ(result.archive.size(), whole.history[end].runs);
    expect_same(result.archive, whole.archive.subset([&] {
      std::vector<Index> first;
      for (Index i = 0; i < result.archive.size(); ++i) first.push_back(i);
      return first;
    }()));
    // It stays ended, and goes on when less is asked for.
    o.resume = true;
    const Hill again;
    const LearnResult same = learn(again, o);
    EXPECT_EQ(same.end, LearnEnd::gain);
    EXPECT_EQ(again.count, 0);
    EXPECT_EQ(same.history.size(), result.history.size());
    o.minimum_gain = 0.0;
    expect_same(learn(Hill(), o).archive, whole.archive);
  }
}

TEST(Learn, SamePointsWhateverTheExecutor) {
  for (const char* acquisition : {"integrated-variance", "largest-variance", "residual", "random"}) {
    std::vector<LearnResult> results;
    for (const Index threads : {1, 2}) {
      const auto executor = make_executor(threads);
      LearnOptions o = small();
      o.acquisition = {acquisition, {}};
      o.executor = executor.get();
      results.push_back(learn(Hill(), o));
    }
    expect_same(results[0].archive, results[1].archive);
    LearnOptions o = small();
    o.acquisition = {acquisition, {}};
    o.seed = 6;
    EXPECT_NE(learn(Hill(), o).archive.parameters, results[0].archive.parameters);
  }
}

// Killed during every single run in turn, each time from the start: the campaign ends as the undisturbed one.
TEST(Learn, KilledAnywhereAndResumedItEndsWithTheSamePoints) {
  const Archive undisturbed = learn(Hill(), small()).archive;
  for (const int fatal : {0, 15, 30, 33, 38, 39, 40, 41, 42, 43}) {
    const Scratch scratch;
    LearnOptions o = small();
    o.archive = scratch("runs.h5");
    ASSERT_TRUE(dies_in_run(fatal, o)) << fatal;
    if (fatal >= 30) {
      EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("--resume"), std::string::npos)
          << fatal;
    }
    o.resume = true;
    const Hill hill;
    const LearnResult result = learn(hill, o);
    EXPECT_EQ(result.end, LearnEnd::budget);
    expect_same(result.archive, undisturbed);
    expect_same(read_archive(o.archive), undisturbed);
    EXPECT_EQ(hill.count, 44 - fatal) << "nothing runs twice but what was under way";
    EXPECT_EQ(result.history.size(), 4u);
    EXPECT_EQ(scratch.count(), 3u);  // archive, history, test runs
  }
}

// A kill between two steps that store: what was done is seen to be done.
TEST(Learn, ABatchThatIsInTheArchiveIsNotTakenForOneUnderWay) {
  const Scratch scratch;
  LearnOptions o = small();
  o.archive = scratch("runs.h5");
  const Archive undisturbed = learn(Hill(), o).archive;
  std::vector<Index> first, last;
  for (Index i = 0; i < 12; ++i) first.push_back(i);
  for (Index i = 10; i < 12; ++i) last.push_back(i);
  write_archive(o.archive, undisturbed.subset(first));
  write_archive(o.archive + ".batch.h5", undisturbed.subset(last));
  o.resume = true;
  expect_same(learn(Hill(), o).archive, undisturbed);
  EXPECT_EQ(scratch.count(), 3u);
}

TEST(Learn, AStoppedCampaignGoesOnAlsoWithAnotherBudget) {
  const Scratch scratch;
  LearnOptions o = small();
  o.archive = scratch("runs.h5");
  std::atomic<bool> stop{false};
  o.stop = &stop;
  Hill hill;
  hill.fatal = 40;
  hill.stop = &stop;
  EXPECT_EQ(learn(hill, o).end, LearnEnd::stopped);
  stop = false;
  o.resume = true;
  EXPECT_EQ(learn(Hill(), o).archive.size(), 14);
  o.budget = 18;
  const Hill more;
  const LearnResult result = learn(more, o);
  EXPECT_EQ(more.count, 4);
  o.archive.clear();
  o.resume = false;
  expect_same(result.archive, learn(Hill(), o).archive);
}

// The default start depends on the budget; what has begun goes on as it began.
TEST(Learn, AnotherBudgetDoesNotMoveTheDefaultStart) {
  const Scratch scratch;
  LearnOptions o = small();
  o.start = 0;
  o.budget = 15;  // 7 and four batches
  o.archive = scratch("runs.h5");
  const Archive before = learn(Hill(), o).archive;
  ASSERT_EQ(before.size(), 15);
  o.resume = true;
  o.budget = 30;
  const Hill more;
  const LearnResult result = learn(more, o);
  EXPECT_EQ(more.count, 15);
  EXPECT_TRUE(result.archive.parameters.topRows(15) == before.parameters);
  EXPECT_EQ(result.history.front().runs, 7);
  o.archive.clear();
  o.resume = false;
  o.start = 7;
  expect_same(result.archive, learn(Hill(), o).archive);
}

TEST(Learn, FailedRunsAreSpentAndAvoided) {
  Hill hill;
  hill.wall = 0.5;  // a quarter of the space fails
  LearnOptions o = small();
  o.budget = 40;
  o.start = 16;
  const LearnResult result = learn(hill, o);
  EXPECT_EQ(result.archive.size(), 40);
  const Index failed = result.archive.count(RunStatus::failed);
  EXPECT_GT(failed, 0);
  EXPECT_LT(failed, 20);
  EXPECT_EQ(result.history.back().failed, failed);
  // Failed points are conditioned on: no two of them coincide.
  for (Index i = 0; i < 40; ++i)
    for (Index j = 0; j < i; ++j)
      EXPECT_GT((result.archive.parameters.row(i) - result.archive.parameters.row(j)).norm(), 1e-3);
}

TEST(Learn, GivesUpWhereNothingSucceeds) {
  Hill hill;
  hill.wall = -2.0;
  LearnOptions o = small();
  o.test_points = 0;
  const std::string message = message_of<NumericalError>([&] { learn(hill, o); });
  EXPECT_NE(message.find("of 8 simulations of the start design 8 failed, 8 times: beyond the wall"),
            std::string::npos)
      << message;
}

/// What test runs know of besides the simulator's outputs does not thin the error out.
TEST(Learn, TestRunsMayHoldMore) {
  LearnOptions o = small();
  o.budget = 8;
  Archive test = learn(Hill(), o).test;
  o.test_points = 0;
  o.test = &test;
  const double error = learn(Hill(), o).history.back().error;
  EXPECT_GT(error, 0.0);
  test.outputs.push_back({"more", "", "one", 1, false});
  test.values.push_back(test.parameters.col(1));
  EXPECT_EQ(learn(Hill(), o).history.back().error, error);
  test.axes[0].values[0] = 3.0;
  EXPECT_NE(message_of<DataError>([&] { learn(Hill(), o); }).find("another axis"), std::string::npos);
  test.axes[0].values[0] = 0.0;
  std::swap(test.outputs[0], test.outputs[1]);
  std::swap(test.values[0], test.values[1]);
  EXPECT_NE(message_of<DataError>([&] { learn(Hill(), o); }).find("lack the simulator's output 'y'"),
            std::string::npos);
}

TEST(Learn, CrossValidatesWithoutTestRuns) {
  LearnOptions o = small();
  o.test_points = 0;
  const Hill hill;
  const LearnResult result = learn(hill, o);
  EXPECT_EQ(hill.count, 14);
  EXPECT_EQ(result.test.size(), 0);
  EXPECT_GT(result.history.back().error, 0.0);
}

TEST(Learn, ErrorsAreNrmse) {
  LearnRound round;
  Vector squared(4);
  squared << 1.0, 4.0, 9.0, 16.0;
  detail::summarise(squared, 0.95, round);
  EXPECT_NEAR(round.error, std::sqrt(7.5), 1e-12);
  const double se = std::sqrt((6.5 * 6.5 + 3.5 * 3.5 + 1.5 * 1.5 + 8.5 * 8.5) / 3.0 / 4.0);
  EXPECT_NEAR(round.error_upper, std::sqrt(7.5 + 1.6448536269514722 * se), 1e-9);
  EXPECT_NEAR(round.error_p95, 3.85, 1e-12);
}

TEST(Learn, ComparisonsStandOnTheSameTestRuns) {
  const LearnOptions o = small();
  const LearnResult result = learn(Hill(), o);
  for (const char* how : {"random", "space-filling"}) {
    const LearnCurve curve = spend_blindly(how, Hill(), {1, 8, 60}, result.test, o);
    ASSERT_EQ(curve.runs.size(), 2);  // nothing is learnt from one run
    EXPECT_EQ(curve.runs[1], 60.0);
    EXPECT_LT(curve.error[1], 0.1 * curve.error[0]);
    EXPECT_FALSE(comparison_text(result.history, curve).empty());
  }
  EXPECT_THROW(spend_blindly("evenly", Hill(), {8}, result.test, o), UsageError);
  LearnReport report;
  report.title = "hill <&>";
  report.acquisition = "random";
  report.history = result.history;
  report.curves = {spend_blindly("random", Hill(), {8, 14}, result.test, o)};
  const std::string html = render_html(report);
  EXPECT_NE(html.find("hill &lt;&amp;&gt;"), std::string::npos);
  EXPECT_NE(html.find("<svg"), std::string::npos);
  EXPECT_EQ(html.find("nan"), std::string::npos);
}

TEST(Learn, ComparisonInWords) {
  std::vector<LearnRound> history(3);
  for (std::size_t i = 0; i < 3; ++i) {
    history[i].runs = 10 * static_cast<Index>(i + 1);
    history[i].error = 0.4 / static_cast<double>(i + 1);
  }
  Vector runs(2), error(2);
  runs << 10, 30;
  error << 0.5, 0.2;
  EXPECT_EQ(comparison_text(history, {"random", runs, error, error}),
            "reaches with 20 simulations what random points reach with 30 (error 0.2)");
  error[1] = 0.1;
  EXPECT_NE(comparison_text(history, {"random", runs, error, error}).find("does not pay"), std::string::npos);
}

TEST(Learn, SaysWhatIsWrong) {
  const auto complaint = [](const auto& change) {
    LearnOptions o = small();
    change(o);
    return message_of<UsageError>([&] { learn(Hill(), o); });
  };
  EXPECT_NE(complaint([](auto& o) { o.budget = 7; }).find("smaller than the start design of 8"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.batch = 0; }).find("batch = 0"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.candidates = 1; }).find("too few"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.start = 1; }).find("start = 1"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.tolerance = -1.0; }).find("tolerance"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.minimum_gain = 1.0; }).find("minimum_gain = 1"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.minimum_gain = -0.1; }).find("minimum_gain"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.confidence = 1.0; }).find("confidence"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) {
              o.acquisition = {"alm", {}};
            }).find("unknown acquisition 'alm'"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& o) {
              o.recipe.channel.regressor = {"auto", {}};
            }).find("auto"),
            std::string::npos);
}

TEST(Learn, RefusesTheArchiveOfAnotherCampaign) {
  const Scratch scratch;
  LearnOptions o = small();
  o.archive = scratch("runs.h5");
  learn(Hill(), o);
  EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("is there already"), std::string::npos);
  o.resume = true;
  o.seed = 6;
  EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("another seed"), std::string::npos);
  o.resume = false;
  o.overwrite = true;
  EXPECT_EQ(learn(Hill(), o).archive.size(), 14);
}

TEST(LearnFile, ReadsEverything) {
  const LearnFile file = learn_file_from_toml(R"(
simulator = "borehole"
budget = 120
start = 40
start_method = "sobol"
batch = 8
asynchronous = true
candidates = 3000
acquisition = {name = "integrated-variance", reference = 200}
tolerance = 0.01
confidence = 0.9
minimum_gain = 0.002
test = 300
folds = 4
compare = ["random", "space-filling"]
output = "runs.h5"
model = "model.h5"
report = "learn.html"
)",
                                              "campaign.toml");
  EXPECT_EQ(file.simulator, "borehole");
  EXPECT_EQ(file.options.budget, 120);
  EXPECT_EQ(file.options.start, 40);
  EXPECT_EQ(file.options.start_method, DesignMethod::sobol);
  EXPECT_EQ(file.options.batch, 8);
  EXPECT_TRUE(file.options.asynchronous);
  EXPECT_EQ(file.options.candidates, 3000);
  EXPECT_EQ(file.options.acquisition.settings.get("reference", Index{0}), 200);
  EXPECT_EQ(file.options.tolerance, 0.01);
  EXPECT_EQ(file.options.confidence, 0.9);
  EXPECT_EQ(file.options.minimum_gain, 0.002);
  EXPECT_EQ(file.options.test_points, 300);
  EXPECT_EQ(file.options.folds, 4);
  EXPECT_EQ(file.compare.size(), 2u);
  EXPECT_EQ(file.archive, "runs.h5");
  EXPECT_EQ(file.model, "model.h5");
  EXPECT_EQ(file.report, "learn.html");
}

TEST(LearnFile, SaysWhereItIsWrong) {
  const std::string good = "simulator = \"borehole\"\nbudget = 20\noutput = \"r.h5\"\n";
  const auto complaint = [](const std::string& toml) {
    return message_of<UsageError>([&] { learn_file_from_toml(toml, "c.toml"); });
  };
  EXPECT_EQ(complaint(good), "");
  const std::pair<const char*, const char*> cases[] = {
      {"acquisition = \"alm\"", "unknown acquisition 'alm'"},
      {"batchs = 3", "c.toml, line 4: unknown key 'batchs'"},
      {"batch = 2.5", "'batch' must be a whole number"},
      {"batch = -1", "'batch' must be a whole number"},
      {"tolerance = nan", "'tolerance' must be a finite number"},
      {"minimum_gain = \"small\"", "'minimum_gain' must be a finite number"},
      {"asynchronous = 1", "'asynchronous' must be true or false"},
      {"acquisition = 3", "'acquisition' must be a name"},
      {"start_method = \"grid\"", "grid"},
      {"compare = [\"random\"]", "'compare' needs test runs"},
      {"test = 100\ncompare = [\"evenly\"]", "unknown comparison 'evenly'"},
      {"space = \"s.toml\"", "'space' is for a command"},
      {"command = \"x {input} {output}\"", "either simulator"},
      {"batch = [", "c.toml, line "}};
  for (const auto& [line, expected] : cases)
    EXPECT_NE(complaint(good + line + "\n").find(expected), std::string::npos)
        << line << ": " << complaint(good + line + "\n");
  EXPECT_NE(complaint("simulator = \"borehole\"\noutput = \"r.h5\"\n").find("'budget' is missing"),
            std::string::npos);
  EXPECT_NE(complaint("simulator = \"borehole\"\nbudget = 9\n").find("'output' is missing"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
