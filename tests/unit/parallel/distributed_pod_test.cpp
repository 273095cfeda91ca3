// POD of rows on several ranks against the serial one of all of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/basis/pod.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/parallel/distributed_basis.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/parallel/shares.hpp"

namespace ersatz {
namespace {

using testing::decaying;
using testing::error;
using testing::Layout;
using testing::layouts;
using testing::name_of;
using testing::random_matrix;
using testing::rows_of;
using testing::told;

/// What the elements project on, row by row of something random: does not depend on their phases.
double distance(const Pod& a, const Pod& b) {
  Matrix probes = random_matrix(5, a.elements.cols(), 77);
  if (a.offset.size() > 0) probes.rowwise() += a.offset.transpose();
  return (testing::compressed(*a.basis(), probes) - testing::compressed(*b.basis(), probes)).norm() /
         probes.norm();
}

Matrix covariance(const Pod& pod) {
  Matrix c = pod.residual_modes.transpose() * pod.residual_modes;
  c.diagonal() += pod.residual_variance;
  return c;
}

/// Everything, to `rounding`, relative to the largest of its kind.
void expect_same(const Pod& found, const Pod& expected, double rounding) {
  EXPECT_EQ(found.summary.method, expected.summary.method);
  EXPECT_EQ(found.summary.tolerance_met, expected.summary.tolerance_met);
  EXPECT_EQ(found.complex, expected.complex);
  EXPECT_EQ(found.snapshots, expected.snapshots);
  ASSERT_EQ(found.rank(), expected.rank());
  const Index r = found.rank();
  const double largest = expected.singular_values[0];
  EXPECT_LT((found.singular_values.head(r) - expected.singular_values.head(r)).norm(), rounding * largest);
  EXPECT_LT(distance(found, expected), 10.0 * rounding * largest / expected.singular_values[r - 1]);
  EXPECT_LT((found.offset - expected.offset).norm(), rounding * (1.0 + expected.offset.norm()));
  EXPECT_NEAR(found.energy / expected.energy, 1.0, rounding);
  EXPECT_NEAR(found.lost, expected.lost, rounding * expected.energy);
  EXPECT_NEAR(found.errors.training_mean, expected.errors.training_mean,
              1e-6 * expected.errors.training_mean + rounding);
  EXPECT_NEAR(found.errors.training_worst, expected.errors.training_worst,
              1e-6 * expected.errors.training_worst + rounding);
  EXPECT_EQ(std::isnan(found.errors.validation_mean), std::isnan(expected.errors.validation_mean));
  if (expected.residual_variance.size() == 0) return;
  EXPECT_NEAR(found.errors.validation_mean, expected.errors.validation_mean,
              1e-5 * expected.errors.validation_mean + rounding);
  EXPECT_NEAR(found.errors.validation_worst, expected.errors.validation_worst,
              1e-5 * expected.errors.validation_worst + rounding);
  const Matrix a = covariance(found), b = covariance(expected);
  EXPECT_LT((a - b).norm(), 1e-5 * b.norm() + rounding * rounding);
}

TEST(DistributedPod, ExactAndRandomisedAreTheSerialOnes) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const PodMethod method : {PodMethod::exact, PodMethod::randomised})
    for (const bool complex : {false, true})
      for (const bool wide : {false, true})
        for (const bool more : {false, true}) {
          const Index n = wide ? 150 : 400, bins = wide ? 300 : 160;
          const Matrix rows = decaying(n, complex ? 2 * bins : bins, 0.6, complex, 21);
          PodOptions options;
          options.method = method;
          options.tolerance = 1e-6;
          if (more) {
            options.centred = true;
            options.weights = random_matrix(bins, 1, 22).cwiseAbs().array() + 0.1;
            options.folds = 5;
          }
          const Pod expected = fit_pod(rows, complex, options);
          ASSERT_EQ(expected.summary.method, method);
          for (const Layout layout : layouts) {
            SCOPED_TRACE(text(to_string(method), " ", name_of(layout), complex ? " complex" : "",
                              wide ? " wide" : "", more ? " weighted, centred, folds" : ""));
            const Pod found = distributed_pod(comm, rows_of(rows, comm, layout), complex, options);
            expect_same(found, expected, 1e-12);
            EXPECT_TRUE(testing::same_everywhere(comm, found.elements));
          }
        }
}

