#pragma once
// Leave-one-out of nearest neighbours: predictions of training points from the others.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "regression/neighbour_tree.hpp"
#include "regression/neighbour_weights.hpp"

namespace ersatz {

/// Points that repeat another one leave together with it. Everything runs in tasks of the executor and is the
/// same on any number of threads. The arguments must outlive this.
class LeaveOneOut {
 public:
  /// points n × v, in coordinates that distances are measured in; values n × p; first: of each point the
  /// first one at the same place; rows: those to predict.
  LeaveOneOut(const Matrix& points, NeighbourMetric metric, const Matrix& values,
              const std::vector<Index>& first, const std::vector<Index>& rows);

  /// Mean over rows of the squared residuals, summed over outputs, for each rule.
  std::vector<double> errors(const std::vector<NeighbourRule>& rules, Executor& executor) const;

  /// For one rule, rows × p: residuals y - y_(-i), and Σ (y - ȳ)² around each point; and over how many
  /// neighbours that sum runs, and whether nobody was inside the radius.
  struct Outcome {
    Matrix residuals, spreads;
    Vector around, isolated;
  };
  Outcome outcome(const NeighbourRule& rule, Executor& executor) const;

  /// As errors() for one smooth rule, with its gradient by the logarithm of each coordinate's scale (v).
  double error_gradient(const NeighbourRule& rule, Executor& executor, Vector& gradient) const;

 private:
  template <class Visit>
  void visit(Index task, const std::vector<NeighbourRule>& rules, const Visit& visit) const;
  Index tasks() const;
  void residual(Index row, const NeighbourRule& rule, const Neighbourhood& neighbours,
                const NeighbourWindow& window, double* residual, Workspace& workspace) const;

  const Matrix& points_;
  NeighbourMetric metric_;
  const Matrix& values_;
  const std::vector<Index>& first_;
  const std::vector<Index>& rows_;
  Index most_copies_ = 0;
  std::unique_ptr<const NeighbourTree> tree_;
};

}  // namespace ersatz
