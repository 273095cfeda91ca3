// How fast emulators of 400 runs answer.
//
//   evaluation_speed FOLDER
//
// Prints a JSON object: seconds, least of several repeats, for FOLDER/lengths.h5 and shared.h5; writes
// MODEL-points.f64 and MODEL-mean.f64 (doubles) there. evaluation.py makes the models and reads the figures.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"

namespace {

using namespace ersatz;

constexpr Index runs = 400, batch = 10000;

double seconds(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double least(int repeats, const std::function<void()>& work) {
  double best = seconds(work);
  for (int i = 1; i < repeats; ++i) best = std::min(best, seconds(work));
  return best;
}

/// Of one call, which takes microseconds: least of 1000 times 10 calls at changing points.
double least_single(const Matrix& X, const std::function<void(ConstMatrixRef)>& call) {
  Index at = 0;
  return least(100,
               [&] {
                 for (int i = 0; i < 10; ++i) call(X.middleRows(at++ % X.rows(), 1));
               }) /
         10.0;
}

/// Both halves at once, the second on a thread of its own.
void halves(const std::function<void(int)>& half) {
  std::thread other(half, 1);
  half(0);
  other.join();
}

/// What means of `points` points cannot do without: values of the kernels' exponential for `rows` rows of
/// kernels, a row at a time, and both matrix products by BLAS.
class Limit {
 public:
  Limit(Index points, Index rows, Index coefficients, Index bins)
      : rows_(rows),
        in_(Vector::LinSpaced(runs, -5.0, 0.0)),
        out_(runs),
        k_(Matrix::Random(points, runs)),
        w_(Matrix::Random(coefficients, runs)),
        elements_(Matrix::Random(coefficients, bins)),
        c_(points, coefficients),
        y_(Matrix::Zero(points, bins)) {}

  void exponentials() {
    for (Index i = 0; i < rows_; ++i) kernels::table().exponentials(in_.data(), runs, out_.data());
  }
  void products() {
    const int p = static_cast<int>(w_.rows()), m = static_cast<int>(y_.cols()), n = static_cast<int>(runs),
              q = static_cast<int>(k_.rows());
    const double one = 1.0, zero = 0.0;
    dgemm_("T", "N", &p, &q, &n, &one, w_.data(), &n, k_.data(), &n, &zero, c_.data(), &p);
    dgemm_("N", "N", &m, &q, &p, &one, elements_.data(), &m, c_.data(), &p, &zero, y_.data(), &m);
  }

 private:
  Index rows_;
  Vector in_, out_;
  Matrix k_, w_, elements_, c_, y_;
};

/// Reading as many doubles as `factors` inverse factors have.
double read_factors(Index factors) {
  const Vector data = Vector::Ones(factors * kernels::panels_size(runs));
  const Vector some = Vector::Ones(4096);
  volatile double sink = 0.0;
  return least(10, [&] {
    double sum = 0.0;
    for (Index i = 0; i + some.size() <= data.size(); i += some.size())
      sum += kernels::table().dot(data.data() + i, some.data(), some.size());
    sink = sum;
  });
}

void write(const std::string& path, const double* values, Index n) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(n) * 8);
}

void measure(const std::string& folder, const std::string& name, bool last) {
  const std::string path = folder + "/" + name + ".h5";
  const Emulator e = open_emulator(path);
  const Index d = e.space().size(), width = e.outputs()[0].width();
  const Index coefficients = e.channels()[0].basis->coefficients();
  const bool shared = name == "shared";
  RandomStream random(3);
  const Matrix X = e.space().sample(batch, random);
  Workspace workspace;
  Matrix mean(batch, width), deviation(1, width), jacobian(width, d);
  mean.setZero();
  double *means[] = {mean.data()}, *stds[] = {deviation.data()}, *jacobians[] = {jacobian.data()};
  const auto figure = [](const char* what, double value, bool more = true) {
    std::printf("    \"%s\": %.9g%s\n", what, value, more ? "," : "");
  };
  std::printf("  \"%s\": {\n", name.c_str());
  figure("coefficients", static_cast<double>(coefficients));
  figure("bins", static_cast<double>(width));
  figure("mean", least_single(X, [&](ConstMatrixRef x) { e.mean(x, means, workspace); }));
  figure("mean_and_std",
         least_single(X, [&](ConstMatrixRef x) { e.mean_and_std(x, means, stds, workspace); }));
  figure("mean_and_jacobian",
         least_single(X, [&](ConstMatrixRef x) { e.mean_and_jacobian(x, means, jacobians, workspace); }));
  figure("read_factors", read_factors(shared ? 1 : coefficients));
  figure("open", least(10, [&] { open_emulator(path); }));
  const Index rows = shared ? batch : batch * coefficients;
  Limit whole(batch, rows, coefficients, width);
  figure("limit", least(3, [&] { whole.exponentials(); }) + least(3, [&] { whole.products(); }));
  Limit limits[] = {{batch / 2, rows / 2, coefficients, width}, {batch / 2, rows / 2, coefficients, width}};
  figure("limit_two_threads", least(3, [&] { halves([&](int k) { limits[k].exponentials(); }); }) +
                                  least(3, [&] { halves([&](int k) { limits[k].products(); }); }));
  figure("batch", least(5, [&] { e.mean(X, means, workspace); }));
  Workspace workspaces[2];
  figure("batch_two_threads",
         least(5,
               [&] {
                 halves([&](int k) {
                   double* out[] = {mean.row(k * batch / 2).data()};
                   e.mean(X.middleRows(k * batch / 2, batch / 2), out, workspaces[k]);
                 });
               }),
         false);
  std::printf("  }%s\n", last ? "" : ",");
  write(folder + "/" + name + "-points.f64", X.data(), X.size());
  write(folder + "/" + name + "-mean.f64", mean.data(), 200 * width);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: evaluation_speed FOLDER\n");
    return 2;
  }
  std::printf("{\n  \"instructions\": \"%s\",\n", kernels::table().name);
  measure(argv[1], "lengths", false);
  measure(argv[1], "shared", true);
  std::printf("}\n");
  return 0;
} catch (const ersatz::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return error.exit_status();
}
