#include "fit.hpp"

#include <cmath>
#include <filesystem>
#include <limits>

#include "ersatz/core/error.hpp"
#include "ersatz/version.hpp"
#include "selection/serialise.hpp"

namespace ersatz::python {
namespace {

/// The name of an output, a key of a dictionary.
std::string name_of(py::handle key) {
  try {
    if (PyUnicode_Check(key.ptr())) return py::cast<std::string>(key);
  } catch (const py::error_already_set&) {  // surrogates
  } catch (const py::cast_error&) {
  }
  throw UsageError("outputs have names in UTF-8, got " + std::string(py::repr(key)));
}

/// As a dictionary, where it is one or another mapping (not a table that is an array as well).
std::optional<py::dict> dictionary(const py::object& given) {
  if (py::isinstance<py::dict>(given)) return py::cast<py::dict>(given);
  if (py::hasattr(given, "keys") && !py::hasattr(given, "__array__")) return py::dict(given);
  return std::nullopt;
}

/// A masked array with NaN where it is masked; all else as it is.
py::object unmasked(const py::object& values) {
  if (!py::hasattr(values, "mask") || !py::hasattr(values, "filled")) return values;
  const bool complex = py::cast<std::string>(values.attr("dtype").attr("kind")) == "c";
  const py::object numbers = values.attr("astype")(complex ? "complex128" : "float64");
  return numbers.attr("filled")(std::numeric_limits<double>::quiet_NaN());
}

ParameterSpace space_from(const Rows& X, const FitOptions& o) {
  const Index d = X.shape(1);
  const auto check = [&](const char* what, std::size_t size) {
    if (static_cast<Index>(size) != d)
      throw UsageError(text(what, ": ", size, " are given for the ", d, " parameters (columns of X)"));
  };
  std::vector<std::string> names;
  for (Index k = 0; k < d; ++k)
    names.push_back(o.names && static_cast<Index>(o.names->size()) > k
                        ? (*o.names)[static_cast<std::size_t>(k)]
                        : text("x", k));
  if (o.names) check("names", o.names->size());
  if (o.units) check("units", o.units->size());
  if (o.scales) check("scales", o.scales->size());
  if (o.bounds && (o.bounds->ndim() != 2 || o.bounds->shape(0) != d || o.bounds->shape(1) != 2))
    throw UsageError(
        text("bounds: expected the shape (", d, ", 2), lower and upper bound of each parameter"));
  std::vector<Parameter> parameters =
      space_of_data(Eigen::Map<const Matrix>(X.data(), X.shape(0), d), names).parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    if (o.units) parameters[k].unit = (*o.units)[k];
    if (o.scales) parameters[k].scale = scale_from_string((*o.scales)[k]);
    if (!o.bounds && parameters[k].scale == Scale::periodic)
      throw UsageError(
          text("'", parameters[k].name,
               "' is periodic: bounds have to say over which period, the range of X is not one"));
    if (!o.bounds) continue;
    parameters[k].lower = o.bounds->at(static_cast<py::ssize_t>(k), 0);
    parameters[k].upper = o.bounds->at(static_cast<py::ssize_t>(k), 1);
  }
  return ParameterSpace(std::move(parameters));
}

/// The bins of an output: as given (for all, or in a dictionary), else numbered; axes of the same bins are
/// one.
std::string axis_for(const py::object& given, const std::string& output, Index bins, Archive& archive) {
  Vector values = Vector::LinSpaced(bins, 0.0, static_cast<double>(bins - 1));
  py::object own = given;
  if (py::isinstance<py::dict>(given))
    own = given.contains(output.c_str()) ? py::object(given[output.c_str()]) : py::none();
  if (!own.is_none()) {
    const Rows array(own);
    if (array.ndim() != 1 || array.shape(0) != bins)
      throw UsageError(text("axis of '", output, "': expected ", bins,
                            " values, one for each column of Y, got ", array.size()));
    values = Eigen::Map<const Vector>(array.data(), bins);
  }
  for (const Axis& a : archive.axes)
    if (a.values.size() == bins && a.values == values) return a.name;
  archive.axes.push_back({archive.axes.empty() ? "axis" : text("axis of ", output), "", values});
  return archive.axes.back().name;
}

void add_output(const std::string& name, const py::object& values, const py::object& axis, Archive& archive) {
  Values read = values_of(py::array(unmasked(values)), name);
  if (read.rows.rows() != archive.parameters.rows())
    throw UsageError(text("'", name, "' has ", read.rows.rows(), " rows, X has ", archive.parameters.rows()));
  const Index bins = read.rows.cols() / (read.complex ? 2 : 1);
  archive.outputs.push_back({name, "", axis_for(axis, name, bins, archive), bins, read.complex});
  archive.values.push_back(std::move(read.rows));
}

/// A name that was mistyped would leave its output with numbered bins.
void check_axes(const py::dict& axes, const std::vector<OutputSpec>& outputs) {
  for (const auto& [key, values] : axes) {
    const std::string name = name_of(key);
    std::string known;
    bool found = false;
    for (const OutputSpec& o : outputs) {
      found = found || o.name == name;
      known += (known.empty() ? "" : ", ") + o.name;
    }
    if (!found) throw UsageError(text("axis: there is no output '", name, "'; there are: ", known));
  }
}

Recipe recipe_from(const FitOptions& o) {
  Recipe recipe;
  const bool is_file = o.recipe.size() > 5 && o.recipe.find('\n') == std::string::npos &&
                       o.recipe.compare(o.recipe.size() - 5, 5, ".toml") == 0;
  if (!o.recipe.empty()) recipe = is_file ? read_recipe(o.recipe) : recipe_from_toml(o.recipe, "recipe");
  if (o.regressor) {
    recipe.channel.regressor = {*o.regressor, {}};
    for (auto& [name, channel] : recipe.channels) channel.regressor = {*o.regressor, {}};
  }
  if (o.test_fraction) {
    if (!(*o.test_fraction >= 0.0 && *o.test_fraction <= 0.9))
      throw UsageError(text("test_fraction is ", *o.test_fraction, ", expected 0 to 0.9"));
    recipe.test_fraction = *o.test_fraction;
  }
  return recipe;
}

}  // namespace

