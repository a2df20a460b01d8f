#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "browser/profile.h"
#include "support/chromium_stage.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using test::find_processes;

class LeftoversTest : public test::ChromiumStage {};
class EachLeftovers : public LeftoversTest, public testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Browsers, EachLeftovers, testing::Values(true, false),
                         [](auto const& kind) { return kind.param ? "Shell" : "Full"; });

// Whoever a child of ours has left to us.
void reap_orphans() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
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
    fs::remove_all(stage.data);  // nobody ends this properly
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

bool has_ended_within(pid_t group, std::string const& mark, std::chrono::milliseconds time) {
  auto const end = steady_clock::now() + time;
  while (steady_clock::now() < end) {
    reap_orphans();
    if (kill(-group, 0) != 0 && find_processes(mark).empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST_P(EachLeftovers, AKilledServerLeavesNoProcessAndTheNextOneSweepsTheFolder) {
  NEEDS_A_BROWSER();
  auto const setup = setup_for(GetParam());
  if (setup.executable.empty()) GTEST_SKIP() << "only the other kind is installed";
  for (std::string const script : {"1", "for (;;) {}"}) {
    DoomedServer server(setup, script);
    ASSERT_GT(server.group, 1);
    ASSERT_FALSE(find_processes(mark()).empty());
    server.kill();
    EXPECT_TRUE(has_ended_within(server.group, mark(), std::chrono::seconds(2))) << script;
    EXPECT_EQ(folders().size(), 1U);
    sweep_leftovers(data);
    EXPECT_TRUE(folders().empty());
  }
}

TEST_F(LeftoversTest, AStoppedBrowserOfAKilledServerIsSweptAndNobodyElses) {
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
  EXPECT_TRUE(has_ended_within(server.group, mark(), std::chrono::seconds(1)));
  EXPECT_TRUE(folders().empty());
  EXPECT_TRUE(fs::exists(bystander->folder()));
  EXPECT_TRUE(wait(bystander->wire().send("", "Browser.getVersion"))) << "it lives";
}

}  // namespace
}  // namespace sojourn
