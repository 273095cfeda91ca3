// ersatz: emulators of expensive simulators, from the command line.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

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

}  // namespace

int main(int argc, char** argv) {
  using namespace ersatz::driver;
  prepare_process();
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
      "4 finished with some simulations failed, 5 a check came out negative, 130 simulations were stopped by "
      "a signal (go on with --resume).");
  Session session;
  for (int i = 0; i < argc; ++i) session.command_line += (i ? " " : "") + std::string(i ? argv[i] : "ersatz");
  add_design(app, session);
  add_simulate(app, session);
  add_import(app, session);
  add_condition(app, session);
  add_train(app, session);
  add_predict(app, session);
  add_validate(app, session);
  add_compare(app, session);
  add_report(app, session);
  add_info(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
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
  try {
    const int status = session.run();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      pollfd reader{STDOUT_FILENO, POLLOUT, 0};
      if (poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0) {
        // The reader has gone: end as all programs do, without a word.
        std::signal(SIGPIPE, SIG_DFL);
        std::raise(SIGPIPE);
      }
      std::fprintf(stderr, "ersatz: standard output cannot be written to\n");
      return 1;
    }
    return status;
  } catch (const ersatz::Error& e) {
    std::fprintf(stderr, "ersatz: %s\n", e.what());
    return e.exit_status();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "ersatz: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ersatz: unexpected failure: %s\n", e.what());
    return 1;
  }
}
