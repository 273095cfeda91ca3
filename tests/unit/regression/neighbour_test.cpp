// The searches for neighbours: tree and scan against sorting all points.
#include <gtest/gtest.h>

#include <typeinfo>

#include "ersatz/core/error.hpp"
#include "regression/neighbour_tree.hpp"
#include "unit/regression/brute_force.hpp"

namespace ersatz {
namespace {

using namespace problems;
using Doubles = std::vector<double>;

void expect_equal_to_brute_force(const Matrix& points, const Matrix& queries) {
  const Index n = points.rows(), d = points.cols(), q = queries.rows();
  Workspace workspace;
  for (const NeighbourMetric metric : {NeighbourMetric::euclidean, NeighbourMetric::manhattan}) {
    std::vector<Neighbours> sorted;
    for (Index i = 0; i < q; ++i) sorted.push_back(brute(points, queries.row(i).data(), n, -1, metric));
    for (const NeighbourSearch search : {NeighbourSearch::tree, NeighbourSearch::scan}) {
      SCOPED_TRACE(text(to_string(metric), search == NeighbourSearch::tree ? ", tree, " : ", scan, ", d,
                        " dimensions, ", n, " points"));
      const auto tree = make_neighbour_tree(points.data(), n, d, metric, search);
      for (const Index count : {Index{1}, std::min<Index>(7, n), n}) {
        const auto size = static_cast<std::size_t>(count);
        Doubles distances(size), rows(size), all_distances(size * static_cast<std::size_t>(q)),
            all_rows(all_distances.size());
        tree->nearest(queries.data(), q, count, all_distances.data(), all_rows.data(), workspace);
        for (Index i = 0; i < q; ++i) {
          tree->nearest(queries.row(i).data(), count, distances.data(), rows.data());
          const Neighbours& expected = sorted[static_cast<std::size_t>(i)];
          ASSERT_EQ(rows, Doubles(expected.rows.begin(), expected.rows.begin() + count)) << "query " << i;
          ASSERT_EQ(distances, Doubles(expected.distances.begin(), expected.distances.begin() + count));
          const auto begin = static_cast<std::ptrdiff_t>(i * count), end = begin + count;
          ASSERT_EQ(rows, Doubles(all_rows.begin() + begin, all_rows.begin() + end)) << "query " << i;
          ASSERT_EQ(distances, Doubles(all_distances.begin() + begin, all_distances.begin() + end));
        }
      }
      // All points up to a distance that one of them has exactly, and up to less than any has.
      Doubles distances(static_cast<std::size_t>(n)), rows(distances.size());
      for (Index i = 0; i < std::min<Index>(q, 5); ++i) {
        const Neighbours& all = sorted[static_cast<std::size_t>(i)];
        const double reach = all.distances[static_cast<std::size_t>(n / 3)];
        const auto expected = static_cast<std::size_t>(
            std::upper_bound(all.distances.begin(), all.distances.end(), reach) - all.distances.begin());
        const auto found = static_cast<std::size_t>(
            tree->within(queries.row(i).data(), reach, distances.data(), rows.data()));
        ASSERT_EQ(found, expected);
        for (std::size_t l = 0; l < found; ++l) ASSERT_EQ(rows[l], all.rows[l]);
        if (all.distances[0] > 0.0) {
          EXPECT_EQ(
              tree->within(queries.row(i).data(), 0.99 * all.distances[0], distances.data(), rows.data()), 0);
        }
      }
    }
  }
}

TEST(NeighbourTree, EqualToBruteForceInAnyDimension) {
  for (const Index d : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 20, 33})
    expect_equal_to_brute_force(uniform(150, d, 71), uniform(70, d, 72).array() * 1.5 - 0.25);
}

TEST(NeighbourTree, AnyNumberOfPoints) {
  for (const Index n : {1, 2, 3, 15, 16, 17, 511, 513, 700})
    expect_equal_to_brute_force(uniform(n, 3, 90), uniform(9, 3, 91));
}

TEST(NeighbourTree, ScalesAndOffsetsDoNotMatter) {
  // Far from the origin, differences keep what a product of matrices would lose.
  expect_equal_to_brute_force(uniform(150, 6, 92).array() * 1e-6 + 1e3,
                              uniform(12, 6, 93).array() * 1e-6 + 1e3);
  expect_equal_to_brute_force(uniform(150, 3, 94) * 1e140, uniform(12, 3, 95) * 1e140);
  expect_equal_to_brute_force(uniform(150, 3, 94) * 1e-170, uniform(12, 3, 95) * 1e-170);
}

TEST(NeighbourTree, TiesGoToTheLowerRow) {
  // A lattice with every point twice, asked from its points and cell centres: almost all distances are
  // tied.
  Matrix lattice(200, 2), queries(50, 2);
  for (Index i = 0; i < 200; ++i) {
    lattice(i, 0) = static_cast<double>(i % 10);
    lattice(i, 1) = static_cast<double>(i / 10 % 10);
  }
  for (Index i = 0; i < 50; ++i) {
    queries(i, 0) = static_cast<double>(i % 10) + (i % 2 ? 0.5 : 0.0);
    queries(i, 1) = static_cast<double>(i / 10 * 2) + (i % 2 ? 0.5 : 0.0);
  }
  expect_equal_to_brute_force(lattice, queries);
  expect_equal_to_brute_force(Matrix::Constant(50, 3, 0.25), uniform(3, 3, 73));
}

TEST(NeighbourTree, ManyInputsThatFillFewDirectionsKeepTheTree) {
  // Both searches give the same; only the type tells which one was taken.
  const auto kind = [](const Matrix& points) {
    const auto automatic = make_neighbour_tree(points.data(), points.rows(), points.cols());
    const auto scan =
        make_neighbour_scan(points.data(), points.rows(), points.cols(), NeighbourMetric::euclidean);
    const NeighbourTree &a = *automatic, &b = *scan;
    return typeid(a) == typeid(b) ? "scan" : "tree";
  };
  EXPECT_STREQ(kind(uniform(2000, 30, 96)), "scan");
  EXPECT_STREQ(kind(uniform(2000, 2, 97)), "tree");
  EXPECT_STREQ(kind(uniform(2000, 2, 97) * uniform(2, 30, 98)), "tree");
}

}  // namespace
}  // namespace ersatz
