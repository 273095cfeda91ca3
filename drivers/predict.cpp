#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"
#include "ersatz/storage/table.hpp"
#include "prediction_file.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, points, output, name;
  bool no_std = false;
};

void check_file_name(const Options& o) {
  if (o.output.empty())
    throw UsageError(o.name.empty() ? std::string("name the file to write with -o")
                                    : text("name the file to write with -o; --output ", o.name,
                                           " chooses one of the emulator's outputs"));
  check_prediction_format(o.output);
}

// A block of predictions on its way between threads or ranks: for each point its domain score, then the
// outputs' means and standard deviations.
Bytes encode(const Prediction& p) {
  Bytes bytes(reinterpret_cast<const char*>(p.domain_score.data()),
              static_cast<std::size_t>(p.domain_score.size()) * sizeof(double));
  for (const auto* matrices : {&p.mean, &p.std})
    for (const Matrix& m : *matrices)
      bytes.append(reinterpret_cast<const char*>(m.data()),
                   static_cast<std::size_t>(m.size()) * sizeof(double));
  return bytes;
}

Prediction decode(const Bytes& bytes, const Emulator& emulator, Index points, bool with_std) {
  Prediction p;
  std::size_t at = 0;
  const auto take = [&](double* values, Index count) {
    const std::size_t size = static_cast<std::size_t>(count) * sizeof(double);
    std::memcpy(values, bytes.data() + at, size);
    at += size;
  };
  p.domain_score.resize(points);
  take(p.domain_score.data(), points);
  for (const double score : p.domain_score) p.inside_domain.push_back(score <= 1.0);
  for (auto* matrices : {&p.mean, &p.std}) {
    if (matrices == &p.std && !with_std) continue;
    for (const OutputSpec& spec : emulator.outputs()) {
      matrices->emplace_back(points, spec.width());
      take(matrices->back().data(), matrices->back().size());
    }
  }
  return p;
}

// Enough points to be worth a message, few enough that what is under way stays small beside a model.
Index block_rows(const Emulator& emulator, bool with_std) {
  Index width = emulator.space().size();
  for (const OutputSpec& spec : emulator.outputs()) width += spec.width() * (with_std ? 2 : 1);
  constexpr Index bytes = Index{4} << 20;
  return std::clamp<Index>(bytes / (width * static_cast<Index>(sizeof(double))), 1, 8192);
}

// Process 0 reads points, hands them out and writes what comes back; neither file is ever in memory as a
// whole (but for points in text).
int predict(const Session& session, const Options& o) {
  const auto executor = session.executor();
  std::optional<Emulator> opened;
  executor->together([&] {
    if (executor->process() == 0) session.check_output(o.output, {o.model, o.points});
    opened = open_emulator(o.model);
  });
  const Emulator& emulator = *opened;
  bool with_std = false;
  std::unique_ptr<TableRows> points;
  std::unique_ptr<PredictionFile> file;
  const bool leads = executor->process() == 0;
  with_std = executor->share([&] {
    points = std::make_unique<TableRows>(o.points);
    parameters_of(points->read(0, 1), emulator.space());
    file = make_prediction_file(o.output, emulator, points->rows(), o.name, !o.no_std);
    return Bytes(1, file->with_std() ? 'y' : 'n');
  }) == "y";

  const Index d = emulator.space().size(), block = block_rows(emulator, with_std);
  const auto progress = session.progress();
  Index n = 0, outside = 0;
  executor->together([&] {
    const auto queue = executor->open([&](const Bytes& argument) {
      const std::vector<double> values = doubles_from_bytes(argument);
      const Eigen::Map<const Matrix> X(values.data() + 1, (static_cast<Index>(values.size()) - 1) / d, d);
      return encode(emulator.predict(X, with_std, 1, static_cast<Index>(values[0])));
    });
    n = leads ? points->rows() : 0;
    progress->begin("predictions", n);
    std::map<Index, Matrix> under_way;  // by first row
    const auto limit = static_cast<std::size_t>(2 * executor->workers());
    Index next = 0, done = 0;
    for (;;) {
      while (next < n && under_way.size() < limit) {
        const Index count = std::min(block, n - next);
        Matrix X = parameters_of(points->read(next, count), emulator.space());
        std::vector<double> argument{static_cast<double>(next)};
        argument.insert(argument.end(), X.data(), X.data() + X.size());
        under_way.emplace(next, std::move(X));
        queue->submit(next, to_bytes(argument));
        next += count;
      }
      const auto result = naming(o.points, [&] { return queue->next(); });
      if (!result) break;
      const auto entry = under_way.find(result->first);
      const Prediction p = decode(result->second, emulator, entry->second.rows(), with_std);
      file->write(result->first, entry->second, p);
      for (const bool inside : p.inside_domain) outside += !inside;
      progress->step(done += entry->second.rows());
      under_way.erase(entry);
    }
    if (leads) file->commit();
    progress->end();
  });
  if (!leads) return 0;

  if (session.json) {
    Json j{{"predictions", o.output}, {"n", n}, {"outside_domain", outside}, {"std", with_std}};
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s: %ld predictions%s\n", o.output.c_str(), static_cast<long>(n),
                with_std ? " with standard deviations" : "");
    if (outside > 0)
      std::printf(
          "Outside of what the emulator was trained on (inside_domain = 0), not to be trusted: %ld of %ld\n",
          static_cast<long>(outside), static_cast<long>(n));
  }
  return 0;
}

}  // namespace

void add_predict(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("predict", "Evaluate an emulator at points from a file");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("points", o->points, "Points: CSV, .npy or file.h5:/dataset, columns by name or in order")
      ->required();
  sub->add_option("-o,--output-file", o->output,
                  "File to write: .h5, or .csv/.npy for the mean of one output");
  sub->add_flag("--no-std", o->no_std, "Means only (faster)");
  sub->add_option("--output", o->name, "Only this output");
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz predict model.h5 points.csv -o predictions.h5\n"
      "  ersatz predict model.h5 sims.h5:/parameters -o h22.npy --output h22");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] {
      check_file_name(*o);
      return predict(session, *o);
    };
  });
}

}  // namespace ersatz::driver
