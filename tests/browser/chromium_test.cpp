#include "browser/chromium.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "browser/browser_stage.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

std::string read_file(fs::path const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Processes, not zombies, whose command line has the text.
std::set<pid_t> find_processes(std::string const& text) {
  std::set<pid_t> found;
  std::error_code ec;
  for (auto const& entry : fs::directory_iterator("/proc", ec)) {
    auto const name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_file(entry.path() / "cmdline").find(text) != std::string::npos) found.insert(std::stoi(name));
  }
  return found;
}

// Of Chromium's that are not in a profile.
std::set<std::string> strays() {
  std::set<std::string> found;
  for (auto const& entry : fs::directory_iterator("/tmp"))
    if (auto const name = entry.path().filename().string();
        name.starts_with("org.chromium") || name.starts_with(".org.chromium") || name.starts_with("com.google"))
      found.insert(name);
  return found;
}

// Whoever a child of ours has left to us.
void reap_orphans() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

class ChromiumTest : public testing::Test, public test::BrowserStage {
 protected:
  ChromiumSetup setup_for(bool is_shell) const {
    auto const found = find_executables("");
    ChromiumSetup setup;
    setup.executable = is_shell ? found.shell : found.full;
    setup.is_shell = is_shell;
    setup.profile_root_key = profile_key(data);
    return setup;
  }
  // The shell where there is one.
  ChromiumSetup any_setup() const {
    auto setup = setup_for(true);
    return setup.executable.empty() ? setup_for(false) : setup;
  }
  ChromiumSetup script_setup(std::string const& text) const {
    auto const file = data + "/browser";
    std::ofstream(file) << text;
    chmod(file.c_str(), 0755);
    chmod(data.c_str(), 0755);
    ChromiumSetup setup;
    setup.executable = file;
    setup.profile_root_key = profile_key(data);
    return setup;
  }
  std::unique_ptr<Chromium> start(ChromiumSetup setup) {
    auto started = Chromium::start(loop, timers, std::move(setup), [this](std::string why) { reasons.push_back(why); });
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : nullptr;
  }
  bool is_up(Chromium& chromium) {
    return until([&] { return !chromium.product().empty(); });
  }
  std::string only_reason() {
    EXPECT_TRUE(until([&] { return !reasons.empty(); }));
    until([turns = 0]() mutable { return ++turns > 20; });
    EXPECT_EQ(reasons.size(), 1U);
    return reasons.empty() ? "" : reasons.front();
  }
  std::string mark() const { return "sojourn-browser-" + profile_key(data) + "-"; }
  std::vector<std::string> folders() const {
    std::vector<std::string> found;
    for (auto const* const root : {"/tmp", "/dev/shm"})
      for (auto const& entry : fs::directory_iterator(root))
        if (entry.path().filename().string().starts_with(mark())) found.push_back(entry.path().string());
    return found;
  }
  // A session on a new page.
  std::string open_page(Chromium& chromium) {
    json::object const target{{"url", "about:blank"}};
    auto const made = wait(chromium.wire().send("", "Target.createTarget", target));
    if (!made) return {};
    json::object const flat{{"targetId", made->at("targetId")}, {"flatten", true}};
    auto const attached = wait(chromium.wire().send("", "Target.attachToTarget", flat));
    return attached ? std::string(json::find_string(*attached, "sessionId")) : std::string();
  }

  std::vector<std::string> reasons;
};

#define NEEDS_A_BROWSER()                                                                \
  if (any_setup().executable.empty()) {                                                  \
    std::fprintf(stderr, "NO BROWSER IS INSTALLED: %s\n", no_browser().message.c_str()); \
    GTEST_SKIP() << no_browser().message;                                                \
  }

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
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
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
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
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
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
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
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
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

