#include "ersatz/storage/import.hpp"

#include <limits>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/space_file.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz {
namespace {

Axis read_axis(const ImportOptions& options, Index bins) {
  if (options.axis.empty())
    return {options.name + "_index", "", Vector::LinSpaced(bins, 0.0, static_cast<double>(bins - 1))};
  const Table table = read_table(options.axis);
  if (table.complex || (table.columns() != 1 && table.rows() != 1))
    throw DataError(text(table.where, ": an axis is one column or one row of real numbers, here are ",
                         table.rows(), " x ", table.columns()));
  if (table.values.size() != bins)
    throw DataError(text(table.where, ": ", table.values.size(), " axis values for ", bins, " bins"));
  const bool named = table.names.size() == 1 && !table.names_guessed;
  return {named ? table.names[0] : options.name + "_axis", "",
          Eigen::Map<const Vector>(table.values.data(), table.values.size())};
}

Matrix chosen(const Matrix& values, const std::vector<Index>& rows) {
  Matrix result(static_cast<Index>(rows.size()), values.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) result.row(static_cast<Index>(i)) = values.row(rows[i]);
  return result;
}

}  // namespace

Archive import_archive(const ImportOptions& options) {
  const Table parameters = read_table(options.parameters);
  const Table outputs = read_table(options.outputs);
  if (parameters.rows() != outputs.rows())
    throw DataError(text(parameters.where, " has ", parameters.rows(), " rows, ", outputs.where, " has ",
                         outputs.rows(), ": one row per run is expected in both"));
  const auto rows = select_rows(options.rows, parameters.rows());
  Archive archive;
  if (options.space.empty()) {
    if (parameters.complex) throw DataError(text(parameters.where, ": parameters must be real numbers"));
    auto names = parameters.names;
    for (Index k = 0; names.empty() || static_cast<Index>(names.size()) < parameters.columns(); ++k)
      names.push_back(text("x", k));
    archive.parameters = chosen(parameters.values, rows);
    archive.space = space_of_data(archive.parameters, names);
  } else {
    archive.space = read_space(options.space);
    archive.parameters = chosen(parameters_of(parameters, archive.space), rows);
    Index outside = 0;
    std::string first;
    for (Index i = 0; i < archive.size(); ++i) {
      if (archive.space.contains(archive.parameters.row(i).data())) continue;
      if (outside++ == 0)
        first = text("row ", i, ": ", archive.space.why_outside(archive.parameters.row(i).data()));
    }
    if (outside > 0 && options.progress != nullptr)
      options.progress->note(text(outside, " of ", archive.size(), " points lie outside of the space of ",
                                  options.space, " (", first, "); they are kept"));
  }
  archive.axes = {read_axis(options, outputs.columns())};
  archive.outputs = {{options.name, options.unit, archive.axes[0].name, outputs.columns(), outputs.complex}};
  archive.values = {rows.size() == static_cast<std::size_t>(outputs.rows()) ? outputs.values
                                                                            : chosen(outputs.values, rows)};
  archive.status.assign(rows.size(), RunStatus::done);
  archive.messages.assign(rows.size(), "");
  archive.seconds.assign(rows.size(), std::numeric_limits<double>::quiet_NaN());
  archive.provenance = options.provenance;
  archive.check();
  return archive;
}

}  // namespace ersatz
