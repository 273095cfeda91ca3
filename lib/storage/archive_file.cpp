// Archives as HDF5 files; docs/file-formats.md describes them.

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/archive.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {
namespace {

using Json = nlohmann::json;
constexpr std::int64_t archive_version = 1;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// -------------------------------------------------------------------------------------------- constraints

std::string constraints_to_json(const ParameterSpace& space) {
  Json list = Json::array();
  for (const auto& b : space.balls()) {
    Json members = Json::array();
    for (const Index m : b.members) members.push_back(space[m].name);
    list.push_back({{"type", "ball"}, {"members", members}, {"radius", b.radius}});
  }
  for (const auto& l : space.linear_constraints()) {
    Json coefficients = Json::object();
    for (Index i = 0; i < space.size(); ++i)
      if (l.coefficients[i] != 0.0) coefficients[space[i].name] = l.coefficients[i];
    list.push_back({{"type", "linear"}, {"coefficients", coefficients}, {"upper", l.upper}});
  }
  return list.dump();
}

void constraints_from_json(const std::string& json, const ParameterSpace& box,
                           std::vector<BallConstraint>& balls, std::vector<LinearConstraint>& linear) {
  const Json list = Json::parse(json);
  for (const auto& entry : list) {
    const auto type = entry.at("type").get<std::string>();
    if (type == "ball") {
      const auto members = entry.at("members").get<std::vector<std::string>>();
      if (members.size() != 3) throw UsageError(text("a ball has three members, here are ", members.size()));
      BallConstraint ball{};
      for (std::size_t i = 0; i < 3; ++i) ball.members[i] = box.index_of(members[i]);
      ball.radius = entry.at("radius").get<double>();
      balls.push_back(ball);
    } else if (type == "linear") {
      LinearConstraint constraint{Vector::Zero(box.size()), entry.at("upper").get<double>()};
      for (const auto& [name, value] : entry.at("coefficients").items())
        constraint.coefficients[box.index_of(name)] = value.get<double>();
      linear.push_back(constraint);
    } else {
      throw UsageError(text("unknown type '", type, "'; known: ball, linear"));
    }
  }
}

// ------------------------------------------------------------------------------------------------- reading

void check_count(std::size_t found, Index d, const std::string& path, const char* what) {
  if (static_cast<Index>(found) != d)
    throw DataError(
        text(path, ":/parameters, attribute '", what, "': ", found, " entries for ", d, " columns"));
}

ParameterSpace read_space_of(const h5::Group& root, const Matrix& X, const std::string& path) {
  const Index d = X.cols();
  if (!root.has_attribute_on("parameters", "names"))
    throw DataError(text(path, ":/parameters has no attribute 'names': a list of ", d, " texts is expected"));
  const auto names = root.get_strings_on("parameters", "names");
  check_count(names.size(), d, path, "names");
  const auto texts = [&](const char* what) {
    std::vector<std::string> values;
    if (root.has_attribute_on("parameters", what)) {
      values = root.get_strings_on("parameters", what);
      check_count(values.size(), d, path, what);
    }
    return values;
  };
  const auto numbers = [&](const char* what) {
    std::vector<double> values;
    if (root.has_attribute_on("parameters", what)) {
      values = root.get_doubles_on("parameters", what);
      check_count(values.size(), d, path, what);
    }
    return values;
  };
  const auto units = texts("units"), scales = texts("scale");
  const auto lower = numbers("lower"), upper = numbers("upper");
  if (X.rows() == 0 && (lower.empty() || upper.empty()))
    throw DataError(
        text(path, ":/parameters has no rows and no attributes 'lower' and 'upper': give bounds"));
  std::vector<Parameter> parameters;
  for (Index k = 0; k < d; ++k) {
    const auto i = static_cast<std::size_t>(k);
    Parameter p;
    p.name = names[i];
    if (!units.empty()) p.unit = units[i];
    p.lower = lower.empty() ? X.col(k).minCoeff() : lower[i];
    p.upper = upper.empty() ? X.col(k).maxCoeff() : upper[i];
    if (!scales.empty()) p.scale = scale_from_string(scales[i]);
    parameters.push_back(p);
  }
  ParameterSpace box(parameters);
  if (!root.has_attribute_on("parameters", "constraints") && !root.has_attribute("constraints")) return box;
  const std::string json = root.has_attribute_on("parameters", "constraints")
                               ? root.get_string_on("parameters", "constraints")
                               : root.get_string("constraints");
  std::vector<BallConstraint> balls;
  std::vector<LinearConstraint> linear;
  try {
    constraints_from_json(json, box, balls, linear);
  } catch (const Json::exception& e) {
    throw DataError(text("attribute 'constraints' is not what docs/file-formats.md says: ", e.what()));
  } catch (const UsageError& e) {
    throw DataError(text("attribute 'constraints': ", e.what()));
  }
  return ParameterSpace(std::move(parameters), std::move(balls), std::move(linear));
}

// One output: its values as doubles, and its axis, added to those that are there.
void read_output(const h5::Group& root, const std::string& name, const std::string& path, Archive& archive) {
  const Index n = archive.size();
  const std::string dataset = "outputs/" + name;
  OutputSpec spec;
  spec.name = name;
  spec.complex = root.is_complex(dataset);
  Matrix values;
  if (spec.complex) {
    values = interleaved(root.read_complex_matrix(dataset, n, -1));
    spec.size = values.cols() / 2;
  } else {
    values = root.shape(dataset).size() == 1 ? Matrix(root.read_vector(dataset, n))  // one number per run
                                             : root.read_matrix(dataset, n, -1);
    spec.size = values.cols();
  }
  if (root.has_attribute_on(dataset, "unit")) spec.unit = root.get_string_on(dataset, "unit");
  if (root.has_attribute_on(dataset, "axis")) {
    spec.axis = root.get_string_on(dataset, "axis");
    if (!root.has("axes/" + spec.axis))
      throw DataError(
          text(path, ":/", dataset, " names the axis '", spec.axis, "', but there is no /axes/", spec.axis));
    bool known = false;
    for (const auto& a : archive.axes) known = known || a.name == spec.axis;
    if (!known) {
      const std::string place = "axes/" + spec.axis;
      archive.axes.push_back({spec.axis,
                              root.has_attribute_on(place, "unit") ? root.get_string_on(place, "unit") : "",
                              root.read_vector(place)});
    }
  } else {
    spec.axis = name + "_index";
    archive.axes.push_back(
        {spec.axis, "", Vector::LinSpaced(spec.size, 0.0, static_cast<double>(spec.size - 1))});
  }
  for (Index i = 0; i < n; ++i)
    if (archive.status[static_cast<std::size_t>(i)] != RunStatus::done) values.row(i).setConstant(nan);
  archive.outputs.push_back(spec);
  archive.values.push_back(std::move(values));
}

std::vector<RunStatus> read_status(const h5::Group& root, Index n) {
  std::vector<RunStatus> result(static_cast<std::size_t>(n), RunStatus::done);
  if (!root.has("status")) return result;
  const auto status = root.read_integers("status", n);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (status[i] < 0 || status[i] > 2)
      throw DataError(
          text("/status, row ", i, ": ", status[i], "; known: 0 (pending), 1 (done), 2 (failed)"));
    result[i] = static_cast<RunStatus>(status[i]);
  }
  return result;
}

Archive read_checked(const h5::File& file, const std::string& path) {
  const auto root = file.root();
  h5::check_format(root, "ersatz-archive", archive_version, path);
  h5::verify_checksum(file, false);
  Archive archive;
  archive.parameters = root.read_matrix("parameters");
  if (archive.parameters.cols() == 0) throw DataError(text(path, ":/parameters has no columns"));
  if (!archive.parameters.allFinite()) {
    for (Index i = 0; i < archive.size(); ++i)
      for (Index k = 0; k < archive.parameters.cols(); ++k)
        if (!std::isfinite(archive.parameters(i, k)))
          throw DataError(
              text("/parameters, row ", i, ", column ", k, ": ", archive.parameters(i, k), " is not finite"));
  }
  archive.space = read_space_of(root, archive.parameters, path);
  const Index n = archive.size();
  const auto count = static_cast<std::size_t>(n);
  archive.status = read_status(root, n);
  archive.messages =
      root.has("messages") ? root.read_strings("messages", n) : std::vector<std::string>(count);
  archive.seconds.assign(count, nan);
  if (root.has("seconds")) {
    const Vector seconds = root.read_vector("seconds", n);
    archive.seconds.assign(seconds.begin(), seconds.end());
  }
  if (root.has_attribute("provenance")) archive.provenance = root.get_string("provenance");
  if (!root.has("outputs")) throw DataError("there is no group /outputs");
  std::vector<std::string> names = root.group("outputs").names();
  if (root.group("outputs").has_attribute("order")) {
    const auto order = root.group("outputs").get_strings("order");
    auto sorted = order;
    std::sort(sorted.begin(), sorted.end());
    if (sorted == names) names = order;
  }
  for (const auto& name : names) read_output(root, name, path, archive);
  archive.check();
  return archive;
}

}  // namespace

