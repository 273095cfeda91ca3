#include "regression/gp/part.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {
namespace {

class Part final : public Kernel {
 public:
  Part(KernelPtr kernel, Index d, std::vector<Index> selection, const std::vector<Fate>& fates)
      : kernel_(std::move(kernel)), d_(d), selection_(std::move(selection)), fates_(fates) {
    for (std::size_t k = 0; k < selection_.size(); ++k)
      contiguous_ = contiguous_ && selection_[k] == selection_.front() + static_cast<Index>(k);
    const auto inner = kernel_->hyperparameters(2);
    std::vector<double> theta(inner.size(), 0.0);
    for (std::size_t p = 0; p < inner.size(); ++p) {
      Index source = -1;
      if (fates_[p].kind == Fate::Kind::fixed) theta[p] = std::log(fates_[p].value);
      if (fates_[p].kind == Fate::Kind::shared)
        for (std::size_t q = 0; q < p && source < 0; ++q)
          if (inner[q].name == inner[p].name) source = source_[q];
      if (source < 0 && fates_[p].kind != Fate::Kind::fixed) {
        source = static_cast<Index>(first_.size());
        first_.push_back(static_cast<Index>(p));
      }
      source_.push_back(source);
    }
    fixed_.resize(inner.size());
    kernel_->prepare(theta.data(), fixed_.data());
    all_free_ = first_.size() == inner.size();
  }

  std::string expression() const override {
    std::string arguments;
    const auto add = [&](const std::string& name, const std::vector<std::string>& values) {
      arguments += (arguments.empty() ? "" : ", ") + name + "=";
      for (std::size_t v = 0; v < values.size(); ++v)
        arguments += (v ? ", " : values.size() > 1 ? "[" : "") + values[v];
      if (values.size() > 1) arguments += "]";
    };
    std::vector<std::string> values;
    bool all = static_cast<Index>(selection_.size()) == d_;
    for (std::size_t k = 0; k < selection_.size(); ++k) {
      all = all && selection_[k] == static_cast<Index>(k);
      values.push_back(text(selection_[k]));
    }
    if (!all) add("inputs", values);
    const auto inner = kernel_->hyperparameters(2);
    for (std::size_t p = 0; p < inner.size(); ++p) {
      const auto same = [&](const Hyperparameter& h) { return h.name == inner[p].name; };
      if (fates_[p].kind == Fate::Kind::free ||
          std::find_if(inner.begin(), inner.end(), same) != inner.begin() + static_cast<std::ptrdiff_t>(p))
        continue;
      if (fates_[p].kind == Fate::Kind::shared) {
        add(inner[p].name, {"shared"});
        continue;
      }
      values.clear();
      for (std::size_t q = p; q < inner.size(); ++q)
        if (same(inner[q])) values.push_back(text(fates_[q].value));
      add(inner[p].name, values);
    }
    return kernel_->expression() + "(" + arguments + ")";
  }

  Index inputs() const override { return d_; }
  Index parameters() const override { return static_cast<Index>(first_.size()); }

  std::vector<Hyperparameter> hyperparameters(Index points) const override {
    const auto inner = kernel_->hyperparameters(points);
    std::vector<Hyperparameter> all;
    for (const Index p : first_) {
      Hyperparameter h = inner[static_cast<std::size_t>(p)];
      if (fates_[static_cast<std::size_t>(p)].kind == Fate::Kind::shared) {
        h.input = -1;  // in ranges of several inputs: no unit of its own
        h.scaled = false;
      } else if (h.input >= 0) {
        h.input = selection_[static_cast<std::size_t>(h.input)];
      }
      all.push_back(std::move(h));
    }
    return all;
  }

  void prepare(const double* theta, double* coefficients) const override {
    std::vector<double> inner(source_.size(), 0.0), made(source_.size());
    for (std::size_t p = 0; p < source_.size(); ++p)
      if (source_[p] >= 0) inner[p] = theta[source_[p]];
    kernel_->prepare(inner.data(), made.data());
    for (std::size_t q = 0; q < first_.size(); ++q)
      coefficients[q] = made[static_cast<std::size_t>(first_[q])];
  }

  bool stationary() const override { return kernel_->stationary(); }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const Seen seen = see(x, points, coefficients, workspace);
    kernel_->row(seen.x, seen.points, seen.coefficients, k, workspace);
  }

