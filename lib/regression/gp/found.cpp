#include "regression/gp/found.hpp"

#include <cmath>

namespace ersatz::gp {

Bytes Found::bytes() const {
  std::vector<double> v = {nugget,
                           jitter,
                           process_variance,
                           value,
                           static_cast<double>(winner),
                           static_cast<double>(iterations),
                           static_cast<double>(evaluations),
                           static_cast<double>(converged),
                           static_cast<double>(usable),
                           static_cast<double>(reached.size())};
  v.insert(v.end(), reached.begin(), reached.end());
  v.insert(v.end(), theta.begin(), theta.end());
  return to_bytes(v);
}

Found Found::from(const Bytes& bytes) {
  const std::vector<double> v = doubles_from_bytes(bytes);
  Found f;
  f.nugget = v[0];
  f.jitter = v[1];
  f.process_variance = v[2];
  f.value = v[3];
  f.winner = static_cast<Index>(v[4]);
  f.iterations = static_cast<Index>(v[5]);
  f.evaluations = static_cast<Index>(v[6]);
  f.converged = v[7] != 0.0;
  f.usable = v[8] != 0.0;
  const auto theta = v.begin() + 10 + static_cast<std::ptrdiff_t>(v[9]);
  f.reached.assign(v.begin() + 10, theta);
  f.theta.assign(theta, v.end());
  return f;
}

Found find_hyperparameters(const KernelPtr& kernel, ConstMatrixRef x, ConstMatrixRef y,
                           const ObjectiveOptions& options, const SearchOptions& box,
                           const RandomStream& random, std::shared_ptr<CovarianceMatrix> matrix) {
  const auto objective = make_objective(kernel, x, y, options, std::move(matrix));
  Found found;
  SearchResult result;
  for (double jitter = options.jitter; jitter < 1e-3; jitter = jitter == 0.0 ? 1e-10 : 10.0 * jitter) {
    objective->set_jitter(jitter);
    result = search(*objective, box, random);
    found.jitter = jitter;
    found.evaluations += result.evaluations;
    if (result.usable) break;
  }
  found.usable = result.usable;
  found.converged = result.converged;
  found.value = result.value;
  found.reached = result.reached;
  found.winner = result.winner;
  found.iterations = result.iterations;
  const auto& all = result.parameters;
  const auto count = static_cast<std::size_t>(kernel->parameters());
  found.theta.assign(all.begin(), all.begin() + kernel->parameters());
  found.nugget = options.nugget ? *options.nugget : std::exp(all[count]);
  if (options.noise.size() > 0) found.process_variance = std::exp(all.back());
  return found;
}

}  // namespace ersatz::gp
