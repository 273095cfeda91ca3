// Campaigns that are for a part of the space.
#include <gtest/gtest.h>

#include "ersatz/campaign/learn_file.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"
#include "unit/campaign/hill.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::expect_same;
using testing::Hill;
using testing::message_of;
using testing::Scratch;
using testing::small;

/// A disc in the corner; what has changed is the mean there.
class Corner final : public Focus {
 public:
  FocusView look(const Emulator& now, const Emulator* before, Index count,
                 const FitContext& context) const override {
    RandomStream random = context.random;
    FocusView view;
    view.points.resize(count, 2);
    for (Index i = 0; i < count; ++i)
      view.points.row(i) << -1.0 + 0.3 * random.uniform(), 0.3 * random.uniform();
    if (before)
      view.change = (now.predict(view.points, false).mean[0] - before->predict(view.points, false).mean[0])
                        .cwiseAbs()
                        .mean();
    return view;
  }
};

TEST(LearnFocus, SimulatesAndSettlesWhereItMatters) {
  const Corner corner;
  LearnOptions o = small();
  o.budget = 60;
  o.focus = &corner;
  o.settled = 1e-4;
  const LearnResult result = learn(Hill(), o);
  EXPECT_EQ(result.end, LearnEnd::settled) << result.why;
  EXPECT_LT(result.archive.size(), 60);
  for (Index i = o.start; i < result.archive.size(); ++i) {
    EXPECT_LE(result.archive.parameters(i, 0), -0.7);
    EXPECT_LE(result.archive.parameters(i, 1), 0.3);
  }
  const auto& history = result.history;
  ASSERT_GE(history.size(), 3u);
  EXPECT_TRUE(std::isnan(history.front().change));
  EXPECT_LT(history.back().change, 1e-4);
  EXPECT_LT(history[history.size() - 2].change, 1e-4);
  for (std::size_t i = 1; i + 2 < history.size(); ++i)
    EXPECT_FALSE(history[i].change < 1e-4 && history[i + 1].change < 1e-4) << i;
  // What it says is what it is.
  EXPECT_EQ(std::string(to_string(result.end)), "settled");
}

TEST(LearnFocus, AResumedCampaignSeesTheSameChanges) {
  const Corner corner;
  LearnOptions o = small();
  o.focus = &corner;
  o.batch = 2;
  const Scratch scratch;
  o.archive = scratch("whole.h5");
  const LearnResult expected = learn(Hill(), o);
  o.archive = scratch("parts.h5");
  LearnOptions first = o;
  first.budget = 10;
  learn(Hill(), first);
  o.resume = true;
  const LearnResult result = learn(Hill(), o);
  expect_same(result.archive, expected.archive);
  ASSERT_EQ(result.history.size(), expected.history.size());
  for (std::size_t i = 1; i < result.history.size(); ++i)
    EXPECT_EQ(result.history[i].change, expected.history[i].change) << i;
}

