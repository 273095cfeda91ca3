// Each transform against its own inverse, finite differences and what it was fitted to.

#include "ersatz/transform/transform.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "transform/diagonal.hpp"
#include "transform/periodic.hpp"
#include "unit/storage/scratch.hpp"
#include "unit/transform/maps.hpp"

namespace ersatz {
namespace {

using testing::forward;
using testing::inverse;
using testing::message_of;

Matrix random_rows(Index n, Index m, std::uint64_t seed, double low, double high) {
  RandomStream random(seed);
  Matrix rows(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) rows(i, j) = low + (high - low) * random.uniform();
  return rows;
}

struct Case {
  std::string name;
  TransformPtr transform;
  Matrix rows;  ///< where to look
};

std::vector<Case> cases() {
  const Matrix positive = random_rows(40, 5, 1, 0.1, 30.0), signs = random_rows(40, 5, 2, -20.0, 20.0);
  std::vector<Case> list;
  for (const char* name : {"none", "center", "standardise", "minmax", "asinh"})
    list.push_back({name, fit_transform(name, {}, signs), signs});
  list.push_back({"standardise per output",
                  fit_transform("standardise", {{"per", std::string("output")}}, signs), signs});
  list.push_back({"asinh of width 0.1", fit_transform("asinh", {{"width", 0.1}}, signs), signs});
  list.push_back({"log", fit_transform("log", {}, positive), positive});
  const Matrix angles = random_rows(40, 5, 3, 0.1, 5.9);
  list.push_back(
      {"periodic", fit_transform("periodic", {{"columns", std::vector<double>{1.0, 4.0}}}, angles), angles});
  list.push_back({"chain",
                  chain({fit_transform("log", {}, positive),
                         fit_transform("standardise", {}, positive.array().log().matrix()),
                         fit_transform("asinh", {{"width", 2.0}}, positive)},
                        5),
                  positive});
  list.push_back({"circles, scaled",
                  chain({fit_transform("periodic", {{"columns", std::vector<double>{0.0}}}, angles),
                         std::make_shared<DiagonalTransform>(std::vector<DiagonalTransform::Entry>(
                             6, {DiagonalTransform::Function::identity, 0.0, 0.3, 2.0}))},
                        5),
                  angles});
  return list;
}

TEST(Transform, RoundTrip) {
  for (const Case& c : cases()) {
    const Matrix z = forward_rows(*c.transform, c.rows);
    EXPECT_EQ(z.cols(), c.transform->outputs());
    EXPECT_TRUE(z.allFinite()) << c.name;
    const Matrix back = inverse_rows(*c.transform, z);
    EXPECT_LT((back - c.rows).cwiseAbs().maxCoeff(), 1e-12 * c.rows.cwiseAbs().maxCoeff()) << c.name;
  }
}

TEST(Transform, TangentsAgreeWithFiniteDifferences) {
  RandomStream random(4);
  for (const Case& c : cases()) {
    const Transform& t = *c.transform;
    for (Index i = 0; i < 10; ++i) {
      const Vector y = c.rows.row(i).transpose(), z = forward(t, y);
      Vector dy(t.inputs()), dz(t.outputs()), pushed_z(t.outputs()), pushed_y(t.inputs());
      for (double& v : dy) v = random.normal();
      for (double& v : dz) v = random.normal();
      const double h = 1e-6;
      t.push_forward(y.data(), dy.data(), pushed_z.data());
      const Vector slope_z = (forward(t, y + h * dy) - forward(t, y - h * dy)) / (2.0 * h);
      EXPECT_LT((pushed_z - slope_z).norm(), 1e-7 * (1.0 + slope_z.norm())) << c.name;
      t.push_inverse(z.data(), dz.data(), pushed_y.data());
      const Vector slope_y = (inverse(t, z + h * dz) - inverse(t, z - h * dz)) / (2.0 * h);
      EXPECT_LT((pushed_y - slope_y).norm(), 1e-7 * (1.0 + slope_y.norm())) << c.name;
      // One undoes the other.
      Vector again(t.inputs());
      t.push_inverse(z.data(), pushed_z.data(), again.data());
      EXPECT_LT((again - dy).norm(), 1e-10 * dy.norm()) << c.name;
    }
  }
}

TEST(Transform, SlopesOfEntriesAreTheTangentsOfOnes) {
  RandomStream random(4);
  std::size_t entrywise = 0;
  for (const Case& c : cases()) {
    const Transform& t = *c.transform;
    const Vector z = forward(t, c.rows.row(7).transpose());
    Vector y(t.inputs()), slopes(t.inputs()), pushed(t.inputs());
    if (!t.entrywise()) {
      EXPECT_THROW(t.inverse_and_slopes(z.data(), y.data(), slopes.data()), UsageError) << c.name;
      continue;
    }
    ++entrywise;
    t.inverse_and_slopes(z.data(), y.data(), slopes.data());
    EXPECT_EQ(y, inverse(t, z)) << c.name;
    for (Index j = 0; j < t.outputs(); ++j) {  // what an entry does to the others: nothing
      const Vector unit = Vector::Unit(t.outputs(), j);
      t.push_inverse(z.data(), unit.data(), pushed.data());
      EXPECT_NEAR(pushed[j], slopes[j], 1e-14 * std::abs(slopes[j])) << c.name;
      pushed[j] = 0.0;
      EXPECT_TRUE(pushed.isZero(0.0)) << c.name;
    }
  }
  EXPECT_GT(entrywise, 3u);
}

TEST(Transform, VarianceIsTheSumOverUnitTangents) {
  RandomStream random(5);
  for (const Case& c : cases()) {
    const Transform& t = *c.transform;
    const Vector z = forward(t, c.rows.row(7).transpose());
    Vector var_z(t.outputs()), var_y(t.inputs()), expected = Vector::Zero(t.inputs()), dy(t.inputs());
    for (double& v : var_z) v = random.uniform();
    for (Index k = 0; k < t.outputs(); ++k) {
      const Vector unit = Vector::Unit(t.outputs(), k);
      t.push_inverse(z.data(), unit.data(), dy.data());
      expected += var_z[k] * dy.cwiseAbs2();
    }
    t.variance_inverse(z.data(), var_z.data(), var_y.data());
    EXPECT_LT((var_y - expected).norm(), 1e-12 * expected.norm()) << c.name;
  }
}

TEST(Transform, SavedAndLoadedGivesTheSameBits) {
  for (const Case& c : cases()) {
    h5::File file = h5::File::in_memory("transform.h5");
    save_transform(file.root(), *c.transform);
    const TransformPtr loaded = load_transform(file.root());
    ASSERT_EQ(loaded->inputs(), c.transform->inputs());
    ASSERT_EQ(loaded->outputs(), c.transform->outputs());
    const Matrix a = forward_rows(*c.transform, c.rows), b = forward_rows(*loaded, c.rows);
    EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)), 0)
        << c.name;
    const Matrix y = inverse_rows(*c.transform, a), w = inverse_rows(*loaded, a);
    EXPECT_EQ(std::memcmp(y.data(), w.data(), static_cast<std::size_t>(y.size()) * sizeof(double)), 0)
        << c.name;
  }
}

