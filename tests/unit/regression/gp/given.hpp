#pragma once
// A Gaussian process with hyperparameters that are given, not fitted.

#include "regression/gp/state.hpp"

namespace gp_test {

/// All outputs share one correlation; `given.theta` is for inputs scaled to their range in the data.
inline std::shared_ptr<const ersatz::gp::GpPredictor> predictor_with(
    const std::string& kernel, ersatz::Index degree, const ersatz::TrainingData& data,
    const ersatz::gp::ConditionOptions& given) {
  using namespace ersatz;
  const gp::ScaledData scaled = gp::scale_data(data);
  const gp::Trend trend(scaled.x.cols(), degree);
  gp::GpState state = gp::make_state(kernel, trend, data, scaled);
  std::vector<Index> all;
  for (Index o = 0; o < scaled.y.cols(); ++o) all.push_back(o);
  gp::add_correlation(
      gp::condition(*gp::make_kernel(kernel, scaled.x.cols()), trend, scaled.x, scaled.y, given), given,
      scaled, all, state);
  return std::make_shared<gp::GpPredictor>(std::move(state));
}

}  // namespace gp_test
