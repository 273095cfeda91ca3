// Data from files, and the posterior that they make with a model.
#include "ersatz/inference/posterior_file.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz {
namespace {

/// A data file as it is read: its columns by name, or by place where there are no names.
class Columns {
 public:
  Columns(const std::string& file) : table_(read_table(file)) {}
  const std::string& where() const { return table_.where; }
  Index rows() const { return table_.rows(); }
  Index count() const { return table_.columns(); }
  bool complex() const { return table_.complex; }
  bool named() const { return !table_.names.empty(); }
  bool has(const std::string& name) const {
    return std::find(table_.names.begin(), table_.names.end(), name) != table_.names.end();
  }
  Vector at(const std::string& name) const {
    const auto found = std::find(table_.names.begin(), table_.names.end(), name);
    if (found != table_.names.end()) return at(static_cast<Index>(found - table_.names.begin()));
    std::string known;
    for (const std::string& n : table_.names) known += (known.empty() ? "" : ", ") + n;
    throw DataError(
        text(where(), ": there is no column '", name, "'; ",
             named() ? "the columns are: " + known : text("its ", count(), " columns have no names")));
  }
  Vector at(Index column) const { return table_.values.col(column); }
  /// Real and imaginary part of a complex table's column.
  Vector part(Index column, Index imaginary) const { return table_.values.col(2 * column + imaginary); }

