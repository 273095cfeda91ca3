#include "ersatz/storage/archive.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "ersatz/storage/space_file.hpp"
#include "scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

ParameterSpace spin_space() {
  LinearConstraint linear{Vector::Zero(4), 3.5};
  linear.coefficients[0] = 1.0;
  linear.coefficients[3] = -0.25;
  return ParameterSpace({{"q", "", 1.0, 4.0, Scale::log},
                         {"chix", "", -0.8, 0.8, Scale::linear},
                         {"chiy", "", -0.8, 0.8, Scale::linear},
                         {"chiz", "", -0.8, 0.8, Scale::linear}},
                        {BallConstraint{{1, 2, 3}, 0.8}}, {linear});
}

Archive small_archive() {
  Archive a;
  a.space = spin_space();
  RandomStream random(1);
  a.parameters = a.space.sample(4, random);
  a.axes = {{"time", "M", Vector::LinSpaced(3, -2.0, 0.0)},
            {"frequency", "Hz", Vector::LinSpaced(2, 9.0, 1.0)}};
  a.outputs = {{"strain", "1", "time", 3, true}, {"flux", "erg/s", "frequency", 2, false}};
  a.values = {Matrix::Random(4, 6), Matrix::Random(4, 2)};
  a.status = {RunStatus::done, RunStatus::failed, RunStatus::pending, RunStatus::done};
  a.messages = {"", "it diverged: naïve step", "", ""};
  a.seconds = {1.5, 0.25, nan, 2.0};
  a.provenance = "a test";
  for (auto& v : a.values) v.middleRows(1, 2).setConstant(nan);
  return a;
}

void expect_same(const Archive& a, const Archive& b) {
  EXPECT_EQ(a.space.names(), b.space.names());
  EXPECT_TRUE(a.parameters == b.parameters);
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (std::size_t o = 0; o < a.outputs.size(); ++o) {
    EXPECT_EQ(a.outputs[o].name, b.outputs[o].name);
    EXPECT_EQ(a.outputs[o].unit, b.outputs[o].unit);
    EXPECT_EQ(a.outputs[o].complex, b.outputs[o].complex);
    EXPECT_EQ(a.outputs[o].size, b.outputs[o].size);
    EXPECT_TRUE(a.axis(a.outputs[o].axis).values == b.axis(b.outputs[o].axis).values);
    EXPECT_EQ(a.axis(a.outputs[o].axis).unit, b.axis(b.outputs[o].axis).unit);
    for (Index i = 0; i < a.size(); ++i) {
      if (a.status[static_cast<std::size_t>(i)] == RunStatus::done)
        EXPECT_TRUE(a.values[o].row(i) == b.values[o].row(i));
      else
        EXPECT_TRUE(b.values[o].row(i).array().isNaN().all());
    }
  }
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.messages, b.messages);
  EXPECT_EQ(a.data_hash(), b.data_hash());
}

TEST(Archive, RoundTrip) {
  const Scratch scratch;
  const Archive a = small_archive();
  write_archive(scratch("a.h5"), a);
  const Archive b = read_archive(scratch("a.h5"));
  expect_same(a, b);
  EXPECT_EQ(b.provenance, "a test");
  EXPECT_EQ(b.seconds[3], 2.0);
  EXPECT_TRUE(std::isnan(b.seconds[2]));
  EXPECT_EQ(b.space[0].scale, Scale::log);
  ASSERT_EQ(b.space.balls().size(), 1u);
  EXPECT_EQ(b.space.balls()[0].radius, 0.8);
  EXPECT_EQ(b.space.balls()[0].members, (std::array<Index, 3>{1, 2, 3}));
  ASSERT_EQ(b.space.linear_constraints().size(), 1u);
  EXPECT_EQ(b.space.linear_constraints()[0].coefficients[3], -0.25);
  EXPECT_EQ(b.space.linear_constraints()[0].upper, 3.5);
  EXPECT_EQ(b.count(RunStatus::done), 2);
  EXPECT_EQ(b.completed().size(), 2);
  EXPECT_TRUE(b.completed().parameters.row(1) == a.parameters.row(3));
  EXPECT_EQ(b.completed().data_hash(), a.data_hash());
  EXPECT_NE(b.subset({0}).data_hash(), a.data_hash());
  EXPECT_THROW(b.subset({4}), UsageError);
  EXPECT_NE(message_of<UsageError>([&] { b.output_index("flow"); }).find("strain, flux"), std::string::npos);
}

TEST(Archive, EmptyOne) {
  const Scratch scratch;
  const Archive none = small_archive().subset({});
  write_archive(scratch("a.h5"), none);
  EXPECT_EQ(read_archive(scratch("a.h5")).size(), 0);
}

