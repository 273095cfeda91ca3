#include "ersatz/emulator/train.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>

#include "emulator/runs.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/hash.hpp"
#include "ersatz/version.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

constexpr Index few_values = 8;  ///< rows this short are learnt value by value

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Replaces "auto" among the transforms by what suits the rows.
std::vector<Component> resolve_transforms(const std::vector<Component>& wanted, ConstMatrixRef rows,
                                          const ChannelShape& shape) {
  std::vector<Component> result;
  for (const Component& c : wanted) {
    if (c.name != "auto") {
      result.push_back(c);
      continue;
    }
    if (!c.settings.empty()) c.settings.check_known("transform auto", {});
    if (rows.cols() <= few_values) {
      result.push_back({"standardise", {}});
      continue;
    }
    const double low = rows.minCoeff(), high = rows.maxCoeff();
    if (!shape.complex && !shape.additive && low > 0.0 && high > 3.0 * low) result.push_back({"log", {}});
    result.push_back({"center", {}});
  }
  return result;
}

PreparedChannel prepare_channel(const ChannelShape& shape, const Matrix& rows, const ChannelRecipe& recipe) {
  PreparedChannel channel;
  channel.name = shape.name;
  std::vector<TransformPtr> steps;
  Matrix z = rows;
  for (const Component& c : resolve_transforms(recipe.transforms, rows, shape)) {
    try {
      steps.push_back(fit_transform(c.name, c.settings, z));
    } catch (const DataError& e) {
      throw DataError(text("channel '", shape.name, "': ", e.what()));
    }
    z = forward_rows(*steps.back(), z);
    for (Index i = 0; i < z.rows(); ++i)
      if (!z.row(i).allFinite())
        throw NumericalError(text("channel '", shape.name, "': transform ", c.name, " of row ", i,
                                  " is not finite: values up to ", rows.cwiseAbs().maxCoeff(),
                                  " are too large to compute with; choose another unit"));
    channel.transform_text += (channel.transform_text.empty() ? "" : ", ") + c.name;
  }
  channel.transform = chain(std::move(steps), shape.width());
  std::string basis = recipe.basis.name;
  if (basis == "auto") {
    recipe.basis.settings.check_known(
        "basis auto", {"tolerance", "tolerance_of", "max_rank", "method", "centred", "weights", "rotation"});
    basis = shape.width() <= few_values ? "none" : "pod";
  }
  channel.basis = fit_basis(basis, basis == "none" ? Settings{} : recipe.basis.settings, z, shape.complex);
  const double total = z.squaredNorm() / static_cast<double>(z.rows());
  const double lost =
      channel.basis->residual_variance().sum() + channel.basis->residual_modes().squaredNorm();
  channel.projection_error = total > 0.0 ? std::sqrt(lost / total) : 0.0;
  channel.coefficients.resize(z.rows(), channel.basis->coefficients());
  for (Index i = 0; i < z.rows(); ++i)
    channel.basis->project(z.row(i).data(), channel.coefficients.row(i).data());
  const Index elements = channel.basis->coefficients() / (shape.complex ? 2 : 1);
  if (basis != "none") channel.elements = elements;
  channel.basis_text =
      basis == "none" ? "none" : text(basis, ", ", elements, elements == 1 ? " element" : " elements");
  return channel;
}

/// Outputs with one decoder, by their numbers in the archive.
struct Together {
  std::string name;
  std::vector<std::size_t> outputs;
  const Component* decoder;
};

/// Every output once, in the archive's order; a group stands where its first output does.
std::vector<Together> decoded_together(const Archive& runs, const Recipe& recipe) {
  std::vector<Together> list;
  std::map<std::size_t, const std::pair<const std::string, GroupRecipe>*> group_of;
  for (const auto& entry : recipe.groups) {
    const OutputSpec* first = nullptr;
    if (entry.second.outputs.empty())
      throw UsageError(text("recipe: group '", entry.first, "' has no outputs"));
    for (const std::string& name : entry.second.outputs) {
      const std::size_t o = runs.output_index(name);  // throws, naming the known ones
      if (!group_of.emplace(o, &entry).second || recipe.decoders.count(name) > 0)
        throw UsageError(text("recipe: the output '", name, "' has two decoders, one of them in group '",
                              entry.first, "'"));
      const OutputSpec& output = runs.outputs[o];
      if (!first) first = &output;
      if (output.axis != first->axis || output.size != first->size)
        throw UsageError(text("recipe: the outputs of group '", entry.first, "' need one axis: '",
                              first->name, "' is on '", first->axis, "' (", first->size, " bins), '",
                              output.name, "' on '", output.axis, "' (", output.size, " bins)"));
    }
  }
  for (std::size_t o = 0; o < runs.outputs.size(); ++o) {
    const auto it = group_of.find(o);
    if (it == group_of.end()) {
      list.push_back({runs.outputs[o].name, {o}, &recipe.decoder_for(runs.outputs[o].name)});
      continue;
    }
    const auto& [name, group] = *it->second;
    const auto same = [&](const Together& t) { return t.decoder == &group.decoder; };
    if (std::any_of(list.begin(), list.end(), same)) continue;
    list.push_back({name, {}, &group.decoder});
    for (const std::string& output : group.outputs) list.back().outputs.push_back(runs.output_index(output));
  }
  return list;
}

