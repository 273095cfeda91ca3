// The table of trainers: name -> maker, the simplest first. One line per regressor.
#include <algorithm>
#include <mutex>

#include "core/named_table.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/chaos.hpp"
#include "ersatz/regression/forest.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/knn.hpp"
#include "ersatz/regression/lasso.hpp"
#include "ersatz/regression/linear.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {
namespace {

struct Trainer {
  std::string name;
  RegressorMaker make;
};

std::vector<Trainer>& trainers() {
  // clang-format off
  static std::vector<Trainer> table = {
      {"mean", make_mean_regressor},
      {"linear", make_linear_regressor},
      {"ridge", make_ridge_regressor},
      {"lasso", make_lasso_regressor},
      {"chaos", make_chaos_regressor},
      {"knn", make_knn_regressor},
      {"forest", make_forest_regressor},
      {"gp", make_gp_regressor},
  };
  // clang-format on
  return table;
}

std::mutex& trainers_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

RegressorPtr make_regressor(const std::string& name, const Settings& settings) {
  RegressorMaker make = nullptr;
  {
    const std::lock_guard<std::mutex> lock(trainers_mutex());
    make = find_named(trainers(), name, "regressor").make;
  }
  return make(settings);
}

std::vector<std::string> regressor_names() {
  const std::lock_guard<std::mutex> lock(trainers_mutex());
  std::vector<std::string> names = names_in(trainers());
  if (!forest_is_built()) names.erase(std::find(names.begin(), names.end(), "forest"));
  return names;
}

void register_regressor(const std::string& name, RegressorMaker maker) {
  if (name.empty() || !maker) throw UsageError("register_regressor: needs a name and a maker");
  const std::lock_guard<std::mutex> lock(trainers_mutex());
  for (const Trainer& t : trainers())
    if (t.name == name) throw UsageError(text("register_regressor: the name '", name, "' is taken"));
  trainers().push_back({name, maker});
}

}  // namespace ersatz
