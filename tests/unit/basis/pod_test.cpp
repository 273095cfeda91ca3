// Methods of proper orthogonal decomposition against each other and against rows of known singular values.

#include "ersatz/basis/pod.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "basis/dense.hpp"
#include "ersatz/core/error.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::compressed;
using testing::decaying;
using testing::error;
using testing::message_of;
using testing::powers;
using testing::random_matrix;
using testing::with_values;

constexpr PodMethod methods[] = {PodMethod::exact, PodMethod::randomised, PodMethod::streaming};

PodOptions options_of(PodMethod method, double tolerance = 1e-7) {
  PodOptions o;
  o.method = method;
  o.tolerance = tolerance;
  return o;
}

/// Largest entry of |e W eᴴ - 1|.
double orthogonality(const Pod& pod) {
  const Matrix& e = pod.elements;
  const ComplexMatrix z = pod.complex ? deinterleaved(e) : ComplexMatrix(e.cast<Complex>());
  Vector w = pod.weights;
  if (w.size() == 0) w = Vector::Ones(z.cols());
  return (z * w.asDiagonal() * z.adjoint() - ComplexMatrix::Identity(z.rows(), z.rows()))
      .cwiseAbs()
      .maxCoeff();
}

TEST(Dense, TriangleKeepsTheGramMatrix) {
  for (const Index n : {3, 40, 2000}) {
    const Matrix c = random_matrix(n, 17, 1);
    const Matrix g = dense::triangle<double>(c);
    EXPECT_EQ(g.rows(), std::min<Index>(n, 17));
    EXPECT_LT((g.transpose() * g - c.transpose() * c).norm(), 1e-13 * c.squaredNorm());
    const ComplexMatrix z = deinterleaved(random_matrix(n, 22, 2));
    const ComplexMatrix h = dense::triangle<Complex>(z);
    EXPECT_LT((h.adjoint() * h - z.adjoint() * z).norm(), 1e-13 * z.squaredNorm());
    for (Index i = 0; i < h.rows(); ++i)
      for (Index j = 0; j < std::min(i, h.cols()); ++j) EXPECT_EQ(h(i, j), Complex(0.0));
  }
}

TEST(Dense, OrthonormalBesideCompletesWhatIsDegenerate) {
  const Matrix e = dense::orthonormal_beside<double>(Matrix(0, 20), random_matrix(4, 20, 3));
  Matrix y = random_matrix(5, 20, 4);
  y.row(2) = y.row(1);
  y.row(3) = e.row(0);
  y.row(4).setZero();
  const Matrix q = dense::orthonormal_beside<double>(e, y);
  Matrix all(9, 20);
  all << e, q;
  EXPECT_LT((all * all.transpose() - Matrix::Identity(9, 9)).norm(), 1e-14);
  EXPECT_LT((y - y * all.transpose() * all).norm(), 1e-13 * y.norm());
}

TEST(PodMethods, AgreeWithTheSingularValueDecomposition) {
  struct Shape {
    Index n, m;
    bool complex;
  };
  for (const Shape& s : {Shape{300, 240, false}, Shape{240, 400, false}, Shape{300, 300, true}})
    for (const double tolerance : {1e-2, 1e-5, 1e-9}) {
      const Matrix rows = decaying(s.n, s.m, 0.6, s.complex, 5);
      const Vector values = powers(0.6, std::min(s.n, s.complex ? s.m / 2 : s.m));
      for (const PodMethod method : methods) {
        const Pod pod = fit_pod(rows, s.complex, options_of(method, tolerance));
        SCOPED_TRACE(text(to_string(method), " ", s.n, " x ", s.m, " at ", tolerance));
        EXPECT_EQ(pod.summary.method, method) << pod.summary.message;
        EXPECT_TRUE(pod.summary.tolerance_met) << pod.summary.message;
        EXPECT_LT(orthogonality(pod), 1e-14);
        // Meets the tolerance, with at most one more element than the optimum takes, and at its own rank is
        // within one percent of the optimum.
        const double found = error(*pod.basis(), rows);
        EXPECT_LE(found, tolerance * 1.0001);
        const double optimum = values.tail(values.size() - pod.rank()).norm() / values.norm();
        EXPECT_LE(found, 1.01 * optimum);
        EXPECT_LT(values.tail(values.size() - pod.rank()).norm() / values.norm(), tolerance);
        EXPECT_GT(values.tail(values.size() - pod.rank() + 2).norm() / values.norm(), tolerance);
        EXPECT_NEAR(pod.summary.error_estimate / found, 1.0, 0.03);
        EXPECT_EQ(pod.errors.training_mean, pod.summary.error_estimate);
        for (Index k = 0; k < pod.rank(); ++k)
          EXPECT_NEAR(pod.singular_values[k] / values[k], 1.0, 0.01 + 1e-15 / values[k]);
        EXPECT_NEAR(pod.energy, rows.squaredNorm(), 1e-12 * pod.energy);
      }
    }
}

