#include "basis/greedy_fit.hpp"
#include "basis/held_out.hpp"
#include "basis/linear_basis.hpp"
#include "core/named_table.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "ersatz/basis/pod.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

BasisPtr fit_pod_basis(const Settings& settings, ConstMatrixRef rows, bool complex, Index folds) {
  settings.check_known("basis pod",
                       {"tolerance", "tolerance_of", "max_rank", "method", "centred", "weights", "rotation"});
  PodOptions options;
  options.tolerance = settings.get("tolerance", 1e-7);
  options.max_rank = settings.get("max_rank", Index{50});
  if (options.max_rank < 1)
    throw UsageError(text("basis pod: 'max_rank' must be at least 1, got ", options.max_rank));
  const std::string of = settings.get("tolerance_of", "whole");
  if (of != "whole" && of != "worst")
    throw UsageError(text("basis pod: 'tolerance_of' is '", of, "'; known: whole, worst"));
  options.tolerance_of = of == "worst" ? PodTolerance::worst : PodTolerance::whole;
  options.method = pod_method_from_string(settings.get("method", "auto"));
  options.centred = settings.get("centred", false);
  const auto weights = settings.get("weights", std::vector<double>{});
  options.weights = Eigen::Map<const Vector>(weights.data(), static_cast<Index>(weights.size()));
  options.rotation = pod_rotation_from_string(settings.get("rotation", "none"));
  options.folds = folds;
  return fit_pod(rows, complex, options).basis();
}

BasisPtr fit_none(const Settings& settings, ConstMatrixRef rows, bool complex, Index /*folds*/) {
  settings.check_known("basis none", {});
  return std::make_shared<IdentityBasis>(rows.cols(), complex);
}

struct Fitter {
  const char* name;
  BasisPtr (*fit)(const Settings&, ConstMatrixRef, bool, Index folds);  ///< 0 folds: nothing held out
};
constexpr Fitter fitters[] = {{"pod", fit_pod_basis}, {"greedy", fit_greedy_basis}, {"none", fit_none}};

}  // namespace

std::vector<std::string> basis_names() { return names_in(fitters); }

BasisPtr fit_basis(const std::string& name, const Settings& settings, ConstMatrixRef snapshots,
                   bool complex) {
  if (snapshots.rows() == 0) throw DataError(text("basis ", name, ": there are no snapshots"));
  if (snapshots.cols() == 0) throw DataError(text("basis ", name, ": the snapshots are empty rows"));
  for (Index i = 0; i < snapshots.rows(); ++i)
    if (!snapshots.row(i).allFinite())
      throw DataError(text("basis ", name, ": snapshot ", i, " contains values that are not finite"));
  const Fitter& fitter = find_named(fitters, name, "basis");
  if (!settings.has("nodes") || name == "none")
    return fitter.fit(settings, snapshots, complex, cross_validation_folds);
  const std::string nodes = settings.get("nodes", "none");
  Settings others;
  for (const auto& [key, value] : settings.values())
    if (key != "nodes") others.set(key, value);
  if (nodes == "none") return fitter.fit(others, snapshots, complex, cross_validation_folds);
  const NodeRule rule = node_rule(nodes);
  if (settings.has("rotation") && settings.get("rotation", "none") != "none")
    throw UsageError(text("basis ", name,
                          ": values at the nodes are what they are however the elements are "
                          "turned; give 'nodes' or 'rotation', not both"));
  const BasisPtr basis = fitter.fit(others, snapshots, complex, 0);
  others.set("tolerance", 0.0);  // folds take as many elements
  others.set("max_rank", static_cast<double>(basis->coefficients() / (complex ? 2 : 1)));
  return interpolation_basis(*basis, rule, snapshots,
                             [&](ConstMatrixRef some) { return fitter.fit(others, some, complex, 0); });
}

}  // namespace ersatz
