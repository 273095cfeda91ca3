// Model files: the same bits after a round trip, and no file that is not what it claims.

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstring>

#include "ersatz/core/error.hpp"
#include "small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::Scratch;
using testing::slurp;
using testing::small_archive;
using testing::spill;

void write(const std::string& path, const TrainedEmulator& model, std::int64_t version = 0,
           const char* format = nullptr) {
  h5::AtomicFile file(path);
  model.emulator.save(file.root());
  save_model_info(file.root(), model.info);
  if (version > 0) file.root().set("version", version);
  if (format) file.root().set("format", format);
  file.commit();
}

TEST(ModelFile, SameBitsAfterARoundTrip) {
  const Scratch scratch;
  RandomStream random(5);
  for (const char* regressor : {"gp", "ridge", "lasso", "chaos", "knn", "mean"}) {
    const TrainedEmulator model = train_emulator(small_archive(20), recipe_with(regressor));
    write(scratch("m.h5"), model);
    const Emulator loaded = open_emulator(scratch("m.h5"));
    const Matrix X = model.emulator.space().sample(30, random);
    const bool with_std = model.emulator.has_std();
    ASSERT_EQ(loaded.has_std(), with_std);
    const Prediction a = model.emulator.predict(X, with_std), b = loaded.predict(X, with_std);
    for (std::size_t o = 0; o < a.mean.size(); ++o) {
      const auto size = static_cast<std::size_t>(a.mean[o].size()) * sizeof(double);
      EXPECT_EQ(std::memcmp(a.mean[o].data(), b.mean[o].data(), size), 0) << regressor;
      if (with_std) {
        EXPECT_EQ(std::memcmp(a.std[o].data(), b.std[o].data(), size), 0) << regressor;
      }
      EXPECT_EQ(loaded.axis_of(loaded.outputs()[o]).values,
                model.emulator.axis_of(model.emulator.outputs()[o]).values);
    }
    EXPECT_EQ(a.domain_score, b.domain_score);
    EXPECT_EQ(loaded.space().names(), model.emulator.space().names());
    const ModelInfo info = load_model_info(open_model_file(scratch("m.h5")).root());
    EXPECT_EQ(info.recipe, model.info.recipe);
    EXPECT_EQ(info.data_hash, small_archive(20).data_hash());
    EXPECT_EQ(info.training_runs, 20);
    EXPECT_EQ(info.simulator_seconds, 0.5);
    ASSERT_EQ(info.channels.size(), 4u);  // y, flux, amplitude and phase
    EXPECT_EQ(info.channels[1].singular_values, model.info.channels[1].singular_values);
    EXPECT_EQ(info.channels[1].facts, model.info.channels[1].facts);
    EXPECT_EQ(info.channels[0].elements, 0);  // no basis
    EXPECT_EQ(info.channels[1].elements, model.emulator.channels()[1].basis->coefficients());
  }
}

TEST(ModelFile, ConstraintsSurvive) {
  const Scratch scratch;
  Archive archive = small_archive(20);
  std::vector<Parameter> parameters = archive.space.parameters();
  for (const char* name : {"x", "y", "z"}) parameters.push_back({name, "", -1.0, 1.0});
  Vector coefficients = Vector::Zero(5);
  coefficients[1] = 1.0;
  archive.space = ParameterSpace(parameters, {{{2, 3, 4}, 1.0}}, {{coefficients, 0.9}});
  RandomStream random(4);
  archive.parameters = archive.space.sample(20, random);
  write(scratch("m.h5"), train_emulator(archive, recipe_with("linear")));
  const ParameterSpace space = open_emulator(scratch("m.h5")).space();
  ASSERT_EQ(space.balls().size(), 1u);
  EXPECT_EQ(space.balls()[0].members, (std::array<Index, 3>{2, 3, 4}));
  ASSERT_EQ(space.linear_constraints().size(), 1u);
  EXPECT_EQ(space.linear_constraints()[0].coefficients, coefficients);
  EXPECT_EQ(space.linear_constraints()[0].upper, 0.9);
  EXPECT_EQ(space[0].scale, Scale::log);
}

