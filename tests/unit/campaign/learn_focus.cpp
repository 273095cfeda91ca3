// Campaigns that are for a part of the space.
#include <gtest/gtest.h>

#include "ersatz/campaign/learn_file.hpp"
#include "ersatz/core/error.hpp"
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