TEST(PodMethods, RankIsTheSmallest) {
  const Matrix rows = decaying(300, 260, 0.5, false, 6);
  for (const PodMethod method : methods)
    for (const double tolerance : {0.3, 1e-3, 1e-6}) {
      const Pod pod = fit_pod(rows, false, options_of(method, tolerance));
      PodOptions fewer = options_of(method, tolerance);
      fewer.max_rank = pod.rank() - 1;
      const Pod less = fit_pod(rows, false, fewer);
      EXPECT_EQ(less.rank(), pod.rank() - 1);
      EXPECT_FALSE(less.summary.tolerance_met);
      EXPECT_NE(less.summary.message.find("max_rank"), std::string::npos) << less.summary.message;
      EXPECT_GT(error(*less.basis(), rows), tolerance);
    }
}

TEST(PodMethods, FixedRankIsNearTheOptimumWhereValuesFallSlowly) {
  Vector values(300);
  for (Index k = 0; k < 300; ++k) values[k] = 1.0 / static_cast<double>(k + 1);
  const Matrix rows = with_values(400, 300, values, false, 7);
  for (const PodMethod method : methods) {
    PodOptions o = options_of(method);
    o.max_rank = 20;
    const Pod pod = fit_pod(rows, false, o);
    ASSERT_EQ(pod.rank(), 20);
    EXPECT_EQ(pod.summary.method, method);
    const double optimum = values.tail(280).norm() / values.norm();
    const double found = error(*pod.basis(), rows);
    EXPECT_LE(found, 1.01 * optimum) << to_string(method);
    // The streaming estimate is a bound; the others know the error.
    EXPECT_GE(pod.summary.error_estimate, found * (1.0 - 1e-6));
    EXPECT_LE(pod.summary.error_estimate, found * (method == PodMethod::streaming ? 1.2 : 1.0001));
  }
}

TEST(PodMethods, RandomisedFindsWhatTheSampleMissed) {
  // 5 rows of 3000 point where no other does, each well above the tolerance.
  Matrix rows = decaying(3000, 300, 0.5, false, 8);
  const Matrix odd = random_matrix(5, 300, 9) / std::sqrt(300.0);
  for (Index i = 0; i < 5; ++i) rows.row(601 * i + 7) += 1e-3 * odd.row(i);
  const Pod pod = fit_pod(rows, false, options_of(PodMethod::randomised, 1e-6));
  EXPECT_EQ(pod.summary.method, PodMethod::randomised);
  EXPECT_GT(pod.summary.passes, 1);
  EXPECT_LE(error(*pod.basis(), rows), 1.0001e-6);
}

TEST(PodMethods, ErrorEstimateOfProbesCoversTheError) {
  // The error found must hold for every seed, not on average.
  const Matrix rows = decaying(600, 260, 0.8, false, 10);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PodOptions o = options_of(PodMethod::randomised, 1e-4);
    o.seed = seed;
    const Pod pod = fit_pod(rows, false, o);
    const double found = error(*pod.basis(), rows);
    EXPECT_LE(found, 1e-4);
    EXPECT_NEAR(pod.summary.error_estimate / found, 1.0, 0.01);
  }
}

TEST(PodMethods, FullRankFallsBackToExact) {
  const Matrix rows = random_matrix(300, 200, 11);
  const Pod pod = fit_pod(rows, false, options_of(PodMethod::randomised, 1e-3));
  EXPECT_EQ(pod.summary.method, PodMethod::exact);
  EXPECT_NE(pod.summary.message.find("more than half"), std::string::npos) << pod.summary.message;
  EXPECT_LE(error(*pod.basis(), rows), 1e-3);
  EXPECT_EQ(fit_pod(rows, false, options_of(PodMethod::streaming, 1e-3)).rank(), pod.rank());
}

