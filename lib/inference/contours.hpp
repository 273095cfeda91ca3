#pragma once
// Closed lines of equal height over a grid. Not installed.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Counts of draws (x and y: n each) in bins × bins cells of equal size over a rectangle, those outside of it
/// left out, smoothed by a normal of `smoothing` cells, normalised to a sum of 1. Rows rise with y.
Matrix smoothed_histogram(const Vector& x, const Vector& y, double left, double right, double bottom,
                          double top, Index bins, double smoothing);

/// The height above which cells hold the share `mass` of the sum of all.
double height_of_mass(const Matrix& density, double mass);

struct GridPoint {
  double column, row;  ///< in cells, from the middle of the first
};
/// Loops around what is above `height` (marching squares, linear between the cells' middles); beyond the grid
/// all is below.
std::vector<std::vector<GridPoint>> contours(const Matrix& density, double height);

}  // namespace ersatz
