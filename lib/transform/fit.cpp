#include <algorithm>
#include <cmath>

#include "core/named_table.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/transform/transform.hpp"
#include "transform/diagonal.hpp"
#include "transform/periodic.hpp"

namespace ersatz {
namespace {

using Entries = std::vector<DiagonalTransform::Entry>;
using Function = DiagonalTransform::Function;

TransformPtr make(Entries entries) { return std::make_shared<DiagonalTransform>(std::move(entries)); }

std::size_t width(ConstMatrixRef rows) { return static_cast<std::size_t>(rows.cols()); }

TransformPtr fit_none(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform none", {});
  return chain({}, rows.cols());
}

TransformPtr fit_center(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform center", {});
  Entries entries(width(rows));
  const Vector mean = rows.colwise().mean();
  for (Index j = 0; j < rows.cols(); ++j) entries[static_cast<std::size_t>(j)].shift = mean[j];
  return make(std::move(entries));
}

TransformPtr fit_standardise(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform standardise", {"per"});
  const std::string per = settings.get("per", "bin");
  if (per != "bin" && per != "output")
    throw UsageError(text("transform standardise: 'per' must be bin or output, got '", per, "'"));
  Entries entries(width(rows));
  const Vector mean = rows.colwise().mean();
  const Vector variance =
      (rows.rowwise() - mean.transpose()).colwise().squaredNorm() / static_cast<double>(rows.rows());
  const double all = std::sqrt(variance.mean());
  for (Index j = 0; j < rows.cols(); ++j) {
    const double s = per == "bin" ? std::sqrt(variance[j]) : all;
    auto& e = entries[static_cast<std::size_t>(j)];
    e.shift = mean[j];
    e.scale = s > 1e-14 * std::abs(mean[j]) && s > 0.0 ? s : 1.0;  // an entry that does not vary
  }
  return make(std::move(entries));
}

TransformPtr fit_minmax(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform minmax", {});
  Entries entries(width(rows));
  for (Index j = 0; j < rows.cols(); ++j) {
    const double low = rows.col(j).minCoeff(), high = rows.col(j).maxCoeff();
    auto& e = entries[static_cast<std::size_t>(j)];
    e.shift = low;
    e.scale = high > low ? high - low : 1.0;
  }
  return make(std::move(entries));
}

TransformPtr fit_log(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform log", {"floor"});
  const double floor = settings.get("floor", 0.0);
  if (settings.has("floor") && !(floor > 0.0))
    throw UsageError(text("transform log: 'floor' must be positive, got ", floor));
  if (floor == 0.0) {
    Index i = 0, j = 0;
    const double low = rows.minCoeff(&i, &j);
    if (!(low > 0.0))
      throw DataError(text(
          "transform log: row ", i, ", bin ", j, " is ", low,
          ", which has no logarithm; set a floor (transform = [{name = \"log\", floor = …}]) or use asinh"));
  }
  Entries entries(width(rows));
  for (auto& e : entries) {
    e.function = Function::log;
    e.argument = floor;
  }
  return make(std::move(entries));
}

TransformPtr fit_asinh(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform asinh", {"width"});
  double w = settings.get("width", 0.0);
  if (settings.has("width") && !(w > 0.0))
    throw UsageError(text("transform asinh: 'width' must be positive, got ", w));
  if (w == 0.0) {  // the median magnitude: half of the values in the linear part
    std::vector<double> magnitude(rows.rows() * width(rows));
    std::size_t k = 0;
    for (Index i = 0; i < rows.rows(); ++i)
      for (Index j = 0; j < rows.cols(); ++j) magnitude[k++] = std::abs(rows(i, j));
    std::nth_element(magnitude.begin(), magnitude.begin() + static_cast<std::ptrdiff_t>(magnitude.size() / 2),
                     magnitude.end());
    w = magnitude[magnitude.size() / 2];
    if (!(w > 0.0)) w = 1.0;
  }
  Entries entries(width(rows));
  for (auto& e : entries) {
    e.function = Function::asinh;
    e.argument = w;
  }
  return make(std::move(entries));
}

TransformPtr fit_periodic(const Settings& settings, ConstMatrixRef rows) {
  settings.check_known("transform periodic", {"columns", "period", "origin"});
  const double period = settings.get("period", 6.28318530717958647692);
  const double origin = settings.get("origin", 0.0);
  if (!(period > 0.0)) throw UsageError(text("transform periodic: 'period' must be positive, got ", period));
  std::vector<PeriodicTransform::Column> columns;
  for (const double c : settings.get("columns", std::vector<double>{})) {
    if (!(c >= 0.0 && c < static_cast<double>(rows.cols())) || c != std::floor(c))
      throw UsageError(text("transform periodic: there is no column ", c, " among ", rows.cols()));
    columns.push_back({static_cast<Index>(c), origin, period});
  }
  return std::make_shared<PeriodicTransform>(rows.cols(), std::move(columns));
}

struct Fitter {
  const char* name;
  TransformPtr (*fit)(const Settings&, ConstMatrixRef);
};
constexpr Fitter fitters[] = {
    {"none", fit_none}, {"center", fit_center}, {"standardise", fit_standardise}, {"minmax", fit_minmax},
    {"log", fit_log},   {"asinh", fit_asinh},   {"periodic", fit_periodic},
};

}  // namespace

std::vector<std::string> transform_names() { return names_in(fitters); }

TransformPtr fit_transform(const std::string& name, const Settings& settings, ConstMatrixRef rows) {
  if (rows.rows() == 0) throw DataError(text("transform ", name, ": there are no rows to fit to"));
  if (!rows.allFinite())
    throw DataError(text("transform ", name, ": the rows contain values that are not finite"));
  return find_named(fitters, name, "transform").fit(settings, rows);
}

}  // namespace ersatz
