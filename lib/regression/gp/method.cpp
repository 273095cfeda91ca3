#include "regression/gp/method.hpp"

#include <utility>

#include "ersatz/core/error.hpp"
#include "regression/gp/choice.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/inducing.hpp"
#include "regression/gp/vecchia.hpp"

namespace ersatz::gp {
namespace {

/// The largest n that "auto" leaves to the exact process, and up to which it tries both approximations.
constexpr Index largest_exact = 2000, largest_trial = 100000;

/// By the number of points: the exact process; then the approximation with the smaller leave-one-out error
/// (inducing points for what is smooth, nearest neighbours for what is not); then nearest neighbours.
class AutoGp final : public Regressor {
 public:
  explicit AutoGp(const GpOptions& options) : exact_(make_exact_gp(options)) {
    GpOptions approximate = options;
    without_leave_one_out_ = options.likelihood == Estimator::leave_one_out;
    if (without_leave_one_out_) approximate.likelihood = Estimator::restricted;
    vecchia_ = make_vecchia_gp(approximate);
    if (!options.noise) inducing_ = make_inducing_gp(approximate);
  }
  std::string name() const override { return "gp"; }
  std::string settings() const override { return exact_->settings(); }

  Fit fit(const TrainingData& data, const FitContext& context) const override {
    const Index n = data.x.rows();
    if (n <= largest_exact)
      return told(exact_->fit(data, context), text("exact (", n, " points, at most ", largest_exact, ")"));
    std::string why = text("vecchia (", n, " points: each given its nearest neighbours");
    Fit fit = vecchia_->fit(data, context);
    if (n <= largest_trial && inducing_ && data.noise_std.size() == 0) {
      try {
        Fit other = inducing_->fit(data, context);
        const double errors[] = {leave_one_out_error(fit.summary), leave_one_out_error(other.summary)};
        const double seconds = fit.summary.seconds + other.summary.seconds;
        const bool swap = errors[1] < errors[0];
        why =
            text(swap ? "inducing" : "vecchia", " (", n, " points, more than ", largest_exact,
                 "; leave-one-out errors: vecchia ", brief(errors[0], 3), ", inducing ", brief(errors[1], 3));
        if (swap) fit = std::move(other);
        fit.summary.seconds = seconds;
      } catch (const Error& e) {
        why += text("; inducing points could not be fitted: ", e.what());
      }
    }
    if (without_leave_one_out_)
      fit.summary.warnings.push_back(text("the likelihood \"leave-one-out\" needs method = \"exact\"; with ",
                                          n, " points the restricted likelihood was used"));
    return told(std::move(fit), why + ")");
  }

 private:
  static Fit told(Fit fit, const std::string& method) {
    fit.summary.facts.insert(fit.summary.facts.begin(), {"method", method});
    return fit;
  }

  RegressorPtr exact_, vecchia_, inducing_;
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
