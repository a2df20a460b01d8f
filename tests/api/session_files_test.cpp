#include "api/session_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;
using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;

std::string make_folder() {
  auto made = (fs::temp_directory_path() / "sojourn-files-XXXXXX").string();
  EXPECT_NE(::mkdtemp(made.data()), nullptr);
  return made;
}

class SessionFilesTest : public testing::Test {
 protected:
  SessionFilesTest() : folder(make_folder()) {
    DeskSetup setup;
    setup.files_folder = folder;
    desk = std::make_unique<Desk>(std::move(setup));
  }
  ~SessionFilesTest() override { fs::remove_all(folder); }

  std::string open(Fields fields = {}) {
    auto const& asked =
        desk->ask("POST", "/api/v1/sessions/new/functions/open", R"({"url":"http://site.test/"})", std::move(fields));
    return std::string(json::find_string(json::parse(asked.body())->as_object(), "session_id"));
  }
  void write(std::string const& id, std::string const& name, std::string_view bytes) const {
    fs::create_directories(fs::path(folder) / id);
    std::ofstream(fs::path(folder) / id / name, std::ios::binary) << bytes;
  }
  Ask& get(std::string const& id, std::string const& rest, Fields fields = {}) {
    return desk->ask("GET", "/api/v1/sessions/" + id + rest, {}, std::move(fields));
  }
  void close(std::string const& id) { desk->ask("POST", "/api/v1/sessions/" + id + "/functions/close"); }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk->mint(user, scope))}; }
  static std::string header_of(Ask const& asked, std::string_view name) {
    for (auto const& [given, value] : asked.response().headers)
      if (given == name) return value;
    return {};
  }

  std::string folder;
  std::unique_ptr<Desk> desk;
};

TEST_F(SessionFilesTest, AFileIsGivenWithItsType) {
  auto const id = open();
  struct Row {
    std::string_view name;
    std::string_view type;
    std::string_view disposition;
  };
  for (auto const& each : {Row{"screenshot-1.png", "image/png", "inline; filename=\"screenshot-1.png\""},
                           Row{"a.jpg", "image/jpeg", "inline; filename=\"a.jpg\""},
                           Row{"video.webm", "video/webm", "inline; filename=\"video.webm\""},
                           Row{"a.pdf", "application/pdf", "attachment; filename=\"a.pdf\""},
                           Row{"page.html", "application/octet-stream", "attachment; filename=\"page.html\""},
                           Row{"image.svg", "application/octet-stream", "attachment; filename=\"image.svg\""},
                           Row{"noending", "application/octet-stream", "attachment; filename=\"noending\""}}) {
    auto const bytes = std::string("\0\xff", 2) + std::string(each.name);
    write(id, std::string(each.name), bytes);
    auto const& asked = get(id, "/files/" + std::string(each.name));
    EXPECT_EQ(asked.status(), 200);
    EXPECT_EQ(asked.body(), bytes);
    EXPECT_EQ(asked.response().content_type, each.type);
    EXPECT_EQ(header_of(asked, "Content-Disposition"), each.disposition);
    EXPECT_EQ(header_of(asked, "Content-Security-Policy"), "default-src 'none'; sandbox");
  }
}