TEST(Archive, CheckNamesWhatIsWrong) {
  const auto why = [](auto&& spoil) {
    Archive a = small_archive();
    spoil(a);
    return message_of<DataError>([&] { a.check(); });
  };
  EXPECT_EQ(why([](Archive&) {}), "");
  const auto says = [&](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' does not say '" << part << "'";
  };
  says(why([](Archive& a) { a.values[0](3, 4) = nan; }), "/outputs/strain, bin 2 (real part), row 3");
  says(why([](Archive& a) { a.values[1](0, 1) = INFINITY; }), "/outputs/flux, bin 1, row 0");
  says(why([](Archive& a) { a.parameters(2, 3) = nan; }), "row 2, column 3 (chiz)");
  says(why([](Archive& a) { a.axes[0].values[2] = -2.0; }), "/axes/time: value 2");
  says(why([](Archive& a) { a.axes[1].values[1] = 9.0; }), "/axes/frequency: value 1");
  says(why([](Archive& a) { a.outputs[1].name = "strain"; }), "appears twice");
  says(why([](Archive& a) { a.outputs[1].axis = "colour"; }), "no axis named 'colour'");
  says(why([](Archive& a) { a.outputs[0].size = 4; }), "4 bins on the axis 'time' of 3 values");
  says(why([](Archive& a) { a.status.pop_back(); }), "3 entries of /status for 4 runs");
  says(why([](Archive& a) { a.values[1].resize(4, 3); }), "4 x 3 numbers, 4 x 2 are expected");
}

TEST(Archive, WhatDoesNotFitIsNotWritten) {
  const Scratch scratch;
  Archive a = small_archive();
  a.values[0](0, 0) = nan;
  EXPECT_THROW(write_archive(scratch("a.h5"), a), DataError);
  EXPECT_EQ(scratch.count(), 0u);
}

TEST(Archive, ForeignAndNewerFilesAreRefused) {
  const Scratch scratch;
  const auto write = [&](const char* format, std::int64_t version) {
    h5::AtomicFile file(scratch("x.h5"));
    file.root().set("format", format);
    file.root().set("version", version);
    file.commit();
    return message_of<StorageError>([&] { read_archive(scratch("x.h5")); });
  };
  EXPECT_NE(write("ersatz-emulator", 1).find("'ersatz-archive' is expected"), std::string::npos);
  EXPECT_NE(write("ersatz-archive", 99).find("newer Ersatz"), std::string::npos);
  EXPECT_NE(write("ersatz-archive", 1).find("/parameters"), std::string::npos);
}

TEST(Archive, WrittenByH5py) {
  const Scratch scratch;
  const int status = testing::run_python(R"(
import h5py, numpy as np
n, d, m = 5, 2, 3
with h5py.File('bare.h5', 'w') as f:
    f.attrs['format'] = 'ersatz-archive'
    f.attrs['version'] = 1
    f['parameters'] = np.arange(n * d, dtype='f4').reshape(n, d)
    f['parameters'].attrs['names'] = ['a', 'b']
    f['outputs/y'] = np.ones((n, m), dtype='f4')
    f['outputs/single'] = np.arange(n)
with h5py.File('full.h5', 'w') as f:
    f.attrs['format'] = 'ersatz-archive'
    f.attrs['version'] = np.int32(1)
    p = f.create_dataset('parameters', data=np.arange(n * d, dtype='f8').reshape(n, d))
    p.attrs['names'] = np.array(['a', 'b'], dtype='S')
    p.attrs['scale'] = ['linear', 'periodic']
    p.attrs['upper'] = [10.0, 20.0]
    p.attrs['constraints'] = '[{"type": "linear", "coefficients": {"a": 1, "b": 2}, "upper": 30}]'
    y = np.ones((n, m), dtype='c8')
    y[1] = np.nan
    f.create_dataset('outputs/z', data=y, compression='gzip')
    f['outputs/z'].attrs['axis'] = 'time'
    f['axes/time'] = np.array([3, 2, 1])
    f['axes/time'].attrs['unit'] = 's'
    f['status'] = np.array([1, 2, 1, 1, 0], dtype='u1')
    f['messages'] = ['', 'broke', '', '', '']
for name, spoil in dict(nonames=lambda f: f['parameters'].attrs.__delitem__('names'),
                        nanrow=lambda f: f['outputs/z'].__setitem__((2, 1), np.nan),
                        noaxis=lambda f: f['axes'].__delitem__('time'),
                        badjson=lambda f: f['parameters'].attrs.__setitem__('constraints', '[{]'),
                        badstatus=lambda f: f['status'].__setitem__(3, 7)).items():
    import shutil
    shutil.copy('full.h5', name + '.h5')
    with h5py.File(name + '.h5', 'a') as f:
        spoil(f)
)",
                                         scratch);
  if (status == 77) GTEST_SKIP() << "h5py is not installed for /usr/bin/python3";
  ASSERT_EQ(status, 0);
  const Archive bare = read_archive(scratch("bare.h5"));
  EXPECT_EQ(bare.size(), 5);
  EXPECT_EQ(bare.count(RunStatus::done), 5);
  EXPECT_EQ(bare.space[1].lower, 1.0);
  EXPECT_EQ(bare.space[1].upper, 9.0);
  EXPECT_EQ(bare.space[1].unit, "");
  const auto y = static_cast<std::size_t>(bare.output_index("y"));
  EXPECT_EQ(bare.outputs[y].size, 3);
  EXPECT_EQ(bare.axis(bare.outputs[y].axis).values[2], 2.0);
  const auto single = static_cast<std::size_t>(bare.output_index("single"));
  EXPECT_EQ(bare.values[single](4, 0), 4.0);

  const Archive full = read_archive(scratch("full.h5"));
  EXPECT_EQ(full.space[1].scale, Scale::periodic);
  EXPECT_EQ(full.space[0].lower, 0.0);
  EXPECT_EQ(full.space[0].upper, 10.0);
  EXPECT_EQ(full.space.linear_constraints().at(0).coefficients[1], 2.0);
  EXPECT_TRUE(full.outputs[0].complex);
  EXPECT_EQ(full.axis("time").unit, "s");
  EXPECT_EQ(full.status[1], RunStatus::failed);
  EXPECT_EQ(full.messages[1], "broke");
  EXPECT_EQ(full.status[4], RunStatus::pending);
  EXPECT_TRUE(std::isnan(full.values[0](4, 0)));
  EXPECT_EQ(full.values[0](0, 0), 1.0);

  const auto says = [&](const char* name, const char* part) {
    const std::string path = scratch(name), message = message_of<DataError>([&] { read_archive(path); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find(path), std::string::npos) << message;
  };
  says("nonames.h5", "'names'");
  says("nanrow.h5", "/outputs/z, bin 1 (real part), row 2");
  says("noaxis.h5", "/axes/time");
  says("badjson.h5", "constraints");
  says("badstatus.h5", "row 3: 7");
}

