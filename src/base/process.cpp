#include "base/process.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::chrono::seconds reap_max{2};
constexpr long tick_ns = 2'000'000;
constexpr int ticks_max = 1000;
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

// What goes wrong in the child before it is another program, as it comes through the pipe.
struct Failure {
  enum class Step : int { descriptors, account, folder, program } step = Step::program;
  int reason = 0;
};

// All that the child needs, made before it: it may allocate nothing, since another thread may hold the heap's lock.
struct Plan {
  std::string program;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  char const* folder = "/";
  Account const* account = nullptr;
  std::vector<int> descriptors;
  int report_fd = -1;
  pid_t parent = 0;
};

std::vector<char*> to_c_strings(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The name itself where there is no such program: running it says what is wrong.
std::string to_program(std::string const& name, std::vector<std::string> const& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = usual_path;
  for (auto const& variable : environment)
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  return find_program(path, name).value_or(name);
}

// From here on until exec everything runs in the child, between fork and exec: async-signal-safe calls only.

[[noreturn]] void give_up(Plan const& plan, Failure::Step step) {
  Failure const failure{step, errno};
  while (write(plan.report_fd, &failure, sizeof(failure)) < 0 && errno == EINTR) {
  }
  _exit(127);
}

// What the server ignores (SIGPIPE) the child would ignore for ever.
void reset_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
}

// Those that are given become 0, 1, 2 ...; every other one closes when the program begins. Copies above all of them
// come first, so that none is overwritten before its turn.
bool arrange_descriptors(Plan& plan) {
  auto const count = static_cast<int>(plan.descriptors.size());
  if (plan.report_fd = fcntl(plan.report_fd, F_DUPFD_CLOEXEC, count); plan.report_fd < 0) return false;
  for (auto& fd : plan.descriptors) {
    int const source = fd >= 0 ? fd : open("/dev/null", O_RDWR | O_CLOEXEC);
    if (source < 0) return false;
    if (fd = fcntl(source, F_DUPFD_CLOEXEC, count); fd < 0) return false;
  }
  for (int i = 0; i < count; ++i)
    if (dup2(plan.descriptors[static_cast<std::size_t>(i)], i) < 0) return false;
  if (syscall(SYS_close_range, static_cast<unsigned>(count), ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) == 0) return true;
  constexpr int last = 4096;  // an older kernel; ours are all close-on-exec anyway
  for (int fd = count; fd < last; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return true;
}

// The system calls themselves: the C library's would speak to threads that the child does not have.
bool become(Account const& account) {
  gid_t const group = account.group;
  return syscall(SYS_setgroups, 1UL, &group) == 0 && syscall(SYS_setresgid, group, group, group) == 0 &&
         syscall(SYS_setresuid, account.user, account.user, account.user) == 0;
}

[[noreturn]] void run_child(Plan& plan) {
  reset_signals();
  setsid();
  rlimit const no_core{0, 0};  // a core of a browser has what its users typed
  setrlimit(RLIMIT_CORE, &no_core);
  if (!arrange_descriptors(plan)) give_up(plan, Failure::Step::descriptors);
  if (plan.account != nullptr && !become(*plan.account)) give_up(plan, Failure::Step::account);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the account, which would undo it
  if (getppid() != plan.parent) _exit(127);
  if (chdir(plan.folder) != 0) give_up(plan, Failure::Step::folder);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.program.c_str(), plan.arguments.data(), plan.environment.data());
  give_up(plan, Failure::Step::program);
}

// No handler of ours may run in the child, so none runs while it is made.
pid_t fork_quietly(Plan& plan) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t const child = fork();
  if (child == 0) run_child(plan);
  int const reason = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return child;
}

// Nothing comes when the program has begun.
std::optional<Failure> read_failure(int fd) {
  Failure failure;
  for (;;) {
    auto const got = read(fd, &failure, sizeof(failure));
    if (got == sizeof(failure)) return failure;
    if (got < 0 && errno == EINTR) continue;
    return std::nullopt;
  }
}

Error explain(Failure const& failure, ProcessSetup const& setup) {
  std::string what;
  switch (failure.step) {
    case Failure::Step::descriptors:
      what = "its descriptors can't be prepared";
      break;
    case Failure::Step::account:
      what = "it can't run as " + setup.account.value_or(Account{}).name;
      break;
    case Failure::Step::folder:
      what = "it can't enter " + setup.folder;
      break;
    case Failure::Step::program:
      what = "it can't be run";
      break;
  }
  return error(Code::unavailable, setup.command.front() + ": " + what + ": " + std::strerror(failure.reason));
}

// Takes whoever of a group has ended; true when nobody of it is left. Whose parent in the group has ended is ours by
// then, so that nobody is forgotten.
bool reap(pid_t group) {
  for (;;) {
    auto const gone = waitpid(-group, nullptr, WNOHANG);
    if (gone == 0) return false;
    if (gone < 0 && errno != EINTR) return true;
  }
}

