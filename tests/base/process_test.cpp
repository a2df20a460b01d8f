#include "base/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace sojourn {
namespace {

using std::chrono::steady_clock;

// Runs the loop until `is_so` says yes; false when it has not within a few seconds.
bool until(Loop& loop, std::function<bool()> const& is_so) {
  auto const end = steady_clock::now() + std::chrono::seconds(10);
  bool so = false;
  loop.run([&] {
    so = is_so();
    if (so || steady_clock::now() > end) loop.stop();
    return loop.now().steady_us + 1000;
  });
  return so;
}

bool has_members(pid_t group) { return kill(-group, 0) == 0; }

std::string state_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(in, line))
    if (line.starts_with("State:")) return line.substr(7, 1);
  return "gone";
}

class ProcessTest : public testing::Test {
 protected:
  static ProcessSetup shell(std::string script) {
    ProcessSetup setup;
    setup.command = {"sh", "-c", std::move(script)};
    setup.environment = {"PATH=/usr/bin:/bin"};
    return setup;
  }
  std::unique_ptr<Process> start(ProcessSetup setup) {
    auto started = Process::start(loop, std::move(setup), [this](Ending ending) { endings.push_back(ending); });
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : nullptr;
  }
  std::string fail_to_start(ProcessSetup setup) {
    auto const started = Process::start(loop, std::move(setup), [this](Ending ending) { endings.push_back(ending); });
    EXPECT_FALSE(started);
    if (started) return {};
    EXPECT_EQ(started.error().code, Code::unavailable);
    return started.error().message;
  }
  // What the script writes, once it has ended.
  std::string run(ProcessSetup setup) {
    auto const pipe = pipe_from_child();
    EXPECT_TRUE(pipe);
    setup.descriptors.resize(std::max<std::size_t>(setup.descriptors.size(), 2), -1);
    setup.descriptors[1] = pipe->theirs;
    auto const process = start(std::move(setup));
    ::close(pipe->theirs);
    EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
    auto text = read_all(pipe->ours);
    ::close(pipe->ours);
    return text;
  }
  static std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = read(fd, bytes.data(), bytes.size())) > 0;)
      text.append(bytes.data(), static_cast<std::size_t>(got));
    return text;
  }

  Loop loop;
  std::vector<Ending> endings;
};

TEST_F(ProcessTest, TellsHowItEndedOnceAndInALaterIteration) {
  auto const process = start(shell("exit 7"));
  EXPECT_FALSE(process->has_ended());
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  until(loop, [turns = 0]() mutable { return ++turns > 20; });
  ASSERT_EQ(endings.size(), 1U);
  EXPECT_EQ(endings[0].exit_code, 7);
  EXPECT_EQ(endings[0].describe(), "exit code 7");
  EXPECT_TRUE(process->has_ended());
  process->signal(SIGKILL);  // nobody is hit
}

TEST_F(ProcessTest, ASignalIsCalledByItsName) {
  auto const process = start(shell("kill -SEGV $$; sleep 60"));
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  ASSERT_EQ(endings.size(), 1U);
  EXPECT_EQ(endings[0].signal, SIGSEGV);
  EXPECT_EQ(endings[0].describe(), "SIGSEGV");
}

TEST_F(ProcessTest, WhatCannotBeRunIsNamedWithTheReason) {
  ProcessSetup setup;
  EXPECT_EQ(fail_to_start(setup), "no program is named");
  setup.command = {"/nowhere/at-all"};
  EXPECT_EQ(fail_to_start(setup), "/nowhere/at-all: it can't be run: No such file or directory");
  setup.command = {"no-such-program"};
  EXPECT_EQ(fail_to_start(setup), "no-such-program: it can't be run: No such file or directory");
  setup.command = {"/etc/passwd"};
  EXPECT_EQ(fail_to_start(setup), "/etc/passwd: it can't be run: Permission denied");
  setup.command = {"true"};
  setup.folder = "/nowhere";
  EXPECT_EQ(fail_to_start(setup), "true: it can't enter /nowhere: No such file or directory");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a failed start leaves no zombie";
  EXPECT_TRUE(endings.empty());
}

