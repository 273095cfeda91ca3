#include "regression/gp/choice.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {
namespace {

class KernelChoice final : public Regressor {
 public:
  KernelChoice(const GpOptions& options, std::vector<std::string> kernels) : kernels_(std::move(kernels)) {
    for (const std::string& kernel : kernels_) {
      GpOptions one = options;
      one.kernel = kernel;
      regressors_.push_back(make_gp_regressor(one));
    }
  }
  std::string name() const override { return "gp"; }
  std::string settings() const override {
    std::string list;
    for (const auto& k : kernels_) list += (list.empty() ? "" : " or ") + k;
    return list;
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    Fit best;
    double best_error = HUGE_VAL, seconds = 0.0;
    std::string table, chosen;
    for (std::size_t k = 0; k < regressors_.size(); ++k) {
      Fit fit = regressors_[k]->fit(data, context);
      seconds += fit.summary.seconds;
      if (k == 0 && fit.summary.leave_one_out.size() == 0 && data.x.rows() > 1) {
        fit.summary.facts.insert(fit.summary.facts.begin(),
                                 {"kernel", kernels_[0] + ": no leave-one-out errors to choose by"});
        fit.summary.settings = kernels_[0];
        return fit;
      }
      const double error = leave_one_out_error(fit.summary);
      table += text(table.empty() ? "" : ", ", kernels_[k], " ", brief(error, 3));
      if (k == 0 || error < best_error) {
        best_error = error;
        best = std::move(fit);
        chosen = kernels_[k];
      }
    }
    best.summary.facts.insert(best.summary.facts.begin(),
                              {"kernel", chosen + " chosen; leave-one-out errors: " + table});
    best.summary.seconds = seconds;
    best.summary.settings = chosen;
    return best;
  }

 private:
  std::vector<std::string> kernels_;
  std::vector<RegressorPtr> regressors_;
};

}  // namespace

double leave_one_out_error(const FitSummary& summary) {
  const Matrix& residual = summary.leave_one_out;
  return residual.size() > 0 ? std::sqrt(residual.squaredNorm() / static_cast<double>(residual.size()))
                             : HUGE_VAL;
}

RegressorPtr make_kernel_choice(const GpOptions& options, std::vector<std::string> kernels) {
  return std::make_shared<KernelChoice>(options, std::move(kernels));
}

}  // namespace ersatz::gp