TEST(PodMethods, WorstSnapshot) {
  Matrix rows = decaying(400, 150, 0.6, false, 12);
  rows.row(123) += 0.02 * random_matrix(1, 150, 13) / std::sqrt(150.0);
  for (const PodMethod method : methods) {
    PodOptions o = options_of(method, 1e-3);
    const Pod whole = fit_pod(rows, false, o);
    o.tolerance_of = PodTolerance::worst;
    const Pod worst = fit_pod(rows, false, o);
    const auto norms = [&](const Pod& p) {
      const Vector lost = (compressed(*p.basis(), rows) - rows).rowwise().norm();
      return lost.maxCoeff() * std::sqrt(400.0) / rows.norm();
    };
    EXPECT_GT(worst.rank(), whole.rank());
    EXPECT_LE(norms(worst), 1.0001e-3) << to_string(method);
    EXPECT_NEAR(worst.errors.training_worst / norms(worst), 1.0, 1e-3);
    o.max_rank = worst.rank() - 1;
    EXPECT_GT(norms(fit_pod(rows, false, o)), 1e-3);
  }
}

TEST(PodMethods, WeightsAreAnExplicitScaling) {
  for (const bool complex : {false, true}) {
    const Index bins = complex ? 130 : 260;
    const Vector weights = random_matrix(bins, 1, 14).array().exp();
    const Matrix rows = decaying(300, 260, 0.5, complex, 15);
    Matrix scaled = rows;
    for (Index j = 0; j < 260; ++j) scaled.col(j) *= std::sqrt(weights[complex ? j / 2 : j]);
    for (const PodMethod method : methods) {
      PodOptions o = options_of(method, 1e-5);
      const Pod plain = fit_pod(scaled, complex, o);
      o.weights = weights;
      const Pod pod = fit_pod(rows, complex, o);
      ASSERT_EQ(pod.rank(), plain.rank());
      EXPECT_LT(orthogonality(pod), 1e-13);
      EXPECT_LT((pod.singular_values - plain.singular_values).norm(), 1e-13 * plain.singular_values[0]);
      Matrix back = compressed(*pod.basis(), rows);
      for (Index j = 0; j < 260; ++j) back.col(j) *= std::sqrt(weights[complex ? j / 2 : j]);
      EXPECT_LT((back - compressed(*plain.basis(), scaled)).norm(), 1e-12 * scaled.norm());
      EXPECT_NEAR(pod.errors.training_mean, (back - scaled).norm() / scaled.norm(), 1e-7);
    }
  }
}

TEST(PodMethods, CentredIsThePodOfCentredRows) {
  for (const bool complex : {false, true}) {
    Matrix rows = decaying(330, 240, 0.5, complex, 16);
    const Matrix shift = 3.0 * random_matrix(1, 240, 17);
    rows.rowwise() += shift.row(0);
    const Vector mean = rows.colwise().mean();
    const Matrix about = rows.rowwise() - mean.transpose();
    for (const PodMethod method : methods) {
      PodOptions o = options_of(method, 1e-5);
      const Pod plain = fit_pod(about, complex, o);
      o.centred = true;
      const Pod pod = fit_pod(rows, complex, o);
      EXPECT_EQ(pod.rank(), plain.rank());
      EXPECT_LT((pod.offset - mean).norm(), 1e-13 * mean.norm());
      EXPECT_LT((pod.singular_values - plain.singular_values).head(pod.rank()).norm(),
                1e-6 * plain.singular_values[0]);
      EXPECT_LE((compressed(*pod.basis(), rows) - rows).norm(), 1.0001e-5 * about.norm())
          << to_string(method);
      EXPECT_NEAR(pod.energy, about.squaredNorm(), 1e-10 * pod.energy);
    }
  }
}

TEST(PodMethods, SameBitsOnAnyNumberOfThreads) {
  const Matrix rows = decaying(900, 300, 0.7, false, 18);
  for (const PodMethod method : methods) {
    PodOptions o = options_of(method, 1e-6);
    o.folds = 5;
    const Pod one = fit_pod(rows, false, o);
    for (const Index threads : {2, 3}) {
      ThreadExecutor executor(threads);
      o.executor = &executor;
      const Pod more = fit_pod(rows, false, o);
      EXPECT_TRUE(one.elements == more.elements) << to_string(method);
      EXPECT_TRUE(one.residual_modes == more.residual_modes);
      EXPECT_TRUE(one.residual_variance == more.residual_variance);
    }
  }
}

TEST(PodMethods, BlocksOfTheStreamDoNotMatter) {
  const Matrix rows = decaying(500, 120, 0.7, false, 19);
  for (const bool centred : {false, true})
    for (const Index block : {1, 7, 64, 500, 10000}) {
      PodOptions o = options_of(PodMethod::streaming, 1e-6);
      o.block_rows = block;
      o.centred = centred;
      const Pod pod = fit_pod(rows, false, o);
      o.method = PodMethod::exact;
      const Pod exact = fit_pod(rows, false, o);
      EXPECT_LE(pod.rank(), exact.rank() + 1) << block;
      EXPECT_LE(pod.errors.training_mean, 1e-6);
      EXPECT_LT(orthogonality(pod), 1e-14) << block;
    }
}

