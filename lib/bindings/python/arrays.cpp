#include "arrays.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"

namespace ersatz::python {
namespace {

std::string shape_of(const py::array& array) {
  std::string all = "(";
  for (py::ssize_t k = 0; k < array.ndim(); ++k) all += text(k ? ", " : "", array.shape(k));
  return all + ")";
}

}  // namespace

PointsOf::PointsOf(const Rows& x, Index parameters)
    : rows_(x), count_(1), parameters_(parameters), single_(x.ndim() == 1) {
  const bool right = (single_ && x.shape(0) == parameters) || (x.ndim() == 2 && x.shape(1) == parameters);
  if (!right)
    throw UsageError(text("points of shape ", shape_of(x), "; expected (", parameters, ",) or (n, ",
                          parameters, "), one value for each parameter"));
  if (!single_) count_ = x.shape(0);
}

std::vector<py::ssize_t> PointsOf::shape(std::initializer_list<Index> sizes) const {
  std::vector<py::ssize_t> all;
  if (!single_) all.push_back(count_);
  all.insert(all.end(), sizes.begin(), sizes.end());
  return all;
}

NewArray new_array(const std::vector<py::ssize_t>& shape, bool complex) {
  if (complex) {
    py::array_t<Complex> array(shape);
    return {array, reinterpret_cast<double*>(array.mutable_data())};
  }
  py::array_t<double> array(shape);
  return {array, array.mutable_data()};
}

Values values_of(const py::array& array, const std::string& name) {
  if (array.ndim() < 1 || array.ndim() > 2)
    throw UsageError(
        text("values of '", name, "' have the shape ", shape_of(array), "; expected (n,) or (n, bins)"));
  const Index n = array.shape(0), bins = array.ndim() == 2 ? array.shape(1) : 1;
  Values values{{}, array.dtype().kind() == 'c'};
  if (values.complex) {
    const py::array_t<Complex, py::array::c_style | py::array::forcecast> rows(array);
    values.rows = Eigen::Map<const Matrix>(reinterpret_cast<const double*>(rows.data()), n, 2 * bins);
  } else {
    const Rows rows(array);
    values.rows = Eigen::Map<const Matrix>(rows.data(), n, bins);
  }
  return values;
}

void check_threads(int threads) {
  if (threads < 0 || threads > 4096)
    throw UsageError(text("threads is ", threads, ", expected 0 (one for each core) to 4096"));
}

py::object by_output(const Emulator& emulator, std::vector<py::array> arrays) {
  if (arrays.size() == 1) return std::move(arrays.front());
  py::dict all;
  for (std::size_t o = 0; o < arrays.size(); ++o) all[py::str(emulator.outputs()[o].name)] = arrays[o];
  return all;
}

}  // namespace ersatz::python
