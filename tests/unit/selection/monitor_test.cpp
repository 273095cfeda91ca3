// Monitoring a model, comparing two, and refusing one that does not fit: statistics against closed forms and
// permutations, verdicts on data that are made to break one thing at a time.

#include "ersatz/selection/monitor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/contract.hpp"
#include "ersatz/selection/diff.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::small_archive;

TEST(Statistics, Binomial) {
  EXPECT_NEAR(binomial_at_most(0, 10, 0.3), std::pow(0.7, 10), 1e-14);
  EXPECT_NEAR(binomial_at_most(9, 10, 0.3), 1.0 - std::pow(0.3, 10), 1e-14);
  double sum = 0.0, term = std::pow(0.05, 20);  // C(20, k) 0.95^k 0.05^(20-k)
  for (int k = 0; k <= 17; ++k) {
    sum += term;
    term *= static_cast<double>(20 - k) / (k + 1) * 19.0;
  }
  EXPECT_NEAR(binomial_at_most(17, 20, 0.95), sum, 1e-12);
  EXPECT_EQ(binomial_at_most(20, 20, 0.95), 1.0);
  EXPECT_THROW(binomial_at_most(21, 20, 0.5), UsageError);
}

TEST(Statistics, KolmogorovSmirnov) {
  // Shifted grids: the distance is the share that is passed by.
  std::vector<double> a, b;
  for (int i = 0; i < 1000; ++i) {
    a.push_back(i);
    b.push_back(i + 60.5);
  }
  const KolmogorovSmirnov ks = kolmogorov_smirnov(a, b);
  EXPECT_NEAR(ks.distance, 0.061, 1e-12);
  // 1.358 is the 5 % point of the limit; 0.0607 √500 = 1.358 (Smirnov 1948, table).
  EXPECT_NEAR(ks.p_value, 0.05, 0.006);
  EXPECT_EQ(kolmogorov_smirnov(a, a).p_value, 1.0);
  EXPECT_LT(kolmogorov_smirnov(a, std::vector<double>(1000, 3.0)).p_value, 1e-12);
  EXPECT_EQ(kolmogorov_smirnov({1.0, 1.0}, {1.0}).distance, 0.0);
  EXPECT_THROW(kolmogorov_smirnov({}, a), UsageError);
}

/// Against all ways to share nine values out.
TEST(Statistics, RankSum) {
  const std::vector<double> values{0.3, 1.1, 1.9, 2.0, 2.4, 3.3, 4.1, 5.0, 5.5, 6.7, 7.0, 9.1};
  const auto n = static_cast<int>(values.size());
  for (const unsigned chosen : {0b111100110000u, 0b101010101010u, 0b000000111111u, 0b110101000011u}) {
    const auto sum_of = [&](unsigned mask) {
      int ranks = 0;
      for (int i = 0; i < n; ++i) ranks += (mask >> i & 1u) ? i + 1 : 0;
      return ranks;
    };
    std::vector<double> later, earlier;
    for (int i = 0; i < n; ++i)
      ((chosen >> i & 1u) ? later : earlier).push_back(values[static_cast<std::size_t>(i)]);
    int at_least = 0, all = 0;
    for (unsigned mask = 0; mask < 1u << n; ++mask) {
      if (__builtin_popcount(mask) != static_cast<int>(later.size())) continue;
      ++all;
      at_least += sum_of(mask) >= sum_of(chosen);
    }
    EXPECT_NEAR(rank_sum_greater(later, earlier), static_cast<double>(at_least) / all, 0.01) << chosen;
  }
  EXPECT_EQ(rank_sum_greater({1.0, 1.0}, {1.0}), 1.0);
  EXPECT_THROW(rank_sum_greater({}, {1.0}), UsageError);
}

// Verdicts ------------------------------------------------------------------------------------------------

/// y and flux with noise, so that error bars have something to say.
Archive noisy(Index n, std::uint64_t seed, double noise = 0.05) {
  Archive a = small_archive(n, seed);
  a.outputs.pop_back();
  a.values.pop_back();
  a.axes.pop_back();
  RandomStream random = RandomStream(seed).split("noise");
  for (Index i = 0; i < n; ++i) {
    a.values[0](i, 0) += noise * random.normal();
    for (Index j = 0; j < 24; ++j) a.values[1](i, j) *= std::exp(noise * random.normal());
  }
  return a;
}

