// Greedy bases against LAPACK's pivoted QR, brute force, and their promises.

#include "ersatz/basis/greedy.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <cstring>
#include <limits>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::combinations;
using testing::message_of;
using testing::random_matrix;

SerialExecutor serial;

/// Pivots of LAPACK's QR of the rows (as columns), and the squared diagonal of R.
void lapack(const Matrix& rows, bool complex, std::vector<Index>& pivots, Vector& diagonal) {
  const int n = static_cast<int>(rows.rows()), m = static_cast<int>(complex ? rows.cols() / 2 : rows.cols());
  Matrix a = rows;  // row major: its transpose to LAPACK
  std::vector<int> pivot(static_cast<std::size_t>(n), 0);
  std::vector<Complex> tau(static_cast<std::size_t>(n)), work(100000);
  std::vector<double> real(static_cast<std::size_t>(2 * n));
  int size = 100000, info = 0;
  if (complex)
    zgeqp3_(&m, &n, reinterpret_cast<Complex*>(a.data()), &m, pivot.data(), tau.data(), work.data(), &size,
            real.data(), &info);
  else
    dgeqp3_(&m, &n, a.data(), &m, pivot.data(), reinterpret_cast<double*>(tau.data()),
            reinterpret_cast<double*>(work.data()), &size, &info);
  ASSERT_EQ(info, 0);
  const Index k = std::min(n, m);
  diagonal.resize(k);
  for (Index i = 0; i < k; ++i) {
    pivots.push_back(pivot[static_cast<std::size_t>(i)] - 1);
    diagonal[i] = complex ? std::hypot(a(i, 2 * i), a(i, 2 * i + 1)) : std::abs(a(i, i));
  }
}

TEST(Greedy, WithoutToleranceIsThePivotedQrOfLapack) {
  for (const bool complex : {false, true}) {
    const Matrix rows = combinations(120, 180, 0.85, complex, 1);
    std::vector<Index> pivots;
    Vector diagonal;
    lapack(rows, complex, pivots, diagonal);
    GreedyOptions options;
    options.tolerance = 0.0;
    options.normalise = false;
    options.max_rank = complex ? 85 : 115;
    const GreedyBasis basis = greedy_basis(rows, complex, options, serial);
    ASSERT_EQ(basis.rank(), options.max_rank);
    EXPECT_EQ(basis.summary.termination, GreedyTermination::max_rank);
    for (Index k = 0; k < basis.rank(); ++k) {
      EXPECT_EQ(basis.points[static_cast<std::size_t>(k)].row, pivots[static_cast<std::size_t>(k)]) << k;
      EXPECT_NEAR(std::sqrt(basis.errors[k]) * basis.reference, diagonal[k],
                  1e-9 * diagonal[k] + 1e-13 * diagonal[0]);
    }
  }
}

/// The plain algorithm, one element after the other, residuals held in full.
std::vector<Index> plain(ComplexMatrix rows, const Vector& weights, bool normalise, Index rank,
                         Vector& errors) {
  const auto squares = [&](const ComplexMatrix& a) { return Vector(a.cwiseAbs2() * weights); };
  Vector unit = Vector::Constant(rows.rows(), squares(rows).maxCoeff());
  if (normalise) unit = squares(rows);
  std::vector<Index> points;
  errors.resize(rank);
  for (Index k = 0; k < rank; ++k) {
    Index worst = 0;
    errors[k] = Vector(squares(rows).cwiseQuotient(unit)).maxCoeff(&worst);
    if (k == 0 && normalise) worst = 0;
    points.push_back(worst);
    const ComplexMatrix e = rows.row(worst) / std::sqrt(squares(rows)[worst]);
    rows -= (rows * weights.asDiagonal() * e.adjoint()) * e;
  }
  return points;
}

