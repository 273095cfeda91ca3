// Where predictions can be relied on: distance, isolation, and the reach that runs left out speak for.
#include <gtest/gtest.h>

#include <cmath>

#include "emulator/isolation_forest.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {
namespace {

Matrix uniform(Index n, Index d, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix points(n, d);
  for (double& x : points.reshaped()) x = random.uniform();
  return points;
}

/// Most runs in a corner of the square, every twelfth anywhere: a large hole with few points in it.
Matrix corner_and_some(Index n, std::uint64_t seed) {
  Matrix points = uniform(n, 2, seed);
  for (Index i = 0; i < n; ++i)
    if (i % 12 != 0) points.row(i) *= 0.7;
  return points;
}

/// One output z = f(x) at these points of the unit square.
template <class Function>
Archive runs_of(const Matrix& points, const Function& f) {
  Archive a;
  a.space = ParameterSpace({{"a", "", 0.0, 1.0}, {"b", "", 0.0, 1.0}});
  a.axes = {{"none", "", Vector::Zero(1)}};
  a.outputs = {{"z", "", "none", 1, false}};
  a.parameters = points;
  a.values.emplace_back(points.rows(), 1);
  for (Index i = 0; i < points.rows(); ++i) a.values[0](i, 0) = f(points(i, 0), points(i, 1));
  a.status.assign(static_cast<std::size_t>(points.rows()), RunStatus::done);
  a.messages.assign(static_cast<std::size_t>(points.rows()), "");
  a.seconds.assign(static_cast<std::size_t>(points.rows()), 1.0);
  return a;
}

Recipe with_regressor(const std::string& name) {
  Recipe recipe;
  recipe.test_fraction = 0.0;
  recipe.channel.regressor = {name, {}};
  return recipe;
}

double wavy(double a, double b) { return std::sin(8.0 * a) * std::cos(7.0 * b) + a; }

bool tells_of_cross_validation(const DomainGuard& guard) {
  return guard.reason().rfind("cross-validation", 0) == 0;
}

// Liu, Ting & Zhou 2008, eq. 1 and 2, over trees of two points each: every path has length 1, the typical
// one too, so all scores are 1/2; and of four points on a line, whose outer ones are cut off sooner.
TEST(Isolation, ClosedForms) {
  const FittedIsolation two = fit_isolation_forest(uniform(4, 2, 1), RandomStream(1));
  EXPECT_EQ(two.forest.typical_path, 1.0);
  EXPECT_EQ(two.largest, 0.5);
  const Vector anywhere = Vector::Constant(2, 0.3);
  EXPECT_EQ(two.forest.score(anywhere.data()), 0.5);
  Matrix line(8, 1);
  line << 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0;
  line.bottomRows(4).array() += 1e-9;  // samples of four from eight that are four places
  const FittedIsolation four = fit_isolation_forest(line, RandomStream(2));
  EXPECT_NEAR(four.forest.typical_path, 2.0 * (1.0 + 0.5 + 1.0 / 3.0) - 2.0 * 3.0 / 4.0, 1e-14);
  const double outer = -1.0, inner = 1.5;
  EXPECT_GT(four.forest.score(&outer), four.forest.score(&inner));
}

TEST(Isolation, IsAFunctionOfTheSeedAndMovesWithTheInputs) {
  const Matrix points = uniform(200, 3, 5);
  const IsolationForest a = fit_isolation_forest(points, RandomStream(7)).forest,
                        b = fit_isolation_forest(points, RandomStream(7)).forest,
                        c = fit_isolation_forest(points, RandomStream(8)).forest;
  const IsolationForest scaled = fit_isolation_forest(points * 4.0, RandomStream(7)).forest;
  double differ = 0.0;
  const Matrix at = uniform(50, 3, 6);
  for (Index i = 0; i < 50; ++i) {
    const Vector u = at.row(i), larger = 4.0 * u;
    EXPECT_EQ(a.score(u.data()), b.score(u.data()));
    EXPECT_EQ(a.score(u.data()), scaled.score(larger.data()));  // a power of two: the same bits
    differ += std::abs(a.score(u.data()) - c.score(u.data()));
  }
  EXPECT_GT(differ, 0.0);
  EXPECT_LT(differ / 50.0, 0.03);
}

TEST(Isolation, SaysWhatLiesAwayFromACloud) {
  RandomStream random(9);
  Matrix cloud(400, 4);
  for (double& x : cloud.reshaped()) x = 0.5 + 0.08 * random.normal();
  const DomainGuard guard = fit_domain_guard(cloud, RandomStream(3));
  const Vector centre = Vector::Constant(4, 0.5), corner = Vector::Constant(4, 0.95);
  EXPECT_LT(guard.isolation(centre.data()), 0.55);
  EXPECT_GT(guard.isolation(corner.data()), guard.isolation_limit());
  EXPECT_GT(guard.isolation_limit(), 0.55);
  // Where distance alone would let it pass, isolation flags it; near the cloud's middle it is silent.
  const DomainGuard lenient = guard.with_reach(10.0, "as a test wants it");
  EXPECT_LE(guard.distance(corner.data()), lenient.reach());
  EXPECT_EQ(lenient.score(corner.data()), guard.isolation(corner.data()) / guard.isolation_limit());
  EXPECT_GT(lenient.score(corner.data()), 1.0);
  EXPECT_EQ(lenient.score(centre.data()), guard.distance(centre.data()) / 10.0);
  for (Index i = 0; i < 400; ++i) EXPECT_EQ(lenient.score(cloud.row(i).data()), 0.0);
}

TEST(Isolation, FewUniformPointsOfTheSameKindAreFlagged) {
  double flagged = 0.0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const DomainGuard guard = fit_domain_guard(uniform(100, 5, 100 + seed), RandomStream(seed));
    const Matrix fresh = uniform(500, 5, 900 + seed);
    for (Index i = 0; i < 500; ++i)
      flagged += guard.isolation(fresh.row(i).data()) > guard.isolation_limit() ? 1e-4 : 0.0;
  }
  EXPECT_LT(flagged, 0.02);  // exchangeable points: about 1 / 101
}

