#include "ersatz/campaign/focus.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/design/design.hpp"

namespace ersatz {
namespace {

class PointsOfInterest final : public Focus {
 public:
  explicit PointsOfInterest(Matrix points) : points_(std::move(points)) {}

  FocusView look(const Emulator& now, const Emulator*, Index count,
                 const FitContext& context) const override {
    const std::vector<Index> order = context.random.split("interest").permutation(points_.rows());
    FocusView view;
    view.points.resize(std::min(count, points_.rows()), points_.cols());
    for (Index i = 0; i < view.points.rows(); ++i)
      view.points.row(i) = points_.row(order[static_cast<std::size_t>(i)]);
    const Index near = std::min(count / 2, points_.rows());
    view.candidates.resize(count, points_.cols());
    view.candidates.topRows(near) = view.points.topRows(near);
    view.candidates.bottomRows(count - near) =
        shifted_sobol(now.space(), count - near, context.random.split("candidates"));
    return view;
  }
  bool moves() const override { return false; }

 private:
  Matrix points_;  ///< all different
};

}  // namespace

Matrix distinct_rows(const Matrix& rows) {
  std::set<std::vector<double>> seen;
  Matrix result(rows.rows(), rows.cols());
  Index count = 0;
  for (const auto& row : rows.rowwise())
    if (seen.emplace(row.begin(), row.end()).second) result.row(count++) = row;
  return result.topRows(count);
}

std::shared_ptr<const Focus> points_of_interest(const Matrix& points, const ParameterSpace& space) {
  if (points.rows() == 0) throw DataError("there are no points of interest");
  if (points.cols() != space.size())
    throw DataError(text("points of interest have ", points.cols(), " values each, the space has ",
                         space.size(), " parameters"));
  for (Index i = 0; i < points.rows(); ++i)
    if (!points.row(i).allFinite() || !space.contains(points.row(i).data()))
      throw DataError(text("point of interest ", i, " (the first is 0) is not in the space: ",
                           space.why_outside(points.row(i).data())));
  return std::make_shared<PointsOfInterest>(distinct_rows(points));
}

}  // namespace ersatz