TEST(Greedy, WeightsAndNormalisationAreThoseOfThePlainAlgorithm) {
  const Matrix rows = combinations(90, 100, 0.7, true, 2);
  const Vector weights = random_matrix(50, 1, 3).cwiseAbs().array() + 0.1;
  for (const bool normalise : {false, true}) {
    Vector errors;
    const std::vector<Index> expected = plain(deinterleaved(rows), weights, normalise, 20, errors);
    GreedyOptions options;
    options.tolerance = 0.0;
    options.normalise = normalise;
    options.max_rank = 20;
    options.weights = weights;
    const GreedyBasis basis = greedy_basis(rows, true, options, serial);
    for (Index k = 0; k < 20; ++k) {
      EXPECT_EQ(basis.points[static_cast<std::size_t>(k)].row, expected[static_cast<std::size_t>(k)]);
      EXPECT_NEAR(basis.errors[k] / errors[k], 1.0, 1e-8);
    }
    const ComplexMatrix e = deinterleaved(basis.elements);
    EXPECT_LT((e * weights.asDiagonal() * e.adjoint() - Eigen::MatrixXcd::Identity(20, 20)).norm(), 1e-13);
    // The triangle gives the points back.
    const ComplexMatrix back = deinterleaved(basis.triangle) * e, z = deinterleaved(rows);
    for (Index k = 0; k < 20; ++k)
      EXPECT_LT((back.row(k) - z.row(expected[static_cast<std::size_t>(k)])).norm(), 1e-14);
    // Coefficients and errors by their definitions.
    const ComplexMatrix c = deinterleaved(greedy_coefficients(basis, rows, serial));
    EXPECT_LT((c - z * weights.asDiagonal() * e.adjoint()).norm(), 1e-13);
    const Vector rest = (z - c * e).cwiseAbs2() * weights, whole = z.cwiseAbs2() * weights;
    const Vector found = squared_errors(basis, rows, serial);
    const double reference = basis.reference * basis.reference;
    for (Index i = 0; i < 90; ++i)
      EXPECT_NEAR(found[i], rest[i] / (normalise ? whole[i] : reference), 1e-8 * found[i] + 1e-28);
    EXPECT_NEAR(basis.summary.worst_error / found.maxCoeff(), 1.0, 1e-8);
  }
}