const Model& model() {
  static const Model m = [] {
    Recipe recipe = recipe_with("ridge", {{"degree", 8.0}});
    recipe.calibration = {"cross-validation", {}};
    return train_model(noisy(150, 1), recipe, {}, 1);
  }();
  return m;
}

const MonitorTest& test_of(const MonitorReport& r, const std::string& what) {
  for (const MonitorTest& t : r.tests)
    if (t.what == what) return t;
  throw UsageError("no test " + what);
}

TEST(Monitor, HoldsOnMoreOfTheSame) {
  int alarms = 0;
  for (std::uint64_t seed = 100; seed < 130; ++seed) alarms += !monitor(model(), noisy(80, seed)).holds;
  EXPECT_LE(alarms, 1);  // 1 % of 30
}

TEST(Monitor, SeesNoise) {
  const MonitorReport r = monitor(model(), noisy(80, 200, 1.0));
  EXPECT_FALSE(r.holds);
  EXPECT_TRUE(test_of(r, "coverage of y").negative) << test_of(r, "coverage of y").says;
  EXPECT_TRUE(test_of(r, "coverage of flux").negative);
  EXPECT_TRUE(test_of(r, "error of y").negative);
  EXPECT_FALSE(test_of(r, "domain").negative);
  EXPECT_FALSE(test_of(r, "bias of y").negative);
}

TEST(Monitor, SeesBias) {
  Archive fresh = noisy(80, 201);
  fresh.values[0].array() += 0.5;
  const MonitorReport r = monitor(model(), fresh);
  EXPECT_TRUE(test_of(r, "bias of y").negative)
      << test_of(r, "error of y").says << test_of(r, "bias of y").p_value;
  EXPECT_NE(test_of(r, "bias of y").says.find("too small"), std::string::npos);
  EXPECT_FALSE(test_of(r, "bias of flux").negative);
  EXPECT_FALSE(r.holds);
  // One bin of 24.
  fresh = noisy(80, 202);
  fresh.values[1].col(7) *= 1.1;
  const MonitorReport bin = monitor(model(), fresh);
  EXPECT_TRUE(test_of(bin, "bias of flux").negative);
  EXPECT_NE(test_of(bin, "bias of flux").says.find("bin 7"), std::string::npos);
}

TEST(Monitor, SeesInputsMove) {
  const Archive all = noisy(600, 203);
  std::vector<Index> upper;
  for (Index i = 0; i < all.size(); ++i)
    if (all.parameters(i, 1) > 0.2) upper.push_back(i);
  const MonitorReport r = monitor(model(), all.subset(upper));
  ASSERT_EQ(r.inputs.size(), 2u);
  EXPECT_EQ(r.inputs[1].name, "b");
  EXPECT_TRUE(r.inputs[1].drifted);
  EXPECT_FALSE(r.inputs[0].drifted);
  EXPECT_FALSE(test_of(r, "domain").negative);  // still where it has learnt
  // And out of the box.
  Archive outside = noisy(40, 204);
  outside.parameters.col(1).head(12).setConstant(1.5);
  const MonitorReport out = monitor(model(), outside);
  EXPECT_EQ(out.outside_domain, 12);
  EXPECT_TRUE(test_of(out, "domain").negative);
  EXPECT_FALSE(out.holds);
}

/// A simulator that broke gives the same again and again: far from the predictions that is no test passed.
TEST(Monitor, SeesConstantOutputs) {
  Archive stuck = noisy(40, 207);
  stuck.values[0].setConstant(77.0);
  const MonitorReport y = monitor(model(), stuck);
  EXPECT_TRUE(test_of(y, "coverage of y").negative);
  EXPECT_TRUE(test_of(y, "bias of y").negative);
  stuck = noisy(40, 207);
  stuck.values[1].col(5).setConstant(1e3);
  const MonitorReport bin = monitor(model(), stuck);
  EXPECT_TRUE(test_of(bin, "coverage of flux").negative);
  EXPECT_NE(test_of(bin, "bias of flux").says.find("bin 5"), std::string::npos);
}