TEST(ModelFile, EveryFlippedByteIsNoticed) {
  const Scratch scratch;
  write(scratch("m.h5"), train_emulator(small_archive(15), recipe_with("ridge")));
  const std::string good = slurp(scratch("m.h5"));
  const Matrix X = Matrix::Ones(1, 2);
  const Prediction truth = open_emulator(scratch("m.h5")).predict(X, true);
  int unnoticed = 0;
  for (std::size_t k = 0; k < 150; ++k) {
    std::string bad = good;
    const std::size_t at = k < 20 ? k : k < 40 ? bad.size() - 1 - (k - 20) : k * 7919 * 31 % bad.size();
    bad[at] = static_cast<char>(bad[at] ^ (1 << (k % 8)));
    spill(scratch("bad.h5"), bad);
    try {
      // Only bytes that mark the trailer may pass: then the checksum of the content has vouched for it.
      EXPECT_EQ(open_emulator(scratch("bad.h5")).predict(X, true).std[1], truth.std[1]) << at;
      EXPECT_GE(at, bad.size() - 24) << at;
      ++unnoticed;
    } catch (const StorageError&) {
    }
  }
  EXPECT_LE(unnoticed, 8);
  for (std::size_t k = 0; k < 40; ++k) {
    spill(scratch("bad.h5"), good.substr(0, good.size() * k / 40));
    EXPECT_THROW(open_emulator(scratch("bad.h5")), StorageError) << k;
  }
  EXPECT_NO_THROW(open_emulator(scratch("m.h5")));
}

TEST(ModelFile, ForeignAndNewerAreRefused) {
  const Scratch scratch;
  const TrainedEmulator model = train_emulator(small_archive(15), recipe_with("linear"));
  write(scratch("newer.h5"), model, model_version + 1);
  const std::string newer = message_of<StorageError>([&] { open_emulator(scratch("newer.h5")); });
  EXPECT_NE(newer.find("newer.h5"), std::string::npos) << newer;
  EXPECT_NE(newer.find(text(model_version + 1)), std::string::npos) << newer;
  write(scratch("foreign.h5"), model, 0, "ersatz-archive");
  EXPECT_NE(message_of<StorageError>([&] { open_emulator(scratch("foreign.h5")); }).find("ersatz-archive"),
            std::string::npos);
  spill(scratch("text.h5"), "a,b\n1,2\n");
  EXPECT_THROW(open_emulator(scratch("text.h5")), StorageError);
  spill(scratch("empty.h5"), "");
  EXPECT_THROW(open_emulator(scratch("empty.h5")), StorageError);
  EXPECT_THROW(open_emulator(scratch("none.h5")), StorageError);
  EXPECT_THROW(open_emulator(scratch.folder()), StorageError);
}

/// Checksums right, content wrong: what another program could write.
TEST(ModelFile, PartsThatDoNotFitAreRefused) {
  const Scratch scratch;
  const TrainedEmulator model = train_emulator(small_archive(15), recipe_with("linear"));
  const auto refused = [&](auto&& spoil) {
    {
      h5::AtomicFile file(scratch("m.h5"));
      model.emulator.save(file.root());
      save_model_info(file.root(), model.info);
      spoil(file.root());
      file.commit();
    }
    return !message_of<StorageError>([&] { open_emulator(scratch("m.h5")); }).empty();
  };
  EXPECT_FALSE(refused([](const h5::Group&) {}));
  EXPECT_TRUE(
      refused([](const h5::Group& g) { g.group("decoders/decoder1").set("size", std::int64_t{2400}); }));
  EXPECT_TRUE(
      refused([](const h5::Group& g) { g.group("decoders/decoder2").set("reference", std::int64_t{30}); }));
  EXPECT_TRUE(refused([](const h5::Group& g) { g.group("channels").set("count", std::int64_t{3}); }));
  EXPECT_TRUE(refused([](const h5::Group& g) { g.group("channels").set("count", std::int64_t{5}); }));
}

TEST(ModelFile, OpenedAThousandTimesWithoutALeak) {
  const Scratch scratch;
  Archive archive = small_archive(12);
  archive.outputs.resize(1);
  archive.values.resize(1);
  write(scratch("m.h5"), train_emulator(archive, recipe_with("ridge")));
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator{});
  };
  for (int i = 0; i < 50; ++i) open_emulator(scratch("m.h5"));
  const auto memory = mallinfo2().uordblks;
  const auto open = descriptors();
  for (int i = 0; i < 1000; ++i) open_emulator(scratch("m.h5"));
  EXPECT_EQ(descriptors(), open);
  EXPECT_LT(mallinfo2().uordblks, memory + 64 * 1024);  // less than 64 bytes each
}

}  // namespace
}  // namespace ersatz
