#include "regression/gp/method.hpp"

#include "ersatz/core/error.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/inducing.hpp"
#include "regression/gp/vecchia.hpp"

namespace ersatz::gp {
namespace {

/// The largest n that "auto" leaves to the exact process.
constexpr Index largest_exact = 2000;

class AutoGp final : public Regressor {
 public:
  explicit AutoGp(const GpOptions& options) : exact_(make_exact_gp(options)), options_(options) {
    options_.method = "vecchia";
    if (options_.likelihood == Estimator::leave_one_out) options_.likelihood = Estimator::restricted;
    vecchia_ = make_vecchia_gp(options_);
    without_leave_one_out_ = options.likelihood == Estimator::leave_one_out;
  }
  std::string name() const override { return "gp"; }
  std::string settings() const override { return exact_->settings(); }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    const Index n = data.x.rows();
    const bool exact = n <= largest_exact;
    Fit fit = (exact ? exact_ : vecchia_)->fit(data, context);
    fit.summary.facts.insert(fit.summary.facts.begin(),
                             {"method", exact ? text("exact (", n, " points, at most ", largest_exact, ")")
                                              : text("vecchia (", n, " points, more than ", largest_exact,
                                                     "; each given its nearest neighbours)")});
    if (!exact && without_leave_one_out_)
      fit.summary.warnings.push_back(text("the likelihood \"leave-one-out\" needs method = \"exact\"; with ",
                                          n, " points the restricted likelihood was used"));
    return fit;
  }

 private:
  RegressorPtr exact_, vecchia_;
  GpOptions options_;
  bool without_leave_one_out_ = false;
};

}  // namespace

RegressorPtr make_gp_by_method(const GpOptions& options) {
  if (options.method == "auto") return std::make_shared<AutoGp>(options);
  if (options.method == "exact") return make_exact_gp(options);
  if (options.method == "inducing") return make_inducing_gp(options);
  if (options.method == "vecchia") return make_vecchia_gp(options);
  throw UsageError(text("regressor gp: method is \"", options.method,
                        "\", expected \"auto\", \"exact\", \"inducing\" or \"vecchia\""));
}

}  // namespace ersatz::gp