/// A box that is no more than the range of the training runs is left by others of the same kind.
TEST(Monitor, RangesOfImportedRunsAreLeftByChance) {
  const Index d = 10;
  const auto linear = [&](Index n, std::uint64_t seed) {
    RandomStream random(seed);
    Archive a;
    std::vector<Parameter> parameters;
    a.parameters.resize(n, d);
    for (Index i = 0; i < n * d; ++i) a.parameters.data()[i] = random.uniform();
    for (Index k = 0; k < d; ++k)
      parameters.push_back(
          {text("p", k), "", a.parameters.col(k).minCoeff(), a.parameters.col(k).maxCoeff()});
    a.space = ParameterSpace(parameters);
    a.axes = {{"one", "", Vector::Zero(1)}};
    a.outputs = {{"y", "", "one", 1, false}};
    a.values = {a.parameters * Vector::LinSpaced(d, 1.0, 2.0)};
    for (Index i = 0; i < n; ++i) {
      a.values[0](i, 0) += 0.1 * random.normal();
      a.status.push_back(RunStatus::done);
      a.messages.emplace_back();
      a.seconds.push_back(0.0);
    }
    return a;
  };
  Recipe recipe = recipe_with("linear");
  recipe.calibration = {"cross-validation", {}};
  const Model learnt = train_model(linear(200, 1), recipe, {}, 1);
  int alarms = 0;
  for (std::uint64_t seed = 10; seed < 16; ++seed) {
    const MonitorReport r = monitor(learnt, linear(1000, seed));
    EXPECT_GT(r.outside_domain, 50);
    alarms += test_of(r, "domain").negative;
  }
  EXPECT_LE(alarms, 1);
  Archive moved = linear(1000, 20);
  moved.parameters.col(0).array() += 0.3;
  EXPECT_TRUE(test_of(monitor(learnt, moved), "domain").negative);
}

/// Without a record of held-out runs there are nominal levels to test against, no error to compare with.
TEST(Monitor, WithoutARecord) {
  Model bare = model();
  bare.validation.reset();
  const MonitorReport r = monitor(bare, noisy(80, 205, 0.25));
  EXPECT_TRUE(test_of(r, "coverage of y").negative) << test_of(r, "coverage of y").says;
  EXPECT_THROW(test_of(r, "error of y"), UsageError);
  EXPECT_TRUE(monitor(bare, noisy(80, 206)).holds);
}

TEST(Monitor, RefusesWhatIsNoTest) {
  EXPECT_NE(message_of<DataError>([] { monitor(model(), noisy(4, 1)); }).find("only 4"), std::string::npos);
  EXPECT_THROW(monitor(model(), noisy(20, 1), {1.5}), UsageError);
  Archive other = noisy(20, 1);
  other.outputs[1].name = "flax";
  other.outputs[0].name = "z";
  EXPECT_THROW(monitor(model(), other), DataError);
}

// Two models ----------------------------------------------------------------------------------------------

Model trained(const Archive& runs) {
  return train_model(runs, recipe_with("ridge", {{"degree", 3.0}}), {}, 1);
}

TEST(Diff, OfAModelWithItself) {
  const ModelDifference d = diff(model(), model(), 200, RandomStream(1));
  EXPECT_TRUE(d.incompatibilities.empty());
  EXPECT_TRUE(d.same_data && d.same_recipe);
  EXPECT_EQ(d.points, 200);
  ASSERT_EQ(d.outputs.size(), 2u);
  EXPECT_EQ(d.outputs[0].rms, 0.0);
  EXPECT_EQ(d.outputs[0].consistent, 1.0);
  EXPECT_EQ(d.outputs[0].old_nrmse, model().validation->outputs[0].nrmse);
  EXPECT_THROW(diff(model(), model(), 0, RandomStream(1)), UsageError);
}

