// From options or a recipe's settings to a Gaussian process regressor.
#include "ersatz/regression/gp/gp.hpp"

#include "ersatz/core/error.hpp"
#include "regression/gp/choice.hpp"
#include "regression/gp/exact.hpp"

namespace ersatz {

RegressorPtr make_gp_regressor(const GpOptions& options) { return gp::make_exact_gp(options); }

RegressorPtr make_gp_regressor(const Settings& settings) {
  settings.check_known("regressor gp", {"kernel", "nugget", "likelihood", "prior", "starts", "max_iterations",
                                        "bounds", "shared"});
  GpOptions options;
  if (settings.has("nugget")) {
    const SettingValue& value = settings.values().at("nugget");
    if (const auto* number = std::get_if<double>(&value))
      options.nugget = *number;
    else if (const auto* word = std::get_if<std::string>(&value); !word || *word != "estimated")
      throw UsageError("regressor gp: nugget must be a number or \"estimated\"");
  }
  const auto choice = [&](const char* key, const char* first, const char* second) {
    const std::string value = settings.get(key, first);
    if (value != first && value != second)
      throw UsageError(
          text("regressor gp: ", key, " is \"", value, "\", expected \"", first, "\" or \"", second, "\""));
    return value == first;
  };
  options.likelihood =
      choice("likelihood", "restricted", "profile") ? gp::Estimator::restricted : gp::Estimator::profile;
  options.prior = choice("prior", "robust", "none") ? gp::Prior::robust : gp::Prior::none;
  options.starts = settings.get("starts", options.starts);
  options.max_iterations = settings.get("max_iterations", options.max_iterations);
  if (const auto bounds = settings.get("bounds", std::vector<double>{}); !bounds.empty()) {
    if (bounds.size() != 2)
      throw UsageError(text("regressor gp: bounds has ", bounds.size(),
                            " values, expected [smallest, largest] length in ranges of the inputs"));
    options.bounds = {bounds[0], bounds[1]};
  }
  options.shared = settings.get("shared", options.shared);
  const std::string kernel = settings.get("kernel", "auto");
  if (kernel == "auto") return gp::make_kernel_choice(options, {"matern52-product", "squared-exponential"});
  options.kernel = kernel;
  return make_gp_regressor(options);
}

}  // namespace ersatz
