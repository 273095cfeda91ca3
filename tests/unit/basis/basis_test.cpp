// POD against Eigen's singular value decompositions, and its promises about errors.

#include "ersatz/basis/basis.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <cstring>

#include "basis/linear_basis.hpp"
#include "basis/svd.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::compressed;
using testing::decaying;
using testing::error;
using testing::message_of;
using testing::random_matrix;

struct Shape {
  Index n, m;
  bool complex;
};
const Shape shapes[] = {{12, 40, false}, {60, 9, false}, {20, 20, false}, {300, 7, false}, {12, 40, true},
                        {60, 10, true},  {10, 20, true}, {1, 30, false},  {1, 30, true}};

TEST(Pod, SingularValuesAndSpaceAreThoseOfEigen) {
  for (const Shape& s : shapes) {
    const Matrix rows = decaying(s.n, s.m, 0.6, s.complex, 1);
    const SingularVectors ours = right_singular_vectors(rows, s.complex);
    const auto [values, v] = testing::by_jacobi(rows, s.complex);
    const Eigen::MatrixXcd w = s.complex ? Eigen::MatrixXcd(deinterleaved(ours.vectors).transpose())
                                         : Eigen::MatrixXcd(ours.vectors.transpose().cast<Complex>());
    ASSERT_EQ(ours.values.size(), values.size());
    EXPECT_LT((ours.values - values).cwiseAbs().maxCoeff(), 1e-13 * values[0]);
    const Index k = std::min<Index>(5, values.size());  // projectors onto the first k: free of phases
    const Eigen::MatrixXcd a = v.leftCols(k) * v.leftCols(k).adjoint(),
                           b = w.leftCols(k) * w.leftCols(k).adjoint();
    EXPECT_LT((a - b).norm(), 1e-11) << s.n << " x " << s.m << (s.complex ? " complex" : "");
  }
}

TEST(Pod, ElementsAreOrthonormal) {
  for (const Shape& s : shapes) {
    const auto basis =
        fit_basis("pod", {{"tolerance", 0.0}}, decaying(s.n, s.m, 0.7, s.complex, 2), s.complex);
    const Matrix& e = basis->elements();
    // As real rows: of a complex element e also i e, orthogonal to it in the real sense.
    EXPECT_LT((e * e.transpose() - Matrix::Identity(e.rows(), e.rows())).norm(), 1e-12);
  }
}

TEST(Pod, TakesTheSmallestRankWithinTheTolerance) {
  for (const bool complex : {false, true}) {
    const Matrix rows = decaying(30, 40, 0.5, complex, 3);
    const double scale = complex ? 2.0 : 1.0;
    for (const double tolerance : {0.45, 0.1, 1e-2, 3e-3, 1e-4, 1e-5}) {
      const auto basis = fit_basis("pod", {{"tolerance", tolerance}}, rows, complex);
      EXPECT_LE(error(*basis, rows), tolerance);
      const double rank = static_cast<double>(basis->coefficients()) / scale;
      if (rank > 1.0) {
        const auto fewer =
            fit_basis("pod", {{"tolerance", tolerance}, {"max_rank", rank - 1.0}}, rows, complex);
        EXPECT_EQ(static_cast<double>(fewer->coefficients()) / scale, rank - 1.0);
        EXPECT_GT(error(*fewer, rows), tolerance);
      }
    }
  }
}

TEST(Pod, LosesNothingInItsSpan) {
  for (const bool complex : {false, true}) {
    const auto basis = fit_basis("pod", {{"tolerance", 1e-3}}, decaying(25, 30, 0.5, complex, 4), complex);
    RandomStream random(1);
    Vector c(basis->coefficients()), row(basis->width()), again(basis->coefficients()),
        tangent(basis->width());
    for (double& v : c) v = random.normal();
    basis->reconstruct(c.data(), row.data());
    basis->project(row.data(), again.data());
    EXPECT_LT((again - c).norm(), 1e-13 * c.norm());
    basis->push(c.data(), tangent.data());
    EXPECT_EQ((tangent - row).norm(), 0.0);  // linear, without an offset
    EXPECT_LT((row - basis->elements().transpose() * c).norm(), 1e-13 * row.norm());
  }
}

