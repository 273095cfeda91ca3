#include "regression/forest_growth.hpp"

#include "ersatz/core/error.hpp"

#ifdef ERSATZ_XGBOOST

#include <xgboost/c_api.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace ersatz {
namespace {

constexpr int deepest = 24;

void check(int status) {
  if (status != 0) throw NumericalError(text("regressor forest: XGBoost says: ", XGBGetLastError()));
}

struct FreeData {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};

GrownTree tree_of(const nlohmann::json& tree) {
  const auto left = tree.at("left_children").get<std::vector<Index>>(),
             right = tree.at("right_children").get<std::vector<Index>>(),
             input = tree.at("split_indices").get<std::vector<Index>>();
  const auto below = tree.at("split_conditions").get<std::vector<double>>();
  GrownTree nodes;
  for (std::size_t i = 0; i < left.size(); ++i)
    nodes.push_back({left[i] < 0 ? -1 : input.at(i), left[i], right.at(i), below.at(i)});
  return nodes;
}

}  // namespace

bool forest_is_built() { return true; }

std::vector<GrownTree> grow_trees(const Matrix& ranks, const Vector& y, const Matrix& weights,
                                  const ForestOptions& options, const RandomStream& random) {
  const auto n = static_cast<std::size_t>(y.size());
  std::vector<float> table(static_cast<std::size_t>(ranks.size()));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(ranks.data()[i]);
  void *data_handle = nullptr, *booster_handle = nullptr;
  check(XGDMatrixCreateFromMat_omp(table.data(), n, static_cast<bst_ulong>(ranks.cols()), -1.0F, &data_handle,
                                   1));
  const std::unique_ptr<void, FreeData> data(data_handle);
  check(XGBoosterCreate(&data_handle, 1, &booster_handle));
  const std::unique_ptr<void, FreeBooster> booster(booster_handle);
  const std::pair<const char*, std::string> settings[] = {
      {"verbosity", "0"},
      {"nthread", "1"},
      {"seed", text(random.key() % 2147483647)},
      {"tree_method", "exact"},
      {"max_depth", text(deepest)},
      {"min_child_weight", text(options.leaf)},
      {"colsample_bynode", text(options.inputs)},
      {"lambda", "0"},
      {"gamma", "0"},
  };
  for (const auto& [name, value] : settings) check(XGBoosterSetParam(booster.get(), name, value.c_str()));
  // A tree fits gradient over curvature: with these its squared error is least, whatever came before it.
  std::vector<float> gradient(n), curvature(n);
  for (Index t = 0; t < weights.cols(); ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = static_cast<Index>(i);
      gradient[i] = static_cast<float>(-weights(row, t) * y[row]);
      curvature[i] = static_cast<float>(weights(row, t));
    }
    check(XGBoosterBoostOneIter(booster.get(), data.get(), gradient.data(), curvature.data(), n));
  }
  bst_ulong length = 0;
  const char* bytes = nullptr;
  check(XGBoosterSaveModelToBuffer(booster.get(), R"({"format": "json"})", &length, &bytes));
  std::vector<GrownTree> trees;
  try {
    const auto model = nlohmann::json::parse(bytes, bytes + length);
    for (const auto& tree : model.at("learner").at("gradient_booster").at("model").at("trees"))
      trees.push_back(tree_of(tree));
  } catch (const nlohmann::json::exception& e) {
    throw NumericalError(text("regressor forest: XGBoost's trees cannot be read: ", e.what()));
  }
  return trees;
}

}  // namespace ersatz

#else

namespace ersatz {

bool forest_is_built() { return false; }

std::vector<GrownTree> grow_trees(const Matrix&, const Vector&, const Matrix&, const ForestOptions&,
                                  const RandomStream&) {
  return {};
}

}  // namespace ersatz

#endif