/// What the variances have to be multiplied with so that leave-one-out residuals fit them: the mean of
/// (residual / deviation)², or the square of its 68% quantile where that is larger.
Vector calibrate(const FitSummary& summary, Index outputs) {
  Vector scale = Vector::Ones(outputs);
  const Matrix &r = summary.leave_one_out, &s = summary.leave_one_out_std;
  if (r.rows() < 10 || r.rows() != s.rows() || r.cols() != outputs) return scale;
  std::vector<double> z2(static_cast<std::size_t>(r.rows()));
  for (Index k = 0; k < outputs; ++k) {
    double mean = 0.0;
    for (Index i = 0; i < r.rows(); ++i) {
      const double z = s(i, k) > 0.0 ? r(i, k) / s(i, k) : 0.0;
      z2[static_cast<std::size_t>(i)] = z * z;
      mean += z * z / static_cast<double>(r.rows());
    }
    const auto q = z2.begin() + static_cast<std::ptrdiff_t>(0.6827 * static_cast<double>(z2.size()));
    std::nth_element(z2.begin(), q, z2.end());
    if (mean > 0.0) scale[k] = std::clamp(std::max(mean, *q), 0.1, 100.0);
  }
  return scale;
}

Matrix rows_of(const Matrix& m, const std::vector<Index>& rows) {
  Matrix some(static_cast<Index>(rows.size()), m.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) some.row(static_cast<Index>(i)) = m.row(rows[i]);
  return some;
}

/// Five folds of the rows, equal points in one; empty where there are fewer than five points.
std::vector<Index> five_folds(const Matrix& x) {
  const std::vector<Index> first = first_of_equal_rows(x);
  std::vector<Index> fold(first.size());
  Index groups = 0;
  for (std::size_t i = 0; i < first.size(); ++i)
    fold[i] = first[i] == static_cast<Index>(i) ? groups++ % 5 : fold[static_cast<std::size_t>(first[i])];
  return groups < 5 ? std::vector<Index>{} : fold;
}

/// Residuals of these folds of the same regressor, for predictors that tell nothing of their error.
Matrix left_out_residuals(const Regressor& regressor, const TrainingData& data,
                          const std::vector<Index>& fold, const FitContext& context) {
  if (fold.empty()) return {};
  Matrix residuals = data.y;
  Workspace workspace;
  for (Index f = 0; f < 5; ++f) {
    std::vector<Index> kept, out;
    for (std::size_t i = 0; i < fold.size(); ++i)
      (fold[i] == f ? out : kept).push_back(static_cast<Index>(i));
    TrainingData part = data;
    part.x = rows_of(data.x, kept);
    part.y = rows_of(data.y, kept);
    const Matrix X = rows_of(data.x, out);
    Matrix mean(X.rows(), data.y.cols());
    regressor.fit(part, context).predictor->mean(X, mean, workspace);
    for (std::size_t i = 0; i < out.size(); ++i) residuals.row(out[i]) -= mean.row(static_cast<Index>(i));
  }
  return residuals;
}

/// The guard with the reach that residuals of left-out runs speak for; of channels whose runs were left out
/// in another way than the first one's, nothing is taken.
DomainGuard reached(const Prepared& prepared, const std::vector<FittedChannel>& fitted) {
  const Index n = prepared.x.rows();
  Vector error = Vector::Zero(n);
  const std::vector<Index>* folds = nullptr;
  for (std::size_t c = 0; c < fitted.size(); ++c) {
    const Matrix &r = fitted[c].summary.leave_one_out, &y = prepared.channels[c].coefficients;
    if (r.rows() != n || r.cols() != y.cols() || (folds && *folds != fitted[c].folds)) continue;
    folds = &fitted[c].folds;
    const double spread = (y.rowwise() - y.colwise().mean()).squaredNorm();
    if (spread > 0.0) error += r.rowwise().squaredNorm() / spread;
  }
  if (!folds)
    return prepared.guard.with_reach(prepared.guard.spacing(),
                                     "the largest distance between neighbours of the training set: the "
                                     "errors of runs left out are not known");
  return cross_validated(prepared.guard, left_out_distances(prepared.x, *folds), error);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char buffer[32];
  std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer;
}

}  // namespace

