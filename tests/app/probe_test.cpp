#include "app/probe.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "app/temporary_folder.h"
#include "net/scripted_server.h"

namespace sojourn {
namespace {

std::string write_program(test::TemporaryFolder const& folder, std::string const& name, std::string const& text) {
  auto path = folder.write(name, text);
  ::chmod(path.c_str(), 0700);
  return path;
}

TEST(Probe, AVersionIsTheFirstLineOfTheProgram) {
  test::TemporaryFolder const folder;
  auto const program = write_program(folder, "p", "#!/bin/sh\necho \"Browser 7 $1 \"\necho more\n");
  EXPECT_EQ(ask_version(program, 5000), "Browser 7 --version");
  EXPECT_FALSE(ask_version(write_program(folder, "silent", "#!/bin/sh\nexit 1\n"), 5000));
  EXPECT_FALSE(ask_version(folder.path() + "/absent", 5000));
}

TEST(Probe, AProgramThatHangsIsEndedWithItsChildren) {
  test::TemporaryFolder const folder;
  auto const program = write_program(folder, "p", "#!/bin/sh\necho $$ >" + folder.path() + "/number\nsleep 60\n");
  auto const start = std::chrono::steady_clock::now();
  EXPECT_FALSE(ask_version(program, 300));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  std::ifstream file(folder.path() + "/number");
  int number = 0;
  ASSERT_TRUE(file >> number);
  // Its orphan is gone once init has taken note of its end.
  bool is_gone = false;
  for (int i = 0; i < 500 && !is_gone; ++i) {
    is_gone = ::kill(-number, 0) != 0;
    if (!is_gone) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(is_gone);
}

TEST(Probe, AListenerIsNamedByItsProgramAndNumber) {
  test::ScriptedServer const server({""});
  auto const who = find_listener(server.port());
  EXPECT_NE(who.find("(process " + std::to_string(::getpid()) + ")"), std::string::npos) << who;
  EXPECT_EQ(find_listener(test::find_unused_port()), "");
}

TEST(Probe, AFolderIsWritableWhenItOrWhatIsAboveItIs) {
  test::TemporaryFolder const folder;
  EXPECT_EQ(why_not_writable(folder.path()), "");
  EXPECT_EQ(why_not_writable(folder.path() + "/a/b/c"), "");
  EXPECT_EQ(why_not_writable("relative/folder/that/is/not/there"), why_not_writable("."));
  auto const file = folder.write("file", "");
  EXPECT_EQ(why_not_writable(file), file + " is not a folder");
  EXPECT_NE(why_not_writable(file + "/below"), "");
  if (::geteuid() == 0) return;  // root may write anywhere
  ::chmod(folder.path().c_str(), 0500);
  EXPECT_EQ(why_not_writable(folder.path() + "/a"), folder.path() + ": Permission denied");
  ::chmod(folder.path().c_str(), 0700);
}

TEST(Probe, TheKernelAnswersAtOnceAndTwiceTheSame) {
  EXPECT_EQ(why_no_user_namespace(), why_no_user_namespace());
  EXPECT_EQ(why_no_io_uring(), why_no_io_uring());
}

}  // namespace
}  // namespace sojourn
