#include "ersatz/simulators/command.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "ersatz/campaign/farm.hpp"
#include "ersatz/core/error.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::spill;

class Command : public ::testing::Test {
 protected:
  Command() {
    options.space =
        ParameterSpace({{"a", "", 0.0, 10.0, Scale::linear}, {"mode", "", 0.0, 20.0, Scale::linear}});
    std::filesystem::create_directory(scratch("runs"));
    options.folder = scratch("runs");
  }
  ~Command() override {
    EXPECT_TRUE(std::filesystem::is_empty(scratch("runs"))) << "temporary folders are left";
  }

  // A shell script that has $a, $mode, $input and $output.
  void script(const std::string& body) {
    spill(scratch("prog.sh"),
          "input=$1; output=$2\nIFS=, read a mode <<END\n$(tail -n 1 \"$input\")\nEND\n" + body);
    options.command = "sh '" + scratch("prog.sh") + "' {input} {output}";
  }
  static Matrix design(std::vector<double> modes) {
    Matrix X(static_cast<Index>(modes.size()), 2);
    for (std::size_t i = 0; i < modes.size(); ++i)
      X.row(static_cast<Index>(i)) << static_cast<double>(i), modes[i];
    return X;
  }
  Archive farm(const std::vector<double>& modes, Index threads = 1) const {
    const auto executor = make_executor(threads);
    FarmOptions farm_options;
    farm_options.executor = executor.get();
    return simulate(*make_command_simulator(options, design(modes)), design(modes), farm_options).archive;
  }
  static double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  Scratch scratch;
  CommandOptions options;
};

void expect_says(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' does not say '" << part << "'";
}

