#include "browser/uploads.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace sojourn {
namespace {

class UploadsTest : public testing::Test {
 protected:
  UploadsTest() {
    std::string made = (std::filesystem::temp_directory_path() / "sojourn-uploads-XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) std::abort();
    settings_.data = folder_ = made;
  }
  ~UploadsTest() override { std::filesystem::remove_all(folder_); }

  // What the one file has, or the refusal.
  std::string lend(json::value given) {
    json::array paths;
    paths.push_back(std::move(given));
    auto const lent = lend_uploads(files_, "sess_a", paths);
    if (!lent) return lent.error().message;
    auto const path = std::string(lent->at(0).get_string());
    std::ifstream file(path);
    return std::filesystem::path(path).filename().string() + ": " +
           std::string(std::istreambuf_iterator<char>(file), {});
  }
  json::value object(std::string_view text) { return *json::parse(text); }

  std::string folder_;
  BrowserSettings settings_;
  Files files_{settings_};
};

TEST_F(UploadsTest, ContentIsGivenAsBase64) {
  EXPECT_EQ(lend(object(R"({"filename":"a.txt","content":"aGVsbG8="})")), "a.txt: hello");
  EXPECT_EQ(lend(object(R"({"filename":"../../etc/passwd","content":"aGk="})")), "passwd: hi");
  EXPECT_EQ(lend(object(R"({"filename":"a","content":"!"})")), "the content of 'a' is not base64");
  EXPECT_EQ(lend(object(R"({"content":"aGk="})")), "a file with content has to have a filename");
}

TEST_F(UploadsTest, OrAsADataUri) {
  EXPECT_EQ(lend(json::value("data:text/plain;base64,aGVsbG8=")), "upload: hello");
  EXPECT_EQ(lend(object(R"({"uri":"data:,a%20b","filename":"b.txt"})")), "b.txt: a b");
  EXPECT_EQ(lend(json::value("data:nothing")), "a data URI has no data");
}

TEST_F(UploadsTest, AndOfThisMachineOnlyTheSessionsOwnFiles) {
  auto const saved = files_.save("sess_a", "note", "mine", "text/plain");
  ASSERT_TRUE(saved);
  auto const path = json::find_string(*saved, "path");
  EXPECT_NE(lend(json::value(path)).find("mine"), std::string::npos);
  EXPECT_NE(lend(json::value("/etc/passwd")).find("is not a file of this session"), std::string::npos);
  EXPECT_NE(lend(json::value("../../etc/passwd")).find("is not a file of this session"), std::string::npos);
  std::filesystem::create_symlink("/etc/passwd", files_.folder("sess_a") + "/link");
  EXPECT_NE(lend(json::value("link")).find("is not a file of this session"), std::string::npos);
  auto const other = files_.save("sess_b", "note", "theirs", "text/plain");
  EXPECT_NE(lend(json::value(json::find_string(*other, "path"))).find("is not a file"), std::string::npos);
}

TEST_F(UploadsTest, NotTooMany) {
  json::array many(uploads_max + 1, json::value("data:,x"));
  EXPECT_FALSE(lend_uploads(files_, "sess_a", many));
}

}  // namespace
}  // namespace sojourn