Model fit(const Rows& X, const py::object& Y, const FitOptions& options) {
  check_threads(options.threads);
  if (X.ndim() != 2)
    throw UsageError(text("X has ", X.ndim(), " dimensions; expected (n, d): a row for each run"));
  Archive archive;
  archive.space = space_from(X, options);
  archive.parameters = Eigen::Map<const Matrix>(X.data(), X.shape(0), X.shape(1));
  const auto axes = dictionary(options.axis);
  const py::object axis = axes ? *axes : options.axis;
  if (const auto by_name = dictionary(Y)) {
    for (const auto& [name, values] : *by_name)
      add_output(name_of(name), py::reinterpret_borrow<py::object>(values), axis, archive);
  } else {
    add_output("y", Y, axis, archive);
  }
  if (axes) check_axes(*axes, archive.outputs);
  for (Index i = 0; i < archive.parameters.rows(); ++i) {
    bool done = true;
    for (const Matrix& v : archive.values) done = done && v.row(i).allFinite();
    archive.status.push_back(done ? RunStatus::done : RunStatus::failed);
    archive.messages.emplace_back(done ? "" : "values that are not finite");
    archive.seconds.push_back(std::numeric_limits<double>::quiet_NaN());
  }
  archive.provenance = text("arrays in Python, Ersatz ", version());
  const Recipe recipe = recipe_from(options);
  const py::gil_scoped_release released;
  const auto executor = make_executor(options.threads);
  FitContext context;
  context.executor = executor.get();
  context.random = RandomStream(options.seed);
  return train_model(archive, recipe, context, static_cast<int>(executor->local().workers()));
}

void save(const Model& model, const std::string& path, bool overwrite) {
  if (!overwrite && std::filesystem::exists(path))
    throw UsageError(text(path, ": is there already; overwrite=True replaces it"));
  const py::gil_scoped_release released;
  save_model(path, model);
}

py::bytes to_bytes(const Model& model) {
  h5::File file = h5::File::in_memory("model");
  model.emulator.save(file.root());
  save_model_info(file.root(), model.info);
  if (model.validation) save_validation(file.root().create_group("validation"), *model.validation);
  return py::bytes(file.image());
}

Model from_bytes(const py::bytes& bytes) {
  const h5::File file = h5::File::from_memory(bytes, "pickled model");
  const h5::Group root = file.root();
  h5::check_format(root, model_format, model_version, "pickled model");
  Model model{Emulator::load(root), load_model_info(root), {}, {}};
  if (root.has("validation")) model.validation = load_validation(root.group("validation"));
  return model;
}

py::object scores(const Model& model) {
  if (!model.validation) return py::none();
  py::dict all;
  for (const OutputScores& s : model.validation->outputs) {
    py::dict one;
    const std::pair<const char*, double> numbers[] = {{"rmse", s.rmse},
                                                      {"nrmse", s.nrmse},
                                                      {"r2", s.r2},
                                                      {"max_abs", s.max_abs},
                                                      {"median_relative_l2", s.median_relative_l2},
                                                      {"p95_relative_l2", s.p95_relative_l2},
                                                      {"coverage_68", s.coverage_68},
                                                      {"coverage_95", s.coverage_95},
                                                      {"crps", s.crps},
                                                      {"log_score", s.log_score},
                                                      {"mismatch_median", s.mismatch_median},
                                                      {"mismatch_p95", s.mismatch_p95}};
    for (const auto& [name, value] : numbers)
      if (std::isfinite(value)) one[name] = value;
    all[py::str(s.name)] = one;
  }
  return all;
}

}  // namespace ersatz::python