TEST(Pod, ComplexCoefficientsAreScalarProducts) {
  const Matrix rows = decaying(8, 12, 0.5, true, 5);
  const auto basis = fit_basis("pod", {{"max_rank", 3.0}}, rows, true);
  const ComplexMatrix z = deinterleaved(rows);
  Vector c(basis->coefficients());
  basis->project(rows.row(2).data(), c.data());
  for (Index k = 0; k < 3; ++k) {
    const ComplexMatrix e = deinterleaved(basis->elements().row(2 * k));
    const Complex product = (e.conjugate().array() * z.row(2).array()).sum();
    EXPECT_LT(std::abs(product - Complex(c[2 * k], c[2 * k + 1])), 1e-14);
  }
}

/// Mean square norm of what new rows lose.
double left_out(const Basis& basis) {
  return basis.residual_variance().sum() + basis.residual_modes().squaredNorm();
}

TEST(Pod, CrossValidatedResidualIsLargerThanThatOfTheTraining) {
  for (const bool complex : {false, true}) {
    const Matrix rows = decaying(30, 60, 0.6, complex, 6);
    const auto basis = fit_basis("pod", {{"tolerance", 0.02}}, rows, complex);
    const double training = (compressed(*basis, rows) - rows).squaredNorm() / 30.0;
    EXPECT_GT(left_out(*basis), 1.05 * training);
  }
  // What new rows lose, checked on rows that were not there: noise around a plane.
  Matrix rows = random_matrix(400, 2, 7) * random_matrix(2, 25, 8) + 0.1 * random_matrix(400, 25, 9);
  const auto basis = fit_basis("pod", {{"max_rank", 2.0}}, rows.topRows(100), false);
  const Matrix fresh = rows.bottomRows(300);
  const double lost = (compressed(*basis, fresh) - fresh).squaredNorm() / 300.0;
  EXPECT_NEAR(left_out(*basis) / lost, 1.0, 0.1);
}

TEST(Pod, FewAndDegenerateSnapshots) {
  for (const bool complex : {false, true}) {
    const Matrix one = random_matrix(1, 16, 10);
    auto basis = fit_basis("pod", {}, one, complex);
    EXPECT_EQ(basis->coefficients(), complex ? 2 : 1);
    EXPECT_LT(error(*basis, one), 1e-15);

    const Matrix same = one.replicate(20, 1);
    basis = fit_basis("pod", {}, same, complex);
    EXPECT_EQ(basis->coefficients(), complex ? 2 : 1);
    EXPECT_LT(error(*basis, same), 1e-14);
    EXPECT_LT(basis->residual_variance().maxCoeff(), 1e-25);

    const Matrix zero = Matrix::Zero(12, 16);
    basis = fit_basis("pod", {}, zero, complex);
    EXPECT_EQ(basis->coefficients(), complex ? 2 : 1);
    EXPECT_TRUE(basis->elements().allFinite());
    EXPECT_TRUE(compressed(*basis, zero).isZero(0.0));
    EXPECT_TRUE(basis->residual_variance().isZero(0.0));

    const Matrix single = random_matrix(15, complex ? 2 : 1, 11);
    basis = fit_basis("pod", {}, single, complex);
    EXPECT_LT(error(*basis, single), 1e-14);
  }
}

TEST(Pod, RankDoesNotDependOnTheUnit) {
  const Matrix rows = decaying(20, 30, 0.5, false, 12);
  const Index rank = fit_basis("pod", {{"tolerance", 1e-3}}, rows, false)->coefficients();
  EXPECT_GT(rank, 5);
  for (const double unit : {1e-22, 1e22, 1e-180, 1e180})
    EXPECT_EQ(fit_basis("pod", {{"tolerance", 1e-3}}, unit * rows, false)->coefficients(), rank) << unit;
}

TEST(Basis, None) {
  const Matrix rows = random_matrix(4, 6, 13);
  const auto basis = fit_basis("none", {}, rows, false);
  EXPECT_EQ(basis->coefficients(), 6);
  EXPECT_EQ((compressed(*basis, rows) - rows).norm(), 0.0);
  EXPECT_TRUE(basis->elements().isIdentity(0.0));
  EXPECT_TRUE(basis->residual_variance().isZero(0.0));
  // Wide rows do not cost their square in memory.
  EXPECT_EQ(fit_basis("none", {}, Matrix::Zero(1, 1000000), false)->coefficients(), 1000000);
}