// A server of its own that can be killed: it starts a browser, tells its group, and stays.
class DoomedServer {
 public:
  DoomedServer(ChromiumSetup setup, std::string const& script) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) serve(std::move(setup), script, ends[1]);
    ::close(ends[1]);
    if (read(ends[0], &group, sizeof(group)) != sizeof(group)) group = 0;
    ::close(ends[0]);
  }
  ~DoomedServer() {
    kill();
    if (group > 1) ::kill(-group, SIGKILL);
    for (int i = 0; i < 1000 && group > 1 && ::kill(-group, 0) == 0; ++i) {
      reap_orphans();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  DoomedServer(DoomedServer const&) = delete;
  DoomedServer& operator=(DoomedServer const&) = delete;

  void kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  pid_t group = 0;

 private:
  [[noreturn]] static void serve(ChromiumSetup setup, std::string const& script, int tell_fd) {
    test::BrowserStage stage;
    auto const chromium = Chromium::start(stage.loop, stage.timers, std::move(setup), {});
    if (!chromium) _exit(1);
    json::object const target{{"url", "about:blank"}};
    auto const made = stage.wait((*chromium)->wire().send("", "Target.createTarget", target));
    json::object const flat{{"targetId", made->at("targetId")}, {"flatten", true}};
    auto const attached = stage.wait((*chromium)->wire().send("", "Target.attachToTarget", flat));
    json::object const busy{{"expression", script}};
    auto const session = std::string(json::find_string(*attached, "sessionId"));
    auto const later = (*chromium)->wire().send(session, "Runtime.evaluate", busy);
    stage.until([&] { return later.is_given(); }, std::chrono::milliseconds(300));
    auto const group = (*chromium)->pid();
    if (write(tell_fd, &group, sizeof(group)) != sizeof(group)) _exit(1);
    for (;;) pause();
  }

  pid_t pid_ = 0;
};

bool has_ended_within(pid_t group, std::chrono::milliseconds time) {
  auto const end = steady_clock::now() + time;
  while (steady_clock::now() < end) {
    reap_orphans();
    if (kill(-group, 0) != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST_P(EachChromium, AKilledServerLeavesNoProcessAndTheNextOneSweepsTheFolder) {
  NEEDS_A_BROWSER();
  auto const setup = setup_for(GetParam());
  if (setup.executable.empty()) GTEST_SKIP() << "only the other kind is installed";
  for (std::string const script : {"1", "for (;;) {}"}) {
    DoomedServer server(setup, script);
    ASSERT_GT(server.group, 1);
    ASSERT_FALSE(find_processes(mark()).empty());
    server.kill();
    EXPECT_TRUE(has_ended_within(server.group, std::chrono::seconds(2))) << script;
    EXPECT_TRUE(find_processes(mark()).empty());
    EXPECT_EQ(folders().size(), 1U);
    sweep_leftovers(data);
    EXPECT_TRUE(folders().empty());
  }
}

TEST_F(ChromiumTest, AStoppedBrowserOfAKilledServerIsSweptAndNobodyElses) {
  NEEDS_A_BROWSER();
  test::BrowserStage other;
  auto others = any_setup();
  others.profile_root_key = profile_key(other.data);
  auto const bystander = start(others);
  ASSERT_NE(bystander, nullptr);
  ASSERT_TRUE(is_up(*bystander));
  DoomedServer server(any_setup(), "1");
  ASSERT_GT(server.group, 1);
  kill(-server.group, SIGSTOP);
  server.kill();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(kill(-server.group, 0), 0) << "it can't end by itself";
  auto const begin = steady_clock::now();
  sweep_leftovers(data);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_TRUE(has_ended_within(server.group, std::chrono::seconds(1)));
  EXPECT_TRUE(find_processes(mark()).empty());
  EXPECT_TRUE(folders().empty());
  EXPECT_TRUE(fs::exists(bystander->folder()));
  EXPECT_TRUE(wait(bystander->wire().send("", "Browser.getVersion"))) << "it lives";
}

TEST_F(ChromiumTest, ManyStartsAndEndsLeaveNoProcessAndNoDescriptor) {
  NEEDS_A_BROWSER();
  auto const count = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  auto const before = count();
  for (int round = 0; round < 5; ++round) {
    auto const chromium = start(any_setup());
    ASSERT_NE(chromium, nullptr);
    if (round % 2 == 0) {  // otherwise it ends while it starts
      EXPECT_TRUE(is_up(*chromium));
    }
  }
  EXPECT_EQ(count(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_TRUE(folders().empty());
}

}  // namespace
}  // namespace sojourn