TEST_F(SessionFilesTest, OnlyWhoMayReadTheSessionMayReadThem) {
  auto const id = open(as("alice"));
  write(id, "a.png", "x");
  EXPECT_EQ(get(id, "/files/a.png", as("alice", Scope::read)).status(), 200);
  EXPECT_EQ(get(id, "/files/a.png", as("bob")).body(),
            R"({"detail":"Session not found: )" + id + R"(","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
  write("sess_unknown", "a.png", "x");
  EXPECT_EQ(get("sess_unknown", "/files/a.png").status(), 404);
}

TEST_F(SessionFilesTest, INF_07_OfOneThatIsOverItsOwnerHasTheVideo) {
  auto const id = open(as("alice"));
  write(id, "a.png", "x");
  write(id, "video.webm", "film");
  close(id);
  EXPECT_EQ(get(id, "/video", as("alice")).body(), "film");
  EXPECT_EQ(get(id, "/files/video.webm", as("alice")).body(), "film");
  auto const& other = get(id, "/files/a.png", as("alice"));
  EXPECT_EQ(other.status(), 404);
  EXPECT_EQ(other.body(), R"({"detail":"Session ended: )" + id + R"(","code":"ended","error_code":"SESSION_ENDED"})");
  EXPECT_EQ(get(id, "/video", as("bob")).status(), 404);
  EXPECT_EQ(get(id, "/video").status(), 200) << "an admin";
  fs::remove(fs::path(folder) / id / "video.webm");
  auto const& gone = get(id, "/video", as("alice"));
  EXPECT_EQ(gone.status(), 404);
  EXPECT_EQ(gone.body(), R"({"detail":"File not found: video.webm","code":"not_found"})");
}

TEST_F(SessionFilesTest, INF_07_OfOneThatHasExpiredToo) {
  auto const id = open();
  write(id, "video.webm", "film");
  desk->stage.clock.advance_us(std::int64_t{601} * 1'000'000);
  desk->turn();
  EXPECT_EQ(get(id, "/video").body(), "film");
}

TEST_F(SessionFilesTest, NothingOutsideOfItsFolderIsRead) {
  auto const id = open();
  write(id, "a.png", "x");
  write("sess_other", "b.png", "secret");
  std::ofstream(fs::path(folder) / "secret.txt") << "secret";
  fs::create_symlink(fs::path(folder) / "secret.txt", fs::path(folder) / id / "link.txt");
  fs::create_directories(fs::path(folder) / id / "folder.png");
  for (auto const* const name :
       {"..%2Fsecret.txt", "%2e%2e%2fsecret.txt", "..", ".", ".hidden", "a.png%00", "..%2Fsess_other%2Fb.png",
        "a b.png", "link.txt", "folder.png", "b.png", "%2Fetc%2Fpasswd"}) {
    auto const& asked = get(id, "/files/" + std::string(name));
    EXPECT_EQ(asked.status(), 404) << name;
    EXPECT_EQ(asked.body().find("secret\""), std::string::npos) << name;
  }
  EXPECT_EQ(get("..", "/files/secret.txt").status(), 404);
}

TEST_F(SessionFilesTest, AFolderThatIsALinkIsNotFollowed) {
  auto const id = open();
  write("elsewhere", "a.png", "secret");
  fs::create_directory_symlink(fs::path(folder) / "elsewhere", fs::path(folder) / id);
  EXPECT_EQ(get(id, "/files/a.png").status(), 404);
}

TEST_F(SessionFilesTest, APipeHoldsNobodyUp) {
  auto const id = open();
  fs::create_directories(fs::path(folder) / id);
  ASSERT_EQ(::mkfifo((fs::path(folder) / id / "a.png").c_str(), 0600), 0);
  EXPECT_EQ(get(id, "/files/a.png").status(), 404);
}

TEST_F(SessionFilesTest, TooLargeAFileIsReadWhereItLies) {
  auto const id = open();
  write(id, "large.webm", "");
  fs::resize_file(fs::path(folder) / id / "large.webm", session_file_bytes_max + 1);
  auto const& asked = get(id, "/files/large.webm");
  EXPECT_EQ(asked.status(), 413);
  EXPECT_NE(asked.body().find("large.webm has 67108865 bytes"), std::string::npos) << asked.body();
}

TEST_F(SessionFilesTest, PartsOfAFileCanBeAskedFor) {
  auto const id = open();
  write(id, "video.webm", "0123456789");
  struct Row {
    std::string_view range;
    int status;
    std::string_view bytes;
    std::string_view place;
  };
  for (auto const& each :
       {Row{"bytes=0-3", 206, "0123", "bytes 0-3/10"}, Row{"bytes=4-", 206, "456789", "bytes 4-9/10"},
        Row{"bytes=-2", 206, "89", "bytes 8-9/10"}, Row{"bytes=8-99", 206, "89", "bytes 8-9/10"},
        Row{"bytes=-99", 206, "0123456789", "bytes 0-9/10"}, Row{"bytes=9-9", 206, "9", "bytes 9-9/10"},
        Row{"bytes=10-", 416, R"({"detail":"video.webm has 10 bytes"})", "bytes */10"},
        Row{"bytes=0-1,4-5", 200, "0123456789", ""}, Row{"bytes=5-4", 200, "0123456789", ""},
        Row{"lines=1-2", 200, "0123456789", ""}, Row{"bytes=x-", 200, "0123456789", ""},
        Row{"bytes=-0", 200, "0123456789", ""}, Row{"bytes=", 200, "0123456789", ""}}) {
    auto const& asked = get(id, "/video", {{"Range", std::string(each.range)}});
    EXPECT_EQ(asked.status(), each.status) << each.range;
    EXPECT_EQ(asked.body(), each.bytes) << each.range;
    EXPECT_EQ(header_of(asked, "Content-Range"), each.place) << each.range;
  }
  EXPECT_EQ(get(id, "/video", {{"Range", "bytes=0-3"}, {"If-Range", "\"tag\""}}).status(), 200);
  EXPECT_EQ(header_of(get(id, "/video"), "Accept-Ranges"), "bytes");
}

TEST_F(SessionFilesTest, OfALargeFileAPartIsBounded) {
  auto const id = open();
  write(id, "large.webm", "");
  fs::resize_file(fs::path(folder) / id / "large.webm", session_file_bytes_max + 10);
  auto const& begin = get(id, "/files/large.webm", {{"Range", "bytes=0-"}});
  EXPECT_EQ(begin.status(), 206);
  EXPECT_EQ(header_of(begin, "Content-Range"), "bytes 0-67108863/67108874");
  EXPECT_EQ(begin.body().size(), session_file_bytes_max);
  EXPECT_EQ(get(id, "/files/large.webm", {{"Range", "bytes=67108864-"}}).body().size(), 10u);
}

TEST_F(SessionFilesTest, WhileTooManyAreReadOthersWait) {
  auto const id = open();
  write(id, "a.png", "x");
  desk->is_overworked = true;
  auto const& asked = get(id, "/files/a.png");
  EXPECT_EQ(asked.status(), 429);
  EXPECT_EQ(header_of(asked, "Retry-After"), "1");
}

TEST(FileName, IsPlain) {
  for (std::string_view const good : {"a", "a.png", "Screenshot_1-2.jpeg", "9"})
    EXPECT_TRUE(is_file_name(good)) << good;
  EXPECT_TRUE(is_file_name(std::string(100, 'x')));
  for (std::string_view const bad : {"", ".", "..", ".a", "a/b", "a b", "a\\b", "\xc3\xbc", "a%20"})
    EXPECT_FALSE(is_file_name(bad)) << bad;
  EXPECT_FALSE(is_file_name(std::string(101, 'x')));
  EXPECT_FALSE(is_file_name(std::string_view("a\0b", 3)));
}

TEST(ReadSessionFile, ChecksNamesItself) {
  EXPECT_EQ(read_session_file("/", "etc", "passwd").has_value(), true) << "the folder is the server's to say";
  EXPECT_EQ(read_session_file("/nonexistent", "a", "b").error().code, Code::not_found);
  EXPECT_EQ(read_session_file("/etc", "..", "passwd").error().code, Code::not_found);
  EXPECT_EQ(read_session_file("/", "etc", "../etc/passwd").error().code, Code::not_found);
}

}  // namespace
}  // namespace sojourn
