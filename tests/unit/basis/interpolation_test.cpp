// Empirical interpolation: nodes, exactness, bounds, and bases whose coefficients are node values.

#include "ersatz/basis/interpolation.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <set>

#include "basis/linear_basis.hpp"
#include "ersatz/core/error.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::combinations;
using testing::message_of;
using testing::random_matrix;

constexpr NodeRule all_rules[] = {NodeRule::eim, NodeRule::deim, NodeRule::q_deim};

Matrix elements(Index r, Index m, bool complex, std::uint64_t seed) {
  return fit_basis("pod", {{"tolerance", 0.0}, {"max_rank", static_cast<double>(r)}},
                   combinations(2 * r, m, 0.9, complex, seed), complex)
      ->elements()(Eigen::seq(0, Eigen::last, complex ? 2 : 1), Eigen::all);
}

TEST(Interpolation, IsExactOnTheSpanAndAtTheNodes) {
  for (const bool complex : {false, true})
    for (const NodeRule rule : all_rules) {
      const Matrix e = elements(12, 90, complex, 1);
      const auto found = empirical_interpolation(e, complex, rule);
      ASSERT_EQ(found.nodes.size(), 12u);
      EXPECT_EQ(std::set<Index>(found.nodes.begin(), found.nodes.end()).size(), 12u);
      for (Index k = 0; k < 12; ++k) {
        const Vector row = e.row(k).transpose();
        EXPECT_LT((interpolate(found, row) - row).norm(), 1e-13);
      }
      const Vector any = random_matrix(1, 90, 2).row(0).transpose(), there = interpolate(found, any);
      for (const Index node : found.nodes)
        for (Index u = 0; u < (complex ? 2 : 1); ++u)
          EXPECT_EQ(there[node * (complex ? 2 : 1) + u], any[node * (complex ? 2 : 1) + u]);
    }
}

TEST(Interpolation, LebesgueConstantsBoundTheError) {
  for (const bool complex : {false, true})
    for (const NodeRule rule : all_rules) {
      const Matrix e = elements(10, 80, complex, 3);
      const auto found = empirical_interpolation(e, complex, rule);
      double worst_2 = 0.0, worst_max = 0.0;
      for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const Vector row = random_matrix(1, 80, 10 + seed).row(0).transpose();
        Vector best = row;
        if (complex) {
          const ComplexMatrix z = deinterleaved(e), f = deinterleaved(row.transpose());
          best -= interleaved(ComplexMatrix(f * z.adjoint() * z)).row(0).transpose();
        } else {
          best -= e.transpose() * (e * row);
        }
        const Vector rest = row - interpolate(found, row);
        worst_2 = std::max(worst_2, rest.norm() / best.norm());
        const auto largest = [&](const Vector& a) {
          return complex ? deinterleaved(a.transpose()).cwiseAbs().maxCoeff() : a.cwiseAbs().maxCoeff();
        };
        worst_max = std::max(worst_max, largest(rest) / largest(best));
      }
      EXPECT_LE(worst_2, found.lebesgue_2);
      EXPECT_GT(worst_2, 0.2 * found.lebesgue_2);
      EXPECT_LE(worst_max, 1.0 + found.lebesgue_max);
      // The operator norm by its definition.
      if (!complex) {
        EXPECT_NEAR(found.lebesgue_2, testing::by_jacobi(found.matrix, false).values[0], 1e-11);
        EXPECT_NEAR(found.lebesgue_max, found.matrix.cwiseAbs().colwise().sum().maxCoeff(), 1e-13);
      }
    }
}

