// Emulator and model information to HDF5 and back: the model file of docs/file-formats.md.

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"
#include "ersatz/emulator/model_info.hpp"
#include "ersatz/version.hpp"

namespace ersatz {
namespace {

std::vector<std::int64_t> integers(const std::vector<Index>& v) { return {v.begin(), v.end()}; }
std::vector<Index> indices(const std::vector<std::int64_t>& v) { return {v.begin(), v.end()}; }

void save_space(const h5::Group& group, const ParameterSpace& space) {
  std::vector<std::string> names, units, scales;
  Matrix bounds(space.size(), 2);
  for (Index k = 0; k < space.size(); ++k) {
    names.push_back(space[k].name);
    units.push_back(space[k].unit);
    scales.emplace_back(to_string(space[k].scale));
    bounds.row(k) << space[k].lower, space[k].upper;
  }
  group.write("names", names);
  group.write("units", units);
  group.write("scales", scales);
  group.write("bounds", bounds);
  const auto n_balls = static_cast<Index>(space.balls().size());
  const auto n_linear = static_cast<Index>(space.linear_constraints().size());
  if (n_balls > 0) {
    Matrix balls(n_balls, 4);
    for (Index b = 0; b < n_balls; ++b) {
      const auto& ball = space.balls()[static_cast<std::size_t>(b)];
      balls.row(b) << static_cast<double>(ball.members[0]), static_cast<double>(ball.members[1]),
          static_cast<double>(ball.members[2]), ball.radius;
    }
    group.write("balls", balls);
  }
  if (n_linear > 0) {
    Matrix linear(n_linear, space.size() + 1);
    for (Index b = 0; b < n_linear; ++b) {
      const auto& l = space.linear_constraints()[static_cast<std::size_t>(b)];
      linear.row(b).head(space.size()) = l.coefficients.transpose();
      linear(b, space.size()) = l.upper;
    }
    group.write("linear", linear);
  }
}

ParameterSpace load_space(const h5::Group& group) {
  const auto names = group.read_strings("names");
  const auto d = static_cast<Index>(names.size());
  const auto units = group.read_strings("units", d);
  const auto scales = group.read_strings("scales", d);
  const Matrix bounds = group.read_matrix("bounds", d, 2);
  std::vector<Parameter> parameters;
  for (Index k = 0; k < d; ++k) {
    const auto i = static_cast<std::size_t>(k);
    parameters.push_back({names[i], units[i], bounds(k, 0), bounds(k, 1), scale_from_string(scales[i])});
  }
  std::vector<BallConstraint> balls;
  if (group.has("balls")) {
    const Matrix m = group.read_matrix("balls", -1, 4);
    for (Index b = 0; b < m.rows(); ++b)
      balls.push_back(
          {{static_cast<Index>(m(b, 0)), static_cast<Index>(m(b, 1)), static_cast<Index>(m(b, 2))}, m(b, 3)});
  }
  std::vector<LinearConstraint> linear;
  if (group.has("linear")) {
    const Matrix m = group.read_matrix("linear", -1, d + 1);
    for (Index b = 0; b < m.rows(); ++b) linear.push_back({m.row(b).head(d).transpose(), m(b, d)});
  }
  return ParameterSpace(std::move(parameters), std::move(balls), std::move(linear));
}

}  // namespace

void Emulator::save(const h5::Group& root) const {
  save_space(root.create_group("space"), space());
  const h5::Group axes_group = root.create_group("axes");
  for (const Axis& a : axes()) {
    axes_group.write(a.name, a.values);
    axes_group.set_on(a.name, "unit", a.unit);
  }
  std::vector<std::string> names, units, axis_names;
  std::vector<std::int64_t> sizes, complex;
  for (const OutputSpec& o : outputs()) {
    names.push_back(o.name);
    units.push_back(o.unit);
    axis_names.push_back(o.axis);
    sizes.push_back(o.size);
    complex.push_back(o.complex);
  }
  const h5::Group out = root.create_group("outputs");
  out.write("names", names);
  out.write("units", units);
  out.write("axes", axis_names);
  out.write("sizes", sizes);
  out.write("complex", complex);

  save_transform(root.create_group("input_map"), input_map());
  const h5::Group channel_group = root.create_group("channels");
  std::vector<std::string> channel_names;
  for (const Channel& c : channels()) {
    channel_names.push_back(c.name);
    const h5::Group g = channel_group.create_group(text("channel", channel_names.size() - 1));
    g.set("name", c.name);
    save_transform(g.create_group("transform"), *c.transform);
    save_basis(g.create_group("basis"), *c.basis);
    save_predictor(g.create_group("predictor"), *c.predictor);
    g.write("variance_scale", c.variance_scale);
    if (c.residual_variance.size() > 0) g.write("residual_variance", c.residual_variance);
  }
  channel_group.set("count", static_cast<std::int64_t>(channels().size()));
  const h5::Group decoders = root.create_group("decoders");
  for (std::size_t i = 0; i < decodings().size(); ++i) {
    const h5::Group g = decoders.create_group(text("decoder", i));
    save_decoder(g, *decodings()[i].decoder);
    g.write("channels", integers(decodings()[i].channels));
    g.write("outputs", integers(decodings()[i].outputs));
  }
  decoders.set("count", static_cast<std::int64_t>(decodings().size()));
  guard().save(root.create_group("guard"));
  if (!calibration().outputs.empty()) save_calibration(root.create_group("calibration"), calibration());
}

namespace {

Emulator::Parts load_parts(const h5::Group& root) {
  Emulator::Parts parts;
  parts.space = load_space(root.group("space"));
  const h5::Group axes_group = root.group("axes");
  for (const std::string& name : axes_group.names())
    parts.axes.push_back({name, axes_group.get_string_on(name, "unit"), axes_group.read_vector(name)});
  const h5::Group out = root.group("outputs");
  const auto names = out.read_strings("names");
  const auto n = static_cast<Index>(names.size());
  const auto units = out.read_strings("units", n), axis_names = out.read_strings("axes", n);
  const auto sizes = out.read_integers("sizes", n), complex = out.read_integers("complex", n);
  for (std::size_t o = 0; o < names.size(); ++o)
    parts.outputs.push_back({names[o], units[o], axis_names[o], sizes[o], complex[o] != 0});
  parts.input_map = load_transform(root.group("input_map"));
  const h5::Group channel_group = root.group("channels");
  for (std::int64_t i = 0; i < channel_group.get_integer("count"); ++i) {
    const h5::Group g = channel_group.group(text("channel", i));
    Channel c;
    c.name = g.get_string("name");
    c.transform = load_transform(g.group("transform"));
    c.basis = load_basis(g.group("basis"));
    c.predictor = load_predictor(g.group("predictor"));
    c.variance_scale = g.read_vector("variance_scale", c.basis->coefficients());
    if (g.has("residual_variance"))
      c.residual_variance = g.read_vector("residual_variance", c.basis->coefficients());
    parts.channels.push_back(std::move(c));
  }
  const h5::Group decoders = root.group("decoders");
  for (std::int64_t i = 0; i < decoders.get_integer("count"); ++i) {
    const h5::Group g = decoders.group(text("decoder", i));
    parts.decodings.push_back(
        {load_decoder(g), indices(g.read_integers("channels")), indices(g.read_integers("outputs"))});
  }
  parts.guard = DomainGuard::load(root.group("guard"));
  if (root.has("calibration")) {
    std::vector<Index> widths;
    for (const OutputSpec& o : parts.outputs) widths.push_back(o.width());
    parts.calibration = load_calibration(root.group("calibration"), widths);
  }
  return parts;
}

}  // namespace

Emulator Emulator::load(const h5::Group& root) {
  try {
    return Emulator(load_parts(root));
  } catch (const UsageError& e) {  // parts that do not fit together, names that nobody knows
    throw StorageError(text(root.where(), ": ", e.what()));
  }
}

namespace {

template <class View, class Visit>
void each_number(View& v, const Visit& visit) {
  visit("training_mean", v.errors.training_mean);
  visit("training_worst", v.errors.training_worst);
  visit("validation_mean", v.errors.validation_mean);
  visit("validation_worst", v.errors.validation_worst);
}

template <class View, class Visit>
void each_series(View& v, const Visit& visit) {
  visit("bins", v.bins);
  visit("nodes", v.nodes);
  visit("rank", v.rank);
  visit("training_error", v.training_error);
  visit("validation_error", v.validation_error);
}

void save_view(const h5::Group& g, const BasisView& v) {
  g.set("axis", v.axis);
  g.set("axis_unit", v.axis_unit);
  g.write("elements", v.elements);
  each_number(v, [&g](const char* name, double value) { g.set(name, value); });
  each_series(v, [&g](const char* name, const Vector& values) { g.write(name, values); });
}

BasisView load_view(const h5::Group& g) {
  BasisView v;
  v.axis = g.get_string("axis");
  v.axis_unit = g.get_string("axis_unit");
  v.elements = g.read_matrix("elements");
  each_number(v, [&g](const char* name, double& value) { value = g.get_double(name); });
  each_series(v, [&g](const char* name, Vector& values) { values = g.read_vector(name); });
  return v;
}

}  // namespace

void save_model_info(const h5::Group& root, const ModelInfo& info) {
  root.set("format", model_format);
  root.set("version", static_cast<std::int64_t>(model_version));
  root.set("library_version", info.library_version);
  root.set("created", info.created);
  root.set("recipe", info.recipe);
  root.set("recipe_hash", info.recipe_hash);
  root.set("data_hash", info.data_hash);
  const h5::Group g = root.create_group("training");
  g.set("title", info.title);
  g.set("provenance", info.provenance);
  g.set("runs", static_cast<std::int64_t>(info.training_runs));
  g.set("failed_runs", static_cast<std::int64_t>(info.failed_runs));
  g.set("seconds", info.training_seconds);
  g.set("simulator_seconds", info.simulator_seconds);
  g.write("warnings", info.warnings);
  const h5::Group channels = g.create_group("channels");
  channels.set("count", static_cast<std::int64_t>(info.channels.size()));
  for (std::size_t i = 0; i < info.channels.size(); ++i) {
    const ChannelSummary& c = info.channels[i];
    const h5::Group cg = channels.create_group(text("channel", i));
    cg.set("name", c.name);
    cg.set("transform", c.transform);
    cg.set("basis", c.basis);
    cg.set("regressor", c.regressor);
    cg.set("coefficients", static_cast<std::int64_t>(c.coefficients));
    cg.set("elements", static_cast<std::int64_t>(c.elements));
    cg.set("projection_error", c.projection_error);
    cg.write("singular_values", c.singular_values);
    std::vector<std::string> keys, values;
    for (const auto& [key, value] : c.facts) {
      keys.push_back(key);
      values.push_back(value);
    }
    cg.write("fact_names", keys);
    cg.write("fact_values", values);
    cg.write("warnings", c.warnings);
    save_view(cg.create_group("basis_view"), c.basis_view);
  }
}

ModelInfo load_model_info(const h5::Group& root) {
  ModelInfo info;
  info.library_version = root.get_string("library_version");
  info.created = root.get_string("created");
  info.recipe = root.get_string("recipe");
  info.recipe_hash = root.get_string("recipe_hash");
  info.data_hash = root.get_string("data_hash");
  const h5::Group g = root.group("training");
  info.title = g.get_string("title");
  info.provenance = g.get_string("provenance");
  info.training_runs = g.get_integer("runs");
  info.failed_runs = g.get_integer("failed_runs");
  info.training_seconds = g.get_double("seconds");
  info.simulator_seconds = g.get_double("simulator_seconds");
  info.warnings = g.read_strings("warnings");
  const h5::Group channels = g.group("channels");
  for (std::int64_t i = 0; i < channels.get_integer("count"); ++i) {
    const h5::Group cg = channels.group(text("channel", i));
    ChannelSummary c;
    c.name = cg.get_string("name");
    c.transform = cg.get_string("transform");
    c.basis = cg.get_string("basis");
    c.regressor = cg.get_string("regressor");
    c.coefficients = cg.get_integer("coefficients");
    c.elements = cg.get_integer("elements");
    c.projection_error = cg.get_double("projection_error");
    c.singular_values = cg.read_vector("singular_values");
    const auto keys = cg.read_strings("fact_names"), values = cg.read_strings("fact_values");
    for (std::size_t k = 0; k < keys.size() && k < values.size(); ++k)
      c.facts.emplace_back(keys[k], values[k]);
    c.warnings = cg.read_strings("warnings");
    c.basis_view = load_view(cg.group("basis_view"));
    info.channels.push_back(std::move(c));
  }
  return info;
}

namespace {

h5::File checked(h5::File file) {
  h5::check_format(file.root(), model_format, model_version, file.path());
  h5::verify_checksum(file, true);
  return file;
}

}  // namespace

h5::File open_model_file(const std::string& path) { return checked(h5::File::open(path)); }

h5::File open_model_image(const h5::Bytes& image, const std::string& name) {
  return checked(h5::File::from_memory(image, name));
}

Emulator open_emulator(const std::string& path) { return Emulator::load(open_model_file(path).root()); }

}  // namespace ersatz
