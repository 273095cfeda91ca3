#include "regression/feature_options.hpp"

#include "ersatz/core/error.hpp"

namespace ersatz {

PolynomialFamily family_setting(const Settings& settings, const char* whose, PolynomialFamily fallback) {
  const std::string name = settings.get("features", std::string(to_string(fallback)).c_str());
  try {
    return polynomial_family_from_string(name);
  } catch (const UsageError& e) {
    throw UsageError(text("regressor ", whose, ": features: ", e.what()));
  }
}

double q_norm_setting(const Settings& settings, const char* whose, double fallback) {
  const double q = settings.get("q_norm", fallback);
  if (!(q > 0.0 && q <= 1.0))
    throw UsageError(text("regressor ", whose, ": q_norm is ", q, ", expected more than 0, up to 1"));
  return q;
}

Standardisation feature_inputs(const TrainingData& data, PolynomialFamily family) {
  Standardisation inputs = Standardisation::of(data.x);
  if (family != PolynomialFamily::legendre) return inputs;
  for (Index k = 0; k < inputs.size(); ++k) {
    if (!inputs.varies(k)) continue;
    const bool known = data.input_lower.size() > 0 && data.input_upper[k] > data.input_lower[k];
    const double lower = known ? data.input_lower[k] : data.x.col(k).minCoeff();
    const double upper = known ? data.input_upper[k] : data.x.col(k).maxCoeff();
    inputs.centre[k] = 0.5 * lower + 0.5 * upper;
    inputs.inverse_scale[k] = 1.0 / (0.5 * upper - 0.5 * lower);
  }
  return inputs;
}

PolynomialFeatures features_of(const Standardisation& inputs, const Truncation& truncation,
                               PolynomialFamily family) {
  return PolynomialFeatures::truncated(
      inputs, truncation, std::vector<PolynomialFamily>(static_cast<std::size_t>(inputs.size()), family));
}

std::string describe(PolynomialFamily family, double q_norm) {
  std::string s;
  if (family != PolynomialFamily::powers) s += text(", ", to_string(family));
  if (q_norm < 1.0) s += text(", q_norm ", brief(q_norm));
  return s;
}

}  // namespace ersatz
