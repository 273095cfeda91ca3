#include "regression/gp/input_frame.hpp"

namespace ersatz::gp {

void InputFrame::scale(const double* x, double* u) const {
  for (Index k = 0; k < dimension(); ++k)
    u[k] = (x[active[static_cast<std::size_t>(k)]] - lower[k]) / range[k];
}

void InputFrame::unscale(const double* gradient, double factor, Eigen::Ref<Eigen::RowVectorXd> row) const {
  for (Index k = 0; k < dimension(); ++k)
    row[active[static_cast<std::size_t>(k)]] = factor * gradient[k] / range[k];
}

void InputFrame::save(const h5::Group& group) const {
  group.set("inputs", static_cast<std::int64_t>(inputs));
  group.write("active_inputs", std::vector<std::int64_t>(active.begin(), active.end()));
  group.write("input_lower", lower);
  group.write("input_range", range);
}

InputFrame InputFrame::load(const h5::Group& group) {
  InputFrame frame;
  frame.inputs = static_cast<Index>(group.get_integer("inputs"));
  for (const auto i : group.read_integers("active_inputs")) {
    if (i < 0 || i >= frame.inputs) throw damaged(group, text("active input ", i, " of ", frame.inputs));
    frame.active.push_back(static_cast<Index>(i));
  }
  frame.lower = group.read_vector("input_lower", frame.dimension());
  frame.range = group.read_vector("input_range", frame.dimension());
  return frame;
}

StorageError damaged(const h5::Group& group, const std::string& what) {
  return StorageError(text(group.where(), ": ", what, "; the file is damaged or from a newer version"));
}

Structure read_structure(const h5::Group& group, const std::string& kernel, Index degree, Index dimension) {
  try {
    return {make_kernel(kernel, dimension), Trend(dimension, degree)};
  } catch (const UsageError& e) {
    throw damaged(group, e.what());
  }
}

}  // namespace ersatz::gp