TEST_F(ProcessTest, GetsItsArgumentsItsEnvironmentAndItsFolderAndNothingElse) {
  ASSERT_EQ(setenv("SOJOURN_SECRET", "do not tell", 1), 0);
  auto setup = shell("echo \"$0 $1\"; pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^SOJOURN_CHILD=");
  setup.command.insert(setup.command.end(), {"zero", "a b"});
  setup.environment.push_back("GIVEN=yes");
  setup.folder = "/usr";
  EXPECT_EQ(run(std::move(setup)), "zero a b\n/usr\nPATH=/usr/bin:/bin\nGIVEN=yes\n");
  unsetenv("SOJOURN_SECRET");
  endings.clear();
  EXPECT_EQ(run(shell("pwd")), "/\n");
}

TEST_F(ProcessTest, APathOfItsOwnIsWhereItsProgramIsLookedFor) {
  auto setup = shell("echo found");
  setup.environment = {"PATH=/nowhere::/bin"};
  EXPECT_EQ(run(std::move(setup)), "found\n");
  auto elsewhere = shell("echo found");
  elsewhere.environment = {"PATH=/nowhere"};
  EXPECT_NE(fail_to_start(std::move(elsewhere)), "");
}

TEST_F(ProcessTest, HasTheDescriptorsThatAreGivenInTheirOrderAndNoOther) {
  auto const leaked = open("/dev/null", O_RDONLY);  // somebody forgot close-on-exec
  auto const high = fcntl(leaked, F_DUPFD, 700);
  auto const up = pipe_to_child();
  auto const down = pipe_from_child();
  auto setup = shell(
      "read line <&3; echo \"$line\" >&4; readlink /proc/$$/fd/0 >&4; i=0; "
      "while [ $i -lt 800 ]; do [ -e /proc/$$/fd/$i ] && echo $i >&4; i=$((i + 1)); done; true");
  setup.descriptors = {-1, -1, -1, up->theirs, down->theirs};
  auto const process = start(std::move(setup));
  ASSERT_EQ(write(up->ours, "hello\n", 6), 6);
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  EXPECT_EQ(read_all(down->ours), "hello\n/dev/null\n0\n1\n2\n3\n4\n");
  for (auto const fd : {leaked, high, up->ours, up->theirs, down->ours, down->theirs}) ::close(fd);
}

TEST_F(ProcessTest, DescriptorsMayChangePlaces) {
  auto const a = pipe_from_child();
  auto const b = pipe_from_child();
  auto const five = fcntl(a->theirs, F_DUPFD_CLOEXEC, 3);
  auto const six = fcntl(b->theirs, F_DUPFD_CLOEXEC, 3);
  auto setup = shell("echo one; echo two >&2");
  // Whichever numbers they have here, among the first few they stand crosswise there.
  setup.descriptors = {-1, six, five, a->theirs, b->theirs, five, six, a->theirs, b->theirs, five, six};
  auto const process = start(std::move(setup));
  for (auto const fd : {a->theirs, b->theirs, five, six}) ::close(fd);
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  EXPECT_EQ(read_all(b->ours), "one\n");
  EXPECT_EQ(read_all(a->ours), "two\n");
  for (auto const fd : {a->ours, b->ours}) ::close(fd);
}

TEST_F(ProcessTest, SignalsAreAsUsualThere) {
  auto const before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t was;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &was);
  auto const text = run(shell("grep -E '^(SigBlk|SigIgn)' /proc/self/status; ulimit -c"));
  pthread_sigmask(SIG_SETMASK, &was, nullptr);
  std::signal(SIGPIPE, before);
  EXPECT_EQ(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n") << "and no core is written";
}

TEST_F(ProcessTest, HasASessionOfItsOwn) {
  auto const process = start(shell("sleep 60"));
  EXPECT_EQ(getpgid(process->pid()), process->pid());
  EXPECT_EQ(getsid(process->pid()), process->pid());
  process->signal(SIGTERM);
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  EXPECT_EQ(endings.at(0).signal, SIGTERM);
}

// Three that do not want to end: one that ignores, one that is stopped, one whose parent has gone.
constexpr char const* stubborn =
    "trap '' TERM HUP; sleep 60 & (sleep 61 & sleep 62 &) & sleep 63 & kill -STOP $!; echo ready; ";

