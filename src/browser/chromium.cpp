#include "browser/chromium.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/json.h"
#include "browser/flags.h"

namespace sojourn {
namespace {

constexpr std::size_t last_words_max = 4096;
constexpr std::size_t told_words_max = 500;
constexpr std::int64_t farewell_us = 500'000;  // from the end of its pipe to the end of its process

// Three pipes, each end closed unless somebody took it.
struct Pipes {
  Pipe commands;
  Pipe answers;
  Pipe errors;

  Pipes() = default;
  Pipes(Pipes const&) = delete;
  Pipes& operator=(Pipes const&) = delete;
  ~Pipes() {
    for (auto const fd : {commands.ours, commands.theirs, answers.ours, answers.theirs, errors.ours, errors.theirs})
      if (fd >= 0) close(fd);
  }
  static int take(int& fd) { return std::exchange(fd, -1); }
};

std::uint64_t shared_bytes_free() {
  struct statvfs space {};
  if (statvfs("/dev/shm", &space) != 0) return 0;
  return std::uint64_t{space.f_bavail} * space.f_frsize;
}

// The last lines, on one line.
std::string shorten(std::string_view words) {
  if (words.size() > told_words_max) {
    words.remove_prefix(words.size() - told_words_max);
    words.remove_prefix(std::min(words.find('\n') + 1, words.size()));
  }
  std::string line(words);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

Result<std::unique_ptr<Chromium>> Chromium::start(Loop& loop, Timers& timers, ChromiumSetup setup,
                                                  std::function<void(std::string)> on_end) {
  auto account = lend_account();
  if (!account) return std::move(account).error();
  auto profile = Profile::make(setup.profile_root_key, *account);
  if (!profile) return std::move(profile).error();
  std::unique_ptr<Chromium> chromium(new Chromium(loop, timers, std::move(*profile), std::move(on_end)));
  chromium->account_ = std::move(*account);
  auto const launched = chromium->launch(setup);
  if (!launched) return launched.error();
  return chromium;
}

Chromium::Chromium(Loop& loop, Timers& timers, Profile profile, std::function<void(std::string)> on_end)
    : loop_(loop), timers_(timers), profile_(std::move(profile)), on_end_(std::move(on_end)) {}

Chromium::~Chromium() {
  *is_alive_ = false;
  timers_.cancel(kill_timer_);
  process_.reset();
  wire_.reset();
}

void Chromium::kill() { process_->signal(SIGKILL); }

void Chromium::end() {
  on_end_ = {};
  kill();
}

Result<> Chromium::launch(ChromiumSetup const& setup) {
  Pipes pipes;
  for (auto const& [pipe, made] :
       {std::pair(&pipes.commands, pipe_to_child()), std::pair(&pipes.answers, pipe_from_child()),
        std::pair(&pipes.errors, pipe_from_child())}) {
    if (!made) return made.error();
    *pipe = *made;
  }
  is_shell_ = setup.is_shell;
  FlagWish wish;
  wish.profile = profile_.path();
  wish.own_ports = setup.own_ports;
  wish.more_flags = setup.more_flags;
  wish.shared_bytes = shared_bytes_free();
  ProcessSetup process;
  process.command = chromium_flags(wish);
  process.command.insert(process.command.begin(), setup.executable);
  process.environment = chromium_environment(profile_.path());
  process.folder = profile_.path();
  process.account = account_;
  process.descriptors = {-1, -1, pipes.errors.theirs, pipes.commands.theirs, pipes.answers.theirs};
  auto started = Process::start(loop_, std::move(process), [this](Ending ending) { on_process_end(ending); });
  if (!started)
    return error(Code::unavailable,
                 "the browser can't be started: " + started.error().message + "; see sojourn doctor");
  process_ = std::move(*started);
  stderr_ =
      std::make_unique<Watch>(loop_, Pipes::take(pipes.errors.ours), EPOLLIN, [this](std::uint32_t) { on_stderr(); });
  auto const write_fd = Pipes::take(pipes.commands.ours);
  auto const read_fd = Pipes::take(pipes.answers.ours);
  wire_ = std::make_unique<Wire>(loop_, timers_, write_fd, read_fd, [this, alive = is_alive_] {
    if (*alive) on_wire_end();
  });
  sojourn::start(greet(setup.start_us_max));
  return {};
}

// The first command: what comes back says that it is up, and what it is.
Task<bool> Chromium::greet(std::int64_t start_us_max) {
  auto const alive = is_alive_;
  json::object const nothing;
  auto const answer = co_await wire_->send("", "Browser.getVersion", nothing, start_us_max);
  if (!*alive) co_return false;
  if (answer) {
    product_ = json::find_string(*answer, "product", "unknown");
    user_agent_ = json::find_string(*answer, "userAgent");
  } else if (answer.error().code == Code::timeout) {
    is_late_ = true;
    kill();
  }
  co_return answer.has_value();
}

void Chromium::on_stderr() {
  std::array<char, 4096> bytes;
  for (;;) {
    auto const got = read(stderr_->fd(), bytes.data(), bytes.size());
    if (got == 0) return stderr_->close();
    if (got < 0) return;  // later
    last_words_.append(bytes.data(), static_cast<std::size_t>(got));
    if (last_words_.size() > last_words_max) last_words_.erase(0, last_words_.size() - last_words_max);
  }
}

// It ends, or nobody can talk to it any more.
void Chromium::on_wire_end() {
  if (process_->has_ended()) return;
  auto const now_us = Clock().now().steady_us;
  kill_timer_ = timers_.set(now_us + farewell_us, [this] { kill(); });
}

void Chromium::on_process_end(Ending ending) {
  profile_.remove();
  if (stderr_->fd() >= 0) on_stderr();
  auto const tell = std::exchange(on_end_, {});
  if (tell) tell(explain(ending));
}

std::string Chromium::explain(Ending ending) const {
  if (is_late_) return "the browser did not come up in time";
  if (last_words_.find("No usable sandbox") != std::string::npos)
    return "the browser ended since its sandbox needs user namespaces, which this machine does not allow: sysctl "
           "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0, or the container's seccomp "
           "profile; see sojourn doctor";
  if (!product_.empty()) return "the browser ended (" + ending.describe() + ")";
  auto const words = shorten(last_words_);
  return "the browser ended at its start (" + ending.describe() + ")" + (words.empty() ? "" : ": " + words);
}

Error no_browser() {
  return error(Code::unavailable,
               "no Chromium is installed; install one: apt install chromium-headless-shell (or chromium), or name one "
               "with browser.executable");
}

}  // namespace sojourn
