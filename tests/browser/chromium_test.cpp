#include "browser/chromium.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>

#include "support/chromium_stage.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using test::find_processes;
using test::read_file;
using test::strays;

class ChromiumTest : public test::ChromiumStage {};
class EachChromium : public ChromiumTest, public testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Browsers, EachChromium, testing::Values(true, false),
                         [](auto const& kind) { return kind.param ? "Shell" : "Full"; });

TEST_P(EachChromium, AnswersAndLeavesNothingBehind) {
  NEEDS_A_BROWSER();
  auto const setup = setup_for(GetParam());
  if (setup.executable.empty()) GTEST_SKIP() << "only the other kind is installed";
  auto const before = strays();
  auto chromium = start(setup);
  ASSERT_NE(chromium, nullptr);
  ASSERT_TRUE(is_up(*chromium));
  EXPECT_NE(chromium->product().find("Chrome/"), std::string::npos) << chromium->product();
  EXPECT_NE(chromium->user_agent().find("Mozilla/5.0"), std::string::npos);
  EXPECT_NE(open_page(*chromium), "");
  auto const folder = chromium->folder();
  EXPECT_EQ(folders(), (std::vector{folder}));
  EXPECT_TRUE(fs::exists(folder + "/Default") || fs::exists(folder + "/Local State")) << "the profile is used";
  auto const group = chromium->pid();
  EXPECT_EQ(kill(-group, 0), 0);
  chromium.reset();
  EXPECT_NE(kill(-group, 0), 0) << "a process, or a zombie";
  EXPECT_EQ(waitpid(-group, nullptr, WNOHANG), -1);
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(find_processes(mark()).empty());
  EXPECT_EQ(strays(), before);
  until([turns = 0]() mutable { return ++turns > 20; });
  EXPECT_TRUE(reasons.empty()) << "who ends it need not be told";
}

TEST_P(EachChromium, NeverRunsAsRootNorWithoutItsSandboxNorWithAPort) {
  NEEDS_A_BROWSER();
  auto const setup = setup_for(GetParam());
  if (setup.executable.empty()) GTEST_SKIP() << "only the other kind is installed";
  auto const chromium = start(setup);
  ASSERT_NE(chromium, nullptr);
  ASSERT_TRUE(is_up(*chromium));
  ASSERT_NE(open_page(*chromium), "");
  int count = 0;
  for (auto const& entry : fs::directory_iterator("/proc")) {
    auto const name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (getpgid(std::stoi(name)) != chromium->pid()) continue;
    struct stat info {};
    if (stat((entry.path() / "task").c_str(), &info) != 0) continue;
    auto const text = read_file(entry.path() / "status");
    EXPECT_EQ(text.find("\nUid:\t0"), std::string::npos) << text;
    auto const line = read_file(entry.path() / "cmdline");
    EXPECT_EQ(line.find("--no-sandbox"), std::string::npos);
    EXPECT_EQ(line.find("--remote-debugging-port"), std::string::npos);
    ++count;
  }
  EXPECT_GE(count, 4);
}

TEST_F(ChromiumTest, SaysOnceWhenItIsGoneByItselfAndWhatWaitsFails) {
  NEEDS_A_BROWSER();
  auto const chromium = start(any_setup());
  ASSERT_NE(chromium, nullptr);
  ASSERT_TRUE(is_up(*chromium));
  auto const session = open_page(*chromium);
  json::object const never{{"expression", "new Promise(() => {})"}, {"awaitPromise", true}};
  auto const waiting = chromium->wire().send(session, "Runtime.evaluate", never);
  auto const folder = chromium->folder();
  kill(-chromium->pid(), SIGKILL);
  auto const begin = steady_clock::now();
  EXPECT_EQ(only_reason(), "the browser ended (SIGKILL)");
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(wait(waiting).error().code, Code::crashed);
  EXPECT_EQ(wait(chromium->wire().send("", "Browser.getVersion")).error().code, Code::crashed);
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_EQ(waitpid(-chromium->pid(), nullptr, WNOHANG), -1);
}