// --------------------------------------------------------------------------------------------- space files

TEST(SpaceFile, RoundTrip) {
  const Scratch scratch;
  write_space(scratch("s.toml"), spin_space());
  const ParameterSpace s = read_space(scratch("s.toml"));
  EXPECT_EQ(space_to_toml(s), space_to_toml(spin_space()));
  EXPECT_EQ(s.names(), spin_space().names());
  EXPECT_EQ(s[0].scale, Scale::log);
  EXPECT_EQ(s.balls().at(0).radius, 0.8);
  EXPECT_EQ(s.linear_constraints().at(0).coefficients[3], -0.25);
  const ParameterSpace odd({{"a \"b\" \\ c\n", "µm", 0.1, 1e300, Scale::log}});
  const ParameterSpace again = space_from_toml(space_to_toml(odd), "text");
  EXPECT_EQ(again[0].name, odd[0].name);
  EXPECT_EQ(again[0].unit, "µm");
  EXPECT_EQ(again[0].lower, 0.1);
  EXPECT_EQ(again[0].upper, 1e300);
}

TEST(SpaceFile, ErrorsHaveLines) {
  const auto says = [](const std::string& toml, const std::string& part) {
    const std::string message = message_of<DataError>([&] { space_from_toml(toml, "s.toml"); });
    EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' does not say '" << part << "'";
  };
  const std::string a = "[[parameter]]\nname = 'a'\nlower = 0\nupper = 1\n";
  says("[[parameter]]\nname = 'a'\nlower = 0\nuper = 1\n", "s.toml, line 4: parameter: unknown key 'uper'");
  says("[[parameter]]\nname = 'a'\nlower = 0\n", "s.toml, line 1: parameter: 'upper' is missing");
  says("[[parameter]]\nname = 'a'\nlower = '0'\nupper = 1\n", "line 3: parameter: 'lower' must be a number");
  says("[[parameter]]\nname = a\n", "s.toml, line 2");
  says("[[parameter]]\nname = 'a'\nlower = 2\nupper = 1\n",
       "line 1: parameter: parameter 'a': lower bound 2");
  says(a + a, "line 5: parameter: 'a' appears twice");
  says(a + "scale = 'cubic'\n", "unknown scale 'cubic'");
  says("[parameter]\nname = 'a'\n", "two brackets");
  says("", "no parameters");
  says("colour = 1\n" + a, "line 1: parameter space: unknown key 'colour'");
  says(a + "[[constraint]]\ntype = 'box'\n", "line 6: constraint: unknown type 'box'");
  says(a + "[[constraint]]\ntype = 'ball'\nradius = 1\nmembers = ['a', 'b', 'c']\n",
       "line 8: constraint: no parameter named 'b'");
  says(a + "[[constraint]]\ntype = 'linear'\nupper = 1\ncoefficients = {z = 1}\n",
       "no parameter named 'z'; there are: a");
  EXPECT_THROW(read_space("/no/such/space.toml"), StorageError);
}

}  // namespace
}  // namespace ersatz
