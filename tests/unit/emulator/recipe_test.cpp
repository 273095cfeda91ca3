// Recipes: TOML there and back, and what is said about mistakes.

#include "ersatz/emulator/recipe.hpp"

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

constexpr const char* full = R"(decoder = "identity"
transform = ["log", {name = "standardise", per = "output"}]
basis = {name = "pod", tolerance = 1e-5, max_rank = 12}
regressor = {name = "ridge", alpha = [1e-3, 1], degree = "auto", flag = true}
test_fraction = 0.25

[output.wave]
decoder = {name = "amplitude-phase", reference = 0}

[channel."wave.phase"]
transform = "center"
regressor = "linear"
)";

TEST(Recipe, ReadsWhatIsWritten) {
  const Recipe r = recipe_from_toml(full, "full.toml");
  EXPECT_EQ(r.decoder.name, "identity");
  ASSERT_EQ(r.channel.transforms.size(), 2u);
  EXPECT_EQ(r.channel.transforms[1].settings.get("per", ""), "output");
  EXPECT_EQ(r.channel.basis.settings.get("max_rank", Index{0}), 12);
  EXPECT_EQ(r.channel.basis.settings.get("tolerance", 0.0), 1e-5);
  EXPECT_EQ(r.channel.regressor.settings.get("alpha", std::vector<double>{}),
            (std::vector<double>{1e-3, 1.0}));
  EXPECT_TRUE(r.channel.regressor.settings.get("flag", false));
  EXPECT_EQ(r.test_fraction, 0.25);
  EXPECT_EQ(r.decoder_for("wave").name, "amplitude-phase");
  EXPECT_EQ(r.decoder_for("flux").name, "identity");
  const ChannelRecipe& phase = r.for_channel("wave.phase");
  EXPECT_EQ(phase.transforms.at(0).name, "center");
  EXPECT_EQ(phase.regressor.name, "linear");
  EXPECT_EQ(phase.basis.name, "pod");  // from the general part
  EXPECT_EQ(r.for_channel("flux").regressor.name, "ridge");
}

TEST(Recipe, RoundTrip) {
  for (const char* source : {"", full}) {
    const std::string once = to_toml(recipe_from_toml(source, "a"));
    const std::string twice = to_toml(recipe_from_toml(once, "b"));
    EXPECT_EQ(once, twice);
  }
  const Recipe r = recipe_from_toml(to_toml(recipe_from_toml(full, "a")), "b");
  EXPECT_EQ(r.channel.regressor.settings.values(),
            recipe_from_toml(full, "a").channel.regressor.settings.values());
  EXPECT_EQ(r.for_channel("wave.phase").regressor.name, "linear");
  EXPECT_EQ(r.decoder_for("wave").settings.get("reference", 1.0), 0.0);
  EXPECT_EQ(recipe_from_toml("", "empty").channel.regressor.name, "gp");
}

TEST(Recipe, Groups) {
  const char* source =
      "[group.waves]\noutputs = [\"h22\", \"h2m2\"]\n"
      "decoder = {name = \"precessing\", symmetry = true, spins = [\"a\", \"b\", \"c\", \"d\"]}\n";
  for (const Recipe& r :
       {recipe_from_toml(source, "a"), recipe_from_toml(to_toml(recipe_from_toml(source, "a")), "b")}) {
    ASSERT_EQ(r.groups.size(), 1u);
    const GroupRecipe& group = r.groups.at("waves");
    EXPECT_EQ(group.outputs, (std::vector<std::string>{"h22", "h2m2"}));
    EXPECT_EQ(group.decoder.name, "precessing");
    EXPECT_TRUE(group.decoder.settings.get("symmetry", false));
    EXPECT_EQ(group.decoder.settings.get("spins", std::vector<std::string>{}).size(), 4u);
  }
}

TEST(Recipe, MistakesAreNamedWithTheirLine) {
  const auto why = [](const std::string& source) {
    return message_of<UsageError>([&] { recipe_from_toml(source, "r.toml"); });
  };
  const auto expect = [&](const std::string& source, const std::string& line, const std::string& what) {
    const std::string message = why(source);
    EXPECT_EQ(message.rfind("r.toml, line " + line + ":", 0), 0u) << source << " -> " << message;
    EXPECT_NE(message.find(what), std::string::npos) << source << " -> " << message;
  };
  expect("basis = \"pod\"\nregresor = \"gp\"\n", "2", "'regresor'");
  expect("[output.y]\nbasis = \"pod\"\n", "2", "'basis' of an output");
  expect("\n[channel.y]\ndecoder = \"auto\"\n", "3", "'decoder' of a channel");
  expect("[group.w]\noutputs = [\"a\"]\n", "1", "lacks a 'decoder'");
  expect("[group.w]\ndecoder = \"precessing\"\n", "1", "lacks the list 'outputs'");
  expect("[group.w]\ndecoder = \"precessing\"\noutputs = [1]\n", "3", "list of names");
  expect("[group.w]\noutput = \"a\"\n", "2", "'output' of a group");
  expect(
      "[group.a]\noutputs = [\"h\"]\ndecoder = \"d\"\n[group.b]\noutputs = [\"g\", \"h\"]\ndecoder = \"d\"\n",
      "4", "'h' of group 'b' already has the group 'a'");
  expect("[group.a]\noutputs = [\"h\", \"h\"]\ndecoder = \"d\"\n", "1", "already has");
  expect("[output.h]\ndecoder = \"identity\"\n[group.a]\noutputs = [\"h\"]\ndecoder = \"d\"\n", "3",
         "a decoder of its own");
  expect("group = 3\n", "1", "must be a table");
  expect("test_fraction = 1.0\n", "1", "test_fraction");
  expect("test_fraction = \"half\"\n", "1", "test_fraction");
  expect("test_fraction = true\n", "1", "test_fraction");
  expect("basis = 3\n", "1", "a name or a table");
  expect("basis = {tolerance = 1e-3}\n", "1", "lacks a name");
  expect("basis = {name = 3}\n", "1", "must be a text");
  expect("basis = {name = \"pod\", tolerance = 1979-05-27}\n", "1", "'tolerance'");
  expect("basis = {name = \"pod\", list = [1, \"a\"]}\n", "1", "mixes");
  expect("basis = {name = \"pod\", list = [[1]]}\n", "1", "list of numbers or of texts");
  expect("output = 3\n", "1", "must be a table");
  expect("channel = {y = 3}\n", "1", "must be a table");
  EXPECT_EQ(why("basis = \n").rfind("r.toml, line ", 0), 0u);
  EXPECT_EQ(why("basis = \"a\"\nbasis = \"b\"\n").rfind("r.toml, line 2", 0), 0u);
}

TEST(Recipe, Files) {
  const testing::Scratch scratch;
  testing::spill(scratch("r.toml"), full);
  EXPECT_EQ(read_recipe(scratch("r.toml")).test_fraction, 0.25);
  EXPECT_THROW(read_recipe(scratch("none.toml")), StorageError);
  EXPECT_THROW(read_recipe(scratch.folder()), StorageError);  // a folder is not an empty recipe
}

}  // namespace
}  // namespace ersatz
