#include "app/doctor.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>

#include "app/temporary_folder.h"
#include "base/json.h"
#include "net/scripted_server.h"

namespace sojourn {
namespace {

using test::ScriptedServer;

class Doctor : public testing::Test {
 protected:
  Doctor() {
    examination_.target.data = folder_.path();
    examination_.environment = {{"PATH", folder_.path()}, {"HOME", folder_.path()}};
    examination_.port = test::find_unused_port();
  }

  Finding find(std::string const& name) const {
    for (auto const& finding : examine(examination_)) {
      if (finding.name == name) return finding;
    }
    return {};
  }

  int show() {
    Terminal terminal{in_, out_, err_, examination_.environment, Clock(), nullptr};
    auto const code = show_findings(examination_, terminal);
    EXPECT_TRUE(code);
    return code ? *code : -1;
  }

  std::string write_program(std::string const& name, std::string const& script) const {
    auto const path = folder_.write(name, "#!/bin/sh\n" + script + "\n");
    ::chmod(path.c_str(), 0700);
    return path;
  }

  test::TemporaryFolder folder_;
  Examination examination_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Doctor, LooksAtEverythingAndNamesARemedyForWhatIsNotOk) {
  std::string names;
  for (auto const& finding : examine(examination_)) {
    names += finding.name + " ";
    EXPECT_FALSE(finding.message.empty()) << finding.name;
    EXPECT_EQ(finding.remedy.empty(), finding.verdict == Verdict::ok) << finding.name;
  }
  EXPECT_EQ(names, "chromium sandbox user ffmpeg memory data port server io_uring files ");
}

TEST_F(Doctor, FindsBrowsersOfBothKindsWithTheirVersions) {
  EXPECT_EQ(find("chromium").verdict, Verdict::warn);
  EXPECT_NE(find("chromium").remedy.find("apt install chromium-headless-shell"), std::string::npos);
  auto const full = write_program("google-chrome", "echo Chrome 156");
  EXPECT_EQ(find("chromium").verdict, Verdict::ok);
  EXPECT_TRUE(find("chromium").message.starts_with("whole browser: Chrome 156 (" + full + "); the headless shell"));
  auto const shell = write_program("chromium-headless-shell", "echo Chromium 156");
  EXPECT_EQ(find("chromium").message,
            "headless shell: Chromium 156 (" + shell + "), whole browser: Chrome 156 (" + full + ")");
}

TEST_F(Doctor, FindsWhatRecords) {
  EXPECT_EQ(find("ffmpeg").verdict, Verdict::warn);
  EXPECT_EQ(find("ffmpeg").remedy, "apt install ffmpeg");
  auto const program = write_program("ffmpeg", "exit 1");
  EXPECT_EQ(find("ffmpeg").message, "sessions can be recorded (" + program + ")");
}

TEST_F(Doctor, SaysHowManySessionsThereIsMemoryFor) {
  EXPECT_NE(find("memory").message.find(" MiB are available: room for about "), std::string::npos);
}

TEST_F(Doctor, SaysWhoHoldsThePort) {
  EXPECT_EQ(find("port").verdict, Verdict::ok);
  ScriptedServer const stranger({"SMTP\r\n\r\n"});
  examination_.port = stranger.port();
  auto const held = find("port");
  EXPECT_EQ(held.verdict, Verdict::fail);
  EXPECT_NE(held.message.find(std::to_string(stranger.port()) + " is held by "), std::string::npos) << held.message;
  EXPECT_NE(held.remedy.find("--listen 127.0.0.1:" + std::to_string(stranger.port() + 1)), std::string::npos);
}

TEST_F(Doctor, AServerOfOursMayHoldThePort) {
  ScriptedServer const ours({ScriptedServer::answer(200, R"({"status":"ok","timestamp":1})")});
  examination_.port = ours.port();
  EXPECT_EQ(find("port").verdict, Verdict::ok) << find("port").message;
}

TEST_F(Doctor, NoServerIsFineALostOneIsNotAndANamedOneMustAnswer) {
  EXPECT_EQ(find("server").verdict, Verdict::ok);
  std::string const nobody = "http://127.0.0.1:" + std::to_string(test::find_unused_port());
  folder_.write("server.json", R"({"address":")" + nobody + R"(","pid":1})");
  EXPECT_EQ(find("server").verdict, Verdict::warn);
  examination_.target.server = nobody;
  EXPECT_EQ(find("server").verdict, Verdict::fail);
  ScriptedServer const server({ScriptedServer::answer(200, R"({"status":"ok"})")});
  examination_.target.server = server.url();
  EXPECT_EQ(find("server").verdict, Verdict::ok) << find("server").message;
  EXPECT_TRUE(server.requests().at(0).starts_with("GET /healthz "));
}

TEST_F(Doctor, TheDataFolderMustBeWritableAndPrivate) {
  EXPECT_EQ(find("data").verdict, Verdict::ok);
  ::chmod(folder_.path().c_str(), 0777);
  EXPECT_EQ(find("data").verdict, Verdict::warn);
  examination_.target.data = folder_.write("file", "");
  EXPECT_EQ(find("data").verdict, Verdict::fail);
}

TEST_F(Doctor, ExitsWithAFailureOnlyWhenSomethingFails) {
  EXPECT_EQ(show(), 0);
  EXPECT_EQ(out_.str().substr(0, 16), "warn  chromium  ") << out_.str();
  examination_.target.data = folder_.write("file", "");
  EXPECT_EQ(show(), 69);
}

TEST_F(Doctor, AnswersProgramsWithOneJsonObject) {
  examination_.target.json = true;
  examination_.target.data = folder_.write("file", "");
  EXPECT_EQ(show(), 69);
  auto const answer = json::parse(out_.str());
  ASSERT_TRUE(answer) << out_.str();
  EXPECT_FALSE(answer->at("ok").as_bool());
  auto const& check = answer->at("checks").at(5).as_object();
  EXPECT_EQ(json::find_string(check, "name"), "data");
  EXPECT_EQ(json::find_string(check, "verdict"), "fail");
  EXPECT_NE(json::find_string(check, "remedy"), "");
}

}  // namespace
}  // namespace sojourn