TEST(Diff, TellsWhatMoved) {
  Archive runs = noisy(150, 1, 0.0);
  const Model before = trained(runs);
  runs.values[0].array() += 0.25;
  const ModelDifference d = diff(before, trained(runs), 200, RandomStream(1));
  EXPECT_TRUE(d.incompatibilities.empty());
  EXPECT_FALSE(d.same_data);
  EXPECT_NEAR(d.outputs[0].rms, 0.25, 1e-9);
  EXPECT_NEAR(d.outputs[0].max_abs, 0.25, 1e-9);
  EXPECT_NEAR(d.outputs[1].rms, 0.0, 1e-9);
}

TEST(Contract, NamesWhatDiffers) {
  const Archive runs = noisy(40, 1);
  const Emulator current = trained(runs).emulator;
  EXPECT_TRUE(incompatibilities(current, current).empty());
  const auto only = [&](const char* what, const auto& change) {
    Archive other = runs;
    change(other);
    const auto found = incompatibilities(current, trained(other).emulator);
    EXPECT_EQ(found.size(), 1u) << what;
    EXPECT_FALSE(found.empty() || found[0].find(what) == std::string::npos)
        << what << ": " << (found.empty() ? "" : found[0]);
  };
  const auto space = [](Archive& a, const auto& edit) {
    std::vector<Parameter> p = a.space.parameters();
    edit(p);
    a.space = ParameterSpace(p);
  };
  only("c, b instead of a, b", [&](Archive& a) { space(a, [](auto& p) { p[0].name = "c"; }); });
  only("in deg, not in rad", [&](Archive& a) { space(a, [](auto& p) { p[1].unit = "deg"; }); });
  only("linear scale, not log", [&](Archive& a) { space(a, [](auto& p) { p[0].scale = Scale::linear; }); });
  only("does not hold -1 to 1", [&](Archive& a) { space(a, [](auto& p) { p[1].upper = 0.999; }); });
  only("output 0 is 'z'", [&](Archive& a) { a.outputs[0].name = "z"; });
  only("in Jy, not dimensionless", [&](Archive& a) { a.outputs[1].unit = "Jy"; });
  only("bin 3 of output 'flux'", [&](Archive& a) { a.axes[1].values[3] += 1.0; });
  only("the axis of output 'flux' is in nm", [&](Archive& a) { a.axes[1].unit = "nm"; });
  only("23 bins, not 24", [&](Archive& a) {
    a.outputs[1].size = 23;
    a.axes[1].values = a.axes[1].values.head(23).eval();
    a.values[1] = a.values[1].leftCols(23).eval();
  });
  only("'flux' is missing", [&](Archive& a) {
    a.outputs.pop_back();
    a.values.pop_back();
  });
  only("a linear constraint up to 9.5", [&](Archive& a) {
    Vector c(2);
    c << 1.0, 0.0;
    a.space = ParameterSpace(a.space.parameters(), {}, {{c, 9.5}});
  });
  // A wider box and more outputs behind may take the place; not the other way round.
  Archive wider = runs;
  space(wider, [](auto& p) { p[1].upper = 1.5; });
  wider.outputs.push_back({"more", "", "one", 1, false});
  wider.values.push_back(wider.values[0]);
  const Emulator w = trained(wider).emulator;
  EXPECT_TRUE(incompatibilities(current, w).empty());
  EXPECT_EQ(incompatibilities(w, current).size(), 2u);
}

TEST(Contract, TheLoaderRefuses) {
  const testing::Scratch scratch;
  Archive runs = noisy(40, 1);
  const Model before = trained(runs);
  save_model(scratch("old.h5"), before);
  runs.outputs[0].unit = "K";
  save_model(scratch("new.h5"), trained(runs));
  EXPECT_EQ(open_emulator(scratch("old.h5"), before.emulator).outputs().size(), 2u);
  const std::string said = message_of<UsageError>([&] { open_emulator(scratch("new.h5"), before.emulator); });
  EXPECT_NE(said.find("new.h5"), std::string::npos);
  EXPECT_NE(said.find("'y' is in K"), std::string::npos) << said;
}

}  // namespace
}  // namespace ersatz