TEST_F(ChromiumTest, AnEndThatIsAskedForIsNotToldOfAndAKillIs) {
  NEEDS_A_BROWSER();
  auto const ended = start(any_setup());
  ASSERT_NE(ended, nullptr);
  ASSERT_TRUE(is_up(*ended));
  auto const begin = steady_clock::now();
  ended->end();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::milliseconds(15)) << "nobody waits";
  EXPECT_TRUE(until([&] { return folders().empty(); }));
  EXPECT_EQ(waitpid(-ended->pid(), nullptr, WNOHANG), -1);
  EXPECT_TRUE(reasons.empty());
  auto const killed = start(any_setup());
  ASSERT_NE(killed, nullptr);
  killed->kill();
  EXPECT_NE(only_reason(), "");
}

TEST_F(ChromiumTest, WhatCannotBeStartedSaysWhy) {
  ChromiumSetup setup;
  setup.executable = "/nowhere/chromium";
  setup.profile_root_key = profile_key(data);
  auto const missing = Chromium::start(loop, timers, setup, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::unavailable);
  EXPECT_EQ(missing.error().message,
            "the browser can't be started: /nowhere/chromium: it can't be run: No such file or directory; see sojourn "
            "doctor");
  EXPECT_TRUE(folders().empty());
  EXPECT_NE(no_browser().message.find("apt install chromium-headless-shell"), std::string::npos);
}

TEST_F(ChromiumTest, OneThatEndsAtItsStartIsQuoted) {
  auto const chromium = start(script_setup("#!/bin/sh\necho 'first line' >&2\necho 'no display' >&2\nexit 5\n"));
  ASSERT_NE(chromium, nullptr);
  EXPECT_EQ(only_reason(), "the browser ended at its start (exit code 5): first line no display");
}

TEST_F(ChromiumTest, NoMoreThanItsLastWordsAreKept) {
  auto const chromium =
      start(script_setup("#!/bin/sh\ni=0\nwhile [ $i -lt 5000 ]; do echo \"line $i of what it writes\" >&2; i=$((i + "
                         "1)); done\nexit 5\n"));
  ASSERT_NE(chromium, nullptr);
  auto const why = only_reason();
  EXPECT_LT(why.size(), 600U);
  EXPECT_TRUE(why.ends_with("line 4999 of what it writes")) << why;
}

TEST_F(ChromiumTest, AMissingSandboxIsExplained) {
  auto const chromium = start(script_setup("#!/bin/sh\necho 'FATAL: No usable sandbox! Update ...' >&2\nexit 133\n"));
  ASSERT_NE(chromium, nullptr);
  EXPECT_NE(only_reason().find("user namespaces"), std::string::npos);
}

TEST_F(ChromiumTest, OneThatDoesNotComeUpInTimeIsEnded) {
  auto setup = script_setup("#!/bin/sh\nsleep 60\n");
  setup.start_us_max = 200'000;
  auto const chromium = start(std::move(setup));
  ASSERT_NE(chromium, nullptr);
  EXPECT_EQ(only_reason(), "the browser did not come up in time");
  EXPECT_EQ(waitpid(-chromium->pid(), nullptr, WNOHANG), -1);
}

TEST_F(ChromiumTest, OneThatClosesItsPipesIsEnded) {
  auto const chromium = start(script_setup("#!/bin/sh\nexec 3<&- 4>&-\nsleep 60\n"));
  ASSERT_NE(chromium, nullptr);
  EXPECT_EQ(only_reason(), "the browser ended at its start (SIGKILL)");
}

