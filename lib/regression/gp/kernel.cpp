#include "ersatz/regression/gp/kernel.hpp"

#include "regression/gp/stationary.hpp"

namespace ersatz::gp {

void Kernel::jacobians(const double* x, const Points& points, const double* coefficients, const double* w,
                       Index stride, Index count, double* gradients, Workspace& workspace) const {
  for (Index o = 0; o < count; ++o)
    jacobian(x, points, coefficients, w + o * stride, gradients + o * inputs(), workspace);
}

std::vector<std::string> kernel_names() { return stationary_kernel_names(); }

void gram_lower(const Kernel& kernel, const Points& points, const double* coefficients, double* matrix,
                Workspace& workspace) {
  const Workspace::Frame frame(workspace);
  double* x = workspace.take(points.inputs);
  for (Index j = 0; j < points.size; ++j) {
    points.gather(j, x);
    kernel.row(x, points.from(j), coefficients, matrix + j * points.size + j, workspace);
  }
}

void gram_contract(const Kernel& kernel, const Points& points, const double* coefficients, double* weights,
                   double* gradient, Workspace& workspace) {
  const Workspace::Frame frame(workspace);
  double* x = workspace.take(points.inputs);
  const auto parameters = kernel.parameters();
  double* half = workspace.take(parameters);
  for (Index p = 0; p < parameters; ++p) half[p] = 0.0;
  for (Index j = 0; j < points.size; ++j) {
    points.gather(j, x);
    double* w = weights + j * points.size + j;
    w[0] *= 0.5;
    kernel.contract(x, points.from(j), coefficients, w, half, workspace);
  }
  for (Index p = 0; p < parameters; ++p) gradient[p] += 2.0 * half[p];
}

}  // namespace ersatz::gp
