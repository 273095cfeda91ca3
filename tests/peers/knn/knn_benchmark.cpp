// Times of nearest neighbours, ours and plain nanoflann (its own result set, leaves of 10), on uniform
// points.
//
//   knn_benchmark predict N QUERIES D K THREADS REPEATS
//   knn_benchmark search N D                              tree and scan, k = 8: microseconds for each query
//
// predict prints the best times of each, building and predicting; repeats alternate.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <nanoflann.hpp>
#include <thread>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/regression/knn.hpp"
#include "peers/peer.hpp"
#include "regression/neighbour_tree.hpp"

namespace {

using namespace ersatz;
using peer::seconds;

Matrix uniform(Index n, Index d, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix X(n, d);
  for (Index i = 0; i < X.size(); ++i) X.data()[i] = random.uniform();
  return X;
}

struct Times {
  double build = 1e300, query = 1e300;
  void keep(double b, double q) {
    build = std::min(build, b);
    query = std::min(query, q);
  }
};

struct Points {
  const Matrix& x;
  std::size_t kdtree_get_point_count() const { return static_cast<std::size_t>(x.rows()); }
  double kdtree_get_pt(std::size_t row, std::size_t k) const {
    return x.data()[row * static_cast<std::size_t>(x.cols()) + k];
  }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;
  }
};

template <int D>
void plain(const Matrix& x, const Matrix& y, const Matrix& X, Index k, Index threads, Matrix& mean,
           Times& times) {
  using Metric = nanoflann::L2_Simple_Adaptor<double, Points, double, std::uint32_t>;
  const Points points{x};
  const double begin = seconds();
  const nanoflann::KDTreeSingleIndexAdaptor<Metric, Points, D, std::uint32_t> tree(
      D, points, nanoflann::KDTreeSingleIndexAdaptorParams(10));
  const double built = seconds();
  const auto share = [&](Index first, Index last) {
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(k));
    std::vector<double> distances(rows.size());
    for (Index i = first; i < last; ++i) {
      tree.knnSearch(X.row(i).data(), rows.size(), rows.data(), distances.data());
      double sum = 0.0;
      for (const std::uint32_t row : rows) sum += y(static_cast<Index>(row), 0);
      mean(i, 0) = sum / static_cast<double>(k);
    }
  };
  std::vector<std::thread> others;
  for (Index t = 1; t < threads; ++t)
    others.emplace_back(share, X.rows() * t / threads, X.rows() * (t + 1) / threads);
  share(0, X.rows() / threads);
  for (std::thread& other : others) other.join();
  times.keep(built - begin, seconds() - built);
}

void ours(const Matrix& x, const Matrix& y, const Matrix& X, Index k, Index threads, Matrix& mean,
          Times& times) {
  KnnOptions options;
  options.k = {k};
  options.weights = {NeighbourWeights::uniform};
  options.lengths = NeighbourLengths::equal;
  options.loo_points = 2;
  const auto executor = make_executor(threads);
  const double begin = seconds();
  TrainingData data;
  data.x = x;
  data.y = y;
  const Fit fit = make_knn_regressor(options)->fit(data, {});
  const double built = seconds();
  mean_in_parallel(*fit.predictor, X, mean, *executor);
  times.keep(built - begin, seconds() - built);
}

void predict(Index n, Index q, Index d, Index k, Index threads, Index repeats) {
  const Matrix x = uniform(n, d, 1), X = uniform(q, d, 2), y = uniform(n, 1, 3);
  Matrix mean(q, 1), reference(q, 1);
  Times a, b;
  for (Index r = 0; r < repeats; ++r) {
    d == 4 ? plain<4>(x, y, X, k, threads, reference, a) : plain<8>(x, y, X, k, threads, reference, a);
    ours(x, y, X, k, threads, mean, b);
  }
  std::printf("nanoflann_build %.6f\nnanoflann %.6f\nersatz_build %.6f\nersatz %.6f\n", a.build, a.query,
              b.build, b.query);
}

void search(Index n, Index d) {
  const Index q = 512, k = 8;
  const Matrix x = uniform(n, d, 1), X = uniform(q, d, 2);
  std::vector<double> distances(static_cast<std::size_t>(q * k)), rows(distances.size());
  Workspace workspace;
  for (const NeighbourSearch how :
       {NeighbourSearch::tree, NeighbourSearch::scan, NeighbourSearch::automatic}) {
    const auto tree = make_neighbour_tree(x.data(), n, d, NeighbourMetric::euclidean, how);
    double best = 1e300;
    for (int r = 0; r < 3; ++r) {
      const double begin = seconds();
      tree->nearest(X.data(), q, k, distances.data(), rows.data(), workspace);
      best = std::min(best, seconds() - begin);
    }
    std::printf("%.3f ", 1e6 * best / static_cast<double>(q));
  }
  std::printf("\n");
}

int run(int argc, char** argv) {
  const auto number = [&](int a) { return static_cast<Index>(std::atol(argv[a])); };
  if (argc == 8 && std::string(argv[1]) == "predict" && (number(4) == 4 || number(4) == 8))
    predict(number(2), number(3), number(4), number(5), number(6), number(7));
  else if (argc == 4 && std::string(argv[1]) == "search")
    search(number(2), number(3));
  else
    return std::fprintf(stderr, "knn_benchmark predict N QUERIES 4|8 K THREADS REPEATS, or search N D\n"), 2;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "knn_benchmark: %s\n", e.what());
    return 1;
  }
}