  void diagonal(const Points& points, const double* coefficients, double* k) const override {
    Few inner(static_cast<Index>(source_.size())), point(static_cast<Index>(selection_.size()));
    expand(coefficients, inner.data());
    const auto count = static_cast<Index>(selection_.size());
    if (contiguous_)
      return kernel_->diagonal(
          {points.columns + selection_.front() * points.stride, points.stride, points.size, count},
          inner.data(), k);
    for (Index i = 0; i < points.size; ++i) {
      for (Index j = 0; j < count; ++j)
        point.data()[j] = points.columns[selection_[static_cast<std::size_t>(j)] * points.stride + i];
      kernel_->diagonal({point.data(), 1, 1, count}, inner.data(), k + i);
    }
  }

  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    if (first_.empty()) return;
    const Workspace::Frame frame(workspace);
    const Seen seen = see(x, points, coefficients, workspace);
    if (all_free_) return kernel_->contract(seen.x, seen.points, seen.coefficients, w, gradient, workspace);
    double* inner = workspace.take(static_cast<Index>(source_.size()));
    std::fill(inner, inner + source_.size(), 0.0);
    kernel_->contract(seen.x, seen.points, seen.coefficients, w, inner, workspace);
    for (std::size_t p = 0; p < source_.size(); ++p)
      if (source_[p] >= 0) gradient[source_[p]] += inner[p];
  }

  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    const Seen seen = see(x, points, coefficients, workspace);
    double* inner = workspace.take(static_cast<Index>(selection_.size()));
    std::fill(inner, inner + selection_.size(), 0.0);
    kernel_->jacobian(seen.x, seen.points, seen.coefficients, w, inner, workspace);
    for (std::size_t j = 0; j < selection_.size(); ++j) gradient[selection_[j]] += inner[j];
  }

 private:
  /// What the inner kernel is shown: pointers into what is there where inputs stand together, else copies.
  struct Seen {
    const double* x;
    Points points;
    const double* coefficients;
  };
  Seen see(const double* x, const Points& points, const double* coefficients, Workspace& workspace) const {
    const auto count = static_cast<Index>(selection_.size());
    Seen seen{x, points, coefficients};
    if (!all_free_) {
      double* inner = workspace.take(static_cast<Index>(source_.size()));
      expand(coefficients, inner);
      seen.coefficients = inner;
    }
    if (contiguous_) {
      seen.x = x + selection_.front();
      seen.points = {points.columns + selection_.front() * points.stride, points.stride, points.size, count};
      return seen;
    }
    double* point = workspace.take(count);
    double* columns = workspace.take(count * points.size);
    for (Index j = 0; j < count; ++j) {
      const Index k = selection_[static_cast<std::size_t>(j)];
      point[j] = x[k];
      const double* column = points.columns + k * points.stride;
      std::copy(column, column + points.size, columns + j * points.size);
    }
    seen.x = point;
    seen.points = {columns, points.size, points.size, count};
    return seen;
  }
  void expand(const double* coefficients, double* inner) const {
    for (std::size_t p = 0; p < source_.size(); ++p)
      inner[p] = source_[p] >= 0 ? coefficients[source_[p]] : fixed_[p];
  }

  KernelPtr kernel_;
  Index d_;
  std::vector<Index> selection_;
  bool contiguous_ = true, all_free_ = true;
  std::vector<Fate> fates_;
  std::vector<Index> source_;  ///< of each inner hyperparameter: which of ours, -1: fixed
  std::vector<Index> first_;   ///< of each of ours: the first inner one
  std::vector<double> fixed_;  ///< inner coefficients, true where fixed
};

}  // namespace

KernelPtr make_part(const KernelPtr& kernel, Index d, const std::vector<Index>& selection,
                    const std::vector<Fate>& fates) {
  bool changes = static_cast<Index>(selection.size()) != d;
  for (std::size_t k = 0; k < selection.size(); ++k)
    changes = changes || selection[k] != static_cast<Index>(k);
  for (const Fate& fate : fates) changes = changes || fate.kind != Fate::Kind::free;
  return changes ? std::make_shared<Part>(kernel, d, selection, fates) : kernel;
}

std::string title(const std::string& expression) {
  std::string bare;
  int arguments = 0;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    // A bracket right behind a name opens its arguments.
    if (c == '(' && (arguments > 0 || (i > 0 && expression[i - 1] != ' ' && expression[i - 1] != '(')))
      ++arguments;
    if (arguments == 0) bare += c;
    if (c == ')' && arguments > 0) --arguments;
  }
  return bare;
}

}  // namespace ersatz::gp
