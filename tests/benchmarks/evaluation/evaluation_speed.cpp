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

/// Values of the kernels' exponential for as many as `rows` rows of kernels have, a row at a time, and both
/// matrix products by BLAS: what a batch of means cannot do without.
double limit(Index rows, Index coefficients, Index bins) {
  const Vector in = Vector::LinSpaced(runs, -5.0, 0.0);
  Vector out(runs);
  const auto& table = kernels::table();
  const double exponentials = least(3, [&] {
    for (Index i = 0; i < rows; ++i) table.exponentials(in.data(), runs, out.data());
  });
  const Matrix k = Matrix::Random(batch, runs), w = Matrix::Random(coefficients, runs);
  const Matrix elements = Matrix::Random(coefficients, bins);
  Matrix c(batch, coefficients), y(batch, bins);
  y.setZero();
  const int p = static_cast<int>(coefficients), m = static_cast<int>(bins), n = static_cast<int>(runs),
            q = static_cast<int>(batch);
  const double one = 1.0, zero = 0.0;
  const double products = least(3, [&] {
    dgemm_("T", "N", &p, &q, &n, &one, w.data(), &n, k.data(), &n, &zero, c.data(), &p);
    dgemm_("N", "N", &m, &q, &p, &one, elements.data(), &m, c.data(), &p, &zero, y.data(), &m);
  });
  return exponentials + products;
}

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
  figure("limit", limit(shared ? batch : batch * coefficients, coefficients, width));
  figure("batch", least(5, [&] { e.mean(X, means, workspace); }));
  Workspace workspaces[2];
  figure("batch_two_threads",
         least(5,
               [&] {
                 const auto half = [&](int k) {
                   double* out[] = {mean.row(k * batch / 2).data()};
                   e.mean(X.middleRows(k * batch / 2, batch / 2), out, workspaces[k]);
                 };
                 std::thread other(half, 1);
                 half(0);
                 other.join();
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