Prepared prepare(const Archive& archive, const Recipe& recipe, const FitContext& context) {
  const Archive runs = archive.completed();
  if (runs.size() == 0)
    throw DataError(text("there is no completed simulation to learn from (", archive.size(), " runs, ",
                         archive.count(RunStatus::failed), " of them failed)"));
  if (runs.size() == 1)
    throw DataError(text("there is only 1 completed simulation (of ", archive.size(),
                         "): how outputs vary can be learnt from 2 or more"));
  runs.check();
  if (runs.outputs.empty()) throw DataError("the archive holds no outputs");
  Prepared p;
  p.space = runs.space;
  p.axes = runs.axes;
  p.outputs = runs.outputs;
  std::vector<InputStep> steps;
  for (const Component& c : recipe.inputs) steps.push_back({c.name, c.settings});
  InputMap map = fit_input_map(p.space, steps);
  p.input_map = std::move(map.transform);
  p.input_names = std::move(map.names);
  p.input_units = std::move(map.units);
  p.input_bounds = std::move(map.bounds);
  p.x = forward_rows(*p.input_map, runs.parameters);
  p.guard = fit_domain_guard(p.x, context.random.split("guard"));

  for (const auto& [name, c] : recipe.decoders) runs.output_index(name);  // throws, naming the known ones
  std::vector<Index> numbers;  // of the completed runs among all of them
  for (Index i = 0; i < archive.size(); ++i)
    if (archive.status[static_cast<std::size_t>(i)] == RunStatus::done) numbers.push_back(i);
  for (const Together& part : decoded_together(runs, recipe)) {
    const OutputSpec& first = runs.outputs[part.outputs.front()];
    const Axis& axis = runs.axis(first.axis);
    DecoderData data{p.space.names(), runs.parameters, part.name, {}, axis.values, axis.unit, {}, numbers};
    Decoding decoding;
    for (const std::size_t o : part.outputs) {
      data.outputs.push_back(runs.outputs[o]);
      data.values.emplace_back(runs.values[o]);
      decoding.outputs.push_back(static_cast<Index>(o));
    }
    decoding.decoder = fit_decoder(part.decoder->name, part.decoder->settings, data);
    const std::vector<ChannelShape> shapes = decoding.decoder->channels();
    const std::vector<Matrix> rows = encoded(*decoding.decoder, data);
    for (std::size_t c = 0; c < shapes.size(); ++c) {
      if (context.progress) context.progress->note(text("compressing ", shapes[c].name));
      for (const PreparedChannel& other : p.channels)
        if (other.name == shapes[c].name)
          throw UsageError(
              text("recipe: two channels are called '", other.name, "'; give the group another name"));
      decoding.channels.push_back(static_cast<Index>(p.channels.size()));
      p.channels.push_back(prepare_channel(shapes[c], rows[c], recipe.for_channel(shapes[c].name)));
    }
    p.decodings.push_back(std::move(decoding));
  }
  for (const auto& [name, c] : recipe.channels) {
    std::string known;
    bool found = false;
    for (const auto& channel : p.channels) {
      found = found || channel.name == name;
      known += (known.empty() ? "" : ", ") + channel.name;
    }
    if (!found) throw UsageError(text("recipe: there is no channel '", name, "'; there are: ", known));
  }
  return p;
}

