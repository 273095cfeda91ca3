// What docs/file-formats.md shows is what works.

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/archive.hpp"
#include "ersatz/storage/space_file.hpp"
#include "scratch.hpp"

namespace ersatz {
namespace {

using testing::Scratch;

// The first code block of a language behind a heading.
std::string code_block(const std::string& heading, const std::string& language) {
  const std::string page = testing::slurp(std::string(ERSATZ_SOURCE_DIR) + "/docs/file-formats.md");
  const std::string fence = "```" + language + "\n";
  const auto section = page.find("# " + heading);
  const auto begin = page.find(fence, section);
  const auto end = page.find("```", begin + fence.size());
  if (section == std::string::npos || begin == std::string::npos || end == std::string::npos) return {};
  return page.substr(begin + fence.size(), end - begin - fence.size());
}

TEST(FileFormats, TheH5pySnippetWritesAnArchive) {
  const std::string snippet = code_block("Writing an archive with h5py", "python");
  ASSERT_FALSE(snippet.empty());
  const Scratch scratch;
  const int status = testing::run_python(snippet, scratch);
  if (status == 77) GTEST_SKIP() << "h5py is not installed for /usr/bin/python3";
  ASSERT_EQ(status, 0);
  const Archive a = read_archive(scratch("sims.h5"));
  EXPECT_EQ(a.size(), 50);
  EXPECT_EQ(a.count(RunStatus::done), 49);
  EXPECT_EQ(a.messages[3], "did not converge");
  EXPECT_EQ(a.space[0].upper, 4.0);
  const auto strain = static_cast<std::size_t>(a.output_index("strain"));
  EXPECT_TRUE(a.outputs[strain].complex);
  EXPECT_EQ(a.outputs[strain].size, 200);
  EXPECT_EQ(a.axis("time").unit, "M");
  EXPECT_NEAR(a.values[static_cast<std::size_t>(a.output_index("peak"))](0, 0), 1.0, 1e-12);
  write_archive(scratch("again.h5"), a);
  EXPECT_EQ(read_archive(scratch("again.h5")).data_hash(), a.data_hash());
}

TEST(FileFormats, TheTomlSnippetIsASpace) {
  std::string snippet = code_block("Parameter space (TOML)", "toml");
  ASSERT_FALSE(snippet.empty());
  for (const char* name : {"chi1x", "chi1y", "chi1z"})
    snippet += text("[[parameter]]\nname = '", name, "'\nlower = -0.8\nupper = 0.8\n");
  const ParameterSpace space = space_from_toml(snippet, "snippet");
  EXPECT_EQ(space.size(), 4);
  EXPECT_EQ(space.balls().size(), 1u);
  EXPECT_EQ(space.linear_constraints().size(), 1u);
}

}  // namespace
}  // namespace ersatz