TEST_F(ProcessTest, ItsEndTakesTheWholeGroupAlong) {
  auto const pipe = pipe_from_child();
  auto setup = shell(std::string(stubborn) + "sleep 64");
  setup.descriptors = {-1, pipe->theirs};
  auto process = start(std::move(setup));
  ::close(pipe->theirs);
  std::string ready;
  until(loop, [&] { return !(ready += read_all(pipe->ours)).empty(); });
  auto const group = process->pid();
  EXPECT_TRUE(has_members(group));
  auto const begin = steady_clock::now();
  process.reset();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_FALSE(has_members(group)) << "not even a zombie";
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  until(loop, [turns = 0]() mutable { return ++turns > 20; });
  EXPECT_TRUE(endings.empty()) << "who ends it need not be told";
  ::close(pipe->ours);
}

TEST_F(ProcessTest, WhenItEndsByItselfNobodyOfItsGroupStays) {
  auto const process = start(shell(std::string(stubborn) + "exit 3"));
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  EXPECT_EQ(endings.at(0).exit_code, 3);
  EXPECT_FALSE(has_members(process->pid()));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(ProcessTest, WhoLeavesTheGroupForASessionOfItsOwnIsTakenAlongToo) {
  // One whose parent has gone, as a crash handler's has; and one that is the first of its session.
  for (auto const* const script :
       {"setsid sh -c 'sleep 60 & sleep 61 &'; echo ready; exit 0",
        "setsid sh -c 'sleep 60 & sleep 61 &'; echo ready; sleep 64", "setsid sleep 60 & sleep 0.1; echo ready; exit 0",
        "setsid sleep 60 & sleep 0.1; echo ready; sleep 64"}) {
    endings.clear();
    auto const pipe = pipe_from_child();
    auto setup = shell(script);
    setup.descriptors = {-1, pipe->theirs};
    auto process = start(std::move(setup));
    ::close(pipe->theirs);
    std::string ready;
    until(loop, [&] { return !(ready += read_all(pipe->ours)).empty(); });
    if (std::string_view(script).ends_with("exit 0")) until(loop, [&] { return !endings.empty(); });
    process.reset();
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << script;
    ::close(pipe->ours);
  }
}

TEST_F(ProcessTest, AKilledOneEndsWhileTheLoopGoesOn) {
  auto process = start(shell(std::string(stubborn) + "sleep 64"));
  auto const begin = steady_clock::now();
  process->signal(SIGKILL);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::milliseconds(500));
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  EXPECT_EQ(endings.at(0).signal, SIGKILL);
  EXPECT_FALSE(has_members(process->pid()));
  process.reset();
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(ProcessTest, OnesEndConcernsNoOther) {
  auto const stays = start(shell("sleep 60; exit 1"));
  auto const stranger = fork();
  if (stranger == 0) _exit(9);
  auto goes = start(shell("exit 2"));
  EXPECT_TRUE(until(loop, [&] { return !endings.empty(); }));
  EXPECT_EQ(endings.at(0).exit_code, 2);
  goes.reset();
  EXPECT_EQ(kill(stays->pid(), 0), 0);
  EXPECT_NE(state_of(stays->pid()), "Z");
  int status = 0;
  EXPECT_EQ(waitpid(stranger, &status, 0), stranger) << "children of others are not taken from them";
  EXPECT_EQ(WEXITSTATUS(status), 9);
}

TEST_F(ProcessTest, OnEndMayFreeIt) {
  std::unique_ptr<Process> process;
  bool is_told = false;
  auto started = Process::start(loop, shell("true"), [&](Ending) {
    process.reset();
    is_told = true;
  });
  ASSERT_TRUE(started);
  process = std::move(*started);
  EXPECT_TRUE(until(loop, [&] { return is_told; }));
  EXPECT_EQ(process, nullptr);
}

TEST_F(ProcessTest, OneThatIsFreedBetweenItsEndAndTheNewsIsNotToldOf) {
  auto process = start(shell("true"));
  EXPECT_TRUE(until(loop, [&] { return process->has_ended(); }));
  if (endings.empty()) process.reset();
  until(loop, [turns = 0]() mutable { return ++turns > 20; });
  EXPECT_LE(endings.size(), 1U);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(ProcessTest, NobodyHasToListen) {
  auto const started = Process::start(loop, shell("true"), {});
  ASSERT_TRUE(started);
  EXPECT_TRUE(until(loop, [&] { return (*started)->has_ended(); }));
}

TEST_F(ProcessTest, RootStartsItAsAnotherAccountWithoutGroups) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may lend an account";
  auto const* const nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  auto setup = shell("id -u; id -g; id -G; cat /etc/shadow 2>/dev/null; grep -E '^(CapEff|CapPrm)' /proc/self/status");
  setup.account = Account{nobody->pw_uid, nobody->pw_gid, "nobody"};
  auto const user = std::to_string(nobody->pw_uid) + "\n";
  auto const group = std::to_string(nobody->pw_gid) + "\n";
  EXPECT_EQ(run(std::move(setup)), user + group + group + "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
  auto closed = shell("true");
  closed.account = Account{nobody->pw_uid, nobody->pw_gid, "nobody"};
  closed.folder = "/root";
  EXPECT_EQ(fail_to_start(std::move(closed)), "sh: it can't enter /root: Permission denied");
}

TEST_F(ProcessTest, AnAccountThatMayNotBeTakenIsAFailure) {
  if (geteuid() == 0) GTEST_SKIP() << "root may take any";
  auto setup = shell("true");
  setup.account = Account{0, 0, "root"};
  EXPECT_EQ(fail_to_start(std::move(setup)), "sh: it can't run as root: Operation not permitted");
}

TEST_F(ProcessTest, ItDoesNotOutliveAKilledParent) {
  auto const pipe = pipe_from_child();
  auto const parent = fork();
  if (parent == 0) {
    Loop own;
    auto const child = Process::start(own, shell("sleep 60"), {});
    auto const pid = child ? (*child)->pid() : 0;
    if (write(pipe->theirs, &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    pause();
    _exit(0);
  }
  ::close(pipe->theirs);
  pid_t child = 0;
  until(loop, [&] { return read(pipe->ours, &child, sizeof(child)) == sizeof(child); });
  ::close(pipe->ours);
  ASSERT_GT(child, 0);
  EXPECT_NE(state_of(child), "Z");
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  until(loop, [&] { return state_of(child) == "Z"; });
  EXPECT_EQ(state_of(child), "Z");
  kill(-child, SIGKILL);
  while (waitpid(-child, nullptr, 0) > 0) {  // ours by adoption
  }
}

TEST_F(ProcessTest, ThreadsStartTheirsSideBySide) {
  std::array<int, 4> wrong{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      Loop own;
      for (int round = 0; round < 10; ++round) {
        int told = -1;
        auto const code = static_cast<int>(i) * 10 + round;
        auto const process = Process::start(own, shell("sleep 0.01 & exit " + std::to_string(code)),
                                            [&](Ending ending) { told = ending.exit_code; });
        if (!process || !until(own, [&] { return told >= 0; }) || told != code) ++wrong[i];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::array<int, 4>{}));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(ProcessTest, OurEndOfAPipeDoesNotBlockAndNoneIsInherited) {
  for (auto const& pipe : {pipe_to_child(), pipe_from_child()}) {
    ASSERT_TRUE(pipe);
    EXPECT_NE(fcntl(pipe->ours, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(pipe->theirs, F_GETFL) & O_NONBLOCK, 0);
    for (auto const fd : {pipe->ours, pipe->theirs}) {
      EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
      ::close(fd);
    }
  }
}

TEST_F(ProcessTest, ProgramsAreFoundInTheOrderOfThePath) {
  auto const make = [](char const* name) {
    std::string folder = std::string("/tmp/sojourn-path-") + name + "-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    return folder;
  };
  auto const first = make("first");
  auto const second = make("second");
  auto const write = [](std::string const& file, mode_t mode) {
    std::ofstream(file) << "#!/bin/sh\n";
    chmod(file.c_str(), mode);
  };
  auto const path = "/nonexistent::tmp:" + first + ":" + second;
  EXPECT_FALSE(find_program(path, "browser"));
  write(second + "/browser", 0700);
  EXPECT_EQ(find_program(path, "browser"), second + "/browser");
  write(first + "/browser", 0600);
  EXPECT_EQ(find_program(path, "browser"), second + "/browser");
  write(first + "/browser", 0700);
  EXPECT_EQ(find_program(path, "browser"), first + "/browser");
  EXPECT_FALSE(find_program(first.substr(1), "browser")) << "only whole paths count";
  std::filesystem::remove_all(first);
  std::filesystem::remove_all(second);
}

}  // namespace
}  // namespace sojourn
