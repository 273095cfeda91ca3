// Sums and products of kernels. No matrix for each part is made: rows only.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "regression/gp/part.hpp"

namespace ersatz::gp {
namespace {

/// Appends the hyperparameters of one part; parts of one name are told apart by a number: "matern52 2".
void append(std::vector<Hyperparameter>& all, std::vector<Hyperparameter> more) {
  std::set<std::string> taken;
  for (const auto& h : all)
    if (h.role != Hyperparameter::Role::variance) taken.insert(h.part);
  std::vector<std::pair<std::string, std::string>> renamed;
  for (auto& h : more) {
    if (h.role == Hyperparameter::Role::variance) continue;
    auto found =
        std::find_if(renamed.begin(), renamed.end(), [&](const auto& r) { return r.first == h.part; });
    if (found == renamed.end()) {
      std::string name = h.part;
      for (int i = 2; taken.count(name); ++i) name = text(h.part, " ", i);
      taken.insert(name);
      found = renamed.insert(found, {h.part, name});
    }
    h.part = found->second;
  }
  for (auto& h : more) all.push_back(std::move(h));
}

void check_same_inputs(const Kernel& a, const Kernel& b) {
  if (a.inputs() != b.inputs())
    throw UsageError(text("kernels ", a.expression(), " and ", b.expression(), " are on ", a.inputs(),
                          " and ", b.inputs(), " inputs; both must be on the same"));
}

class Sum;
class Product;

struct Term {
  KernelPtr kernel;
  double weight = 0.0;  ///< its variance relative to the first term; 0: estimated
  Index begin = 0;      ///< its first hyperparameter
  Index variance = -1;  ///< where its relative variance is, if estimated
};

class Sum final : public Kernel {
 public:
  /// The first term's weight is 1.
  explicit Sum(std::vector<Term> terms) : terms_(std::move(terms)) {
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      Term& term = terms_[t];
      if (t == 0) term.weight = 1.0;
      term.begin = parameters_;
      parameters_ += term.kernel->parameters();
      term.variance = term.weight == 0.0 ? parameters_++ : -1;
    }
  }
  const std::vector<Term>& terms() const { return terms_; }

  std::string expression() const override {
    std::string all;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      if (t) all += " + ";
      if (t && terms_[t].variance < 0) all += text(terms_[t].weight, " * ");
      const bool nested = dynamic_cast<const Sum*>(terms_[t].kernel.get()) != nullptr;
      all += nested ? "(" + terms_[t].kernel->expression() + ")" : terms_[t].kernel->expression();
    }
    return all;
  }
  Index inputs() const override { return terms_.front().kernel->inputs(); }
  Index parameters() const override { return parameters_; }
  std::vector<Hyperparameter> hyperparameters(Index points) const override {
    std::vector<Hyperparameter> all;
    for (const Term& term : terms_) {
      append(all, term.kernel->hyperparameters(points));
      if (term.variance >= 0)
        all.push_back({"variance", Hyperparameter::Role::variance, -1, 0.3, 1e-6, 1e4, false,
                       title(term.kernel->expression())});
    }
    return all;
  }
  void prepare(const double* theta, double* coefficients) const override {
    for (const Term& term : terms_) {
      term.kernel->prepare(theta + term.begin, coefficients + term.begin);
      if (term.variance >= 0) coefficients[term.variance] = std::exp(theta[term.variance]);
    }
  }
  bool stationary() const override {
    return std::all_of(terms_.begin(), terms_.end(), [](const Term& t) { return t.kernel->stationary(); });
  }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* part = workspace.take(points.size);
    for (const Term& term : terms_) {
      const bool first = &term == terms_.data();
      term.kernel->row(x, points, coefficients + term.begin, first ? k : part, workspace);
      if (!first) add(weight(term, coefficients), part, points.size, k);
    }
  }
  void diagonal(const Points& points, const double* coefficients, double* k) const override {
    in_tiles(points, [&](const Points& tile, Index at) {
      double part[tile_size];
      for (const Term& term : terms_) {
        const bool first = &term == terms_.data();
        term.kernel->diagonal(tile, coefficients + term.begin, first ? k + at : part);
        if (!first) add(weight(term, coefficients), part, tile.size, k + at);
      }
    });
  }
  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* part = workspace.take(std::max(parameters_, points.size));
    for (const Term& term : terms_) {
      const double factor = weight(term, coefficients);
      const Index count = term.kernel->parameters();
      std::fill(part, part + count, 0.0);
      term.kernel->contract(x, points, coefficients + term.begin, w, part, workspace);
      add(factor, part, count, gradient + term.begin);
      if (term.variance < 0) continue;
      term.kernel->row(x, points, coefficients + term.begin, part, workspace);
      gradient[term.variance] += factor * kernels::table().dot(w, part, points.size);
    }
  }
  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* part = workspace.take(inputs());
    for (const Term& term : terms_) {
      std::fill(part, part + inputs(), 0.0);
      term.kernel->jacobian(x, points, coefficients + term.begin, w, part, workspace);
      add(weight(term, coefficients), part, inputs(), gradient);
    }
  }

 private:
  static double weight(const Term& term, const double* coefficients) {
    return term.variance < 0 ? term.weight : coefficients[term.variance];
  }
  static void add(double factor, const double* values, Index n, double* sum) {
    for (Index i = 0; i < n; ++i) sum[i] += factor * values[i];
  }

  std::vector<Term> terms_;
  Index parameters_ = 0;
};

