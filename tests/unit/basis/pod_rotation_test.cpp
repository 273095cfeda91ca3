// Rotated elements: the span is the same, known patterns come back, and no turn of a pair does better.

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/basis/pod.hpp"
#include "ersatz/core/error.hpp"
#include "unit/basis/snapshots.hpp"

namespace ersatz {
namespace {

using testing::compressed;
using testing::decaying;
using testing::random_matrix;

PodOptions rotated(Index rank) {
  PodOptions o;
  o.max_rank = rank;
  o.rotation = PodRotation::varimax;
  return o;
}

/// Orthonormal bumps, one beside the other, which share no bin; complex ones turn from bin to bin.
Matrix bumps(Index count, Index bins_each, bool complex) {
  const Index bins = count * bins_each;
  Matrix rows = Matrix::Zero(count, complex ? 2 * bins : bins);
  for (Index k = 0; k < count; ++k) {
    for (Index j = 0; j < bins_each; ++j) {
      const double t = (static_cast<double>(j) + 0.5) / static_cast<double>(bins_each);
      const double height = std::sin(M_PI * t) * (1.0 + 0.1 * static_cast<double>(k));
      const Index bin = k * bins_each + j;
      if (complex) {
        rows(k, 2 * bin) = height * std::cos(4.0 * t);
        rows(k, 2 * bin + 1) = height * std::sin(4.0 * t);
      } else {
        rows(k, bin) = height;
      }
    }
    rows.row(k).normalize();
  }
  return rows;
}

/// Σ |entry|⁴
double concentration(const Matrix& elements, bool complex) {
  if (!complex) return elements.array().pow(4).sum();
  return deinterleaved(elements).array().abs2().square().sum();
}

TEST(PodRotation, FindsThePatternsThatDoNotOverlap) {
  // Coefficients of nearly the same variance: the decomposition alone mixes the patterns.
  for (const bool complex : {false, true}) {
    const Index count = 5;
    const Matrix truth = bumps(count, 12, complex);
    const Matrix c = random_matrix(40, complex ? 2 * count : count, 3);
    const Matrix rows =
        complex ? interleaved(ComplexMatrix(deinterleaved(c) * deinterleaved(truth))) : Matrix(c * truth);
    const auto overlap = [&](const Matrix& elements) {  // of each element with the pattern it is closest to
      const Matrix products =
          complex ? Matrix((deinterleaved(elements) * deinterleaved(truth).adjoint()).cwiseAbs())
                  : Matrix((elements * truth.transpose()).cwiseAbs());
      EXPECT_NEAR(products.squaredNorm(), static_cast<double>(count), 1e-9);  // the same span
      return products.rowwise().maxCoeff().minCoeff();
    };
    PodOptions plain = rotated(count);
    plain.rotation = PodRotation::none;
    EXPECT_LT(overlap(fit_pod(rows, complex, plain).elements), 0.95);
    EXPECT_GT(overlap(fit_pod(rows, complex, rotated(count)).elements), 1.0 - 1e-8);
  }
}

TEST(PodRotation, KeepsSpanInnerProductAndWhatIsLeftOut) {
  for (const bool complex : {false, true})
    for (const PodMethod method : {PodMethod::exact, PodMethod::randomised, PodMethod::streaming}) {
      const Index bins = 90;
      const Matrix rows = decaying(150, complex ? 2 * bins : bins, 0.8, complex, 4);
      PodOptions o = rotated(12);
      o.method = method;
      o.centred = true;
      o.folds = 5;
      o.weights = random_matrix(bins, 1, 5).array().exp();
      const Pod turned = fit_pod(rows, complex, o);
      o.rotation = PodRotation::none;
      const Pod plain = fit_pod(rows, complex, o);
      const auto a = turned.basis(), b = plain.basis();
      EXPECT_LT((compressed(*a, rows) - compressed(*b, rows)).norm(), 1e-11 * rows.norm());
      EXPECT_GT((turned.elements - plain.elements).norm(), 0.1);
      // Orthonormal in the inner product; the basis' own projection of its elements says so.
      Vector own(a->coefficients());
      for (Index k = 0; k < a->coefficients(); ++k) {
        const Vector element = a->elements().row(k).transpose() + turned.offset;
        a->project(element.data(), own.data());
        EXPECT_LT((own - Vector(Vector::Unit(own.size(), k))).norm(), 1e-12);
      }
      EXPECT_EQ(turned.singular_values, plain.singular_values);
      EXPECT_EQ(turned.residual_modes, plain.residual_modes);
      EXPECT_EQ(turned.residual_variance, plain.residual_variance);
      EXPECT_EQ(turned.errors.validation_mean, plain.errors.validation_mean);
      EXPECT_NE(turned.summary.message.find("rotated by varimax"), std::string::npos);
    }
}

TEST(PodRotation, NoTurnOfAPairIsBetterAndTheOrderIsThatOfTheVariances) {
  for (const bool complex : {false, true}) {
    const Index rank = 8;
    const Matrix rows = decaying(100, complex ? 120 : 60, 0.9, complex, 6);
    const Pod pod = fit_pod(rows, complex, rotated(rank));
    PodOptions plain = rotated(rank);
    plain.rotation = PodRotation::none;
    const double best = concentration(pod.elements, complex);
    EXPECT_GT(best, 1.2 * concentration(fit_pod(rows, complex, plain).elements, complex));
    for (Index i = 0; i < rank; ++i)
      for (Index j = i + 1; j < rank; ++j)
        for (double angle = -1.5; angle < 1.6; angle += 0.02) {
          Matrix turned = pod.elements;
          turned.row(i) = std::cos(angle) * pod.elements.row(i) + std::sin(angle) * pod.elements.row(j);
          turned.row(j) = std::cos(angle) * pod.elements.row(j) - std::sin(angle) * pod.elements.row(i);
          // The iteration stops where a step gains less than 1e-9.
          EXPECT_LE(concentration(turned, complex), best * (1.0 + 1e-6)) << i << " " << j << " " << angle;
        }
    const auto basis = pod.basis();
    Vector square = Vector::Zero(rank), c(basis->coefficients());
    for (Index n = 0; n < rows.rows(); ++n) {
      basis->project(rows.row(n).data(), c.data());
      for (Index k = 0; k < c.size(); ++k) square[complex ? k / 2 : k] += c[k] * c[k];
    }
    for (Index k = 1; k < rank; ++k) EXPECT_LE(square[k], square[k - 1] * (1.0 + 1e-10));
    EXPECT_NEAR(square.sum() / pod.singular_values.head(rank).squaredNorm(), 1.0, 1e-10);
  }
}

TEST(PodRotation, OneElementAndIdenticalSnapshotsTurnNothing) {
  const Matrix rows = decaying(20, 30, 0.5, false, 7);
  PodOptions plain;
  plain.max_rank = 1;
  EXPECT_LT(
      (fit_pod(rows, false, rotated(1)).elements.cwiseAbs() - fit_pod(rows, false, plain).elements.cwiseAbs())
          .norm(),
      1e-13);
  const Matrix same = Matrix::Constant(10, 30, 2.0);
  const auto basis = fit_pod(same, false, rotated(5)).basis();
  EXPECT_LT((compressed(*basis, same) - same).norm(), 1e-13);
  const Matrix zeros = Matrix::Zero(10, 30);
  EXPECT_EQ(compressed(*fit_pod(zeros, false, rotated(5)).basis(), zeros).norm(), 0.0);
}

TEST(PodRotation, IsASettingThatIsSavedAndCannotBeMerged) {
  const Matrix rows = decaying(60, 40, 0.8, false, 8);
  const auto basis = fit_basis("pod", {{"max_rank", 6.0}, {"rotation", std::string("varimax")}}, rows, false);
  h5::File file = h5::File::in_memory("basis.h5");
  save_basis(file.root(), *basis);
  const BasisPtr loaded = load_basis(file.root());
  EXPECT_EQ(loaded->elements(), basis->elements());
  EXPECT_EQ(loaded->note(), basis->note());
  EXPECT_THROW(pod_of(*loaded), UsageError);
  const Pod pod = fit_pod(rows, false, rotated(6));
  EXPECT_THROW(merge_pods({pod, pod}), UsageError);
  EXPECT_THROW(fit_basis("pod", {{"rotation", std::string("promax")}}, rows, false), UsageError);
  EXPECT_THROW(
      fit_basis("pod", {{"rotation", std::string("varimax")}, {"nodes", std::string("eim")}}, rows, false),
      UsageError);
  EXPECT_NO_THROW(
      fit_basis("pod", {{"rotation", std::string("none")}, {"nodes", std::string("eim")}}, rows, false));
}

}  // namespace
}  // namespace ersatz