// Runs are spent beside the points that someone names, and the error becomes smaller there than without them.
TEST(LearnFocus, PointsOfInterestDrawTheRuns) {
  RandomStream random(3);
  Matrix points(400, 2);
  for (Index i = 0; i < 400; ++i) points.row(i) << 0.6 + 0.4 * random.uniform(), random.uniform();
  const auto focus = points_of_interest(points, Hill().space());
  LearnOptions o = small();
  o.budget = 20;
  const LearnResult everywhere = learn(Hill(), o);
  o.focus = focus.get();
  const LearnResult result = learn(Hill(), o);
  const auto share = [&](const LearnResult& r) {
    return (r.archive.parameters.bottomRows(12).col(0).array() > 0.5).cast<double>().mean();
  };
  EXPECT_GT(share(result), share(everywhere) + 0.25) << share(everywhere);
  const auto error = [&](const LearnResult& r) {
    const Matrix mean = train_emulator(r.archive, o.recipe).emulator.predict(points, false).mean[0];
    double sum = 0.0;
    for (Index i = 0; i < 400; ++i)
      sum += std::pow(mean(i, 0) - Hill().run(points.row(i).data()).outputs[0][0], 2);
    return std::sqrt(sum / 400.0);
  };
  EXPECT_LT(error(result), error(everywhere));
  // All of few points, a choice of many; half of the candidates, where there are so many.
  FitContext context;
  context.random = RandomStream(4);
  const Emulator emulator = train_emulator(result.archive, o.recipe).emulator;
  Matrix few(4, 2);
  few << 0.5, 0.5, 0.1, 0.2, 0.5, 0.5, -1.0, 1.0;
  const FocusView of_few = points_of_interest(few, Hill().space())->look(emulator, nullptr, 100, context);
  EXPECT_EQ(of_few.points.rows(), 3);
  EXPECT_EQ(of_few.candidates.rows(), 100);
  EXPECT_EQ(of_few.candidates.topRows(3), of_few.points);
  EXPECT_TRUE(std::isnan(of_few.change));
  const FocusView of_many = focus->look(emulator, nullptr, 100, context);
  EXPECT_EQ(of_many.points.rows(), 100);
  EXPECT_EQ(of_many.candidates.topRows(50), of_many.points.topRows(50));
  EXPECT_EQ(distinct_rows(of_many.points).rows(), 100);
  EXPECT_GE(of_many.points.col(0).minCoeff(), 0.6);
  EXPECT_LT(of_many.candidates.bottomRows(50).col(0).minCoeff(), -0.9);
}

TEST(LearnFocus, AResumedCampaignGoesOnWithThePointsOfInterest) {
  RandomStream random(3);
  const auto focus = points_of_interest(Hill().space().sample(300, random), Hill().space());
  LearnOptions o = small();
  o.focus = focus.get();
  const LearnResult expected = learn(Hill(), o);
  const Scratch scratch;
  o.archive = scratch("parts.h5");
  LearnOptions first = o;
  first.budget = 10;
  learn(Hill(), first);
  o.resume = true;
  expect_same(learn(Hill(), o).archive, expected.archive);
}

TEST(LearnFocus, SaysWhatIsWrongWithPoints) {
  const ParameterSpace space = Hill().space();
  Matrix points = Matrix::Constant(3, 2, 0.5);
  const auto message = [&] { return message_of<DataError>([&] { points_of_interest(points, space); }); };
  points(2, 0) = 1.5;
  EXPECT_NE(message().find("point of interest 2 (the first is 0)"), std::string::npos) << message();
  EXPECT_NE(message().find("1.5"), std::string::npos) << message();
  points(2, 0) = std::nan("");
  EXPECT_NE(message().find("point of interest 2"), std::string::npos) << message();
  points = Matrix::Zero(3, 1);
  EXPECT_NE(message().find("1 values each"), std::string::npos) << message();
  points = Matrix(0, 2);
  EXPECT_NE(message().find("no points of interest"), std::string::npos) << message();
  EXPECT_NE(message_of<UsageError>([&] {
              learn_file_from_toml(
                  "simulator = \"borehole\"\nbudget = 20\noutput = \"a.h5\"\n"
                  "posterior = \"b.toml\"\ninterest = \"c.csv\"\n",
                  "c");
            }).find("choose one"),
            std::string::npos);
}

TEST(LearnFocus, SaysWhatIsWrong) {
  const Corner corner;
  LearnOptions o = small();
  o.settled = 0.1;
  EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("needs a posterior"), std::string::npos);
  o.focus = &corner;
  o.settled = -1.0;
  EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("posterior_tolerance = -1"),
            std::string::npos);
  o.settled = 0.0;
  o.asynchronous = true;
  EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("asynchronous"), std::string::npos);
  EXPECT_NE(message_of<UsageError>([&] {
              learn_file_from_toml(
                  "simulator = \"borehole\"\nbudget = 20\noutput = \"a.h5\"\nposterior_tolerance = 0.1\n",
                  "c");
            }).find("needs posterior"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