TEST(Basis, SavedAndLoadedGivesTheSameBits) {
  for (const bool complex : {false, true})
    for (const char* name : {"pod", "none"}) {
      const Matrix rows = decaying(15, 24, 0.5, complex, 14);
      const auto basis = fit_basis(name, {}, rows, complex);
      h5::File file = h5::File::in_memory("basis.h5");
      save_basis(file.root(), *basis);
      const auto loaded = load_basis(file.root());
      ASSERT_EQ(loaded->coefficients(), basis->coefficients());
      const Matrix a = compressed(*basis, rows), b = compressed(*loaded, rows);
      EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)), 0);
      EXPECT_EQ(basis->residual_variance(), loaded->residual_variance());
      EXPECT_EQ(basis->singular_values(), loaded->singular_values());
    }
  h5::File file = h5::File::in_memory("basis.h5");
  file.root().set("kind", "wavelets");
  EXPECT_NE(message_of<StorageError>([&] { load_basis(file.root()); }).find("'wavelets'"), std::string::npos);
}

/// A basis with an offset, weights and residual modes, of random numbers.
LinearBasisParts random_parts(bool complex) {
  LinearBasisParts p;
  p.name = "test";
  p.complex = complex;
  const Index width = 12, bins = complex ? 6 : 12;
  p.weights = random_matrix(bins, 1, 21).array().exp();
  // Orthonormal in the weighted inner product: orthonormal rows over the square roots of the weights.
  p.elements = right_singular_vectors(random_matrix(3, width, 22), complex).vectors;
  for (Index j = 0; j < width; ++j) p.elements.col(j) /= std::sqrt(p.weights[complex ? j / 2 : j]);
  p.offset = random_matrix(width, 1, 23);
  p.residual_modes = random_matrix(2, width, 24);
  p.residual_variance = random_matrix(width, 1, 25).array().square();
  p.singular_values = Vector::LinSpaced(4, 4.0, 1.0);
  p.errors = {0.1, 0.2, std::nan(""), 0.4};
  p.snapshots = 17;
  return p;
}

TEST(Basis, WeightsAndOffset) {
  for (const bool complex : {false, true}) {
    const LinearBasisParts p = random_parts(complex);
    const LinearBasis basis(p);
    const Matrix row = random_matrix(1, 12, 26);
    Vector c(basis.coefficients()), back(12), again(basis.coefficients());
    basis.project(row.data(), c.data());
    // By hand: <e, row - offset> = Σ w conj(e) (row - offset).
    const ComplexMatrix e = complex ? deinterleaved(p.elements) : ComplexMatrix(p.elements.cast<Complex>());
    const Matrix centred = row - p.offset.transpose();
    const ComplexMatrix z = complex ? deinterleaved(centred) : ComplexMatrix(centred.cast<Complex>());
    const ComplexVector wanted = e.conjugate() * p.weights.asDiagonal() * z.row(0).transpose();
    for (Index k = 0; k < 3; ++k) {
      const Complex found = complex ? Complex(c[2 * k], c[2 * k + 1]) : Complex(c[k]);
      EXPECT_LT(std::abs(found - wanted[k]), 1e-13);
    }
    basis.reconstruct(c.data(), back.data());
    EXPECT_LT((back - p.offset - basis.elements().transpose() * c).norm(), 1e-13);
    basis.project(back.data(), again.data());
    EXPECT_LT((again - c).norm(), 1e-13);
    Vector tangent(12);
    basis.push(c.data(), tangent.data());
    EXPECT_LT((back - p.offset - tangent).norm(), 1e-14);
  }
}