TEST(DistributedPod, WorstSnapshotAndRankLimit) {
  const Communicator comm(MPI_COMM_WORLD);
  const Matrix rows = decaying(300, 120, 0.8, true, 23);
  for (const PodMethod method : {PodMethod::exact, PodMethod::randomised, PodMethod::automatic}) {
    PodOptions options;
    options.method = method;
    options.tolerance = 1e-3;
    options.tolerance_of = PodTolerance::worst;
    options.folds = 3;
    const Pod worst = fit_pod(rows, true, options);
    PodOptions limited = options;
    limited.max_rank = 5;
    limited.tolerance_of = PodTolerance::whole;
    const Pod few = fit_pod(rows, true, limited);
    for (const Layout layout : layouts) {
      SCOPED_TRACE(text(to_string(method), " ", name_of(layout)));
      const Matrix mine = rows_of(rows, comm, layout);
      expect_same(distributed_pod(comm, mine, true, options), worst, 1e-12);
      expect_same(distributed_pod(comm, mine, true, limited), few, 1e-12);
    }
  }
}

TEST(DistributedPod, StreamsMeetTheToleranceNearTheSmallestRank) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const bool complex : {false, true})
    for (const bool centred : {false, true})
      for (const PodTolerance of : {PodTolerance::whole, PodTolerance::worst}) {
        Matrix rows = decaying(500, 100, 0.7, complex, 24);
        rows.array() += 0.3;
        PodOptions options;
        options.method = PodMethod::exact;
        options.tolerance = 1e-5;
        options.tolerance_of = of;
        options.centred = centred;
        options.folds = of == PodTolerance::worst ? 4 : 0;
        options.block_rows = 37;
        const Pod exact = fit_pod(rows, complex, options);
        options.method = PodMethod::streaming;
        for (const Layout layout : layouts) {
          SCOPED_TRACE(text(name_of(layout), complex ? " complex" : "", centred ? " centred" : ""));
          const auto source = generated_snapshots(500, 100, complex, [&](Index first, MatrixRef block) {
            block = rows.middleRows(first, block.rows());
          });
          // Rows of the caller, and a source of all of them.
          const Pod found = layout == Layout::even
                                ? distributed_pod(comm, *source, options)
                                : distributed_pod(comm, rows_of(rows, comm, layout), complex, options);
          EXPECT_EQ(found.summary.method, PodMethod::streaming);
          EXPECT_EQ(found.snapshots, 500);
          EXPECT_TRUE(found.summary.tolerance_met) << found.summary.message;
          EXPECT_LE(found.rank(), exact.rank() + 1);
          EXPECT_NEAR(found.energy / exact.energy, 1.0, 1e-12);
          const double largest = exact.singular_values[0];
          const Index r = exact.rank() - 1;
          EXPECT_LT((found.singular_values.head(r) - exact.singular_values.head(r)).norm(), 1e-5 * largest);
          if (centred) {
            EXPECT_LT((found.offset - exact.offset).norm(), 1e-13);
          }
          const Matrix about = centred ? Matrix(rows.rowwise() - exact.offset.transpose()) : rows;
          const double lost = (testing::compressed(*found.basis(), rows) - rows).norm() / about.norm();
          EXPECT_LE(lost, 1.001 * found.summary.error_estimate);
          if (of == PodTolerance::whole) {
            EXPECT_LE(lost, 1e-5);
          }
          EXPECT_TRUE(testing::same_everywhere(comm, found.elements));
        }
        // To rounding where nothing is dropped.
        options.tolerance = 0.0;
        options.tolerance_of = PodTolerance::whole;
        options.max_rank = 0;
        options.folds = 0;
        const Pod all = distributed_pod(comm, rows_of(rows, comm, Layout::uneven), complex, options);
        const Pod serial = fit_pod(rows, complex, options);
        const Index r = std::min(all.rank(), serial.rank());
        EXPECT_LT((all.singular_values.head(r) - serial.singular_values.head(r)).norm(),
                  1e-13 * serial.singular_values[0]);
      }
}