TEST(Transform, FitsWhatItSays) {
  const Matrix rows = random_rows(50, 4, 6, -3.0, 9.0);
  Matrix z = forward_rows(*fit_transform("center", {}, rows), rows);
  EXPECT_LT(z.colwise().mean().cwiseAbs().maxCoeff(), 1e-14);
  z = forward_rows(*fit_transform("standardise", {}, rows), rows);
  EXPECT_LT(z.colwise().mean().cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_LT((z.colwise().squaredNorm().array() / 50.0 - 1.0).abs().maxCoeff(), 1e-13);
  z = forward_rows(*fit_transform("minmax", {}, rows), rows);
  EXPECT_EQ(z.minCoeff(), 0.0);
  EXPECT_EQ(z.maxCoeff(), 1.0);
  z = forward_rows(*fit_transform("standardise", {{"per", std::string("output")}}, rows), rows);
  EXPECT_NEAR(z.squaredNorm() / 200.0, 1.0, 1e-13);
  // A floor: what is below it comes back as the floor, and its slope is zero.
  const auto log = fit_transform("log", {{"floor", 0.5}}, rows);
  EXPECT_NEAR(inverse(*log, forward(*log, Vector::Constant(4, -1.0)))[0], 0.5, 1e-15);
  const Vector low = Vector::Constant(4, 0.1), one = Vector::Ones(4);
  Vector slope(4);
  log->push_forward(low.data(), one.data(), slope.data());
  EXPECT_EQ(slope[0], 0.0);
}

TEST(Transform, ConstantColumnsStayFinite) {
  Matrix rows = random_rows(7, 3, 7, 0.0, 1.0);
  rows.col(1).setConstant(0.1);
  rows.col(2).setZero();
  for (const char* name : {"standardise", "minmax"}) {
    const auto t = fit_transform(name, {}, rows);
    const Matrix z = forward_rows(*t, rows);
    EXPECT_LT(z.rightCols(2).cwiseAbs().maxCoeff(), 1e-12) << name;
    EXPECT_LT((inverse_rows(*t, z) - rows).cwiseAbs().maxCoeff(), 1e-15) << name;
  }
  EXPECT_TRUE(forward_rows(*fit_transform("asinh", {}, Matrix::Zero(3, 2)), Matrix::Zero(3, 2)).allFinite());
  EXPECT_TRUE(forward_rows(*fit_transform("standardise", {}, rows.topRows(1)), rows.topRows(1)).isZero(0.0));
}

TEST(Transform, RefusesWhatItCannot) {
  Matrix rows = random_rows(6, 4, 8, 1.0, 2.0);
  rows(4, 2) = 0.0;
  const std::string why = message_of<DataError>([&] { fit_transform("log", {}, rows); });
  EXPECT_NE(why.find("row 4, bin 2 is 0"), std::string::npos) << why;
  EXPECT_NE(why.find("floor"), std::string::npos);
  EXPECT_THROW(fit_transform("log", {{"floor", -1.0}}, rows), UsageError);
  EXPECT_THROW(fit_transform("asinh", {{"width", 0.0}}, rows), UsageError);
  EXPECT_THROW(fit_transform("standardise", {{"per", std::string("row")}}, rows), UsageError);
  EXPECT_THROW(fit_transform("periodic", {{"columns", std::vector<double>{4.0}}}, rows), UsageError);
  EXPECT_THROW(fit_transform("periodic", {{"period", 0.0}}, rows), UsageError);
  for (const auto& name : transform_names()) {
    EXPECT_THROW(fit_transform(name, {{"nonsense", 1.0}}, rows), UsageError) << name;
    EXPECT_THROW(fit_transform(name, {}, rows.topRows(0)), DataError) << name;
  }
  rows(1, 1) = std::nan("");
  for (const auto& name : transform_names()) EXPECT_THROW(fit_transform(name, {}, rows), DataError) << name;
  EXPECT_NE(message_of<UsageError>([&] { fit_transform("cube", {}, rows.topRows(1)); }).find("standardise"),
            std::string::npos);
  EXPECT_THROW(forward_rows(*fit_transform("none", {}, rows.topRows(1)), rows.leftCols(2)), UsageError);
  EXPECT_THROW(
      chain({fit_transform("none", {}, rows.topRows(1)), fit_transform("none", {}, rows.leftCols(1))}, 4),
      UsageError);
  EXPECT_THROW(chain({fit_transform("none", {}, rows.topRows(1))}, 3), UsageError);
}

// A file that another program wrote, or a newer version: refused when loading, not met when predicting.
TEST(Transform, RefusesFilesThatMakeNoSense) {
  const auto refused = [](auto&& write) {
    h5::File file = h5::File::in_memory("transform.h5");
    write(file.root());
    return message_of<StorageError>([&] { load_transform(file.root()); });
  };
  Matrix numbers(1, 3);
  numbers << 0.0, 0.0, 1.0;
  EXPECT_NE(refused([](const h5::Group& g) { g.set("kind", "spline"); }).find("'spline'"), std::string::npos);
  EXPECT_NE(refused([&](const h5::Group& g) {
              g.set("kind", "diagonal");
              g.write("function", std::vector<std::int64_t>{3});
              g.write("argument_shift_scale", numbers);
            }).find("function 3"),
            std::string::npos);
  numbers(0, 2) = 0.0;
  EXPECT_NE(refused([&](const h5::Group& g) {
              g.set("kind", "diagonal");
              g.write("function", std::vector<std::int64_t>{0});
              g.write("argument_shift_scale", numbers);
            }).find("scale 0"),
            std::string::npos);
  EXPECT_NE(refused([&](const h5::Group& g) {
              g.set("kind", "periodic");
              g.set("inputs", std::int64_t{2});
              g.write("columns", std::vector<std::int64_t>{2});
              g.write("origin_period", Matrix(Matrix::Ones(1, 2)));
            }).find("column 2"),
            std::string::npos);
  EXPECT_NE(refused([&](const h5::Group& g) {
              g.set("kind", "chain");
              g.set("width", std::int64_t{2});
              g.set("steps", std::int64_t{1});
              save_transform(g.create_group("step0"), *chain({}, 3));
            }).find("does not fit together"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
