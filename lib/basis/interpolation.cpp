#include "ersatz/basis/interpolation.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "basis/products.hpp"
#include "core/named_table.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

struct Rule {
  const char* name;
  NodeRule rule;
};
constexpr Rule rules[] = {{"eim", NodeRule::eim}, {"deim", NodeRule::deim}, {"q-deim", NodeRule::q_deim}};

void fail_dependent(Index k) {
  throw NumericalError(text("empirical interpolation: element ", k,
                            " is a combination of the ones before, to rounding; leave it out"));
}

/// Greedy nodes by elimination: row k of `work` becomes element k minus its interpolant by the ones before,
/// which vanishes at their nodes.
template <class Scalar>
std::vector<Index> greedy_nodes(const Scalar* elements, Index r, Index m) {
  std::vector<Scalar> work(elements, elements + r * m), factors(static_cast<std::size_t>(r));
  std::vector<Index> nodes;
  for (Index k = 0; k < r; ++k) {
    Scalar* row = work.data() + k * m;
    double size = 0.0;
    for (Index j = 0; j < m; ++j) size = std::max(size, std::abs(row[j]));
    for (Index i = 0; i < k; ++i) {
      const Index node = nodes[static_cast<std::size_t>(i)];
      Scalar value = row[node];
      for (Index j = 0; j < i; ++j)
        value -= factors[static_cast<std::size_t>(j)] * work[static_cast<std::size_t>(j * m + node)];
      factors[static_cast<std::size_t>(i)] = value / work[static_cast<std::size_t>(i * m + node)];
    }
    if (k > 0)
      subtract_combination(static_cast<int>(m), static_cast<int>(k), static_cast<int>(m), work.data(),
                           factors.data(), row);
    for (const Index node : nodes) row[node] = 0.0;
    Index best = 0;
    for (Index j = 1; j < m; ++j)
      if (std::abs(row[j]) > std::abs(row[best])) best = j;
    if (!(std::abs(row[best]) > 64.0 * std::numeric_limits<double>::epsilon() * size)) fail_dependent(k);
    nodes.push_back(best);
  }
  return nodes;
}

int pivoted_qr(int r, int m, double* a, int* pivots) {
  std::vector<double> tau(static_cast<std::size_t>(r)), work(1);
  int size = -1, info = 0;
  dgeqp3_(&r, &m, a, &r, pivots, tau.data(), work.data(), &size, &info);
  size = static_cast<int>(work[0]);
  work.resize(static_cast<std::size_t>(size));
  dgeqp3_(&r, &m, a, &r, pivots, tau.data(), work.data(), &size, &info);
  return info;
}
int pivoted_qr(int r, int m, Complex* a, int* pivots) {
  std::vector<Complex> tau(static_cast<std::size_t>(r)), work(1);
  std::vector<double> real(static_cast<std::size_t>(2 * m));
  int size = -1, info = 0;
  zgeqp3_(&r, &m, a, &r, pivots, tau.data(), work.data(), &size, real.data(), &info);
  size = static_cast<int>(work[0].real());
  work.resize(static_cast<std::size_t>(size));
  zgeqp3_(&r, &m, a, &r, pivots, tau.data(), work.data(), &size, real.data(), &info);
  return info;
}
int solve(int r, int m, double* a, int* pivots, double* b) {
  int info = 0;
  dgesv_(&r, &m, a, &r, pivots, b, &r, &info);
  return info;
}
int solve(int r, int m, Complex* a, int* pivots, Complex* b) {
  int info = 0;
  zgesv_(&r, &m, a, &r, pivots, b, &r, &info);
  return info;
}

template <class Scalar>
constexpr Index doubles = static_cast<Index>(sizeof(Scalar) / sizeof(double));
template <class Scalar>
using Rows = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Scalar>
using Columns = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

template <class Scalar>
std::vector<Index> nodes_of(const Matrix& elements, NodeRule rule) {
  const Index r = elements.rows(), m = elements.cols() / doubles<Scalar>;
  const auto* values = reinterpret_cast<const Scalar*>(elements.data());
  if (rule != NodeRule::q_deim) return greedy_nodes(values, r, m);
  Columns<Scalar> a = Eigen::Map<const Rows<Scalar>>(values, r, m);
  std::vector<int> pivots(static_cast<std::size_t>(m), 0);
  const int info = pivoted_qr(static_cast<int>(r), static_cast<int>(m), a.data(), pivots.data());
  if (info != 0)
    throw NumericalError(text("empirical interpolation: LAPACK's pivoted QR failed (info ", info, ")"));
  std::vector<Index> nodes;
  for (Index k = 0; k < r; ++k) {
    if (!(std::abs(a(k, k)) > 64.0 * std::numeric_limits<double>::epsilon() * std::abs(a(0, 0))))
      throw NumericalError(text("empirical interpolation: the ", r, " elements have rank ", k,
                                ", to rounding; leave out those that are combinations of others"));
    nodes.push_back(pivots[static_cast<std::size_t>(k)] - 1);
  }
  return nodes;
}

