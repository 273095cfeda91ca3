#include "ersatz/inference/chain_file.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"
#include "storage/hdf5_array.hpp"

namespace ersatz {
namespace {

/// The numbers of a Trace's row behind theta, by their names in the file. Flags take a byte.
struct Column {
  const char* name;
  bool flag;
};
constexpr Column columns[Trace::extra] = {{"log_prior", false},    {"log_likelihood", false},
                                          {"inside_domain", true}, {"acceptance", false},
                                          {"evaluations", false},  {"trajectory_end", true}};

void write_traces(const h5::Group& group, const std::vector<Trace>& traces) {
  const auto chains = static_cast<Index>(traces.size());
  const Index d = traces[0].size(), steps = traces[0].steps(), width = traces[0].width();
  std::vector<double> theta;
  theta.reserve(static_cast<std::size_t>(chains * steps * d));
  for (const Trace& t : traces)
    for (Index s = 0; s < steps; ++s) theta.insert(theta.end(), t.theta(s), t.theta(s) + d);
  h5::write_array(group, "samples", {chains, steps, d}, theta.data());
  for (Index k = 0; k < Trace::extra; ++k) {
    std::vector<double> values;
    for (const Trace& t : traces)
      for (Index s = 0; s < steps; ++s)
        values.push_back(t.rows()[static_cast<std::size_t>(s * width + d + k)]);
    if (columns[k].flag) {
      const std::vector<std::int8_t> flags(values.begin(), values.end());
      h5::write_array(group, columns[k].name, {chains, steps}, flags.data());
    } else {
      h5::write_array(group, columns[k].name, {chains, steps}, values.data());
    }
  }
}

std::vector<Trace> read_traces(const h5::Group& group, Index chains, Index d) {
  const std::vector<Index> shape = group.shape("samples");
  if (shape.size() != 3 || shape[0] != chains || shape[2] != d)
    throw StorageError(
        text(group.where(), ", samples: expected ", chains, " chains x steps x ", d, " parameters"));
  const Index steps = shape[1];
  const std::vector<double> theta = h5::read_array(group, "samples", shape);
  std::vector<std::vector<double>> others;
  for (const Column& column : columns) others.push_back(h5::read_array(group, column.name, {chains, steps}));
  std::vector<Trace> traces;
  for (Index c = 0; c < chains; ++c) {
    Trace trace(d);
    std::vector<double> row(static_cast<std::size_t>(trace.width()));
    for (Index s = 0; s < steps; ++s) {
      const auto at = static_cast<std::size_t>(c * steps + s);
      std::copy_n(theta.begin() + static_cast<std::ptrdiff_t>(at) * d, d, row.begin());
      for (std::size_t k = 0; k < others.size(); ++k) row[static_cast<std::size_t>(d) + k] = others[k][at];
      trace.append(row.data(), 1);
    }
    traces.push_back(std::move(trace));
  }
  return traces;
}

void write_summaries(const h5::Group& root, const std::vector<MarginalSummary>& summaries) {
  const std::pair<const char*, double MarginalSummary::*> list[] = {
      {"mean", &MarginalSummary::mean},
      {"standard_deviation", &MarginalSummary::deviation},
      {"median", &MarginalSummary::median},
      {"lower_68", &MarginalSummary::lower68},
      {"upper_68", &MarginalSummary::upper68},
      {"lower_95", &MarginalSummary::lower95},
      {"upper_95", &MarginalSummary::upper95},
      {"r_hat", &MarginalSummary::r_hat},
      {"bulk_effective_size", &MarginalSummary::bulk_size},
      {"tail_effective_size", &MarginalSummary::tail_size},
      {"autocorrelation_time", &MarginalSummary::autocorrelation}};
  for (const auto& [name, member] : list) {
    std::vector<double> values;
    for (const MarginalSummary& s : summaries) values.push_back(s.*member);
    root.set_on("samples", name, values);
  }
}

void write_parameters(const h5::Group& group, const char* dataset,
                      const std::vector<DensityParameter>& parameters) {
  std::vector<std::string> names, units;
  std::vector<double> lower, upper;
  for (const DensityParameter& p : parameters) {
    names.push_back(p.name);
    units.push_back(p.unit);
    lower.push_back(p.lower);
    upper.push_back(p.upper);
  }
  group.set_on(dataset, "names", names);
  group.set_on(dataset, "units", units);
  group.set_on(dataset, "lower", lower);
  group.set_on(dataset, "upper", upper);
}

std::vector<DensityParameter> read_parameters(const h5::Group& group, const char* dataset) {
  const auto names = group.get_strings_on(dataset, "names");
  const auto units = group.get_strings_on(dataset, "units");
  const auto lower = group.get_doubles_on(dataset, "lower");
  const auto upper = group.get_doubles_on(dataset, "upper");
  if (names.empty() || units.size() != names.size() || lower.size() != names.size() ||
      upper.size() != names.size())
    throw StorageError(text(group.where(), ", ", dataset, ": names, units and bounds are not as many"));
  std::vector<DensityParameter> parameters;
  for (std::size_t i = 0; i < names.size(); ++i)
    parameters.push_back({names[i], units[i], lower[i], upper[i]});
  return parameters;
}

void write_maximum(const h5::Group& group, const ChainFile& file) {
  const Maximum& m = *file.maximum;
  group.write("theta", m.theta);
  group.write("unconstrained", m.u);
  write_parameters(group, "theta", file.chains.parameters);
  group.set("log_prior", m.value.log_prior);
  group.set("log_likelihood", m.value.log_likelihood);
  group.set("inside_domain", static_cast<std::int64_t>(m.value.inside_domain));
  group.set("converged", static_cast<std::int64_t>(m.converged));
  group.set("iterations", static_cast<std::int64_t>(m.iterations));
  if (file.laplace.covariance.size() > 0) group.write("covariance", file.laplace.covariance);
  group.set("no_covariance_because", file.laplace.why_not);
}

void read_maximum(const h5::Group& group, ChainFile& file) {
  Maximum m;
  file.chains.parameters = read_parameters(group, "theta");
  const auto d = static_cast<Index>(file.chains.parameters.size());
  m.theta = group.read_vector("theta", d);
  m.u = group.read_vector("unconstrained", d);
  m.value.log_prior = group.get_double("log_prior");
  m.value.log_likelihood = group.get_double("log_likelihood");
  m.value.inside_domain = group.get_integer("inside_domain") != 0;
  m.converged = group.get_integer("converged") != 0;
  m.iterations = group.get_integer("iterations");
  if (group.has("covariance")) file.laplace.covariance = group.read_matrix("covariance", d, d);
  file.laplace.why_not = group.get_string("no_covariance_because");
  file.maximum = std::move(m);
}

void write_options(const h5::Group& root, const SamplingOptions& o) {
  root.set("method", to_string(o.method));
  root.set("chains", static_cast<std::int64_t>(o.chains));
  root.set("warmup_steps", static_cast<std::int64_t>(o.warmup));
  root.set("steps", static_cast<std::int64_t>(o.steps));
  root.set("seed", std::to_string(o.seed));
  root.set("stretch", o.stretch);
  root.set("target_acceptance", o.acceptance);
  root.set("dense_mass_matrix", static_cast<std::int64_t>(o.dense));
  root.set("depth", static_cast<std::int64_t>(o.depth));
  root.set("target_effective_size", o.target_size);
  root.set("target_r_hat", o.target_r_hat);
}

SamplingOptions read_options(const h5::Group& root) {
  SamplingOptions o;
  o.method = sampling_method_from_string(root.get_string("method"));
  o.chains = root.get_integer("chains");
  o.warmup = root.get_integer("warmup_steps");
  o.steps = root.get_integer("steps");
  o.seed = std::stoull(root.get_string("seed"));
  o.stretch = root.get_double("stretch");
  o.acceptance = root.get_double("target_acceptance");
  o.dense = root.get_integer("dense_mass_matrix") != 0;
  o.depth = root.get_integer("depth");
  o.target_size = root.get_double("target_effective_size");
  o.target_r_hat = root.get_double("target_r_hat");
  return o;
}

void write_figures(const h5::Group& root, const Chains& chains) {
  const SamplingFigures f = figures(chains);
  root.set("mean_acceptance", f.acceptance);
  root.set("mean_evaluations", f.evaluations);
  root.set("share_outside_domain", f.outside_domain);
  root.set("trajectories_diverged", static_cast<std::int64_t>(f.diverged));
  root.set("trajectories_stopped", static_cast<std::int64_t>(f.stopped));
  root.set("trajectories_exhausted", static_cast<std::int64_t>(f.exhausted));
}

}  // namespace

void write_chain_file(const std::string& path, const ChainFile& file,
                      const std::vector<MarginalSummary>& summaries) {
  h5::AtomicFile out(path);
  const h5::Group root = out.root();
  root.set("format", chain_format);
  root.set("version", static_cast<std::int64_t>(chain_version));
  root.set("complete", static_cast<std::int64_t>(file.complete));
  root.set("end", file.end);
  root.set("model", file.model);
  root.set("data", file.data);
  root.write("configuration", std::vector<std::string>{file.configuration});
  root.set("warnings", file.warnings);
  const h5::Group identity = root.create_group("identity");
  for (const auto& [name, value] : file.identity) identity.set(name, value);
  std::vector<std::string> names;
  for (const auto& [name, value] : file.identity) names.push_back(name);
  identity.set("order", names);
  if (file.maximum) write_maximum(root.create_group("maximum"), file);
  const Chains& chains = file.chains;
  if (!chains.samples.empty()) {
    write_options(root, chains.options);
    write_traces(root, chains.samples);
    write_parameters(root, "samples", chains.parameters);
    if (!summaries.empty()) {
      write_summaries(root, summaries);
      write_figures(root, chains);
    }
    write_traces(root.create_group("warmup"), chains.warmup);
    std::vector<double> state;
    for (const auto& s : chains.state) state.insert(state.end(), s.begin(), s.end());
    h5::write_array(root, "state", {chains.chains(), static_cast<Index>(chains.state[0].size())},
                    state.data());
  }
  out.commit();
}

ChainFile read_chain_file(const std::string& path) {
  const h5::File in = h5::File::open(path);
  const h5::Group root = in.root();
  h5::check_format(root, chain_format, chain_version, path);
  h5::verify_checksum(in, false);
  ChainFile file;
  file.complete = root.get_integer("complete") != 0;
  file.end = root.get_string("end");
  file.model = root.get_string("model");
  file.data = root.get_string("data");
  file.configuration = root.read_strings("configuration", 1)[0];
  file.warnings = root.get_strings("warnings");
  const h5::Group identity = root.group("identity");
  for (const std::string& name : identity.get_strings("order"))
    file.identity.emplace_back(name, identity.get_string(name));
  if (root.has("maximum")) read_maximum(root.group("maximum"), file);
  if (root.has("samples")) {
    Chains& chains = file.chains;
    chains.options = read_options(root);
    chains.parameters = read_parameters(root, "samples");
    const auto d = static_cast<Index>(chains.parameters.size());
    chains.samples = read_traces(root, chains.options.chains, d);
    chains.warmup = read_traces(root.group("warmup"), chains.options.chains, d);
    const std::vector<Index> shape = root.shape("state");
    if (shape.size() != 2 || shape[0] != chains.options.chains)
      throw StorageError(
          text(path, ":/state: expected a row for each of ", chains.options.chains, " chains"));
    const std::vector<double> state = h5::read_array(root, "state", shape);
    for (Index c = 0; c < shape[0]; ++c)
      chains.state.emplace_back(state.begin() + c * shape[1], state.begin() + (c + 1) * shape[1]);
  }
  return file;
}

}  // namespace ersatz
