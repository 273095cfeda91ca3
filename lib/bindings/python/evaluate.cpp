#include "evaluate.hpp"

#include <algorithm>
#include <cstring>

#include "ersatz/core/error.hpp"

namespace ersatz::python {
namespace {

/// Threads of Python come and go; each keeps its memory.
Workspace& workspace() {
  thread_local Workspace own;
  return own;
}

struct Results {
  std::vector<py::array> arrays;
  std::vector<double*> data;
};

/// One array for each output: `sizes` after the bins.
Results results(const Emulator& emulator, const PointsOf& points) {
  Results all;
  for (const OutputSpec& o : emulator.outputs()) {
    NewArray made = new_array(points.shape({o.size}), o.complex);
    all.arrays.push_back(std::move(made.array));
    all.data.push_back(made.data);
  }
  return all;
}

OutputCovariance covariance_of(const Model& model, const Rows& x, const std::optional<std::string>& output,
                               std::size_t& at) {
  const Emulator& e = model.emulator;
  const PointsOf points(x, e.space().size());
  if (points.count() != 1)
    throw UsageError(text("the covariance is that at one point, got ", points.count()));
  std::string known;
  std::size_t number = e.outputs().size();
  for (std::size_t o = 0; o < e.outputs().size(); ++o) {
    known += (o ? ", " : "") + e.outputs()[o].name;
    if (output ? e.outputs()[o].name == *output : e.outputs().size() == 1) number = o;
  }
  if (number == e.outputs().size())
    throw UsageError(output ? text("there is no output '", *output, "'; there are: ", known)
                            : text("there are several outputs, name one of them: ", known));
  std::vector<OutputCovariance> all;
  {
    const py::gil_scoped_release released;
    all = e.covariance(points.matrix().data(), workspace());
  }
  for (OutputCovariance& c : all)
    for (std::size_t k = 0; k < c.outputs.size(); ++k)
      if (c.outputs[k] == static_cast<Index>(number)) {
        at = k;
        return std::move(c);
      }
  throw Error("covariance: an output is missing");
}

py::array array_of(const Matrix& m) {
  py::array_t<double> array({m.rows(), m.cols()});
  std::copy(m.data(), m.data() + m.size(), array.mutable_data());
  return array;
}

}  // namespace

py::object predict(const Model& model, const Rows& x, bool with_std, int threads) {
  check_threads(threads);
  const Emulator& e = model.emulator;
  const PointsOf points(x, e.space().size());
  Results means = results(e, points), stds;
  if (with_std) stds = results(e, points);
  {
    const py::gil_scoped_release released;
    if (threads == 1) {
      if (with_std)
        e.mean_and_std(points.matrix(), means.data.data(), stds.data.data(), workspace());
      else
        e.mean(points.matrix(), means.data.data(), workspace());
    } else {
      const Prediction p = e.predict(points.matrix(), with_std, threads);
      for (std::size_t o = 0; o < p.mean.size(); ++o) {
        std::copy(p.mean[o].data(), p.mean[o].data() + p.mean[o].size(), means.data[o]);
        if (with_std) std::copy(p.std[o].data(), p.std[o].data() + p.std[o].size(), stds.data[o]);
      }
    }
  }
  py::object mean = by_output(e, std::move(means.arrays));
  if (!with_std) return mean;
  return py::make_tuple(mean, by_output(e, std::move(stds.arrays)));
}

py::object jacobian(const Model& model, const Rows& x) {
  const Emulator& e = model.emulator;
  const Index d = e.space().size();
  const PointsOf points(x, d);
  std::vector<Matrix> means, jacobians;
  std::vector<double*> mean_rows, jacobian_rows;
  for (const OutputSpec& o : e.outputs()) {
    mean_rows.push_back(means.emplace_back(points.count(), o.width()).data());
    jacobian_rows.push_back(jacobians.emplace_back(points.count(), o.width() * d).data());
  }
  {
    const py::gil_scoped_release released;
    e.mean_and_jacobian(points.matrix(), mean_rows.data(), jacobian_rows.data(), workspace());
  }
  std::vector<py::array> arrays;
  for (std::size_t o = 0; o < jacobians.size(); ++o) {
    const OutputSpec& output = e.outputs()[o];
    NewArray made = new_array(points.shape({output.size, d}), output.complex);
    const double* from = jacobians[o].data();
    if (!output.complex) {
      std::copy(from, from + jacobians[o].size(), made.data);
    } else {  // a row of real parts, then one of imaginary parts
      for (Index bin = 0; bin < points.count() * output.size; ++bin)
        for (Index k = 0; k < d; ++k)
          for (Index part = 0; part < 2; ++part)
            made.data[2 * (bin * d + k) + part] = from[(2 * bin + part) * d + k];
    }
    arrays.push_back(std::move(made.array));
  }
  return by_output(e, std::move(arrays));
}

py::array covariance(const Model& model, const Rows& x, const std::optional<std::string>& output) {
  std::size_t at = 0;
  const OutputCovariance c = covariance_of(model, x, output, at);
  Matrix full = c.factors[at].transpose() * c.factors[at];
  full.diagonal() += c.diagonal[at];
  return array_of(full);
}

py::tuple covariance_factors(const Model& model, const Rows& x, const std::optional<std::string>& output) {
  std::size_t at = 0;
  const OutputCovariance c = covariance_of(model, x, output, at);
  py::array_t<double> diagonal(c.diagonal[at].size());
  std::copy(c.diagonal[at].begin(), c.diagonal[at].end(), diagonal.mutable_data());
  return py::make_tuple(array_of(c.factors[at]), diagonal);
}

py::object domain_score(const Model& model, const Rows& x) {
  const Emulator& e = model.emulator;
  const PointsOf points(x, e.space().size());
  py::array_t<double> scores(points.shape({}));
  double* out = scores.mutable_data();
  {
    const py::gil_scoped_release released;
    const auto X = points.matrix();
    for (Index i = 0; i < points.count(); ++i) out[i] = e.domain_score(X.row(i).data(), workspace());
  }
  if (scores.ndim() == 0) return py::float_(*out);
  return std::move(scores);
}

}  // namespace ersatz::python
