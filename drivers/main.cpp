// ersatz: emulators of expensive simulators, from the command line.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/version.hpp"

namespace {

/// Whoever reads what is printed may go (head -1, a terminal that closes): simulations and fits go on.
/// A file that grows beyond `ulimit -f` gives an error, not a signal. And where standard streams are closed,
/// no file that is opened later may take their numbers: what is printed would go into it.
void prepare_process() {
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  for (int descriptor = 0; descriptor <= 2; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0) (void)!open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
}

/// What is printed has to arrive. Ends the program without a word where its reader has gone, as all programs
/// do.
bool printed() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  pollfd reader{STDOUT_FILENO, POLLOUT, 0};
  if (poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  return false;
}

/// Standard error of all ranks but the first, while all of them print the same.
class FirstRankOnly {
 public:
  explicit FirstRankOnly(int rank) {
    if (rank == 0) return;
    std::fflush(stderr);
    kept_ = dup(STDERR_FILENO);
    if (const int null = open("/dev/null", O_WRONLY); null >= 0) {
      dup2(null, STDERR_FILENO);
      close(null);
    }
  }
  ~FirstRankOnly() {
    if (kept_ < 0) return;
    std::fflush(stderr);
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }
  FirstRankOnly(const FirstRankOnly&) = delete;
  FirstRankOnly& operator=(const FirstRankOnly&) = delete;

 private:
  int kept_ = -1;
};

int parse_and_run(int argc, char** argv, const ersatz::driver::Ranks& ranks) {
  using namespace ersatz::driver;
  CLI::App app{"Learns what an expensive simulator computes, and stands in for it.", "ersatz"};
  app.set_version_flag("--version", std::string("ersatz ") + ersatz::version());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "A first run:\n"
      "  ersatz design   --simulator supernova-6 --method sobol -n 300 -o design.csv\n"
      "  ersatz simulate --simulator supernova-6 --design design.csv -o sims.h5\n"
      "  ersatz train    sims.h5 -o model.h5\n"
      "  ersatz report   model.h5 -o report.html\n\n"
      "Exit status: 0 done, 1 unexpected failure, 2 wrong use or unreadable input, 3 the numbers cannot do "
      "it,\n"
      "4 finished with some simulations failed, 5 a check came out negative, 130 simulations, a search or a "
      "sample were stopped by a signal (go on with --resume).");
  Session session;
  session.ranks = &ranks;
  for (int i = 0; i < argc; ++i) session.command_line += (i ? " " : "") + std::string(i ? argv[i] : "ersatz");
  add_design(app, session);
  add_simulate(app, session);
  add_import(app, session);
  add_condition(app, session);
  add_train(app, session);
  add_predict(app, session);
  add_validate(app, session);
  add_compare(app, session);
  add_monitor(app, session);
  add_diff(app, session);
  add_search(app, session);
  add_curve(app, session);
  add_learn(app, session);
  add_infer(app, session);
  add_sbc(app, session);
  add_report(app, session);
  add_export(app, session);
  add_info(app, session);
  try {
    const FirstRankOnly first(ranks.rank());
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const FirstRankOnly first(ranks.rank());
    if (e.get_exit_code() == 0) return app.exit(e);
    const auto chosen = app.get_subcommands();
    if (chosen.empty() && argc > 1 && argv[1][0] != '-') {
      std::string names;
      for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        names += (names.empty() ? "" : ", ") + sub->get_name();
      std::fprintf(stderr, "ersatz: there is no subcommand '%s'; there are: %s\n", argv[1], names.c_str());
    } else {
      std::fprintf(stderr, "ersatz: %s\n", e.what());
    }
    std::fprintf(stderr, "See: ersatz %s--help\n",
                 chosen.empty() ? "" : (chosen[0]->get_name() + " ").c_str());
    return 2;
  }
  return session.ranks->conclude([&] {
    if (session.ranks->rank() != 0 && !session.uses_ranks) return 0;
    const int status = session.run();
    if (!printed()) throw ersatz::Error("standard output cannot be written to");
    return status;
  });
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  try {
    const ersatz::driver::Ranks ranks(&argc, &argv);
    return parse_and_run(argc, argv, ranks);
  } catch (const ersatz::Error& e) {
    std::fprintf(stderr, "ersatz: %s\n", e.what());
    return e.exit_status();
  }
}
