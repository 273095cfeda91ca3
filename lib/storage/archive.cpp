#include "ersatz/storage/archive.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "ersatz/core/error.hpp"
#include "storage/xxh64.hpp"

namespace ersatz {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class T>
void check_length(const std::vector<T>& list, Index n, const char* what) {
  if (static_cast<Index>(list.size()) != n)
    throw DataError(text("archive: ", list.size(), " entries of ", what, " for ", n, " runs"));
}

std::string describe(const OutputSpec& output, Index column) {
  if (!output.complex) return text("/outputs/", output.name, ", bin ", column);
  return text("/outputs/", output.name, ", bin ", column / 2,
              column % 2 ? " (imaginary part)" : " (real part)");
}

void check_axis(const Axis& axis) {
  if (axis.name.empty()) throw DataError("archive: an axis has no name");
  for (Index i = 0; i < axis.values.size(); ++i)
    if (!std::isfinite(axis.values[i]))
      throw DataError(text("/axes/", axis.name, ": value ", i, " is not finite"));
  for (Index i = 1; i < axis.values.size(); ++i) {
    const double previous = axis.values[i - 1], value = axis.values[i];
    if (value == previous || (value > previous) != (axis.values[1] > axis.values[0]))
      throw DataError(text("/axes/", axis.name, ": value ", i, " (", value, ") comes after ", previous,
                           ": an axis must rise or fall strictly"));
  }
}

}  // namespace

Index Archive::count(RunStatus which) const {
  return static_cast<Index>(std::count(status.begin(), status.end(), which));
}

const Axis& Archive::axis(const std::string& name) const {
  std::string known;
  for (const auto& a : axes) {
    if (a.name == name) return a;
    known += (known.empty() ? "" : ", ") + a.name;
  }
  throw DataError(text("there is no axis named '", name, "'; there are: ", known.empty() ? "none" : known));
}

Index Archive::output_index(const std::string& name) const {
  std::string known;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].name == name) return static_cast<Index>(i);
    known += (i ? ", " : "") + outputs[i].name;
  }
  throw UsageError(
      text("there is no output named '", name, "'; there are: ", known.empty() ? "none" : known));
}

Archive Archive::completed() const {
  std::vector<Index> rows;
  for (Index i = 0; i < size(); ++i)
    if (status[at(i)] == RunStatus::done) rows.push_back(i);
  return subset(rows);
}

Archive Archive::subset(const std::vector<Index>& rows) const {
  Archive result;
  result.space = space;
  result.axes = axes;
  result.outputs = outputs;
  result.provenance = provenance;
  const Index n = static_cast<Index>(rows.size());
  result.parameters.resize(n, parameters.cols());
  for (const auto& v : values) result.values.emplace_back(n, v.cols());
  for (Index i = 0; i < n; ++i) {
    const Index row = rows[at(i)];
    if (row < 0 || row >= size()) throw UsageError(text("row ", row, " of an archive of ", size(), " runs"));
    result.parameters.row(i) = parameters.row(row);
    for (std::size_t o = 0; o < values.size(); ++o) result.values[o].row(i) = values[o].row(row);
    result.status.push_back(status[at(row)]);
    result.messages.push_back(messages[at(row)]);
    result.seconds.push_back(seconds[at(row)]);
  }
  return result;
}

void Archive::check() const {
  const Index n = size();
  if (parameters.cols() != space.size())
    throw DataError(text("archive: /parameters has ", parameters.cols(), " columns, the space has ",
                         space.size(), " parameters"));
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < parameters.cols(); ++k)
      if (!std::isfinite(parameters(i, k)))
        throw DataError(text("/parameters, row ", i, ", column ", k, " (", space[k].name,
                             "): ", parameters(i, k), " is not finite"));
  check_length(status, n, "/status");
  check_length(messages, n, "/messages");
  check_length(seconds, n, "/seconds");
  std::set<std::string> seen;
  for (const auto& a : axes) {
    check_axis(a);
    if (!seen.insert(a.name).second) throw DataError(text("archive: the axis '", a.name, "' appears twice"));
  }
  seen.clear();
  if (values.size() != outputs.size())
    throw DataError(text("archive: ", values.size(), " tables of values for ", outputs.size(), " outputs"));
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const auto& spec = outputs[o];
    if (spec.name.empty() || spec.name.find('/') != std::string::npos || spec.name == ".")
      throw DataError(
          text("archive: '", spec.name, "' cannot be the name of an output (empty, or with a slash)"));
    if (!seen.insert(spec.name).second)
      throw DataError(text("archive: the output '", spec.name, "' appears twice"));
    if (spec.size < 1) throw DataError(text("/outputs/", spec.name, ": it has no bins"));
    const Index length = axis(spec.axis).values.size();
    if (length != spec.size)
      throw DataError(text("/outputs/", spec.name, ": ", spec.size, " bins on the axis '", spec.axis, "' of ",
                           length, " values"));
    if (values[o].rows() != n || values[o].cols() != spec.width())
      throw DataError(text("/outputs/", spec.name, ": ", values[o].rows(), " x ", values[o].cols(),
                           " numbers, ", n, " x ", spec.width(), " are expected"));
    for (Index i = 0; i < n; ++i) {
      if (status[at(i)] != RunStatus::done) continue;
      const double* row = values[o].row(i).data();
      for (Index c = 0; c < spec.width(); ++c)
        if (!std::isfinite(row[c]))
          throw DataError(
              text(describe(spec, c), ", row ", i, ": ", row[c],
                   " is not finite, but the run is marked done. Mark it failed (status 2) or remove it"));
    }
  }
}

std::string Archive::data_hash() const {
  Xxh64 hash;
  hash.update_number(static_cast<std::uint64_t>(count(RunStatus::done)));
  hash.update_number(static_cast<std::uint64_t>(parameters.cols()));
  for (const auto& v : values) hash.update_number(static_cast<std::uint64_t>(v.cols()));
  for (Index i = 0; i < size(); ++i) {
    if (status[at(i)] != RunStatus::done) continue;
    hash.update(parameters.row(i).data(), at(parameters.cols()) * sizeof(double));
    for (const auto& v : values) hash.update(v.row(i).data(), at(v.cols()) * sizeof(double));
  }
  return hexadecimal(hash.digest());
}

Vector error_weights(const Archive& runs) {
  Vector weights = Vector::Zero(static_cast<Index>(runs.outputs.size()));
  Index varying = 0;
  for (std::size_t o = 0; o < runs.outputs.size(); ++o) {
    const Matrix& y = runs.values[o];
    if (y.rows() == 0) continue;
    const double spread = (y.rowwise() - y.colwise().mean()).squaredNorm() / static_cast<double>(y.rows());
    // Rounding is not variation.
    if (!(spread > 1e-28 * y.squaredNorm() / static_cast<double>(y.rows()))) continue;
    weights[static_cast<Index>(o)] = 1.0 / spread;
    ++varying;
  }
  return varying > 0 ? Vector(weights / static_cast<double>(varying)) : weights;
}

}  // namespace ersatz
