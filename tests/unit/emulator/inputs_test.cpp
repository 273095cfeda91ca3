// Input maps in a recipe: read, kept, learnt through.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

/// One value, linear in chi_hat and log q: a line for those inputs, and for no other.
Archive aligned_archive(Index n, std::uint64_t seed) {
  Archive archive;
  archive.space = ParameterSpace({{"q", "", 1.0, 4.0}, {"chi1z", "", -0.8, 0.8}, {"chi2z", "", -0.8, 0.8}});
  RandomStream random(seed);
  archive.parameters = archive.space.sample(n, random);
  archive.axes = {{"one", "", Vector::Zero(1)}};
  archive.outputs = {{"y", "", "one", 1, false}};
  archive.values.emplace_back(n, 1);
  for (Index i = 0; i < n; ++i) {
    const double q = archive.parameters(i, 0), c1 = archive.parameters(i, 1), c2 = archive.parameters(i, 2);
    const double eta = q / ((1.0 + q) * (1.0 + q)), effective = (q * c1 + c2) / (1.0 + q);
    const double hat = (effective - 38.0 * eta / 113.0 * (c1 + c2)) / (1.0 - 76.0 * eta / 113.0);
    archive.values[0](i, 0) = 2.0 + 3.0 * hat - 0.5 * std::log(q);
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(0.5);
  }
  return archive;
}

double worst(const std::string& recipe, const Archive& test) {
  const Emulator e = train_emulator(aligned_archive(60, 1), recipe_from_toml(recipe, "recipe")).emulator;
  return (e.predict(test.parameters, false).mean[0] - test.values[0]).cwiseAbs().maxCoeff();
}

TEST(Inputs, ALineInTheMappedInputsIsLearntExactly) {
  const Archive test = aligned_archive(40, 2);
  EXPECT_LT(worst("inputs = [{name = \"aligned-spins\"}]\nregressor = \"linear\"\n", test), 1e-12);
  EXPECT_LT(worst("inputs = [\"effective-spins\", {name = \"log\", parameters = [\"q\"]}]\n"
                  "regressor = \"linear\"\n",
                  test),
            1e-12);
  EXPECT_GT(worst("regressor = \"linear\"\n", test), 1e-2);
}

TEST(Inputs, RecipesKeepThem) {
  const std::string source =
      "inputs = [{name = \"polar\", parameters = [\"x\", \"y\"]}, {name = \"rotational-symmetry\", weights = "
      "[1, 2]}, "
      "\"aligned-spins\"]\n";
  const std::string once = to_toml(recipe_from_toml(source, "a"));
  const Recipe r = recipe_from_toml(once, "b");
  ASSERT_EQ(r.inputs.size(), 3u);
  EXPECT_EQ(r.inputs[0].settings.get("parameters", std::vector<std::string>{}),
            (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(r.inputs[1].settings.get("weights", std::vector<double>{}), (std::vector<double>{1.0, 2.0}));
  EXPECT_EQ(r.inputs[2].name, "aligned-spins");
  EXPECT_EQ(to_toml(r), once);
  EXPECT_EQ(to_toml(recipe_from_toml("", "none")).find("inputs"), std::string::npos);
}

TEST(Inputs, ModelsKeepThemToTheBit) {
  const TrainedEmulator model = train_emulator(
      aligned_archive(20, 1), recipe_from_toml("inputs = \"aligned-spins\"\nregressor = \"gp\"\n", "recipe"));
  const testing::Scratch scratch;
  {
    h5::AtomicFile file(scratch("m.h5"));
    model.emulator.save(file.root());
    save_model_info(file.root(), model.info);
    file.commit();
  }
  const Emulator loaded = open_emulator(scratch("m.h5"));
  const Matrix X = aligned_archive(30, 3).parameters;
  EXPECT_EQ(loaded.predict(X, true).mean[0], model.emulator.predict(X, true).mean[0]);
  EXPECT_EQ(loaded.predict(X, true).std[0], model.emulator.predict(X, true).std[0]);
}

TEST(Inputs, MissingParametersAreNamed) {
  const auto why = [](const std::string& recipe) {
    return message_of<UsageError>(
        [&] { prepare(aligned_archive(5, 1), recipe_from_toml(recipe, "recipe")); });
  };
  EXPECT_NE(why("inputs = \"precessing-spins\"\n").find("'chi1x', which is not among"), std::string::npos)
      << why("inputs = \"precessing-spins\"\n");
  EXPECT_NE(why("inputs = \"spins\"\n").find("unknown input map 'spins'"), std::string::npos);
}

}  // namespace
}  // namespace ersatz