TEST(Interpolation, BadInput) {
  EXPECT_NE(message_of<UsageError>([] {
              empirical_interpolation(random_matrix(5, 4, 1), false, NodeRule::eim);
            }).find("there are 4 bins"),
            std::string::npos);
  EXPECT_NE(message_of<UsageError>([] {
              empirical_interpolation(random_matrix(3, 4, 1), true, NodeRule::eim);
            }).find("there are 2 bins"),
            std::string::npos);
  EXPECT_THROW(empirical_interpolation(Matrix(0, 4), false, NodeRule::eim), UsageError);
  Matrix e = random_matrix(4, 9, 2);
  e.row(2) = 0.3 * e.row(0) - e.row(1);
  EXPECT_NE(
      message_of<NumericalError>([&] { empirical_interpolation(e, false, NodeRule::eim); }).find("element 2"),
      std::string::npos);
  EXPECT_NE(
      message_of<NumericalError>([&] { empirical_interpolation(e, false, NodeRule::q_deim); }).find("rank 3"),
      std::string::npos);
  e(1, 1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(
      message_of<DataError>([&] { empirical_interpolation(e, false, NodeRule::eim); }).find("element 1"),
      std::string::npos);
  EXPECT_NE(message_of<UsageError>([] { node_rule("magic"); }).find("q-deim"), std::string::npos);
}

Vector through(const Basis& basis, const Vector& row) {
  Vector c(basis.coefficients()), back(basis.width());
  basis.project(row.data(), c.data());
  basis.reconstruct(c.data(), back.data());
  return back;
}

TEST(InterpolationBasis, CoefficientsAreValuesAtTheNodes) {
  const testing::Scratch scratch;
  for (const bool complex : {false, true})
    for (const char* name : {"pod", "greedy"})
      for (const char* rule : {"eim", "deim", "q-deim"}) {
        const Matrix rows = combinations(40, 60, 0.6, complex, 4);
        const auto basis =
            fit_basis(name, {{"tolerance", 1e-5}, {"nodes", std::string(rule)}}, rows, complex);
        const auto linear = fit_basis(name, {{"tolerance", 1e-5}}, rows, complex);
        EXPECT_EQ(basis->kind(), "interpolation");
        EXPECT_EQ(basis->coefficients(), linear->coefficients());
        const Index unit = complex ? 2 : 1;
        ASSERT_EQ(static_cast<Index>(basis->nodes().size()) * unit, basis->coefficients());
        Vector c(basis->coefficients());
        basis->project(rows.row(3).data(), c.data());
        for (std::size_t i = 0; i < basis->nodes().size(); ++i)
          for (Index u = 0; u < unit; ++u)
            EXPECT_EQ(c[static_cast<Index>(i) * unit + u], rows(3, basis->nodes()[i] * unit + u));
        // Training rows are met about as well as by projection.
        double lost = 0.0, projected = 0.0;
        for (Index i = 0; i < rows.rows(); ++i) {
          projected += (through(*linear, rows.row(i).transpose()) - rows.row(i).transpose()).squaredNorm();
          lost += (through(*basis, rows.row(i).transpose()) - rows.row(i).transpose()).squaredNorm();
        }
        EXPECT_NEAR(std::sqrt(lost) / rows.norm(), basis->errors().training_mean, 1e-12);
        EXPECT_LT(basis->errors().training_mean, 30.0 * std::sqrt(projected) / rows.norm());
        EXPECT_GE(lost, projected);

        {
          h5::AtomicFile file(scratch("basis.h5"));
          save_basis(file.root(), *basis);
          file.commit();
        }
        const auto loaded = load_basis(h5::File::open(scratch("basis.h5")).root());
        EXPECT_EQ(loaded->nodes(), basis->nodes());
        EXPECT_EQ(loaded->elements(), basis->elements());
        EXPECT_EQ(loaded->residual_modes(), basis->residual_modes());
        EXPECT_EQ(loaded->residual_variance(), basis->residual_variance());

        const auto some = basis->restricted({5, 2, 17});
        ASSERT_EQ(some->width(), 3 * unit);
        EXPECT_EQ(some->nodes(), basis->nodes());
        Vector part(some->width()), all(basis->width());
        some->reconstruct(c.data(), part.data());
        basis->reconstruct(c.data(), all.data());
        for (Index u = 0; u < unit; ++u) EXPECT_EQ(part[2 * unit + u], all[17 * unit + u]);
        EXPECT_THROW(some->project(rows.row(0).data(), c.data()), UsageError);
        EXPECT_THROW(basis->restricted({60}), UsageError);
      }
}

TEST(InterpolationBasis, KnowsWhatNewRowsLose) {
  for (const bool complex : {false, true}) {
    const Matrix all = combinations(2000, 60, 0.7, complex, 5);
    const Matrix rows = all.topRows(400), fresh = all.bottomRows(1600);
    const auto basis = fit_basis("greedy", {{"max_rank", 8.0}, {"nodes", std::string("eim")}}, rows, complex);
    Vector variance = Vector::Zero(60);
    for (Index i = 0; i < fresh.rows(); ++i)
      variance += (through(*basis, fresh.row(i).transpose()) - fresh.row(i).transpose()).cwiseAbs2();
    variance /= 1600.0;
    const Vector said =
        basis->residual_variance() + basis->residual_modes().cwiseAbs2().colwise().sum().transpose();
    // Noise-like rows: elements differ from fold to fold, whose interpolants at our nodes amplify more.
    EXPECT_GT(said.sum() / variance.sum(), 0.9);
    EXPECT_LT(said.sum() / variance.sum(), 2.5);
    const Index unit = complex ? 2 : 1;
    for (const Index node : basis->nodes())
      for (Index u = 0; u < unit; ++u) EXPECT_NEAR(said[unit * node + u], 0.0, 1e-20);
    EXPECT_NEAR(basis->errors().validation_mean, std::sqrt(said.sum() / rows.squaredNorm() * 400.0),
                1e-9 * basis->errors().validation_mean);
  }
}

TEST(InterpolationBasis, WithAnOffset) {
  Matrix rows = combinations(40, 30, 0.5, false, 6);
  rows.rowwise() += 5.0 * random_matrix(1, 30, 7).row(0);
  const Vector mean = rows.colwise().mean().transpose();
  LinearBasisParts parts;
  parts.offset = mean;
  parts.elements =
      fit_basis("pod", {{"tolerance", 1e-6}}, rows.rowwise() - mean.transpose(), false)->elements();
  const auto centred = std::make_shared<LinearBasis>(std::move(parts));
  const auto basis = interpolation_basis(*centred, NodeRule::q_deim, rows);
  for (Index i = 0; i < rows.rows(); ++i) {
    const Vector row = rows.row(i).transpose(), back = through(*basis, row);
    EXPECT_LT((back - row).norm(), 1e-3);
    for (const Index node : basis->nodes()) EXPECT_NEAR(back[node], row[node], 1e-13);
  }
  EXPECT_THROW(interpolation_basis(*basis, NodeRule::eim, rows), UsageError);
  EXPECT_THROW(interpolation_basis(*centred, NodeRule::eim, rows.leftCols(20)), UsageError);
}

}  // namespace
}  // namespace ersatz
