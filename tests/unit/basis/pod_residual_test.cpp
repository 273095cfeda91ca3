// What new rows lose: cross-validated, as it is correlated, against rows that were not there and against
// folds done one by one.

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/basis/pod.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "unit/basis/snapshots.hpp"

namespace ersatz {
namespace {

using testing::compressed;
using testing::decaying;
using testing::random_matrix;

/// Smooth functions of three random numbers on a grid; complex ones have a phase.
Matrix family(Index n, Index bins, bool complex, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix rows(n, complex ? 2 * bins : bins);
  for (Index i = 0; i < n; ++i) {
    const double a = 1.0 + random.uniform(), b = 3.0 * random.uniform(), c = random.uniform();
    for (Index j = 0; j < bins; ++j) {
      const double t = static_cast<double>(j) / static_cast<double>(bins);
      const double amplitude = a * std::exp(-std::pow((t - c) / 0.3, 2.0)), phase = 5.0 * a * t + b * t * t;
      if (complex) {
        rows(i, 2 * j) = amplitude * std::cos(phase);
        rows(i, 2 * j + 1) = amplitude * std::sin(phase);
      } else {
        rows(i, j) = amplitude * std::cos(phase);
      }
    }
  }
  return rows;
}

/// Fraction of fresh rows for which the error of a · row is within one standard deviation.
double coverage(const Basis& basis, const Matrix& lost, const Vector& a, bool with_modes) {
  double variance = a.cwiseAbs2().dot(basis.residual_variance());
  const Vector along = basis.residual_modes() * a;
  if (with_modes)
    variance += along.squaredNorm();
  else  // the whole variance of every entry, but on the diagonal
    variance += a.cwiseAbs2().dot(Vector(basis.residual_modes().cwiseAbs2().colwise().sum().transpose()));
  double inside = 0.0;
  for (Index i = 0; i < lost.rows(); ++i) inside += std::abs(lost.row(i).dot(a)) <= std::sqrt(variance);
  return inside / static_cast<double>(lost.rows());
}

TEST(PodResidual, ADiagonalAloneIsOverconfident) {
  for (const bool complex : {false, true}) {
    const Matrix train = family(600, 120, complex, 1), fresh = family(2000, 120, complex, 2);
    const auto basis = fit_basis("pod", {{"max_rank", 8.0}}, train, complex);
    ASSERT_GT(basis->residual_modes().rows(), 0);
    EXPECT_LE(basis->residual_modes().rows(), 10);
    const Matrix lost = fresh - compressed(*basis, fresh);
    const Index width = train.cols();
    // A mean over a quarter of the bins (of the real parts, where complex): what is lost oscillates, but
    // slowly, so that neighbouring bins err together.
    double worst_full = 1.0, worst_diagonal = 1.0;
    for (Index quarter = 0; quarter < 12; ++quarter) {
      Vector a = Vector::Zero(width);
      for (Index j = quarter * width / 12; j < (quarter + 1) * width / 12; ++j)
        if (!complex || j % 2 == 0) a[j] = 1.0;
      worst_full = std::min(worst_full, coverage(*basis, lost, a, true));
      worst_diagonal = std::min(worst_diagonal, coverage(*basis, lost, a, false));
    }
    RecordProperty(complex ? "complex" : "real",
                   text(worst_full, " with modes, ", worst_diagonal, " without"));
    EXPECT_GT(worst_full, 0.6);       // 0.68 and more (tails are heavy)
    EXPECT_LT(worst_diagonal, 0.45);  // far too few
    // Entry by entry both agree, and are honest in the mean.
    const Vector entry =
        basis->residual_variance() + Vector(basis->residual_modes().cwiseAbs2().colwise().sum().transpose());
    EXPECT_NEAR(entry.sum() / (lost.squaredNorm() / 2000.0), 1.0, 0.25);
    // The modes hold most of it.
    EXPECT_LT(basis->residual_variance().sum(), 0.3 * entry.sum());
  }
}

TEST(PodResidual, AgreesWithFoldsDoneOneByOne) {
  for (const bool complex : {false, true})
    for (const bool centred : {false, true})
      for (const PodMethod method : {PodMethod::exact, PodMethod::randomised, PodMethod::streaming}) {
        const Index n = 150, width = 160;
        const Matrix rows = family(n, complex ? width / 2 : width, complex, 3);
        PodOptions o;
        o.method = method;
        o.centred = centred;
        o.max_rank = 6;
        o.weights = random_matrix(complex ? width / 2 : width, 1, 4).array().exp();
        const Pod plain = fit_pod(rows, complex, o);
        o.folds = 5;
        const Pod pod = fit_pod(rows, complex, o);
        Vector square = Vector::Zero(width), each(n);
        for (Index f = 0; f < 5; ++f) {
          Matrix kept(n - n / 5, width), held(n / 5, width);
          for (Index i = 0, a = 0, b = 0; i < n; ++i)
            if (i % 5 == f)
              held.row(b++) = rows.row(i);
            else
              kept.row(a++) = rows.row(i);
          PodOptions part = o;
          part.folds = 0;
          part.method = PodMethod::exact;
          const Matrix lost = held - compressed(*fit_pod(kept, complex, part).basis(), held);
          square += lost.cwiseAbs2().colwise().sum().transpose();
          for (Index b = 0; b < n / 5; ++b) {
            each[f + 5 * b] = 0.0;
            for (Index j = 0; j < width; ++j)
              each[f + 5 * b] += o.weights[complex ? j / 2 : j] * lost(b, j) * lost(b, j);
          }
        }
        square /= static_cast<double>(n);
        const Vector ours =
            pod.residual_variance + Vector(pod.residual_modes.cwiseAbs2().colwise().sum().transpose());
        EXPECT_LT((ours - square).cwiseAbs().maxCoeff(), 0.02 * square.maxCoeff()) << to_string(method);
        const double scale = pod.energy / static_cast<double>(n);
        EXPECT_NEAR(pod.errors.validation_mean / std::sqrt(each.mean() / scale), 1.0, 0.01);
        EXPECT_NEAR(pod.errors.validation_worst / std::sqrt(each.maxCoeff() / scale), 1.0, 0.01);
        EXPECT_GT(pod.errors.validation_mean, pod.errors.training_mean);
        EXPECT_TRUE(std::isnan(plain.errors.validation_mean));
        EXPECT_GE(pod.errors.training_worst, pod.errors.training_mean);
      }
}

TEST(PodResidual, ModesAreTheNextOnesOfTheSnapshotsThemselves) {
  // Too few rows for so many folds: the covariance of what the snapshots lose, exactly.
  const Matrix rows = decaying(60, 40, 0.5, false, 5);
  PodOptions o;
  o.folds = 50;
  o.max_rank = 3;
  const Pod pod = fit_pod(rows, false, o);
  const Matrix lost = rows - compressed(*pod.basis(), rows);
  const Matrix covariance = lost.transpose() * lost / 60.0;
  Matrix ours = pod.residual_modes.transpose() * pod.residual_modes;
  const Vector on_diagonal = ours.diagonal() + pod.residual_variance;
  EXPECT_LT((on_diagonal - covariance.diagonal()).norm(), 1e-12 * covariance.norm());
  // Two modes hold 15/16 of what is lost: 90% are asked for.
  EXPECT_EQ(pod.residual_modes.rows(), 2);
  ours.diagonal() = on_diagonal;
  EXPECT_LT((ours - covariance).norm(), 0.07 * covariance.norm());
}

TEST(PodResidual, ValidationSetIsMeasuredAndSaved) {
  const Matrix train = family(100, 80, false, 6), other = family(70, 80, false, 7);
  PodOptions o;
  o.tolerance = 1e-3;
  o.folds = 5;
  Pod pod = fit_pod(train, false, o);
  validate_pod(pod, other);
  const Matrix lost = other - compressed(*pod.basis(), other);
  const double rms = train.norm() / 10.0;
  EXPECT_NEAR(pod.errors.validation_mean, lost.norm() / std::sqrt(70.0) / rms, 1e-12);
  EXPECT_NEAR(pod.errors.validation_worst, lost.rowwise().norm().maxCoeff() / rms, 1e-12);
  h5::File file = h5::File::in_memory("basis.h5");
  save_basis(file.root(), *pod.basis());
  const BasisPtr loaded = load_basis(file.root());
  EXPECT_EQ(loaded->errors().validation_worst, pod.errors.validation_worst);
  EXPECT_EQ(loaded->errors().training_mean, pod.errors.training_mean);
  ASSERT_GT(pod.residual_modes.rows(), 0);
  ASSERT_EQ(loaded->residual_modes().rows(), pod.residual_modes.rows());
  EXPECT_EQ(loaded->residual_modes(), pod.residual_modes);
  EXPECT_EQ(loaded->note(), pod.summary.message);
  EXPECT_THROW(validate_pod(pod, other.leftCols(7)), UsageError);
  EXPECT_THROW(validate_pod(pod, other.topRows(0)), DataError);
}

TEST(PodResidual, SettingsOfTheRecipe) {
  const Matrix rows = family(60, 50, false, 8);
  const std::vector<double> weights(50, 4.0);
  const auto basis = fit_basis("pod",
                               {{"method", std::string("exact")},
                                {"centred", true},
                                {"tolerance", 1e-3},
                                {"tolerance_of", std::string("worst")},
                                {"weights", weights}},
                               rows, false);
  EXPECT_NE(basis->note().find("exact"), std::string::npos);
  EXPECT_LE(basis->errors().training_worst, 1e-3);
  EXPECT_NEAR(basis->elements().row(0).squaredNorm(), 0.25, 1e-13);
  Vector zero = Vector::Zero(basis->coefficients()), mean(50);
  basis->reconstruct(zero.data(), mean.data());
  EXPECT_LT((mean - rows.colwise().mean().transpose()).norm(), 1e-13);
  EXPECT_THROW(fit_basis("pod", {{"method", std::string("quick")}}, rows, false), UsageError);
  EXPECT_THROW(fit_basis("pod", {{"tolerance_of", std::string("half")}}, rows, false), UsageError);
  EXPECT_THROW(fit_basis("pod", {{"weights", std::vector<double>(3, 1.0)}}, rows, false), UsageError);
}

}  // namespace
}  // namespace ersatz