TEST(PodMethods, DegenerateSnapshots) {
  for (const bool complex : {false, true})
    for (const PodMethod method : methods) {
      SCOPED_TRACE(text(to_string(method), complex ? " complex" : " real"));
      const PodOptions o = options_of(method);
      const Matrix one = random_matrix(1, 32, 20);
      Pod pod = fit_pod(one, complex, o);
      EXPECT_EQ(pod.rank(), 1);
      EXPECT_LT(error(*pod.basis(), one), 1e-14);

      const Matrix same = one.replicate(300, 1);
      pod = fit_pod(same, complex, o);
      EXPECT_EQ(pod.rank(), 1);
      EXPECT_LT(error(*pod.basis(), same), 1e-14);
      EXPECT_TRUE(pod.summary.tolerance_met);

      PodOptions centred = o;
      centred.centred = true;
      pod = fit_pod(same, complex, centred);  // nothing but the mean, to rounding
      EXPECT_LT(error(*pod.basis(), same), 1e-14);
      EXPECT_TRUE(pod.elements.allFinite());

      const Matrix zero = Matrix::Zero(300, 32);
      pod = fit_pod(zero, complex, o);
      EXPECT_EQ(pod.rank(), 1);
      EXPECT_LT(orthogonality(pod), 1e-15);
      EXPECT_TRUE(compressed(*pod.basis(), zero).isZero(0.0));
      EXPECT_EQ(pod.errors.training_mean, 0.0);

      Matrix some = decaying(300, 32, 0.3, complex, 21);  // and rows of zeros
      for (Index i = 0; i < 300; i += 3) some.row(i).setZero();
      pod = fit_pod(some, complex, o);
      EXPECT_LE(error(*pod.basis(), some), 1e-7);

      // Rank deficient: five directions, and tolerance 0 finds five.
      const Matrix five = with_values(200, 140, powers(0.3, 5), complex, 22);
      pod = fit_pod(five, complex, options_of(method, 0.0));
      EXPECT_EQ(pod.rank(), 5);
      EXPECT_LT(error(*pod.basis(), five), 1e-14);
      EXPECT_TRUE(pod.summary.tolerance_met) << pod.summary.message;
    }
}

TEST(PodMethods, ToleranceBelowRoundingIsReported) {
  const Matrix rows = decaying(300, 200, 0.5, false, 23);
  for (const PodMethod method : methods) {
    const Pod pod = fit_pod(rows, false, options_of(method, 1e-18));
    EXPECT_FALSE(pod.summary.tolerance_met);
    EXPECT_LE(error(*pod.basis(), rows), pod.summary.rounding_level);
    EXPECT_LT(pod.rank(), 60);  // not directions of rounding
    EXPECT_NE(pod.summary.message.find("where rounding decides"), std::string::npos) << pod.summary.message;
    EXPECT_NE(pod.basis()->note().find("where rounding decides"), std::string::npos);
  }
}

TEST(PodMethods, AutomaticSaysWhy) {
  EXPECT_EQ(fit_pod(decaying(50, 40, 0.5, false, 24), false).summary.method, PodMethod::exact);
  const Pod large = fit_pod(decaying(1000, 700, 0.5, false, 25), false);
  EXPECT_EQ(large.summary.method, PodMethod::randomised);
  EXPECT_NE(large.summary.message.find("many snapshots"), std::string::npos);
  EXPECT_EQ(pod_method_from_string("streaming"), PodMethod::streaming);
  EXPECT_NE(message_of<UsageError>([] { pod_method_from_string("fast"); }).find("'fast'"), std::string::npos);
}