std::vector<FittedChannel> fit_channels(const Prepared& prepared, const Recipe& recipe,
                                        const FitContext& context, const Regressor* override) {
  std::vector<FittedChannel> result;
  for (const PreparedChannel& channel : prepared.channels) {
    RegressorPtr own;
    const Regressor* regressor = override;
    if (!regressor) {
      const Component& c = recipe.for_channel(channel.name).regressor;
      own = make_regressor(c.name, c.settings);
      regressor = own.get();
    }
    TrainingData data;
    data.x = prepared.x;
    data.y = channel.coefficients;
    data.input_names = prepared.input_names;
    data.input_lower = prepared.input_bounds.lower;
    data.input_upper = prepared.input_bounds.upper;
    data.input_units = prepared.input_units;
    FitContext inner = context;
    inner.random = context.random.split(channel.name);
    if (context.progress)
      context.progress->note(text("fitting ", regressor->name(), " to ", channel.coefficients.cols(),
                                  " coefficients of ", channel.name));
    Fit fit = regressor->fit(data, inner);
    if (!fit.summary.usable)
      throw NumericalError(text("channel '", channel.name, "': ", regressor->name(),
                                " gave no usable fit: ", fit.summary.message));
    std::vector<Index> folds;
    if (!fit.predictor->has_variance() && fit.summary.leave_one_out.rows() == 0) {
      if (context.progress) context.progress->note("it tells nothing of its error: fitting five folds");
      folds = five_folds(data.x);
      fit.summary.leave_one_out = left_out_residuals(*regressor, data, folds, inner);
    }
    const std::string settings = fit.summary.settings.empty() ? regressor->settings() : fit.summary.settings;
    result.push_back({fit.predictor, std::move(fit.summary),
                      regressor->name() + (settings.empty() ? "" : ", " + settings), std::move(folds)});
  }
  return result;
}

namespace {

Emulator::Parts parts_of(const Prepared& prepared, const std::vector<FittedChannel>& fitted) {
  Emulator::Parts parts;
  parts.space = prepared.space;
  parts.axes = prepared.axes;
  parts.outputs = prepared.outputs;
  parts.input_map = prepared.input_map;
  parts.decodings = prepared.decodings;
  parts.guard = prepared.guard;
  for (std::size_t c = 0; c < prepared.channels.size(); ++c) {
    const PreparedChannel& p = prepared.channels[c];
    const FittedChannel& f = fitted[c];
    parts.channels.push_back(
        {p.name, p.transform, p.basis, f.predictor, calibrate(f.summary, p.basis->coefficients())});
    if (const Matrix& r = f.summary.leave_one_out;
        !f.predictor->has_variance() && r.rows() > 1 && r.cols() == p.basis->coefficients()) {
      parts.channels.back().variance_scale = Vector::Ones(r.cols());
      parts.channels.back().residual_variance =
          r.colwise().squaredNorm().transpose() / static_cast<double>(r.rows());
    }
  }
  return parts;
}

}  // namespace

Emulator assemble(const Prepared& prepared, const std::vector<FittedChannel>& fitted) {
  return Emulator(parts_of(prepared, fitted));
}

TrainedEmulator train_emulator(const Archive& archive, const Recipe& recipe, const FitContext& context) {
  const auto start = std::chrono::steady_clock::now();
  TrainedEmulator result = train_prepared(prepare(archive, recipe, context), archive, recipe, context);
  result.info.training_seconds = seconds_since(start);
  return result;
}

TrainedEmulator train_prepared(const Prepared& prepared, const Archive& archive, const Recipe& recipe,
                               const FitContext& context) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<FittedChannel> fitted = fit_channels(prepared, recipe, context);
  Emulator::Parts parts = parts_of(prepared, fitted);
  parts.guard = reached(prepared, fitted);
  Emulator emulator(std::move(parts));

  ModelInfo info;
  info.title = archive.outputs.size() == 1 ? archive.outputs[0].name : "emulator";
  info.library_version = version();
  info.created = utc_now();
  info.recipe = to_toml(recipe);
  info.recipe_hash = hash_text(info.recipe);
  info.data_hash = archive.data_hash();
  info.provenance = archive.provenance;
  info.training_runs = archive.count(RunStatus::done);
  info.failed_runs = archive.count(RunStatus::failed);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < archive.seconds.size(); ++i)
    if (archive.status[i] == RunStatus::done && std::isfinite(archive.seconds[i]))
      seconds.push_back(archive.seconds[i]);
  info.simulator_seconds = std::nan("");
  if (!seconds.empty()) {
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    info.simulator_seconds = *middle;
  }
  for (std::size_t c = 0; c < prepared.channels.size(); ++c) {
    const PreparedChannel& p = prepared.channels[c];
    const FitSummary& s = fitted[c].summary;
    ChannelSummary summary{p.name,
                           p.transform_text,
                           p.basis_text,
                           fitted[c].regressor,
                           p.basis->coefficients(),
                           p.elements,
                           p.basis->singular_values(),
                           p.projection_error,
                           s.facts,
                           s.warnings};
    if (!s.message.empty()) summary.facts.insert(summary.facts.begin(), {"fit", s.message});
    if (!s.converged) summary.warnings.push_back("an iteration did not meet its own stopping rule");
    info.channels.push_back(std::move(summary));
  }
  info.training_seconds = seconds_since(start);
  return {std::move(emulator), std::move(info)};
}

}  // namespace ersatz