class Product final : public Kernel {
 public:
  explicit Product(std::vector<KernelPtr> factors) : factors_(std::move(factors)) {
    for (const auto& factor : factors_) {
      begin_.push_back(parameters_);
      parameters_ += factor->parameters();
    }
  }
  const std::vector<KernelPtr>& factors() const { return factors_; }

  std::string expression() const override {
    std::string all;
    for (const auto& factor : factors_) {
      const bool nested = dynamic_cast<const Sum*>(factor.get()) != nullptr;
      all += all.empty() ? "" : " * ";
      all += nested ? "(" + factor->expression() + ")" : factor->expression();
    }
    return all;
  }
  Index inputs() const override { return factors_.front()->inputs(); }
  Index parameters() const override { return parameters_; }
  std::vector<Hyperparameter> hyperparameters(Index points) const override {
    std::vector<Hyperparameter> all;
    for (const auto& factor : factors_) append(all, factor->hyperparameters(points));
    return all;
  }
  void prepare(const double* theta, double* coefficients) const override {
    for (std::size_t f = 0; f < factors_.size(); ++f)
      factors_[f]->prepare(theta + begin_[f], coefficients + begin_[f]);
  }
  bool stationary() const override {
    return std::all_of(factors_.begin(), factors_.end(), [](const auto& f) { return f->stationary(); });
  }

  void row(const double* x, const Points& points, const double* coefficients, double* k,
           Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* part = workspace.take(points.size);
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      factors_[f]->row(x, points, coefficients + begin_[f], f ? part : k, workspace);
      if (f) multiply(part, points.size, k);
    }
  }
  void diagonal(const Points& points, const double* coefficients, double* k) const override {
    in_tiles(points, [&](const Points& tile, Index at) {
      double part[tile_size];
      for (std::size_t f = 0; f < factors_.size(); ++f) {
        factors_[f]->diagonal(tile, coefficients + begin_[f], f ? part : k + at);
        if (f) multiply(part, tile.size, k + at);
      }
    });
  }
  void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    each_factor(x, points, coefficients, w, workspace, [&](std::size_t f, const double* others) {
      if (factors_[f]->parameters() > 0)
        factors_[f]->contract(x, points, coefficients + begin_[f], others, gradient + begin_[f], workspace);
    });
  }
  void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                double* gradient, Workspace& workspace) const override {
    each_factor(x, points, coefficients, w, workspace, [&](std::size_t f, const double* others) {
      factors_[f]->jacobian(x, points, coefficients + begin_[f], others, gradient, workspace);
    });
  }

 private:
  static void multiply(const double* values, Index n, double* product) {
    for (Index i = 0; i < n; ++i) product[i] *= values[i];
  }
  /// work(f, w times all rows but that of factor f).
  template <class Work>
  void each_factor(const double* x, const Points& points, const double* coefficients, const double* w,
                   Workspace& workspace, Work work) const {
    const Workspace::Frame frame(workspace);
    const auto count = static_cast<Index>(factors_.size()), n = points.size;
    double* rows = workspace.take(count * n);
    double* others = workspace.take(n);
    for (Index f = 0; f < count; ++f) {
      const auto at = static_cast<std::size_t>(f);
      factors_[at]->row(x, points, coefficients + begin_[at], rows + f * n, workspace);
    }
    for (Index f = 0; f < count; ++f) {
      std::copy(w, w + n, others);
      for (Index g = 0; g < count; ++g)
        if (g != f) multiply(rows + g * n, n, others);
      work(static_cast<std::size_t>(f), others);
    }
  }

  std::vector<KernelPtr> factors_;
  std::vector<Index> begin_;
  Index parameters_ = 0;
};

KernelPtr add_term(const KernelPtr& a, const KernelPtr& b, double weight) {
  check_same_inputs(*a, *b);
  std::vector<Term> terms;
  if (const auto* sum = dynamic_cast<const Sum*>(a.get()))
    terms = sum->terms();
  else
    terms.push_back({a});
  terms.push_back({b, weight});
  return std::make_shared<Sum>(std::move(terms));
}

}  // namespace

KernelPtr operator+(const KernelPtr& a, const KernelPtr& b) { return add_term(a, b, 0.0); }

KernelPtr sum(const KernelPtr& a, const KernelPtr& b, double weight) {
  if (!(weight > 0.0) || !std::isfinite(weight))
    throw UsageError(text("sum of kernels: the weight is ", weight, ", expected a number above 0"));
  return add_term(a, b, weight);
}

KernelPtr operator*(const KernelPtr& a, const KernelPtr& b) {
  check_same_inputs(*a, *b);
  std::vector<KernelPtr> factors;
  for (const KernelPtr& k : {a, b}) {
    if (const auto* product = dynamic_cast<const Product*>(k.get()))
      factors.insert(factors.end(), product->factors().begin(), product->factors().end());
    else
      factors.push_back(k);
  }
  return std::make_shared<Product>(std::move(factors));
}

}  // namespace ersatz::gp
