// From options or a recipe's settings to a Gaussian process regressor.
#include "ersatz/regression/gp/gp.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "regression/gp/choice.hpp"
#include "regression/gp/method.hpp"

namespace ersatz {

namespace {

void check_options(const GpOptions& options) {
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw UsageError("regressor gp: " + what);
  };
  const gp::KernelRequest request = gp::check_kernel(options.kernel);
  check(!(request.white && options.nugget),
        "the kernel has white noise, whose variance is estimated; leave the setting nugget out, or white");
  gp::Trend(1, options.trend);
  options.priors.check();
  check(!options.nugget || (*options.nugget >= 0.0 && std::isfinite(*options.nugget)),
        text("nugget is ", options.nugget.value_or(0.0), ", expected a number >= 0 or \"estimated\""));
  check(!options.noise || (*options.noise >= 0.0 && std::isfinite(*options.noise)),
        text("noise is ", options.noise.value_or(0.0), ", expected a standard deviation >= 0"));
  check(options.starts >= 1 && options.starts <= 1000,
        text("starts is ", options.starts, ", expected 1 … 1000"));
  check(options.max_iterations >= 1,
        text("max_iterations is ", options.max_iterations, ", expected at least 1"));
  check(!(options.nugget && options.priors.nugget),
        "a nugget that is given has no prior; leave nugget or nugget_prior out");
  check(options.points >= 0 && options.points <= 5000,
        text("points is ", options.points, ", expected 0 (by the number of points) to 5000"));
  check(options.neighbours >= 0 && options.neighbours <= 1000,
        text("neighbours is ", options.neighbours, ", expected 0 (30) to 1000"));
  check(options.points == 0 || options.method == "inducing" || options.method == "auto",
        text("points are those of method = \"inducing\", but method is \"", options.method, "\""));
  check(options.neighbours == 0 || options.method == "vecchia" || options.method == "auto",
        text("neighbours are those of method = \"vecchia\", but method is \"", options.method, "\""));
  if (options.bounds)
    check(options.bounds->first > 0.0 && options.bounds->first < options.bounds->second &&
              std::isfinite(options.bounds->second),
          text("bounds are ", options.bounds->first, ", ", options.bounds->second,
               ", expected 0 < smallest < largest length, in ranges of the inputs"));
}

/// A setting that is a number or one of some words.
struct NumberOrWord {
  std::optional<double> number;
  std::string word;
};
NumberOrWord number_or_word(const Settings& settings, const char* key) {
  const SettingValue& value = settings.values().at(key);
  if (const auto* number = std::get_if<double>(&value)) return {*number, {}};
  if (const auto* word = std::get_if<std::string>(&value)) return {{}, *word};
  return {};
}

Index trend_from(const Settings& settings) {
  const NumberOrWord value = number_or_word(settings, "mean");
  if (value.number) {
    const auto degree = static_cast<Index>(*value.number);
    if (static_cast<double>(degree) == *value.number && degree >= 0) return degree;
  }
  if (value.word == "zero") return gp::Trend::zero;
  if (value.word == "constant") return 0;
  if (value.word == "linear") return 1;
  if (value.word == "quadratic") return 2;
  throw UsageError(
      "regressor gp: mean must be \"zero\", \"constant\", \"linear\", \"quadratic\" or a whole degree");
}

gp::Priors priors_from(const Settings& settings) {
  gp::Priors priors;
  const auto density = [&](const char* key, std::optional<gp::Density>& prior) {
    if (settings.has(key)) prior = gp::Density::parse(settings.get(key, ""), text("regressor gp: ", key));
  };
  density("length_prior", priors.length);
  density("nugget_prior", priors.nugget);
  density("variance_prior", priors.variance);
  const std::string prior = settings.get("prior", priors.length || priors.nugget ? "none" : "robust");
  if (prior != "robust" && prior != "none")
    throw UsageError(text("regressor gp: prior is \"", prior, "\", expected \"robust\" or \"none\""));
  priors.robust = prior == "robust";
  return priors;
}

gp::Estimator estimator_from(const std::string& word) {
  if (word == "restricted") return gp::Estimator::restricted;
  if (word == "profile") return gp::Estimator::profile;
  if (word == "leave-one-out") return gp::Estimator::leave_one_out;
  throw UsageError(text("regressor gp: likelihood is \"", word,
                        "\", expected \"restricted\", \"profile\" or \"leave-one-out\""));
}

}  // namespace

GpOptions gp::checked(const GpOptions& options) {
  check_options(options);
  GpOptions meant = options;
  meant.extra_noise = options.extra_noise || gp::check_kernel(options.kernel).white;
  return meant;
}

RegressorPtr make_gp_regressor(const GpOptions& options) {
  return gp::make_gp_by_method(gp::checked(options));
}

RegressorPtr make_gp_regressor(const Settings& settings) {
  settings.check_known(
      "regressor gp",
      {"kernel", "mean", "nugget", "noise", "likelihood", "prior", "length_prior", "nugget_prior",
       "variance_prior", "starts", "max_iterations", "bounds", "shared", "method", "points", "neighbours"});
  GpOptions options;
  if (settings.has("mean")) options.trend = trend_from(settings);
  if (settings.has("nugget")) {
    const NumberOrWord value = number_or_word(settings, "nugget");
    if (!value.number && value.word != "estimated")
      throw UsageError("regressor gp: nugget must be a number or \"estimated\"");
    options.nugget = value.number;
    options.extra_noise = !value.number;
  }
  if (settings.has("noise")) options.noise = settings.get("noise", 0.0);
  options.likelihood = estimator_from(settings.get("likelihood", "restricted"));
  options.priors = priors_from(settings);
  options.starts = settings.get("starts", options.starts);
  options.max_iterations = settings.get("max_iterations", options.max_iterations);
  if (const auto bounds = settings.get("bounds", std::vector<double>{}); !bounds.empty()) {
    if (bounds.size() != 2)
      throw UsageError(text("regressor gp: bounds has ", bounds.size(),
                            " values, expected [smallest, largest] length in ranges of the inputs"));
    options.bounds = {bounds[0], bounds[1]};
  }
  options.shared = settings.get("shared", options.shared);
  options.method = settings.get("method", options.method.c_str());
  options.points = settings.get("points", options.points);
  options.neighbours = settings.get("neighbours", options.neighbours);
  const std::string kernel = settings.get("kernel", "auto");
  if (kernel == "auto") return gp::make_kernel_choice(options, {"matern52-product", "squared-exponential"});
  options.kernel = kernel;
  return make_gp_regressor(options);
}

}  // namespace ersatz
