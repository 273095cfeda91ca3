#pragma once
// NumPy arrays as the library's rows, and back. Rows are shared where the layout allows, not copied.

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "ersatz/selection/pipeline.hpp"

namespace ersatz::python {

namespace py = pybind11;

/// Doubles, row by row: an array of that layout is taken as it is, another one is converted.
using Rows = py::array_t<double, py::array::c_style | py::array::forcecast>;

/// Points given as one (d values) or many (n × d).
class PointsOf {
 public:
  /// Throws UsageError naming the shape.
  PointsOf(const Rows& x, Index parameters);
  Index count() const { return count_; }
  Eigen::Map<const Matrix> matrix() const { return {rows_.data(), count_, parameters_}; }
  /// (n, sizes…) or, of a single point, (sizes…).
  std::vector<py::ssize_t> shape(std::initializer_list<Index> sizes) const;

 private:
  Rows rows_;
  Index count_, parameters_;
  bool single_;
};

/// A new array for an output: complex numbers where it is complex. `data` is where its doubles are.
struct NewArray {
  py::array array;
  double* data;
};
NewArray new_array(const std::vector<py::ssize_t>& shape, bool complex);

/// n × m values, real or complex, as rows of doubles (complex: interleaved); a single column may be flat.
struct Values {
  Matrix rows;
  bool complex;
};
Values values_of(const py::array& array, const std::string& name);

/// Throws UsageError on a number of threads that the program would refuse, too.
void check_threads(int threads);

/// One output's array alone, several in a dictionary by their names.
py::object by_output(const Emulator& emulator, std::vector<py::array> arrays);

}  // namespace ersatz::python
