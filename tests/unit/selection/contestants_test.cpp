// Entrants of a comparison from a file, and what is refused there.
#include <gtest/gtest.h>

#include <algorithm>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/forest.hpp"
#include "ersatz/selection/compare.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::spill;

TEST(Contestants, AreTakenInTheirOrder) {
  const auto own = contestants_of("entrants = ['mean', {name = 'ridge', degree = 4}, 'linear']", "list");
  ASSERT_EQ(own.size(), 3u);
  EXPECT_EQ(own[0].regressor, "mean");
  EXPECT_EQ(own[1].regressor, "ridge");
  EXPECT_EQ(own[1].settings.get("degree", 0.0), 4.0);
  EXPECT_EQ(own[2].regressor, "linear");
}

TEST(Contestants, DefaultsStandWhereTheirNameDoes) {
  const Scratch scratch;
  spill(scratch("list.toml"), "entrants = ['mean', 'defaults', {name = 'knn', k = 1}]\n");
  const auto all = read_contestants(scratch("list.toml")), known = default_contestants();
  ASSERT_EQ(all.size(), known.size() + 2);
  for (std::size_t i = 0; i < known.size(); ++i) EXPECT_EQ(all[i + 1].regressor, known[i].regressor);
  EXPECT_EQ(all.back().settings.get("k", 0.0), 1.0);
}

TEST(Contestants, DefaultsHaveAForestWhereItIsBuilt) {
  const auto known = default_contestants();
  EXPECT_EQ(std::count_if(known.begin(), known.end(), [](const auto& c) { return c.regressor == "forest"; }),
            forest_is_built() ? 1 : 0);
}

TEST(Contestants, SayWhatIsWrongAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"entrants = ['mean'", "list, line 1"},
      {"", "there is no list 'entrants'"},
      {"entrants = []", "must be a list of regressors"},
      {"entrants = 'mean'", "must be a list of regressors"},
      {"entrants = ['mean']\nfolds = 3", "line 2: unknown key 'folds'"},
      {"entrants = [\n'mean',\n'oracle']", "line 3: unknown regressor 'oracle'"},
      {"entrants = [\n{name = 'knn', neighbours = 3}]", "line 2"},
      {"entrants = [{k = 3}]", "lacks a name"},
      {"entrants = ['defaults', 'defaults']", "once"},
      {"entrants = [{name = 'defaults', degree = 2}]", "without settings"},
  };
  for (const auto& [toml, says] : cases) {
    const std::string message =
        message_of<UsageError>([&, source = std::string(toml)] { contestants_of(source, "list"); });
    EXPECT_NE(message.find(says), std::string::npos) << toml << ": " << message;
    EXPECT_NE(message.find("list"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace ersatz