TEST(PodMerge, IsThePodOfTheJoinedSnapshots) {
  for (const bool complex : {false, true})
    for (const bool centred : {false, true}) {
      Matrix rows = decaying(600, 120, 0.5, complex, 26);
      rows.topRows(200).rowwise() += 0.3 * random_matrix(1, 120, 27).row(0);  // runs with different means
      PodOptions o = options_of(PodMethod::exact, 1e-9);
      o.centred = centred;
      o.weights = random_matrix(complex ? 60 : 120, 1, 28).array().exp();
      const Pod a = fit_pod(rows.topRows(200), complex, o),
                b = fit_pod(rows.middleRows(200, 350), complex, o),
                c = fit_pod(rows.bottomRows(50), complex, o);
      o.tolerance = 1e-6;
      const Pod joint = fit_pod(rows, complex, o), merged = merge_pods({a, b, c}, o);
      EXPECT_EQ(merged.rank(), joint.rank());
      EXPECT_EQ(merged.snapshots, 600);
      EXPECT_LT(orthogonality(merged), 1e-13);
      for (Index k = 0; k < joint.rank(); ++k)
        EXPECT_NEAR(merged.singular_values[k], joint.singular_values[k], 1e-8 * joint.singular_values[0]);
      EXPECT_NEAR(merged.energy, joint.energy, 1e-10 * joint.energy);
      EXPECT_LE((merged.offset - joint.offset).norm(), 1e-13 * joint.offset.norm());
      const Matrix x = compressed(*merged.basis(), rows), y = compressed(*joint.basis(), rows);
      EXPECT_LT((x - y).norm(), 1e-6 * rows.norm());
      EXPECT_NEAR(merged.errors.training_mean / joint.errors.training_mean, 1.0, 0.01);

      // The same through files, where only the basis is kept.
      const auto reread = [&](const Pod& p) {
        h5::File file = h5::File::in_memory("basis.h5");
        save_basis(file.root(), *p.basis());
        return pod_of(*load_basis(file.root()));
      };
      const Pod again = merge_pods({reread(a), reread(b), reread(c)}, o);
      EXPECT_EQ(again.rank(), merged.rank());
      EXPECT_LT((compressed(*again.basis(), rows) - x).norm(), 1e-6 * rows.norm());
    }
}

TEST(PodMerge, Errors) {
  const Matrix rows = decaying(40, 20, 0.5, false, 29);
  const Pod a = fit_pod(rows, false), narrow = fit_pod(rows.leftCols(18), false);
  PodOptions o;
  o.centred = true;
  const Pod centred = fit_pod(rows, false, o);
  EXPECT_THROW(merge_pods({}), UsageError);
  EXPECT_NE(message_of<UsageError>([&] { merge_pods({a, narrow}); }).find("width"), std::string::npos);
  EXPECT_NE(message_of<UsageError>([&] { merge_pods({a, a, centred}); }).find("number 2"), std::string::npos);
  EXPECT_THROW(pod_of(*a.basis()->restricted({1, 2})), UsageError);
  EXPECT_THROW(pod_of(*fit_basis("none", {}, rows, false)), UsageError);
  // Parts that are worse than the tolerance: reported.
  PodOptions coarse;
  coarse.tolerance = 1e-2;
  const Pod part = fit_pod(rows, false, coarse);
  const Pod merged = merge_pods({part, part});
  EXPECT_FALSE(merged.summary.tolerance_met);
  EXPECT_NE(merged.summary.message.find("the parts alone leave"), std::string::npos);
}

TEST(PodOptionsChecked, Errors) {
  Matrix rows = random_matrix(200, 30, 30);
  const auto fails = [&](auto change) {
    PodOptions o;
    change(o);
    return message_of<UsageError>([&] { fit_pod(rows, false, o); });
  };
  EXPECT_NE(fails([](PodOptions& o) { o.tolerance = 1.0; }).find("tolerance"), std::string::npos);
  EXPECT_NE(fails([](PodOptions& o) { o.tolerance = std::nan(""); }).find("tolerance"), std::string::npos);
  EXPECT_NE(fails([](PodOptions& o) { o.max_rank = -1; }).find("max_rank"), std::string::npos);
  EXPECT_NE(fails([](PodOptions& o) { o.folds = 1; }).find("folds"), std::string::npos);
  EXPECT_NE(fails([](PodOptions& o) { o.weights = Vector::Ones(7); }).find("7 weights for 30"),
            std::string::npos);
  EXPECT_NE(fails([](PodOptions& o) {
              o.weights = Vector::Ones(30);
              o.weights[4] = -1.0;
            }).find("bin 4"),
            std::string::npos);
  EXPECT_THROW(fit_pod(rows.topRows(0), false), DataError);
  EXPECT_THROW(fit_pod(rows.leftCols(0), false), DataError);
  EXPECT_THROW(fit_pod(rows.leftCols(3), true), UsageError);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    rows(137, 11) = bad;
    for (const PodMethod method : methods)
      for (const bool centred : {false, true}) {
        PodOptions o = options_of(method);
        o.centred = centred;
        EXPECT_NE(message_of<DataError>([&] { fit_pod(rows, false, o); }).find("snapshot 137 "),
                  std::string::npos)
            << to_string(method);
      }
  }
}

}  // namespace
}  // namespace ersatz