Archive read_archive(const std::string& path) {
  const auto file = h5::File::open(path);
  // What does not fit together is told with the file's name, whoever noticed it.
  const auto named = [&](const std::exception& e) {
    const std::string what = e.what();
    return what.find(path) == std::string::npos ? text("'", path, "': ", what) : what;
  };
  try {
    return read_checked(file, path);
  } catch (const DataError& e) {
    throw DataError(named(e));
  } catch (const UsageError& e) {
    throw DataError(named(e));
  }
}

ArchiveRows::ArchiveRows(const std::string& path, const std::string& output)
    : root_(h5::File::open(path).root()), dataset_("outputs/" + output) {
  h5::check_format(root_, "ersatz-archive", archive_version, path);
  if (!root_.has(dataset_)) {
    std::string known;
    if (root_.has("outputs"))
      for (const auto& name : root_.group("outputs").names()) known += (known.empty() ? "" : ", ") + name;
    throw UsageError(text("'", path, "' has no output '", output, "'; there are: ", known));
  }
  const auto shape = root_.shape(dataset_), points = root_.shape("parameters");
  if (shape.empty() || shape.size() > 2 || points.empty() || points[0] != shape[0])
    throw DataError(text(path, ":/", dataset_, " is not a table of one row per run"));
  complex_ = root_.is_complex(dataset_);
  width_ = (shape.size() == 2 ? shape[1] : 1) * (complex_ ? 2 : 1);
  const auto status = read_status(root_, shape[0]);
  for (Index i = 0; i < shape[0]; ++i)
    if (status[static_cast<std::size_t>(i)] == RunStatus::done) done_.push_back(i);
}