 private:
  Table table_;
};

/// The rows of one data file, before any is left out.
struct Rows {
  std::vector<Vector> values;  ///< one, or real and imaginary part
  std::vector<Vector> errors;  ///< as many, or none
  std::optional<Vector> axis;
};

const OutputSpec& output_of(const DataFile& data, const ForwardModel& model) {
  if (data.output.empty() && model.outputs().size() == 1) return model.outputs().front();
  std::string known;
  for (const OutputSpec& o : model.outputs()) {
    if (o.name == data.output) return o;
    known += (known.empty() ? "" : ", ") + o.name;
  }
  throw UsageError(
      data.output.empty()
          ? text(data.file, ": which output is it? Set output = … in [data]; there are: ", known)
          : text(data.file, ": the model has no output '", data.output, "'; there are: ", known));
}

/// Columns without names: value; value, error; axis, value, error (complex: two columns for the value).
void take_by_place(const Columns& columns, bool complex, Rows& rows) {
  const Index parts = complex ? 2 : 1, n = columns.count();
  if (n < parts || n > parts + 2)
    throw DataError(text(columns.where(), ": ", n, " columns without names; name them, or give ", parts,
                         " for the value, one more for its error, and one before for the axis"));
  const Index first = n == parts + 2 ? 1 : 0;
  if (first == 1) rows.axis = columns.at(Index{0});
  for (Index p = 0; p < parts; ++p) rows.values.push_back(columns.at(first + p));
  if (n > parts) rows.errors.assign(static_cast<std::size_t>(parts), columns.at(n - 1));
}

void take_by_name(const Columns& columns, const DataFile& data, const OutputSpec& output, Rows& rows) {
  std::vector<std::string> names = data.values;
  if (names.empty() && output.complex)
    names = {output.name + "_re", output.name + "_im"};
  else if (names.empty())
    names = {columns.has(output.name) ? output.name : "value"};
  if (names.size() != (output.complex ? 2u : 1u))
    throw UsageError(text(data.file, ": ", names.size(), " columns for the values of '", output.name,
                          "', which is ", output.complex ? "complex: two" : "real: one"));
  for (const std::string& name : names) rows.values.push_back(columns.at(name));
  std::vector<std::string> errors = data.errors;
  if (errors.empty() && columns.has("error") && data.deviation == 0.0 && data.covariance.empty())
    errors = {"error"};
  if (errors.size() == 1) errors.resize(names.size(), errors.front());
  if (!errors.empty() && errors.size() != names.size())
    throw UsageError(
        text(data.file, ": ", errors.size(), " columns of errors for ", names.size(), " of values"));
  for (const std::string& name : errors) rows.errors.push_back(columns.at(name));
  if (!data.axis.empty())
    rows.axis = columns.at(data.axis);
  else if (columns.has(output.axis))
    rows.axis = columns.at(output.axis);
}

Rows rows_of(const Columns& columns, const DataFile& data, const OutputSpec& output) {
  Rows rows;
  if (columns.complex()) {
    if (!output.complex || columns.count() != 1)
      throw DataError(text(columns.where(), ": complex numbers in ", columns.count(), " columns, for the ",
                           output.complex ? "complex" : "real", " output '", output.name, "'"));
    rows.values = {columns.part(0, 0), columns.part(0, 1)};
  } else if (columns.named() || !data.values.empty() || !data.errors.empty() || !data.axis.empty()) {
    take_by_name(columns, data, output, rows);
  } else {
    take_by_place(columns, output.complex, rows);
  }
  if (data.deviation > 0.0)
    rows.errors.assign(rows.values.size(), Vector::Constant(columns.rows(), data.deviation));
  return rows;
}

const Axis& axis_of(const ForwardModel& model, const OutputSpec& output) {
  for (const Axis& a : model.axes())
    if (a.name == output.axis) return a;
  throw UsageError(text("the output '", output.name, "' has no axis '", output.axis, "'"));
}

/// The bin of the model that each row is.
std::vector<Index> bins_of(const Rows& rows, const Axis& axis, const Columns& columns,
                           const OutputSpec& output) {
  std::vector<Index> bins;
  const Index n = columns.rows(), m = output.size;
  if (!rows.axis) {
    if (n != m)
      throw DataError(text(columns.where(), ": ", n, " rows for the ", m, " bins of '", output.name,
                           "'; with fewer, a column has to say where on the axis '", axis.name,
                           "' they are"));
    for (Index i = 0; i < n; ++i) bins.push_back(i);
    return bins;
  }
  std::vector<bool> seen(static_cast<std::size_t>(m), false);
  for (Index i = 0; i < n; ++i) {
    const double value = (*rows.axis)[i];
    Index bin = 0;
    (axis.values.array() - value).abs().minCoeff(&bin);
    const Index other = bin + 1 < m ? bin + 1 : bin - 1;
    const double width = other >= 0 ? std::abs(axis.values[other] - axis.values[bin]) : std::abs(value);
    if (!(std::abs(axis.values[bin] - value) <= 1e-6 * width))
      throw DataError(text(columns.where(), ": row ", i, ": ", axis.name, " = ", value,
                           " is no bin of the model; the nearest is ", axis.values[bin],
                           ". Resample the data, or train on their bins"));
    if (seen[static_cast<std::size_t>(bin)])
      throw DataError(text(columns.where(), ": row ", i, ": ", axis.name, " = ", value, " comes twice"));
    seen[static_cast<std::size_t>(bin)] = true;
    bins.push_back(bin);
  }
  return bins;
}

/// The rows that count.
std::vector<Index> kept_rows(const DataFile& data, const Columns& columns, const std::vector<Index>& bins,
                             const Axis& axis) {
  std::optional<Vector> mask;
  if (!data.mask.empty()) mask = columns.at(data.mask);
  std::vector<Index> kept;
  bool excludes = data.exclude.empty();
  for (Index i = 0; i < columns.rows(); ++i) {
    const double at = axis.values[bins[static_cast<std::size_t>(i)]];
    const bool excluded = std::any_of(data.exclude.begin(), data.exclude.end(), [at](const auto& range) {
      return at >= range.first && at <= range.second;
    });
    excludes = excludes || excluded;
    if (!excluded && !(mask && (*mask)[i] == 0.0)) kept.push_back(i);
  }
  // One range may well lie beside these data; that all do is a slip.
  if (!excludes)
    throw DataError(text(columns.where(), ": no row lies in a range of 'exclude'; the axis '", axis.name, "'",
                         axis.unit.empty() ? "" : text(" [", axis.unit, "]"), " goes from ",
                         axis.values.minCoeff(), " to ", axis.values.maxCoeff()));
  if (kept.empty()) throw DataError(text(columns.where(), ": all rows are masked or excluded"));
  return kept;
}

/// One data file's share of the observation.
struct Share {
  Observation::Part part;
  Vector values, deviations;
  Matrix covariance;
};

Share read_share(const DataFile& data, const ForwardModel& model, bool errors) {
  if (data.file.empty()) throw UsageError("there is no data file: name it in [data] or on the command line");
  if (!errors && (!data.errors.empty() || data.deviation > 0.0 || !data.covariance.empty()))
    throw UsageError(text(data.file,
                          ": error, deviation and covariance in [data] are for kind = \"gaussian\" and "
                          "\"student-t\"; how large a waveform's noise is, noise and deviation in "
                          "[likelihood] say"));
  const OutputSpec& output = output_of(data, model);
  const Axis& axis = axis_of(model, output);
  const Columns columns(data.file);
  const Rows rows = rows_of(columns, data, output);
  const std::vector<Index> bins = bins_of(rows, axis, columns, output);
  const std::vector<Index> kept = kept_rows(data, columns, bins, axis);
  const auto parts = static_cast<Index>(rows.values.size());
  const Index m = parts * static_cast<Index>(kept.size());
  Share share{{output.name, {}}, Vector(m), {}, {}};
  std::vector<Index> source;  // of each value: its row (and part) in the file
  for (const Index i : kept)
    for (Index p = 0; p < parts; ++p) {
      share.values[static_cast<Index>(source.size())] = rows.values[static_cast<std::size_t>(p)][i];
      share.part.entries.push_back(parts * bins[static_cast<std::size_t>(i)] + p);
      source.push_back(parts * i + p);
    }
  if (!errors) return share;
  if (!data.covariance.empty()) {
    if (!data.errors.empty() || data.deviation > 0.0)
      throw UsageError(text(data.file, ": either errors or their covariance, not both"));
    const Table table = read_table(data.covariance);
    const Index all = parts * columns.rows();
    if (table.complex || table.rows() != all || table.columns() != all)
      throw DataError(text(table.where, ": ", table.rows(), " x ", table.columns(), ", the data need ", all,
                           " x ", all, parts > 1 ? " (real and imaginary parts in turn)" : ""));
    share.covariance = table.values(source, source);
  } else if (!rows.errors.empty()) {
    share.deviations.resize(m);
    for (std::size_t k = 0; k < source.size(); ++k) {
      const Index p = source[k] % parts, i = source[k] / parts;
      share.deviations[static_cast<Index>(k)] = rows.errors[static_cast<std::size_t>(p)][i];
    }
    for (std::size_t k = 0; k < source.size(); ++k)
      if (!(share.deviations[static_cast<Index>(k)] > 0.0))
        throw DataError(text(columns.where(), ": row ", source[k] / parts, ": an error of ",
                             share.deviations[static_cast<Index>(k)],
                             "; errors must be positive (mask the row where it is not known)"));
  } else {
    throw DataError(text(columns.where(),
                         ": the data have no errors; add a column 'error', or set errors, deviation or "
                         "covariance in [data]"));
  }
  return share;
}

}  // namespace