TEST(Greedy, ErrorsAreRightFarBelowTheSquareRootOfRounding) {
  // Running differences from 1 would be lost at 1e-16; these are renewed.
  const Matrix rows = combinations(200, 160, 0.5, false, 4);
  GreedyOptions options;
  options.tolerance = 1e-22;
  const GreedyBasis basis = greedy_basis(rows, false, options, serial);
  EXPECT_EQ(basis.summary.termination, GreedyTermination::tolerance);
  EXPECT_LE(squared_errors(basis, rows, serial).maxCoeff(), 1.01e-22);
  options.max_rank = basis.rank() - 1;
  EXPECT_GT(squared_errors(greedy_basis(rows, false, options, serial), rows, serial).maxCoeff(), 0.99e-22);
  const Matrix gram = basis.elements * basis.elements.transpose();
  EXPECT_LT((gram - Matrix::Identity(basis.rank(), basis.rank())).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(Greedy, SameBitsOnAnyNumberOfThreads) {
  const Matrix rows = combinations(700, 200, 0.8, true, 5);
  GreedyOptions options;
  const GreedyBasis one = greedy_basis(rows, true, options, serial);
  for (const Index threads : {2, 3}) {
    ThreadExecutor executor(threads);
    const GreedyBasis other = greedy_basis(rows, true, options, executor);
    EXPECT_EQ(one.points, other.points);
    EXPECT_EQ(one.elements, other.elements);
    EXPECT_EQ(one.errors, other.errors);
    EXPECT_EQ(squared_errors(one, rows, executor), squared_errors(one, rows, serial));
  }
}

TEST(Greedy, ContinuedFromAFileIsAsIfItHadNotStopped) {
  const testing::Scratch scratch;
  for (const bool complex : {false, true}) {
    const Matrix rows = combinations(300, 160, 0.8, complex, 6);
    GreedyOptions options;
    options.weights = Vector::LinSpaced(complex ? 80 : 160, 0.5, 1.5);
    const GreedyBasis whole = greedy_basis(rows, complex, options, serial);
    GreedyOptions first = options;
    first.max_rank = whole.rank() / 3;
    {
      h5::AtomicFile file(scratch("greedy.h5"));
      save_greedy(file.root(), greedy_basis(rows, complex, first, serial));
      file.commit();
    }
    const auto file = h5::File::open(scratch("greedy.h5"));
    const GreedyBasis saved = load_greedy(file.root());
    EXPECT_EQ(saved.rank(), first.max_rank);
    EXPECT_EQ(saved.summary.termination, GreedyTermination::max_rank);
    const GreedyBasis more = continue_greedy(saved, rows, options, serial);
    ASSERT_EQ(more.points, whole.points);
    EXPECT_EQ(more.elements, whole.elements);
    EXPECT_EQ(more.triangle, whole.triangle);
    for (Index k = 0; k < whole.rank(); ++k) EXPECT_NEAR(more.errors[k] / whole.errors[k], 1.0, 1e-7);
    // Nothing is left to do.
    EXPECT_EQ(continue_greedy(more, rows, options, serial).rank(), whole.rank());
  }
}

TEST(Greedy, EnrichmentBringsBothSetsWithinTheTolerance) {
  const Matrix all = combinations(240, 120, 0.75, true, 7);
  const Matrix training = all.topRows(40), validation = all.bottomRows(200);
  GreedyOptions options;
  options.tolerance = 1e-6;
  const GreedyBasis basis = greedy_basis(training, true, options, serial);
  EXPECT_LE(squared_errors(basis, training, serial).maxCoeff(), 1e-6);
  const Vector before = squared_errors(basis, validation, serial);
  Index worst = 0;
  ASSERT_GT(before.maxCoeff(&worst), 2e-6);
  const GreedyBasis richer = continue_greedy(basis, validation, options, serial, 1);
  EXPECT_LE(squared_errors(richer, training, serial).maxCoeff(), 1e-6);
  EXPECT_LE(squared_errors(richer, validation, serial).maxCoeff(), 1.0000001e-6);
  ASSERT_GT(richer.rank(), basis.rank());
  EXPECT_EQ(richer.points[static_cast<std::size_t>(basis.rank())], (GreedyPoint{1, worst}));
  EXPECT_NEAR(richer.errors[basis.rank()] / before[worst], 1.0, 1e-9);
  EXPECT_EQ(richer.points.front().set, 0);
}

TEST(Greedy, IdenticalAndZeroSnapshots) {
  const Matrix one = random_matrix(1, 30, 8);
  for (const bool normalise : {false, true})
    for (const bool complex : {false, true}) {
      GreedyOptions options;
      options.normalise = normalise;
      Matrix same = one.replicate(50, 1);
      same.row(7) *= 3.0;
      same.row(9).setZero();
      GreedyBasis basis = greedy_basis(same, complex, options, serial);
      EXPECT_EQ(basis.rank(), 1);
      EXPECT_EQ(basis.points[0].row, normalise ? 0 : 7);
      EXPECT_EQ(basis.summary.termination, GreedyTermination::tolerance);
      EXPECT_EQ(basis.summary.zero_snapshots, 1);
      EXPECT_LT(basis.summary.worst_error, 1e-29);
      options.tolerance = 0.0;  // there is nothing to be had beyond the first one
      basis = greedy_basis(same, complex, options, serial);
      EXPECT_EQ(basis.rank(), 1);
      EXPECT_EQ(basis.summary.termination, GreedyTermination::rounding);
      EXPECT_EQ(squared_errors(basis, same, serial)[9], 0.0);
      same.setZero();
      EXPECT_EQ(message_of<DataError>([&] { greedy_basis(same, complex, options, serial); }),
                "greedy basis: all 50 snapshots are zero");
    }
}

TEST(Greedy, SaysWhereRoundingStopsIt) {
  // Rank 6 to rounding: the seventh direction is none.
  const Matrix rows = random_matrix(100, 6, 9) * random_matrix(6, 80, 10);
  GreedyOptions options;
  options.tolerance = 1e-40;
  const GreedyBasis basis = greedy_basis(rows, false, options, serial);
  EXPECT_EQ(basis.rank(), 6);
  EXPECT_EQ(basis.summary.termination, GreedyTermination::rounding);
  EXPECT_GT(basis.summary.rounding, 1e-34);
  EXPECT_LT(basis.summary.rounding, 1e-28);
  EXPECT_NE(basis.summary.message.find("rounding stops it"), std::string::npos) << basis.summary.message;
  EXPECT_NE(full_report(basis).find("6 elements"), std::string::npos);
  // As many as there are snapshots, or bins.
  options.tolerance = 0.0;
  EXPECT_EQ(greedy_basis(random_matrix(5, 40, 11), false, options, serial).summary.termination,
            GreedyTermination::complete);
  const GreedyBasis full = greedy_basis(random_matrix(40, 5, 12), false, options, serial);
  EXPECT_EQ(full.summary.termination, GreedyTermination::complete);
  EXPECT_EQ(full.rank(), 5);
}

TEST(Greedy, UnitsDoNotMatter) {
  const Matrix rows = combinations(60, 80, 0.6, true, 13);
  for (const bool normalise : {false, true}) {
    GreedyOptions options;
    options.normalise = normalise;
    const GreedyBasis basis = greedy_basis(rows, true, options, serial);
    for (const double unit : {std::ldexp(1.0, -80), std::ldexp(1.0, -600), std::ldexp(1.0, 700)}) {
      const GreedyBasis other = greedy_basis(unit * rows, true, options, serial);
      EXPECT_EQ(other.points, basis.points) << unit;
      EXPECT_EQ(other.elements, basis.elements) << unit;
    }
  }
}

TEST(Greedy, BadInput) {
  Matrix rows = random_matrix(20, 10, 14);
  rows(13, 4) = std::numeric_limits<double>::quiet_NaN();
  GreedyOptions options;
  const auto data = [&] {
    return message_of<DataError>([&] { greedy_basis(rows, false, options, serial); });
  };
  const auto usage = [&] {
    return message_of<UsageError>([&] { greedy_basis(rows, false, options, serial); });
  };
  EXPECT_EQ(data(), "greedy basis: snapshot 13 contains values that are not finite");
  rows(13, 4) = std::numeric_limits<double>::infinity();
  EXPECT_EQ(data(), "greedy basis: snapshot 13 contains values that are not finite");
  rows.row(13).setZero();
  options.seed = 13;
  EXPECT_NE(data().find("13, is zero"), std::string::npos);
  options.seed = 20;
  EXPECT_NE(usage().find("there are 20"), std::string::npos);
  options = {};
  options.tolerance = -1.0;
  EXPECT_NE(usage().find("-1"), std::string::npos);
  options = {};
  options.weights = Vector::Ones(9);
  EXPECT_NE(usage().find("9 weights for 10 bins"), std::string::npos);
  options.weights = Vector::Ones(10);
  options.weights[3] = 0.0;
  EXPECT_NE(usage().find("bin 3"), std::string::npos);
  options = {};
  EXPECT_THROW(greedy_basis(random_matrix(4, 5, 1), true, options, serial), UsageError);
  EXPECT_THROW(greedy_basis(Matrix(0, 5), false, options, serial), DataError);
  const GreedyBasis basis = greedy_basis(rows, false, options, serial);
  EXPECT_NE(message_of<UsageError>([&] { squared_errors(basis, rows.leftCols(4), serial); }).find("10"),
            std::string::npos);
  EXPECT_THROW(continue_greedy(basis, rows.leftCols(4), options, serial), UsageError);
}

TEST(GreedyRecipe, WorstSnapshotIsWithinTheTolerance) {
  for (const bool complex : {false, true}) {
    const Matrix rows = combinations(60, 80, 0.6, complex, 15);
    const auto basis = fit_basis("greedy", {{"tolerance", 1e-4}}, rows, complex);
    EXPECT_EQ(basis->kind(), "linear");
    const double largest = rows.rowwise().norm().maxCoeff();
    Vector c(basis->coefficients()), back(basis->width());
    double worst = 0.0;
    for (Index i = 0; i < 60; ++i) {
      basis->project(rows.row(i).data(), c.data());
      basis->reconstruct(c.data(), back.data());
      worst = std::max(worst, (rows.row(i).transpose() - back).norm());
    }
    EXPECT_LE(worst, 1e-4 * largest);
    const BasisErrors errors = basis->errors();
    const double mean = rows.norm() / std::sqrt(60.0);
    EXPECT_NEAR(errors.training_worst, worst / mean, 1e-12);
    EXPECT_GT(errors.validation_mean, errors.training_mean);
    // What is lost, of new rows: modes and variance together are its trace.
    const double lost = basis->residual_variance().sum() + basis->residual_modes().squaredNorm();
    EXPECT_NEAR(std::sqrt(lost) / mean, errors.validation_mean, 1e-9 * errors.validation_mean);
    EXPECT_GE(basis->residual_variance().minCoeff(), 0.0);
    EXPECT_GE(basis->residual_modes().rows(), 1);
  }
  const auto zero = fit_basis("greedy", {}, Matrix::Zero(12, 6), false);
  EXPECT_EQ(zero->coefficients(), 1);
  EXPECT_TRUE(zero->residual_variance().isZero(0.0));
  EXPECT_EQ(fit_basis("greedy", {}, random_matrix(1, 6, 1).replicate(12, 1), true)->coefficients(), 2);
}

}  // namespace
}  // namespace ersatz
