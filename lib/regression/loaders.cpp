// The table of loaders: kind -> what reads it back from a file. One line per kind.
#include "regression/loaders.hpp"

#include <map>
#include <mutex>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/predictor.hpp"
#include "regression/gp/vecchia_predictor.hpp"

namespace ersatz {
namespace {

std::map<std::string, PredictorLoader>& loaders() {
  static std::map<std::string, PredictorLoader> table = {
      {"polynomial", load_polynomial_predictor}, {"knn", load_knn_predictor},
      {"forest", load_forest_predictor},         {"gp", load_gp_predictor},
      {"gp-inducing", load_inducing_predictor},  {"gp-vecchia", gp::load_vecchia_predictor},
  };
  return table;
}

std::mutex& loaders_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

PredictorPtr load_predictor(const h5::Group& group) {
  const std::string kind = group.get_string("kind");
  PredictorLoader loader = nullptr;
  {
    const std::lock_guard<std::mutex> lock(loaders_mutex());
    const auto it = loaders().find(kind);
    if (it != loaders().end()) loader = it->second;
  }
  if (!loader) {
    std::string known;
    const std::lock_guard<std::mutex> lock(loaders_mutex());
    for (const auto& [name, unused] : loaders()) known += (known.empty() ? "" : ", ") + name;
    throw StorageError(text(group.where(), ": unknown kind of predictor '", kind, "'; known: ", known,
                            ". A newer version of Ersatz may know it; a kind of your own has to be "
                            "registered with register_predictor before loading"));
  }
  return loader(group);
}

void register_predictor(const std::string& kind, PredictorLoader loader) {
  if (kind.empty() || !loader) throw UsageError("register_predictor: needs a kind and a loader");
  const std::lock_guard<std::mutex> lock(loaders_mutex());
  if (!loaders().emplace(kind, loader).second)
    throw UsageError(text("register_predictor: the kind '", kind, "' is taken"));
}

}  // namespace ersatz
