#include "inference/contours.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace ersatz {
namespace {

Matrix smoothed_rows(const Matrix& values, double width) {
  const auto reach = static_cast<Index>(std::ceil(3.0 * width));
  Vector weights(2 * reach + 1);
  for (Index k = -reach; k <= reach; ++k)
    weights[k + reach] = std::exp(-0.5 * static_cast<double>(k * k) / (width * width));
  Matrix result = Matrix::Zero(values.rows(), values.cols());
  // At the edges by what is there, so that a density that ends there does not fade before it.
  for (Index c = 0; c < values.cols(); ++c) {
    double sum = 0.0;
    for (Index k = std::max(-reach, -c); k <= std::min(reach, values.cols() - 1 - c); ++k) {
      result.col(c) += weights[k + reach] * values.col(c + k);
      sum += weights[k + reach];
    }
    result.col(c) /= sum;
  }
  return result;
}

/// An edge of the grid of middles: from (row, column) to the right or upwards.
using Edge = std::pair<std::pair<Index, Index>, bool>;

}  // namespace

Matrix smoothed_histogram(const Vector& x, const Vector& y, double left, double right, double bottom,
                          double top, Index bins, double smoothing) {
  Matrix counts = Matrix::Zero(bins, bins);
  const auto cell = [bins](double v, double low, double high) {
    return static_cast<Index>(std::floor((v - low) / (high - low) * static_cast<double>(bins)));
  };
  for (Index i = 0; i < x.size(); ++i) {
    const Index c = cell(x[i], left, right), r = cell(y[i], bottom, top);
    if (c >= 0 && c < bins && r >= 0 && r < bins) counts(r, c) += 1.0;
  }
  Matrix smooth = smoothed_rows(smoothed_rows(counts, smoothing).transpose(), smoothing).transpose();
  return smooth / std::max(smooth.sum(), 1e-300);
}

double height_of_mass(const Matrix& density, double mass) {
  std::vector<double> heights(density.data(), density.data() + density.size());
  std::sort(heights.begin(), heights.end(), std::greater<>());
  double sum = 0.0;
  for (const double h : heights) {
    sum += h;
    if (sum >= mass * density.sum()) return h;
  }
  return heights.back();
}

std::vector<std::vector<GridPoint>> contours(const Matrix& density, double height) {
  const Index rows = density.rows(), columns = density.cols();
  const auto at = [&](Index r, Index c) {
    return r < 0 || c < 0 || r >= rows || c >= columns ? 0.0 : density(r, c);
  };
  const auto above = [&](Index r, Index c) { return at(r, c) >= height && at(r, c) > 0.0; };
  const auto place = [&](const Edge& e) {
    const auto [from, right] = e;
    const auto [r, c] = from;
    const double a = at(r, c), b = right ? at(r, c + 1) : at(r + 1, c);
    const double share = a == b ? 0.5 : std::clamp((height - a) / (b - a), 0.0, 1.0);
    return GridPoint{static_cast<double>(c) + (right ? share : 0.0),
                     static_cast<double>(r) + (right ? 0.0 : share)};
  };
  // Within each square, from the edge where a line enters to the one where it leaves, heights on its left.
  std::map<Edge, Edge> next;
  for (Index r = -1; r < rows; ++r)
    for (Index c = -1; c < columns; ++c) {
      const bool low_left = above(r, c), low_right = above(r, c + 1);
      const bool high_left = above(r + 1, c), high_right = above(r + 1, c + 1);
      const Edge low{{r, c}, true}, high{{r + 1, c}, true}, left{{r, c}, false}, right{{r, c + 1}, false};
      const int which = (low_left ? 1 : 0) + (low_right ? 2 : 0) + (high_right ? 4 : 0) + (high_left ? 8 : 0);
      const bool joined = at(r, c) + at(r, c + 1) + at(r + 1, c) + at(r + 1, c + 1) >= 4.0 * height;
      switch (which) {
        case 1:
          next[low] = left;
          break;
        case 2:
          next[right] = low;
          break;
        case 3:
          next[right] = left;
          break;
        case 4:
          next[high] = right;
          break;
        case 5:
          if (joined)
            next[low] = right, next[high] = left;
          else
            next[low] = left, next[high] = right;
          break;
        case 6:
          next[high] = low;
          break;
        case 7:
          next[high] = left;
          break;
        case 8:
          next[left] = high;
          break;
        case 9:
          next[low] = high;
          break;
        case 10:
          if (joined)
            next[left] = low, next[right] = high;
          else
            next[right] = low, next[left] = high;
          break;
        case 11:
          next[right] = high;
          break;
        case 12:
          next[left] = right;
          break;
        case 13:
          next[low] = right;
          break;
        case 14:
          next[left] = low;
          break;
        default:
          break;
      }
    }
  std::vector<std::vector<GridPoint>> loops;
  while (!next.empty()) {
    std::vector<GridPoint> loop;
    Edge edge = next.begin()->first;
    for (auto found = next.find(edge); found != next.end(); found = next.find(edge)) {
      loop.push_back(place(edge));
      edge = found->second;
      next.erase(found);
    }
    if (loop.size() > 2) loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace ersatz