// A simulator that is an MPI program must not take itself for a rank of the farm.
TEST_F(Command, LaunchersVariablesAreNotPassedOn) {
  const std::vector<std::pair<const char*, const char*>> variables{{"OMPI_COMM_WORLD_SIZE", "4"},
                                                                   {"OMPI_COMM_WORLD_RANK", "3"},
                                                                   {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                                                   {"PMIX_RANK", "3"},
                                                                   {"PMI_RANK", "3"},
                                                                   {"ERSATZ_TEST_KEPT", "9"}};
  for (const auto& [name, value] : variables) ::setenv(name, value, 1);
  script(
      "echo \"${OMPI_COMM_WORLD_SIZE:-0}${PMIX_RANK:-0}${PMI_RANK:-0},$ERSATZ_RANK,$ERSATZ_LOCAL_RANK,"
      "$ERSATZ_TEST_KEPT\" > $output");
  const auto archive = farm({1});
  for (const auto& [name, value] : variables) ::unsetenv(name);
  ASSERT_EQ(archive.count(RunStatus::done), 1) << archive.messages[0];
  EXPECT_EQ(archive.values[0].row(0), (Eigen::RowVector4d(0.0, 3.0, 1.0, 9.0)));
}

TEST_F(Command, OneRowOneColumnOrAxisAndOutputs) {
  script("echo \"$a,$mode,7\" > $output\necho run >> " + scratch("ledger"));
  const auto one = farm({1, 2, 3}, 2);
  ASSERT_EQ(one.outputs.size(), 1u);
  EXPECT_EQ(one.outputs[0].name, "output");
  EXPECT_EQ(one.outputs[0].size, 3);
  EXPECT_EQ(one.values[0](2, 0), 2.0);
  EXPECT_EQ(one.values[0](2, 1), 3.0);
  EXPECT_EQ(slurp(scratch("ledger")), "run\nrun\nrun\n");  // the first run is not run twice

  script("printf \"$a\\n$mode\\n\" > $output");
  EXPECT_EQ(farm({5}).values[0](0, 1), 5.0);

  script("printf \"wave flux noise\\n1 $a 2\\n2 $mode 3\\n\" > $output");
  const auto series = farm({4, 5});
  ASSERT_EQ(series.outputs.size(), 2u);
  EXPECT_EQ(series.outputs[0].name, "flux");
  EXPECT_EQ(series.outputs[1].name, "noise");
  EXPECT_EQ(series.outputs[0].axis, "wave");
  EXPECT_EQ(series.axis("wave").values[1], 2.0);
  EXPECT_EQ(series.values[0](1, 1), 5.0);
}

TEST_F(Command, NumpyAndHdf5) {
  if (testing::run_python("", scratch) == 77) GTEST_SKIP() << "h5py is not installed for /usr/bin/python3";
  spill(scratch("prog.py"), R"(
import sys, numpy as np
x = np.load(sys.argv[1])
assert x.shape == (1, 2) and x.dtype == np.float64
np.save(sys.argv[2], x[0, 0] * np.array([1 + 2j, 3j]))
)");
  options.input_format = options.output_format = "npy";
  options.command = "/usr/bin/python3 '" + scratch("prog.py") + "' {input} {output}";
  const auto complex = farm({1, 1});
  EXPECT_TRUE(complex.outputs[0].complex);
  EXPECT_EQ(complex.values[0](1, 1), 2.0);
  EXPECT_EQ(complex.values[0](1, 3), 3.0);

  spill(scratch("prog.py"), R"(
import sys, numpy as np, h5py
x = np.loadtxt(sys.argv[1], delimiter=',', skiprows=1)
with h5py.File(sys.argv[2], 'w') as f:
    f['outputs/flux'] = x[0] * np.ones(4)
    f['outputs/flux'].attrs['axis'] = 'wavelength'
    f['outputs/flux'].attrs['unit'] = 'Jy'
    f['axes/wavelength'] = np.arange(4.0)
    f['axes/wavelength'].attrs['unit'] = 'nm'
    f['outputs/phase'] = np.array([1j, x[1]])
)");
  options.input_format = "csv";
  options.output_format = "h5";
  const auto h5 = farm({2, 3});
  ASSERT_EQ(h5.outputs.size(), 2u);
  EXPECT_EQ(h5.outputs[0].unit, "Jy");
  EXPECT_EQ(h5.axis("wavelength").unit, "nm");
  EXPECT_EQ(h5.values[0](1, 3), 1.0);
  EXPECT_EQ(h5.values[1](1, 2), 3.0);
  write_archive(scratch("a.h5"), h5);
  EXPECT_EQ(read_archive(scratch("a.h5")).data_hash(), h5.data_hash());
}

TEST_F(Command, EveryKindOfFailureIsAReason) {
  options.timeout = 0.5;
  script(R"(case $mode in
1) echo first >&2; echo 'second	line' >&2; printf 'bad \033[1m\377 bytes' >&2; exit 3;;
2) kill -SEGV $$;;
3) ;;
4) echo '1,nan,3' > $output;;
5) echo '1,2' > $output;;
6) echo 'garbage in' > $output; echo 'more of it, here' >> $output;;
7) head -c 3000 /dev/urandom > $output;;
8) : > $output;;
9) sleep 30 & sleep 30;;
10) no-such-program-at-all;;
11) mkdir $output;;
12) trap '' TERM; while :; do sleep 0.05; done;;
*) echo "1,2,$a" > $output;;
esac
)");
  std::vector<double> modes;
  for (int m = 0; m <= 13; ++m) modes.push_back(m);
  const auto start = std::chrono::steady_clock::now();
  const Archive a = farm(modes, 4);
  EXPECT_LT(seconds_since(start), 8.0);
  EXPECT_EQ(a.status[0], RunStatus::done);
  EXPECT_EQ(a.status[13], RunStatus::done);
  EXPECT_EQ(a.count(RunStatus::failed), 12);
  expect_says(a.messages[1], "exit status 3; it said: first | second line | bad ?[1m? bytes");
  expect_says(a.messages[2], "signal 11");
  expect_says(a.messages[3], "wrote no output file");
  expect_says(a.messages[4], "output.csv, line 1, column 2: 'nan' is not finite");
  expect_says(a.messages[5], "has 2 bins, in the first run 3");
  expect_says(a.messages[6], "output.csv, line 2, column 1: 'more of it' is not a number");
  EXPECT_FALSE(a.messages[7].empty());
  expect_says(a.messages[8], "not one row of numbers");
  expect_says(a.messages[9], "not finished after 0.5 s");
  expect_says(a.messages[10], "command not found");
  EXPECT_FALSE(a.messages[11].empty());
  expect_says(a.messages[12], "not finished after 0.5 s");
  for (const auto& message : a.messages)
    EXPECT_EQ(message.find(scratch("runs")), std::string::npos) << message;
  write_archive(scratch("a.h5"), a);  // the reasons can be stored
}