TEST(Basis, RestrictedGivesTheSameBins) {
  const std::vector<Index> bins{4, 0, 3};
  for (const bool complex : {false, true}) {
    const LinearBasis linear(random_parts(complex));
    const IdentityBasis identity(12, complex);
    for (const Basis* basis : {static_cast<const Basis*>(&linear), static_cast<const Basis*>(&identity)}) {
      BasisPtr part = basis->restricted(bins);
      h5::File file = h5::File::in_memory("basis.h5");
      save_basis(file.root(), *part);
      const std::vector<Index> entries = entries_of(bins, 12, complex);
      Vector c = random_matrix(basis->coefficients(), 1, 27), whole(12), some(part->width());
      basis->reconstruct(c.data(), whole.data());
      for (const BasisPtr& p : {part, load_basis(file.root())}) {
        ASSERT_EQ(p->width(), static_cast<Index>(entries.size()));
        ASSERT_EQ(p->coefficients(), basis->coefficients());
        EXPECT_FALSE(p->entrywise());
        p->reconstruct(c.data(), some.data());
        EXPECT_EQ(some, Vector(whole(entries)));
        EXPECT_EQ(p->elements(), Matrix(basis->elements()(Eigen::all, entries)));
        EXPECT_EQ(p->residual_modes(), Matrix(basis->residual_modes()(Eigen::all, entries)));
        EXPECT_EQ(p->residual_variance(), Vector(basis->residual_variance()(entries)));
        EXPECT_NE(message_of<UsageError>([&] { p->project(some.data(), c.data()); }).find("restricted"),
                  std::string::npos);
      }
      // Restricted once more: bins of the bins.
      Vector one(complex ? 2 : 1);
      part->restricted({2})->reconstruct(c.data(), one.data());
      EXPECT_EQ(one, Vector(some.tail(one.size())));
      EXPECT_NE(message_of<UsageError>([&] { basis->restricted({12}); }).find("no bin 12"),
                std::string::npos);
      EXPECT_THROW(basis->restricted({-1}), UsageError);
      EXPECT_TRUE(basis->nodes().empty());
    }
  }
}

TEST(Basis, PartsAreSavedAndChecked) {
  for (const bool complex : {false, true}) {
    const LinearBasis basis(random_parts(complex));
    h5::File file = h5::File::in_memory("basis.h5");
    save_basis(file.root(), basis);
    const auto loaded = std::dynamic_pointer_cast<const LinearBasis>(load_basis(file.root()));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->parts().offset, basis.parts().offset);
    EXPECT_EQ(loaded->parts().weights, basis.parts().weights);
    EXPECT_EQ(loaded->parts().snapshots, 17);
    EXPECT_EQ(loaded->residual_modes(), basis.residual_modes());
    EXPECT_EQ(loaded->errors().training_worst, 0.2);
    EXPECT_TRUE(std::isnan(loaded->errors().validation_mean));
    EXPECT_EQ(loaded->errors().validation_worst, 0.4);
  }
  auto broken = random_parts(false);
  broken.weights[3] = 0.0;
  EXPECT_NE(message_of<UsageError>([&] { LinearBasis{broken}; }).find("bin 3"), std::string::npos);
  broken = random_parts(false);
  broken.offset.conservativeResize(5);
  EXPECT_THROW(LinearBasis{broken}, UsageError);
  broken = random_parts(true);
  broken.elements = random_matrix(2, 5, 1);
  EXPECT_THROW(LinearBasis{broken}, UsageError);
}

TEST(Basis, Errors) {
  Matrix rows = random_matrix(10, 5, 15);
  EXPECT_THROW(fit_basis("pod", {}, rows.topRows(0), false), DataError);
  EXPECT_THROW(fit_basis("pod", {}, Matrix(3, 0), false), DataError);
  EXPECT_THROW(fit_basis("pod", {{"tolerance", 1.0}}, rows, false), UsageError);
  EXPECT_THROW(fit_basis("pod", {{"tolerance", -0.1}}, rows, false), UsageError);
  EXPECT_THROW(fit_basis("pod", {{"max_rank", 0.0}}, rows, false), UsageError);
  for (const auto& name : basis_names())
    EXPECT_THROW(fit_basis(name, {{"nonsense", 1.0}}, rows, false), UsageError);
  EXPECT_NE(message_of<UsageError>([&] { fit_basis("wavelets", {}, rows, false); }).find("pod, greedy, none"),
            std::string::npos);
  rows(7, 3) = std::nan("");
  EXPECT_NE(message_of<DataError>([&] { fit_basis("pod", {}, rows, false); }).find("snapshot 7"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
