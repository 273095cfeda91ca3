#include "ersatz/selection/calibrate.hpp"

#include <algorithm>
#include <cmath>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/conformal.hpp"
#include "ersatz/selection/folds.hpp"

namespace ersatz {
namespace {

/// Columns of the truth that vary by more than rounding.
std::vector<Index> varying_columns(const Matrix& truth) {
  std::vector<Index> varying;
  for (Index j = 0; j < truth.cols(); ++j)
    if (truth.col(j).maxCoeff() - truth.col(j).minCoeff() > 1e-12 * truth.col(j).cwiseAbs().maxCoeff())
      varying.push_back(j);
  return varying;
}

/// Predictions of runs left out, one matrix per output, in the order in which they came.
struct LeftOut {
  std::vector<Matrix> mean, std_dev, truth;

  void add(const Emulator& emulator, const Archive& out, int threads) {
    const Prediction p = emulator.predict(out.parameters, true, threads);
    for (std::size_t o = 0; o < p.mean.size(); ++o) {
      append(mean, o, p.mean[o]);
      append(std_dev, o, p.std[o]);
      append(truth, o, out.values[o]);
    }
  }

 private:
  static void append(std::vector<Matrix>& list, std::size_t o, const Matrix& rows) {
    if (list.size() <= o) list.emplace_back(0, rows.cols());
    Matrix& m = list[o];
    m.conservativeResize(m.rows() + rows.rows(), rows.cols());
    m.bottomRows(rows.rows()) = rows;
  }
};

void require_std(const Emulator& emulator) {
  if (!emulator.has_std())
    throw UsageError(
        "calibration: the regressor gives no standard deviations, and there are too few runs to measure its "
        "error; leave `calibration` out of the recipe, or run more simulations");
}

}  // namespace

CalibrationOptions calibration_options(const std::string& name, const Settings& settings) {
  CalibrationOptions o;
  const std::string what = "calibration " + name;
  if (name == "none") {
    settings.check_known(what, {});
    return o;
  }
  if (name == "split") {
    settings.check_known(what, {"fraction", "per"});
    o.method = CalibrationOptions::Method::split;
    o.fraction = settings.get("fraction", o.fraction);
    if (!(o.fraction > 0.0 && o.fraction < 1.0))
      throw UsageError(text(what, ": fraction is ", o.fraction, ", expected a number between 0 and 1"));
  } else if (name == "cross-validation") {
    settings.check_known(what, {"folds", "per"});
    o.method = CalibrationOptions::Method::cross_validation;
    o.folds = settings.get("folds", o.folds);
    if (o.folds < 2 || o.folds > 1000)
      throw UsageError(text(what, ": folds is ", o.folds, ", expected a whole number from 2 to 1000"));
  } else {
    throw UsageError(text("unknown calibration '", name, "'; known: none, split, cross-validation"));
  }
  const std::string per = settings.get("per", "output");
  if (per != "output" && per != "bin")
    throw UsageError(text(what, ": per is '", per, "', expected \"output\" or \"bin\""));
  o.per_bin = per == "bin";
  return o;
}

Calibration calibrate(const std::vector<Matrix>& mean, const std::vector<Matrix>& std_dev,
                      const std::vector<Matrix>& truth, bool per_bin, const std::string& method) {
  Calibration c;
  c.method = method;
  const Index n = truth.empty() ? 0 : truth[0].rows();
  if (n < 3)
    throw DataError(
        text("calibration: ", n, " runs set aside for it; one standard deviation needs 3 or more"));
  std::vector<double> known;
  for (const double level : coverage_levels)
    if (std::isfinite(conformal_quantile(std::vector<double>(static_cast<std::size_t>(n), 0.0), level)))
      known.push_back(level);
  c.levels = Eigen::Map<const Vector>(known.data(), static_cast<Index>(known.size()));
  for (std::size_t o = 0; o < truth.size(); ++o) {
    OutputCalibration output{Vector::Ones(truth[o].cols()), Vector(c.levels.size()), Vector(c.levels.size())};
    const std::vector<Index> varying = varying_columns(truth[o]);
    const Matrix all = conformal_scores(truth[o], mean[o], std_dev[o]);
    Matrix scores(n, static_cast<Index>(varying.size()));
    for (std::size_t k = 0; k < varying.size(); ++k) scores.col(static_cast<Index>(k)) = all.col(varying[k]);
    if (varying.empty()) {  // nothing to learn about: normal intervals
      for (Index l = 0; l < c.levels.size(); ++l)
        output.interval[l] = output.band[l] = normal_half_width(c.levels[l]);
      c.outputs.push_back(std::move(output));
      continue;
    }
    const Vector own = per_bin
                           ? columnwise_quantiles(scores, one_deviation)
                           : Vector::Constant(scores.cols(), pooled_quantile(scores, one_deviation)).eval();
    for (std::size_t k = 0; k < varying.size(); ++k) {
      // A deviation of (nearly) zero cannot be scaled to fit; the factors below then say so.
      const auto at = static_cast<Index>(k);
      const double scale = own[at] > 0.0 ? std::clamp(own[at], 1e-4, 1e4) : 1.0;
      output.scale[varying[k]] = scale;
      scores.col(at) /= scale;
    }
    if (!per_bin) output.scale.setConstant(output.scale[varying[0]]);
    for (Index l = 0; l < c.levels.size(); ++l) {
      output.interval[l] = pooled_quantile(scores, c.levels[l]);
      output.band[l] = simultaneous_quantile(scores, c.levels[l]);
    }
    c.outputs.push_back(std::move(output));
  }
  return c;
}

Learnt learn(const Archive& archive, const Recipe& recipe, const FitContext& context) {
  const CalibrationOptions options =
      calibration_options(recipe.calibration.name, recipe.calibration.settings);
  const int threads = context.executor ? static_cast<int>(context.executor->local().workers()) : 1;
  using Method = CalibrationOptions::Method;
  if (options.method == Method::split) {
    const Archive runs = archive.completed();
    const Split split = random_split(runs.parameters, options.fraction, context.random.split("calibration"));
    if (context.progress)
      context.progress->note(
          text("error bars are calibrated on ", split.test.size(), " of ", runs.size(), " runs"));
    Archive learnt_from = runs.subset(split.train);
    Prepared prepared = prepare(learnt_from, recipe, context);
    TrainedEmulator trained = train_prepared(prepared, learnt_from, recipe, context);
    require_std(trained.emulator);
    LeftOut out;
    out.add(trained.emulator, runs.subset(split.test), threads);
    trained.emulator =
        trained.emulator.calibrated(calibrate(out.mean, out.std_dev, out.truth, options.per_bin,
                                              text("split, ", split.test.size(), " runs aside")));
    // It has seen all of them, in one way or the other.
    trained.info.data_hash = archive.data_hash();
    trained.info.failed_runs = archive.count(RunStatus::failed);
    return {std::move(learnt_from), std::move(prepared), std::move(trained)};
  }
  Prepared prepared = prepare(archive, recipe, context);
  TrainedEmulator trained = train_prepared(prepared, archive, recipe, context);
  if (options.method == Method::cross_validation) {
    require_std(trained.emulator);
    const Archive runs = archive.completed();
    const std::vector<Split> splits =
        k_folds(runs.parameters, options.folds, context.random.split("calibration"));
    FitContext quiet = context;
    quiet.progress = nullptr;
    LeftOut out;
    for (std::size_t f = 0; f < splits.size(); ++f) {
      if (context.progress)
        context.progress->note(text("calibrating error bars: fold ", f + 1, " of ", splits.size()));
      const Archive rest = runs.subset(splits[f].train);
      const Prepared part = prepare(rest, recipe, quiet);
      const Emulator emulator = assemble(part, fit_channels(part, recipe, quiet));
      require_std(emulator);
      out.add(emulator, runs.subset(splits[f].test), threads);
    }
    trained.emulator = trained.emulator.calibrated(
        calibrate(out.mean, out.std_dev, out.truth, options.per_bin,
                  text("cross-validation, ", splits.size(), " folds of ", runs.size(), " runs")));
  }
  return {archive.completed(), std::move(prepared), std::move(trained)};
}

}  // namespace ersatz