TEST(DistributedPod, FewAndDegenerateRows) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const PodMethod method :
       {PodMethod::exact, PodMethod::randomised, PodMethod::streaming, PodMethod::automatic})
    for (const bool centred : {false, true}) {
      SCOPED_TRACE(text(to_string(method), centred ? " centred" : ""));
      PodOptions options;
      options.method = method;
      options.centred = centred;
      options.folds = 5;
      for (const Matrix& rows :
           {decaying(3, 40, 0.5, true, 25), decaying(1, 40, 0.5, true, 26), Matrix(Matrix::Zero(20, 12)),
            Matrix(Matrix::Constant(20, 12, 2.5)), Matrix(1e-180 * decaying(30, 20, 0.5, true, 27))}) {
        const Pod expected = fit_pod(rows, true, options);
        for (const Layout layout : layouts) {
          const Pod found = distributed_pod(comm, rows_of(rows, comm, layout), true, options);
          ASSERT_EQ(found.rank(), expected.rank()) << name_of(layout) << " " << rows.rows();
          EXPECT_TRUE(found.elements.allFinite());
          const double scale = rows.norm() > 0.0 ? rows.norm() : 1.0;
          EXPECT_LT((testing::compressed(*found.basis(), rows) - testing::compressed(*expected.basis(), rows))
                            .norm() /
                        scale,
                    2e-7);
          EXPECT_NEAR(found.errors.training_worst, expected.errors.training_worst, 1e-7);
        }
      }
    }
}

TEST(DistributedPod, ErrorsAreThoseOfAllRanks) {
  const Communicator comm(MPI_COMM_WORLD);
  Matrix rows = decaying(60, 30, 0.5, false, 28);
  rows(47, 3) = std::numeric_limits<double>::quiet_NaN();
  for (const PodMethod method : {PodMethod::exact, PodMethod::randomised, PodMethod::streaming})
    for (const bool centred : {false, true})
      for (const Layout layout : layouts) {
        PodOptions options;
        options.method = method;
        options.centred = centred;
        const std::string message =
            told<DataError>([&] { distributed_pod(comm, rows_of(rows, comm, layout), false, options); });
        EXPECT_NE(message.find("snapshot 47 contains values that are not finite"), std::string::npos)
            << message;
      }
  EXPECT_EQ(told<DataError>([&] { distributed_pod(comm, Matrix(0, 5), false); }),
            "basis pod: there are no snapshots");
  EXPECT_EQ(told<DataError>([&] { distributed_pod(comm, Matrix(4, 0), false); }),
            "basis pod: the snapshots are empty rows");
  PodOptions options;
  options.tolerance = 2.0;
  EXPECT_NE(told<UsageError>([&] {
              distributed_pod(comm, Matrix::Ones(4, 4), false, options);
            }).find("'tolerance'"),
            std::string::npos);
  // A source that can not be read on one rank.
  const bool last = comm.rank() == comm.size() - 1;
  const auto source = generated_snapshots(60, 8, false, [last](Index, MatrixRef block) {
    if (last) throw StorageError("the disk is gone", StorageError::Access::read);
    block.setOnes();
  });
  for (const PodMethod method : {PodMethod::exact, PodMethod::randomised, PodMethod::streaming}) {
    options = {};
    options.method = method;
    EXPECT_NE(told<StorageError>([&] { distributed_pod(comm, *source, options); }).find("the disk is gone"),
              std::string::npos);
  }
  if (comm.size() == 1) return;
  const bool other = comm.rank() == 1;
  options = {};
  options.centred = other;
  std::string message = told<DataError>([&] { distributed_pod(comm, Matrix::Ones(4, 4), false, options); });
  EXPECT_NE(message.find("the options of the POD: rank 1 differs"), std::string::npos) << message;
  message = told<DataError>([&] { distributed_pod(comm, Matrix::Ones(4, other ? 6 : 4), false); });
  EXPECT_NE(message.find("have 4 values, those of rank 1 have 6"), std::string::npos) << message;
  const auto different =
      generated_snapshots(other ? 61 : 60, 8, false, [](Index, MatrixRef b) { b.setOnes(); });
  message = told<DataError>([&] { distributed_pod(comm, *different); });
  EXPECT_NE(message.find("the size of the snapshots: rank 1 differs"), std::string::npos) << message;
}

}  // namespace
}  // namespace ersatz