void ArchiveRows::read(Index first, MatrixRef block) const {
  if (first < 0 || first + block.rows() > rows() || block.cols() != width_)
    throw UsageError(text("rows ", first, " to ", first + block.rows() - 1, " of ", block.cols(),
                          " values wanted, /", dataset_, " has ", rows(), " rows of ", width_));
  Matrix part;
  for (Index i = 0; i < block.rows();) {
    Index count = 1;  // runs that stand one after the other are read at once
    const auto at = static_cast<std::size_t>(first + i);
    while (i + count < block.rows() && done_[at + static_cast<std::size_t>(count)] == done_[at] + count)
      ++count;
    part.resize(count, width_);
    root_.read_rows(dataset_, done_[at], count, part.data());
    block.middleRows(i, count) = part;
    i += count;
  }
}

void write_archive(const std::string& path, const Archive& archive) {
  archive.check();
  h5::AtomicFile file(path);
  const auto root = file.root();
  root.set("format", "ersatz-archive");
  root.set("version", archive_version);
  if (!archive.provenance.empty()) root.set("provenance", archive.provenance);
  root.write("parameters", archive.parameters);
  std::vector<std::string> units, scales;
  std::vector<double> lower, upper;
  for (const auto& p : archive.space.parameters()) {
    units.push_back(p.unit);
    scales.emplace_back(to_string(p.scale));
    lower.push_back(p.lower);
    upper.push_back(p.upper);
  }
  root.set_on("parameters", "names", archive.space.names());
  root.set_on("parameters", "units", units);
  root.set_on("parameters", "scale", scales);
  root.set_on("parameters", "lower", lower);
  root.set_on("parameters", "upper", upper);
  if (!archive.space.balls().empty() || !archive.space.linear_constraints().empty())
    root.set_on("parameters", "constraints", constraints_to_json(archive.space));
  const auto axes = root.create_group("axes");
  for (const auto& a : archive.axes) {
    axes.write(a.name, a.values);
    if (!a.unit.empty()) axes.set_on(a.name, "unit", a.unit);
  }
  const auto outputs = root.create_group("outputs");
  std::vector<std::string> order;
  for (std::size_t o = 0; o < archive.outputs.size(); ++o) {
    const auto& spec = archive.outputs[o];
    if (spec.complex)
      outputs.write(spec.name, deinterleaved(archive.values[o]));
    else
      outputs.write(spec.name, archive.values[o]);
    outputs.set_on(spec.name, "axis", spec.axis);
    if (!spec.unit.empty()) outputs.set_on(spec.name, "unit", spec.unit);
    order.push_back(spec.name);
  }
  outputs.set("order", order);
  std::vector<std::int64_t> status;
  for (const RunStatus s : archive.status) status.push_back(static_cast<std::int64_t>(s));
  root.write("status", status);
  root.write("messages", archive.messages);
  root.write("seconds", Vector(Eigen::Map<const Vector>(archive.seconds.data(), archive.size())));
  file.commit();
}

}  // namespace ersatz