TEST(DomainGuard, KeepsAllInAFile) {
  const Matrix points = uniform(60, 3, 11);
  const DomainGuard guard = fit_domain_guard(points, RandomStream(5)).with_reach(0.2, "because");
  h5::File file = h5::File::in_memory("guard.h5");
  guard.save(file.root());
  const DomainGuard loaded = DomainGuard::load(file.root());
  EXPECT_EQ(loaded.reach(), 0.2);
  EXPECT_EQ(loaded.spacing(), guard.spacing());
  EXPECT_EQ(loaded.reason(), "because");
  EXPECT_EQ(loaded.isolation_limit(), guard.isolation_limit());
  const Matrix at = 1.5 * uniform(100, 3, 12);
  for (Index i = 0; i < 100; ++i) {
    EXPECT_EQ(loaded.score(at.row(i).data()), guard.score(at.row(i).data()));
    EXPECT_EQ(loaded.isolation(at.row(i).data()), guard.isolation(at.row(i).data()));
  }
}

TEST(DomainGuard, OpensFilesThatHaveDistanceAlone) {
  h5::File file = h5::File::in_memory("old.h5");
  file.root().set("reach", 0.5);
  file.root().write("points", uniform(40, 2, 13));
  const DomainGuard guard = DomainGuard::load(file.root());
  const Vector far = Vector::Constant(2, 3.0);
  EXPECT_EQ(guard.score(far.data()), guard.distance(far.data()) / 0.5);
  EXPECT_TRUE(std::isnan(guard.isolation(far.data())));
  EXPECT_EQ(guard.spacing(), 0.5);
  EXPECT_TRUE(guard.reason().empty());
}

TEST(DomainGuard, DamagedForestsAreRefused) {
  for (const int damage : {0, 1, 2, 3}) {
    h5::File file = h5::File::in_memory("damaged.h5");
    file.root().set("reach", 0.5);
    file.root().write("points", uniform(40, 2, 13));
    const h5::Group g = file.root().create_group("isolation");
    g.set("limit", 0.6);
    g.set("typical_path", damage == 3 ? 0.0 : 1.0);
    Matrix nodes(3, 3);
    nodes << 0, 0.5, 2, -1, 1, 0, -1, 1, 0;
    if (damage == 0) nodes(0, 0) = 2.0;  // an input that is not there
    if (damage == 1) nodes(0, 2) = 0.0;  // a child before its parent: no end
    g.write("nodes", nodes);
    g.write("roots", std::vector<std::int64_t>{damage == 2 ? 3 : 0});
    EXPECT_THROW(DomainGuard::load(file.root()), StorageError) << damage;
  }
}

// Brute force: every distance.
TEST(LeftOut, DistancesToPointsThatWereKept) {
  Matrix points = uniform(30, 3, 21);
  points.row(4) = points.row(19);
  std::vector<Index> folds(30);
  for (std::size_t i = 0; i < 30; ++i) folds[i] = static_cast<Index>(i % 4);
  folds[4] = folds[19];
  const Vector alone = left_out_distances(points, {}), parted = left_out_distances(points, folds);
  for (Index i = 0; i < 30; ++i) {
    double nearest = HUGE_VAL, other_fold = HUGE_VAL;
    for (Index j = 0; j < 30; ++j) {
      const double r = (points.row(i) - points.row(j)).norm();
      if (j != i) nearest = std::min(nearest, r);
      if (folds[static_cast<std::size_t>(i)] != folds[static_cast<std::size_t>(j)])
        other_fold = std::min(other_fold, r);
    }
    if (nearest > 0.0)
      EXPECT_NEAR(alone[i], nearest, 1e-14);
    else
      EXPECT_TRUE(std::isnan(alone[i]));
    EXPECT_NEAR(parted[i], other_fold, 1e-14);
  }
  EXPECT_TRUE(std::isnan(left_out_distances(Matrix::Zero(3, 2), {})[0]));
}