// Of a group that was killed, and of those who left it.
void await_end(pid_t group, Strays& strays) {
  auto const until = std::chrono::steady_clock::now() + reap_max;
  while ((!reap(group) || strays.end()) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::microseconds(300));
}

Ending to_ending(int status) {
  Ending ending;
  if (WIFSIGNALED(status))
    ending.signal = WTERMSIG(status);
  else
    ending.exit_code = WEXITSTATUS(status);
  return ending;
}

Result<Pipe> make_pipe(std::size_t our_end) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return error(Code::unavailable, std::string("a pipe can't be made: ") + std::strerror(errno));
  fcntl(ends[our_end], F_SETFL, O_NONBLOCK);
  return Pipe{ends[our_end], ends[1 - our_end]};
}

}  // namespace

std::optional<std::string> find_program(std::string_view path, std::string_view name) {
  while (!path.empty()) {
    auto const folder = take_until(path, ':');
    if (!folder.starts_with('/')) continue;
    auto file = std::string(folder) + "/" + std::string(name);
    struct stat info {};
    if (stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

std::string Ending::describe() const {
  if (signal == 0) return "exit code " + std::to_string(exit_code);
  auto const* const name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

Result<std::unique_ptr<Process>> Process::start(Loop& loop, ProcessSetup setup, std::function<void(Ending)> on_end) {
  if (setup.command.empty()) return error(Code::unavailable, "no program is named");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  Strays strays;
  setup.environment.push_back(strays.mark());
  Plan plan;
  plan.program = to_program(setup.command.front(), setup.environment);
  plan.arguments = to_c_strings(setup.command);
  plan.environment = to_c_strings(setup.environment);
  if (!setup.folder.empty()) plan.folder = setup.folder.c_str();
  if (setup.account) plan.account = &*setup.account;
  plan.descriptors = setup.descriptors;
  plan.descriptors.resize(std::max<std::size_t>(plan.descriptors.size(), 3), -1);
  plan.parent = getpid();
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0)
    return error(Code::unavailable, setup.command.front() + ": " + std::strerror(errno));
  plan.report_fd = report[1];
  auto const child = fork_quietly(plan);
  int const reason = errno;
  close(report[1]);
  auto const failure = child < 0 ? std::nullopt : read_failure(report[0]);
  close(report[0]);
  if (child < 0) return error(Code::unavailable, setup.command.front() + ": " + std::strerror(reason));
  auto const pid_fd = failure ? -1 : static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pid_fd < 0) {
    auto why = failure ? explain(*failure, setup)
                       : error(Code::unavailable, setup.command.front() + " can't be watched: " + std::strerror(errno));
    kill(-child, SIGKILL);
    await_end(child, strays);
    return why;
  }
  return std::unique_ptr<Process>(new Process(loop, {child, pid_fd, std::move(strays)}, std::move(on_end)));
}

Process::Process(Loop& loop, Child child, std::function<void(Ending)> on_end)
    : loop_(loop),
      pid_(child.pid),
      strays_(std::move(child.strays)),
      on_end_(std::move(on_end)),
      watch_(loop, child.pid_fd, EPOLLIN, [this](std::uint32_t) { on_gone(); }) {}

Process::~Process() {
  *is_alive_ = false;
  if (is_reaped_) return;
  if (!has_ended_) kill(-pid_, SIGKILL);
  await_end(pid_, strays_);
}

void Process::signal(int number) const {
  if (!has_ended_) kill(-pid_, number);
}

void Process::on_gone() {
  watch_.close();
  kill(-pid_, SIGKILL);  // before it is reaped: until then nobody else can have its number
  has_ended_ = true;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) ending_ = to_ending(status);
  if (reap(pid_) && !strays_.end()) return finish();
  int const timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  itimerspec const period{{0, tick_ns}, {0, tick_ns}};
  if (timer < 0 || timerfd_settime(timer, 0, &period, nullptr) != 0) {
    if (timer >= 0) close(timer);
    await_end(pid_, strays_);
    return finish();
  }
  ticker_ = std::make_unique<Watch>(loop_, timer, EPOLLIN, [this](std::uint32_t) { on_tick(); });
}

void Process::on_tick() {
  std::uint64_t passed = 0;
  if (read(ticker_->fd(), &passed, sizeof(passed)) != sizeof(passed)) return;
  if ((!reap(pid_) || strays_.end()) && ++ticks_ < ticks_max) return;
  ticker_->close();
  finish();
}

void Process::finish() {
  is_reaped_ = true;
  if (!on_end_) return;
  loop_.post([this, alive = is_alive_] {
    if (!*alive) return;
    auto const tell = std::exchange(on_end_, {});
    tell(ending_);
  });
}

Result<Pipe> pipe_to_child() { return make_pipe(1); }

Result<Pipe> pipe_from_child() { return make_pipe(0); }

}  // namespace sojourn
