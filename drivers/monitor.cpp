#include "ersatz/selection/monitor.hpp"

#include <cstdio>

#include "common.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, simulations;
  double significance = MonitorOptions{}.significance;
};

Json describe(const MonitorReport& r) {
  Json tests = Json::array(), inputs = Json::array();
  for (const MonitorTest& t : r.tests)
    tests.push_back({{"test", t.what}, {"p_value", t.p_value}, {"negative", t.negative}, {"says", t.says}});
  for (const InputDrift& d : r.inputs)
    inputs.push_back(
        {{"input", d.name}, {"distance", d.distance}, {"p_value", d.p_value}, {"drifted", d.drifted}});
  return {{"holds", r.holds}, {"n", r.n},         {"outside_domain", r.outside_domain},
          {"tests", tests},   {"inputs", inputs}, {"validation", to_json(r.validation)}};
}

void print(const Options& o, const MonitorReport& r) {
  std::printf("%s: the model %s on %ld new runs\n\n", o.simulations.c_str(),
              r.holds ? "holds" : "does NOT hold", static_cast<long>(r.n));
  for (const MonitorTest& t : r.tests)
    std::printf("  %s %s: %s (p = %s)\n", t.negative ? "NO " : "yes", t.what.c_str(), t.says.c_str(),
                brief(t.p_value, 2).c_str());
  for (const InputDrift& d : r.inputs)
    if (d.drifted)
      std::printf("\nNote: %s is not spread as in training (distribution functions differ by %s, p = %s).\n",
                  d.name.c_str(), brief(d.distance, 2).c_str(), brief(d.p_value, 2).c_str());
  std::printf("\n%s", to_text(r.validation).c_str());
}

int run(const Session& session, const Options& o) {
  const Model model = load_model(o.model);
  const Archive fresh = read_unseen(o.simulations, model, o.model);
  MonitorReport report =
      naming(o.simulations, [&] { return monitor(model, fresh, {o.significance}, session.threads); });
  report.validation.source = o.simulations;
  warn_of_training_points(o.simulations, fresh, model);
  if (session.json)
    std::printf("%s\n", describe(report).dump(2).c_str());
  else
    print(o, report);
  return report.holds ? 0 : 5;
}

}  // namespace

void add_monitor(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("monitor", "Does a model still hold, on simulations it has not seen?");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("simulations", o->simulations, "New simulations: an archive")->required();
  sub->add_option("--significance", o->significance,
                  "Probability of a false alarm, of all tests together (default 0.01)")
      ->check(positive())
      ->check(CLI::Range(0.0, 0.5));
  session.add_options(*sub, false);
  sub->footer(
      "Examples:\n  ersatz monitor model.h5 new-sims.h5\n"
      "  ersatz monitor model.h5 new-sims.h5 --json > verdict.json || mail -s 'train again' me < "
      "verdict.json\n\n"
      "Exit status 0: the model holds; 5: it does not.");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