Observation read_observation(const std::vector<DataFile>& data, const ForwardModel& model, bool errors) {
  if (data.empty()) throw UsageError("there are no data: name a file in [data] or on the command line");
  std::vector<Share> shares;
  Index m = 0;
  bool full = false;
  for (const DataFile& file : data) {
    shares.push_back(read_share(file, model, errors));
    m += shares.back().values.size();
    full = full || shares.back().covariance.size() > 0;
  }
  Observation result;
  result.values.resize(m);
  if (full)
    result.covariance.setZero(m, m);
  else if (errors)
    result.deviations.resize(m);
  Index first = 0;
  for (Share& share : shares) {
    for (const Observation::Part& part : result.parts)
      if (part.output == share.part.output)
        throw UsageError(text("there are two data files for the output '", part.output, "'"));
    const Index n = share.values.size();
    result.values.segment(first, n) = share.values;
    if (share.covariance.size() > 0)
      result.covariance.block(first, first, n, n) = share.covariance;
    else if (full)
      result.covariance.diagonal().segment(first, n) = share.deviations.cwiseAbs2();
    else if (errors)
      result.deviations.segment(first, n) = share.deviations;
    result.parts.push_back(std::move(share.part));
    first += n;
  }
  return result;
}

Observation observation_of(const PosteriorFile& file, const ForwardModel& model) {
  return read_observation(file.data, model, std::holds_alternative<GaussianOptions>(file.likelihood));
}

std::shared_ptr<const Posterior> build_posterior(const PosteriorFile& file, const Observation& observation,
                                                 ForwardModelPtr model) {
  const auto* waveform = std::get_if<WaveformOptions>(&file.likelihood);
  LikelihoodPtr likelihood = waveform ? waveform_likelihood(std::move(model), observation, *waveform)
                                      : gaussian_likelihood(std::move(model), observation,
                                                            std::get<GaussianOptions>(file.likelihood));
  return std::make_shared<const Posterior>(std::move(likelihood), file.priors);
}

std::shared_ptr<const Posterior> build_posterior(const PosteriorFile& file, ForwardModelPtr model) {
  const Observation observation = observation_of(file, *model);
  return build_posterior(file, observation, std::move(model));
}

std::shared_ptr<const Posterior> build_posterior(const PosteriorFile& file, Emulator emulator) {
  return build_posterior(file, forward_model(std::move(emulator)));
}

}  // namespace ersatz