template <class Scalar>
EmpiricalInterpolation interpolation_at(const Matrix& elements, std::vector<Index> nodes) {
  const Index r = elements.rows(), m = elements.cols() / doubles<Scalar>;
  const Eigen::Map<const Rows<Scalar>> e(reinterpret_cast<const Scalar*>(elements.data()), r, m);
  EmpiricalInterpolation result;
  result.complex = !std::is_same_v<Scalar, double>;
  result.nodes = std::move(nodes);
  // Row c of coefficients: values at the nodes v = c V, V(k, i) = element k at node i; so f = v V⁻¹ elements.
  Columns<Scalar> at_nodes(r, r), matrix = e;
  for (Index i = 0; i < r; ++i) at_nodes.col(i) = e.col(result.nodes[static_cast<std::size_t>(i)]);
  std::vector<int> pivots(static_cast<std::size_t>(r));
  if (solve(static_cast<int>(r), static_cast<int>(m), at_nodes.data(), pivots.data(), matrix.data()) != 0)
    throw NumericalError("empirical interpolation: the elements at the nodes are singular");
  for (Index i = 0; i < r; ++i)  // what rounding made of ones and zeros
    matrix.col(result.nodes[static_cast<std::size_t>(i)]) = Columns<Scalar>::Identity(r, r).col(i);
  result.lebesgue_max = matrix.cwiseAbs().colwise().sum().maxCoeff();
  const Rows<Scalar> rows = matrix;
  Columns<Scalar> gram(r, r);
  inner_products(static_cast<int>(m), static_cast<int>(r), static_cast<int>(r), rows.data(), rows.data(),
                 gram.data());
  result.lebesgue_2 = std::sqrt(
      Eigen::SelfAdjointEigenSolver<Columns<Scalar>>(gram, Eigen::EigenvaluesOnly).eigenvalues()[r - 1]);
  result.matrix = Eigen::Map<const Matrix>(reinterpret_cast<const double*>(rows.data()), r, elements.cols());
  return result;
}

void check_elements(const Matrix& elements, bool complex) {
  const Index bins = complex ? elements.cols() / 2 : elements.cols();
  if (complex && elements.cols() % 2 != 0)
    throw UsageError(text("empirical interpolation: complex elements of ", elements.cols(),
                          " numbers; expected pairs of real and imaginary parts"));
  if (elements.rows() == 0) throw UsageError("empirical interpolation: there are no elements");
  if (elements.rows() > bins)
    throw UsageError(text("empirical interpolation: ", elements.rows(), " elements need as many nodes, and ",
                          "there are ", bins, " bins"));
  for (Index k = 0; k < elements.rows(); ++k)
    if (!elements.row(k).allFinite())
      throw DataError(text("empirical interpolation: element ", k, " contains values that are not finite"));
}

}  // namespace

NodeRule node_rule(const std::string& name) { return find_named(rules, name, "rule for nodes").rule; }

EmpiricalInterpolation empirical_interpolation(const Matrix& elements, bool complex, NodeRule rule) {
  check_elements(elements, complex);
  const SingleThreadedBlas single;
  return complex ? interpolation_at<Complex>(elements, nodes_of<Complex>(elements, rule))
                 : interpolation_at<double>(elements, nodes_of<double>(elements, rule));
}

EmpiricalInterpolation empirical_interpolation(const Matrix& elements, bool complex,
                                               const std::vector<Index>& nodes) {
  check_elements(elements, complex);
  if (static_cast<Index>(nodes.size()) != elements.rows())
    throw UsageError(
        text("empirical interpolation: ", nodes.size(), " nodes for ", elements.rows(), " elements"));
  const Index bins = complex ? elements.cols() / 2 : elements.cols();
  for (const Index node : nodes)
    if (node < 0 || node >= bins)
      throw UsageError(text("empirical interpolation: node ", node, " is not among the ", bins, " bins"));
  const SingleThreadedBlas single;
  return complex ? interpolation_at<Complex>(elements, nodes) : interpolation_at<double>(elements, nodes);
}

Vector interpolate(const EmpiricalInterpolation& interpolation, const Vector& row) {
  if (row.size() != interpolation.matrix.cols())
    throw UsageError(text("empirical interpolation: a row of ", row.size(), " values, expected ",
                          interpolation.matrix.cols()));
  Vector result = Vector::Zero(row.size());
  for (std::size_t i = 0; i < interpolation.nodes.size(); ++i) {
    const Index node = interpolation.nodes[i];
    const auto b = interpolation.matrix.row(static_cast<Index>(i));
    if (!interpolation.complex) {
      result += row[node] * b.transpose();
      continue;
    }
    const Complex value(row[2 * node], row[2 * node + 1]);
    for (Index j = 0; j < row.size(); j += 2) {
      const Complex term = value * Complex(b[j], b[j + 1]);
      result[j] += term.real();
      result[j + 1] += term.imag();
    }
  }
  return result;
}

}  // namespace ersatz