TEST_F(Command, TheWholeProcessGroupDies) {
  options.timeout = 0.2;
  script("if [ $mode = 0 ]; then echo 1 > $output; (sleep 31; echo late >> " + scratch("late") +
         ") & else sleep 30 & echo $! > " + scratch("pid") + "; wait; fi");
  const auto start = std::chrono::steady_clock::now();
  const Archive a = farm({0, 1});
  EXPECT_LT(seconds_since(start), 5.0);
  EXPECT_EQ(a.status[0], RunStatus::done);  // what it leaves in the background does not keep us waiting
  const int pid = std::stoi(slurp(scratch("pid")));
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    std::ifstream state(text("/proc/", pid, "/stat"));
    std::string number, name, letter;
    gone = !(state >> number >> name >> letter) || letter == "Z";
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

TEST_F(Command, StopKillsWhatIsUnderWayAndItStaysPending) {
  std::atomic<bool> stop{false};
  options.stop = &stop;
  script("[ $mode = 0 ] || sleep 30; echo $a > $output");
  FarmOptions farm_options;
  farm_options.stop = &stop;
  farm_options.archive = scratch("a.h5");
  const Matrix X = design({0, 0, 1, 0});
  const auto simulator = make_command_simulator(options, X);
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop = true;
  });
  const auto start = std::chrono::steady_clock::now();
  const auto result = simulate(*simulator, X, farm_options);
  later.join();
  EXPECT_LT(seconds_since(start), 5.0);
  EXPECT_EQ(result.summary.end, FarmEnd::stopped);
  EXPECT_EQ(result.summary.done, 2);
  EXPECT_EQ(result.summary.failed, 0);
  EXPECT_EQ(result.summary.pending, 2);
}

TEST_F(Command, LearnsFromTheFirstRunThatSucceeds) {
  script("echo run >> " + scratch("ledger") + "; [ $mode = 0 ] && exit 1; echo 1 2 > $output");
  const Archive a = farm({0, 0, 1, 1});
  EXPECT_EQ(a.count(RunStatus::failed), 2);
  EXPECT_EQ(a.count(RunStatus::done), 2);
  EXPECT_EQ(slurp(scratch("ledger")).size(), 4u * 4u);
  expect_says(message_of<DataError>([&] { farm(std::vector<double>(12, 0.0)); }),
              "failed on the first 10 points");
  expect_says(message_of<UsageError>([&] { make_command_simulator(options); }), "declare its outputs");

  options.axes = {{"t", "s", Vector::LinSpaced(2, 0, 1)}};
  options.outputs = {{"output", "V", "t", 2, false}};
  spill(scratch("ledger"), "");
  const auto declared = make_command_simulator(options);
  EXPECT_EQ(slurp(scratch("ledger")), "");
  const double x[2] = {1, 1};
  EXPECT_EQ(declared->run(x).outputs.at(0)[1], 2.0);
}

TEST_F(Command, WrongUse) {
  const auto why = [&] {
    return message_of<UsageError>([&] { make_command_simulator(options, design({0})); });
  };
  options.command = "prog {input}";
  expect_says(why(), "{output}");
  options.command = "prog {input} {output}";
  options.output_format = "xml";
  expect_says(why(), "unknown output format 'xml'");
}

TEST_F(Command, MuchOutputDoesNotBlock) {
  script("yes 'a long line of nothing' | head -n 200000; echo 1 > $output");
  options.timeout = 20.0;
  const Archive a = farm({1});
  EXPECT_EQ(a.count(RunStatus::done), 1) << a.messages[0];
}

}  // namespace
}  // namespace ersatz