// 200 runs at growing distance whose error is e up to 0.9 and 100 e (10 in its root) beyond: one bin of five
// after the other is acceptable while its mean is below 9 times that of all, 10.9 e.
TEST(Reach, EndsWhereTheErrorBeginsToRise) {
  const DomainGuard guard = fit_domain_guard(uniform(50, 2, 1)).with_reach(1.0, "");
  Vector distance(200), error(200);
  for (Index i = 0; i < 200; ++i) {
    distance[i] = 0.1 * guard.spacing() * (1.0 + static_cast<double>(i) / 250.0);
    const double rising = 1e-3 * static_cast<double>(i) + 1e-3 * static_cast<double>((7 * i) % 11);
    error[i] = (i < 190 ? 1.0 : 100.0) + rising;
  }
  const DomainGuard tight = cross_validated(guard, distance, error);
  EXPECT_TRUE(tells_of_cross_validation(tight)) << tight.reason();
  EXPECT_EQ(tight.reach(), distance[189]);
  EXPECT_NE(tight.reason().find("10 of 200 runs"), std::string::npos) << tight.reason();
  // Twice the error is tolerated; so is one that falls, and one that few runs tell of.
  for (Index i = 190; i < 200; ++i) error[i] = 4.0;
  const DomainGuard mild = cross_validated(guard, distance, error);
  EXPECT_EQ(mild.reach(), guard.spacing());
  EXPECT_NE(mild.reason().find("tolerated"), std::string::npos) << mild.reason();
  const DomainGuard falling = cross_validated(guard, distance, error.reverse());
  EXPECT_EQ(falling.reach(), guard.spacing());
  EXPECT_NE(falling.reason().find("does not rise"), std::string::npos) << falling.reason();
  const DomainGuard few = cross_validated(guard, distance.tail(29), error.tail(29));
  EXPECT_EQ(few.reach(), guard.spacing());
  EXPECT_NE(few.reason().find("too few"), std::string::npos) << few.reason();
}

TEST(Reach, NeverBeyondTheSpacing) {
  const DomainGuard guard = fit_domain_guard(uniform(50, 2, 1));
  Vector distance(100), error(100);
  for (Index i = 0; i < 100; ++i) {
    distance[i] = guard.spacing() * (2.0 + static_cast<double>(i));  // folds leave holes
    error[i] = i < 95 ? 1.0 + 1e-3 * static_cast<double>(i) : 1e4;
  }
  EXPECT_EQ(cross_validated(guard, distance, error).reach(), guard.spacing());
}

// Runs in a corner and few elsewhere: a process is good in the corner and errs where it has to reach far.
// Points that only the tighter reach flags err more than those inside, on 2000 fresh ones.
TEST(Reach, IsTighterWhereErrorGrowsWithDistanceAndFlagsWhatErrs) {
  const Archive runs = runs_of(corner_and_some(160, 31), wavy);
  FitContext context;
  context.random = RandomStream(1);
  const Emulator emulator = train_emulator(runs, with_regressor("gp"), context).emulator;
  const DomainGuard& guard = emulator.guard();
  EXPECT_TRUE(tells_of_cross_validation(guard)) << guard.reason();
  EXPECT_LT(guard.reach(), 0.9 * guard.spacing());
  const Archive fresh = runs_of(uniform(2000, 2, 32), wavy);
  const Prediction p = emulator.predict(fresh.parameters, false);
  double inside = 0.0, flagged = 0.0, count = 0.0;
  for (Index i = 0; i < 2000; ++i) {
    const double e = p.mean[0](i, 0) - fresh.values[0](i, 0);
    (p.inside_domain[static_cast<std::size_t>(i)] ? inside : flagged) += e * e;
    count += p.inside_domain[static_cast<std::size_t>(i)] ? 0.0 : 1.0;
  }
  ASSERT_GT(count, 100.0);
  ASSERT_LT(count, 1500.0);
  EXPECT_GT(std::sqrt(flagged / count), 2.0 * std::sqrt(inside / (2000.0 - count)));
  // A file says so as well.
  h5::File file = h5::File::in_memory("model.h5");
  emulator.save(file.root());
  EXPECT_EQ(Emulator::load(file.root()).guard().reason(), guard.reason());
}

TEST(Reach, StaysWhereTheOutputIsNoise) {
  int tightened = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    RandomStream random(700 + seed);
    const Archive runs =
        runs_of(corner_and_some(100, 40 + seed), [&](double, double) { return random.normal(); });
    for (const char* regressor : {"linear", "knn"}) {
      FitContext context;
      context.random = RandomStream(seed);
      const Emulator emulator = train_emulator(runs, with_regressor(regressor), context).emulator;
      tightened += tells_of_cross_validation(emulator.guard());
    }
  }
  EXPECT_EQ(tightened, 0);
}

// A regressor without a variance is left out in folds: no run is compared with its fold's others.
TEST(Reach, IsToldByFoldsToo) {
  const Archive runs = runs_of(corner_and_some(160, 51), wavy);
  const Emulator emulator = train_emulator(runs, with_regressor("lasso"), {}).emulator;
  EXPECT_FALSE(emulator.guard().reason().empty());
  EXPECT_LE(emulator.guard().reach(), emulator.guard().spacing());
}

}  // namespace
}  // namespace ersatz
