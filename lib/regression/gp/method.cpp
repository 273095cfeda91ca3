#include "regression/gp/method.hpp"

#include "ersatz/core/error.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/vecchia.hpp"

namespace ersatz::gp {
namespace {

class AutoGp final : public Regressor {
 public:
  explicit AutoGp(const GpOptions& options)
      : exact_(make_exact_gp(options)), vecchia_(make_vecchia_gp(options)), neighbours_(options.neighbours) {}
  std::string name() const override { return "gp"; }
  std::string settings() const override { return exact_->settings(); }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    const Index n = data.x.rows();
    if (n <= largest_exact) {
      Fit fit = exact_->fit(data, context);
      fit.summary.facts.insert(fit.summary.facts.begin(),
                               {"method", text("exact: ", n, " points, at most ", largest_exact)});
      return fit;
    }
    Fit fit = vecchia_->fit(data, context);
    fit.summary.facts.insert(
        fit.summary.facts.begin(),
        {"method", text("vecchia, ", neighbours_, " neighbours: ", n, " points, more than ", largest_exact)});
    return fit;
  }

 private:
  RegressorPtr exact_, vecchia_;
  Index neighbours_;
};

}  // namespace

Method method_from_string(const std::string& name) {
  if (name == "auto") return Method::automatic;
  if (name == "exact") return Method::exact;
  if (name == "vecchia") return Method::vecchia;
  throw UsageError(
      text("regressor gp: method is \"", name, "\", expected \"auto\", \"exact\" or \"vecchia\""));
}

RegressorPtr make_gp_by_method(const GpOptions& options) {
  switch (options.method) {
    case Method::exact:
      return make_exact_gp(options);
    case Method::vecchia:
      return make_vecchia_gp(options);
    case Method::automatic:
      break;
  }
  return std::make_shared<AutoGp>(options);
}

}  // namespace ersatz::gp
