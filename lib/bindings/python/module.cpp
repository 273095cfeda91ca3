// The Python module: ersatz.load, ersatz.fit, ersatz.Emulator.
#include <pybind11/stl/filesystem.h>

#include <filesystem>

#include "ersatz/core/error.hpp"
#include "ersatz/version.hpp"
#include "evaluate.hpp"
#include "fit.hpp"

namespace ersatz::python {
namespace {

template <class Get>
std::vector<std::string> of_parameters(const Model& m, const Get& get) {
  std::vector<std::string> all;
  for (const Parameter& p : m.emulator.space().parameters()) all.emplace_back(get(p));
  return all;
}

py::array bounds(const Model& m) {
  const ParameterSpace& space = m.emulator.space();
  py::array_t<double> all({space.size(), Index{2}});
  for (Index k = 0; k < space.size(); ++k) {
    all.mutable_at(k, 0) = space[k].lower;
    all.mutable_at(k, 1) = space[k].upper;
  }
  return all;
}

py::dict axes(const Model& m) {
  py::dict all;
  for (const Axis& a : m.emulator.axes()) {
    py::array_t<double> values(a.values.size());
    std::copy(a.values.begin(), a.values.end(), values.mutable_data());
    all[py::str(a.name)] = values;
  }
  return all;
}

py::dict outputs(const Model& m) {
  py::dict all;
  for (const OutputSpec& o : m.emulator.outputs()) {
    py::dict one;
    one["unit"] = o.unit;
    one["axis"] = o.axis;
    one["axis_unit"] = m.emulator.axis_of(o).unit;
    one["size"] = o.size;
    one["complex"] = o.complex;
    all[py::str(o.name)] = one;
  }
  return all;
}

py::dict info(const Model& m) {
  py::dict all;
  all["title"] = m.info.title;
  all["library_version"] = m.info.library_version;
  all["created"] = m.info.created;
  all["recipe"] = m.info.recipe;
  all["recipe_hash"] = m.info.recipe_hash;
  all["data_hash"] = m.info.data_hash;
  all["training_runs"] = m.info.training_runs;
  all["warnings"] = m.info.warnings;
  return all;
}

std::string representation(const Model& m) {
  std::string parameters, outputs;
  for (const Parameter& p : m.emulator.space().parameters())
    parameters += (parameters.empty() ? "" : ", ") + p.name;
  for (const OutputSpec& o : m.emulator.outputs()) outputs += (outputs.empty() ? "" : ", ") + o.name;
  return text("<ersatz.Emulator of ", outputs, " by ", parameters, ">");
}

void translate(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const UsageError& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const DataError& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const NumericalError& e) {
    PyErr_SetString(PyExc_ArithmeticError, e.what());
  } catch (const StorageError& e) {
    PyErr_SetString(PyExc_OSError, e.what());
  }
}

using py::arg;

void define_emulator(py::module_& module) {
  py::class_<Model, std::shared_ptr<Model>>(module, "Emulator",
                                            "A trained emulator; immutable, safe from many threads. Points "
                                            "are rows of parameters in their own units: one\n"
                                            "(d values) or many (n x d). What it gives is an array (bins, or "
                                            "n x bins), complex where the output is; with\n"
                                            "several outputs a dictionary of arrays by their names.")
      .def(
          "__call__", [](const Model& m, const Rows& x) { return predict(m, x, false, 1); }, arg("x"),
          "The mean.")
      .def("predict", &predict, arg("x"), arg("std") = false, arg("threads") = 1,
           "The mean or, with std=True, (mean, standard deviation of the emulator's own error; complex "
           "outputs: of real\n"
           "and imaginary part). threads=0: one for each core.")
      .def("jacobian", &jacobian, arg("x"), "Derivatives of the mean by the parameters, along the last axis.")
      .def("covariance", &covariance, arg("x"), arg("output") = py::none(),
           "Covariance of the emulator's error between the bins of an output at one point; complex outputs: "
           "of real and\n"
           "imaginary parts in turn.")
      .def("covariance_factors", &covariance_factors, arg("x"), arg("output") = py::none(),
           "The same in low rank: (F, D) with covariance = F.T @ F + diag(D).")
      .def(
          "domain_score", &domain_score, arg("x"),
          "Up to 1 where the emulator has seen simulations; infinite outside of the box and its constraints.")
      .def_property_readonly("names",
                             [](const Model& m) { return of_parameters(m, [](auto& p) { return p.name; }); })
      .def_property_readonly("units",
                             [](const Model& m) { return of_parameters(m, [](auto& p) { return p.unit; }); })
      .def_property_readonly(
          "scales",
          [](const Model& m) { return of_parameters(m, [](auto& p) { return to_string(p.scale); }); })
      .def_property_readonly("bounds", &bounds, "d x 2: lower and upper bounds")
      .def_property_readonly("axes", &axes, "bins of each axis by its name")
      .def_property_readonly("outputs", &outputs, "unit, axis, size, complex of each output by its name")
      .def_property_readonly("has_std", [](const Model& m) { return m.emulator.has_std(); })
      .def_property_readonly("has_jacobian", [](const Model& m) { return m.emulator.has_jacobian(); })
      .def_property_readonly("scores", &scores,
                             "on runs set aside, by output and name; None where there are none")
      .def_property_readonly("info", &info, "title, version, recipe, hashes, warnings")
      .def(
          "save",
          [](const Model& m, const std::filesystem::path& path, bool overwrite) {
            save(m, path.string(), overwrite);
          },
          arg("path"), arg("overwrite") = false, "Writes a model file, in one step.")
      .def("__repr__", &representation)
      .def(py::pickle(&to_bytes, [](const py::bytes& b) { return std::make_shared<Model>(from_bytes(b)); }));
}

void define_functions(py::module_& module) {
  module.def(
      "load",
      [](const std::filesystem::path& path) {
        const py::gil_scoped_release released;
        return std::make_shared<Model>(load_model(path.string()));
      },
      arg("path"), "Opens a model file; checks format, version and checksum.");
  module.def(
      "fit",
      [](const Rows& X, const py::object& Y, std::optional<std::vector<std::string>> names,
         std::optional<std::vector<std::string>> units, std::optional<Rows> bounds,
         std::optional<std::vector<std::string>> scales, py::object axis, const std::string& recipe,
         std::optional<std::string> regressor, std::optional<double> test_fraction, std::uint64_t seed,
         int threads) {
        return std::make_shared<Model>(
            fit(X, Y, {names, units, scales, bounds, axis, recipe, regressor, test_fraction, seed, threads}));
      },
      arg("X"), arg("Y"), py::kw_only(), arg("names") = py::none(), arg("units") = py::none(),
      arg("bounds") = py::none(), arg("scales") = py::none(), arg("axis") = py::none(), arg("recipe") = "",
      arg("regressor") = py::none(), arg("test_fraction") = py::none(), arg("seed") = 0, arg("threads") = 0,
      "Learns Y (n values, n x bins, or a dictionary of such by the outputs' names) as a function of X (n x "
      "d).\n"
      "bounds: d x 2 (default: the range of X); scales: linear, log, periodic; axis: the bins, or a "
      "dictionary of them;\n"
      "recipe: TOML or the name of a .toml file; test_fraction: share of the runs set aside to score.");
}

}  // namespace

PYBIND11_MODULE(ersatz, module) {
  module.doc() = "Emulators of expensive simulators: load, evaluate, train.";
  module.attr("__version__") = version();
  py::register_exception_translator(&translate);
  define_emulator(module);
  define_functions(module);
}

}  // namespace ersatz::python