TEST_F(ChromiumTest, AScriptThatStartsItWillDo) {
  NEEDS_A_BROWSER();
  auto chromium = start(script_setup("#!/bin/sh\n'" + any_setup().executable + "' \"$@\"\nexit $?\n"));
  ASSERT_NE(chromium, nullptr);
  EXPECT_TRUE(is_up(*chromium));
  auto const group = chromium->pid();
  chromium.reset();
  EXPECT_NE(kill(-group, 0), 0);
}

// Accepts and closes; gives its port.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd_, 8) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      std::abort();
    port = ntohs(address.sin_port);
  }
  ~Listener() { ::close(fd_); }
  Listener(Listener const&) = delete;
  Listener& operator=(Listener const&) = delete;

  bool is_called() {
    int const caller = accept(fd_, nullptr, nullptr);
    if (caller >= 0) ::close(caller);
    return caller >= 0;
  }

  int port = 0;

 private:
  int fd_;
};

TEST_P(EachChromium, NoPageReachesOurOwnPorts) {
  NEEDS_A_BROWSER();
  auto setup = setup_for(GetParam());
  if (setup.executable.empty()) GTEST_SKIP() << "only the other kind is installed";
  Listener ours;
  Listener second;
  Listener stranger;
  setup.own_ports = {ours.port, second.port};
  auto const chromium = start(setup);
  ASSERT_NE(chromium, nullptr);
  auto const session = open_page(*chromium);
  ASSERT_NE(session, "");
  for (auto const port : {ours.port, second.port}) {
    for (std::string const host : {"127.0.0.1", "localhost", "[::1]", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]"}) {
      json::object const where{{"url", "http://" + host + ":" + std::to_string(port) + "/"}};
      auto const answer = wait(chromium->wire().send(session, "Page.navigate", where));
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(json::find_string(*answer, "errorText"), "net::ERR_NAME_NOT_RESOLVED") << host;
    }
  }
  EXPECT_FALSE(ours.is_called());
  EXPECT_FALSE(second.is_called());
  json::object const where{{"url", "http://127.0.0.1:" + std::to_string(stranger.port) + "/"}};
  auto const answer = chromium->wire().send(session, "Page.navigate", where);
  EXPECT_TRUE(until([&] { return stranger.is_called(); })) << "others are reached";
}

TEST_P(EachChromium, WebRtcTellsNoAddressOfThisMachine) {
  NEEDS_A_BROWSER();
  auto const setup = setup_for(GetParam());
  if (setup.executable.empty()) GTEST_SKIP() << "only the other kind is installed";
  auto const chromium = start(setup);
  ASSERT_NE(chromium, nullptr);
  auto const session = open_page(*chromium);
  json::object const gather{{"awaitPromise", true},
                            {"expression",
                             "new Promise(async (done) => { const found = []; const peer = new RTCPeerConnection();"
                             "peer.onicecandidate = (e) => e.candidate ? found.push(e.candidate.candidate) : done("
                             "'all: ' + found.join()); peer.createDataChannel('x');"
                             "await peer.setLocalDescription(await peer.createOffer()); })"}};
  auto const answer = wait(chromium->wire().send(session, "Runtime.evaluate", gather));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(json::to_text(answer->at("result")), R"({"type":"string","value":"all: "})");
}

TEST_F(ChromiumTest, ManyStartsAndEndsLeaveNoProcessAndNoDescriptor) {
  NEEDS_A_BROWSER();
  auto const count = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  auto const before = count();
  std::vector<pid_t> groups;
  for (int round = 0; round < 5; ++round) {
    auto const chromium = start(any_setup());
    ASSERT_NE(chromium, nullptr);
    groups.push_back(chromium->pid());
    if (round % 2 == 0) {  // otherwise it ends while it starts
      EXPECT_TRUE(is_up(*chromium));
    }
  }
  EXPECT_EQ(count(), before);
  for (auto const group : groups) EXPECT_EQ(waitpid(-group, nullptr, WNOHANG), -1);
  EXPECT_TRUE(folders().empty());
}

}  // namespace
}  // namespace sojourn
