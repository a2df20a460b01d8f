#include "app/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "app/file.h"
#include "app/folder.h"
#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::int64_t answer_ms = 2000;
constexpr std::int64_t start_ms_max = 15'000;
constexpr std::int64_t stop_ms_max = 15'000;
constexpr std::size_t log_bytes_max = 1024 * 1024;
constexpr std::uintmax_t old_log_bytes = 8 * 1024 * 1024;

class Deadline {
 public:
  explicit Deadline(std::int64_t ms) : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(ms)) {}
  bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

Target on(std::string const& folder) { return {{}, folder, false}; }

bool answers(std::string const& folder) { return has_server(on(folder), {}); }

// Held by the one command that starts a server; the others wait for it to be done.
class StarterLock {
 public:
  static Result<StarterLock> take(std::string const& folder, Deadline const& deadline) {
    auto const path = folder + "/start.lock";
    StarterLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.fd_ < 0) {
      return error(Code::cannot_create, "can't write " + path + ": " + std::strerror(errno) +
                                            "; choose a folder you can write with --data DIR");
    }
    while (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
      if (deadline.is_over())
        return error(Code::unavailable, "another command has been starting a server for too long");
      nap();
    }
    return lock;
  }
  StarterLock(StarterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  StarterLock& operator=(StarterLock&&) = delete;
  ~StarterLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit StarterLock(int fd) : fd_(fd) {}
  int fd_;
};

// What a server that is being started says goes here. One that grew large stands aside first.
struct ServerLog {
  explicit ServerLog(std::string const& folder) : path(folder + "/server.log") {
    std::error_code ec;
    auto const size = std::filesystem::file_size(path, ec);
    if (!ec && size > old_log_bytes) std::filesystem::rename(path, path + ".old", ec);
  }

  void clear() const {
    int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
  }

  // The last line that a person was meant to read, without the program's name.
  std::string last_words() const {
    auto const text = read_file(path, log_bytes_max);
    if (!text) return {};
    auto const at = text->rfind("sojourn: ");
    if (at == std::string::npos || (at > 0 && (*text)[at - 1] != '\n')) return {};
    return text->substr(at + 9, text->find('\n', at) - at - 9);
  }

  std::string path;
};

// Without anything of ours: no terminal, no open file, no ignored signal.
class Spawning {
 public:
  explicit Spawning(std::string const& log) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Spawning(Spawning const&) = delete;
  Spawning& operator=(Spawning const&) = delete;
  ~Spawning() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  Result<pid_t> spawn(std::string const& program, std::vector<std::string> arguments) const {
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    pid_t pid = 0;
    int const why = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, pointers.data(), environ);
    if (why != 0) return error(Code::unavailable, std::string("can't start a server: ") + std::strerror(why));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Result<pid_t> spawn_server(std::string const& folder, ServerLog const& log, Terminal const& terminal) {
  std::vector<std::string> arguments{"sojourn", "serve", "--data", folder};
  // Nobody looks after a log that nobody knows of: it is not to grow with every request.
  if (terminal.environment.count("SOJOURN_LOG__LEVEL") == 0) {
    arguments.insert(arguments.end(), {"--log-level", "warn"});
  }
  log.clear();
  return Spawning(log.path).spawn(terminal.executable, std::move(arguments));
}

Error ended_at_once(ServerLog const& log) {
  auto words = log.last_words();
  if (words.empty()) return error(Code::unavailable, "a server was started and ended at once; see " + log.path);
  // It speaks of a flag that whoever started it has no place for.
  if (words.find("--listen") != std::string::npos) words += ", for one in the background SOJOURN_LISTEN=127.0.0.1:PORT";
  return error(Code::unavailable, "a server was started and ended at once: " + words + " (see " + log.path + ")");
}

// Waits for one server to answer or to end. True: it answers. False: it ended, but another one has the folder.
Result<bool> wait_for(pid_t pid, std::string const& folder, Deadline const& deadline) {
  ServerLog const log(folder);
  while (!deadline.is_over()) {
    int status = 0;
    bool const has_ended = ::waitpid(pid, &status, WNOHANG) == pid;
    if (answers(folder)) return true;
    if (!has_ended) {
      nap();
      continue;
    }
    bool const was_late = WIFEXITED(status) && WEXITSTATUS(status) == row(Code::unavailable).exit_code;
    if (was_late && is_taken(folder)) return false;
    return ended_at_once(log);
  }
  return error(Code::unavailable, "the server that was started does not answer; see " + log.path);
}

std::string describe_start(std::string const& folder, Target const& target) {
  auto const server = find_server(on(folder), {});
  std::string const place = server ? server->url : folder;
  return "started a server (" + place + ", log: " + folder + "/server.log); stop it with: sojourn stop" +
         (target.data.empty() ? "" : " --data " + target.data);
}

Result<> start_server(std::string const& folder, Target const& target, Terminal& terminal) {
  Deadline const deadline(start_ms_max);
  if (auto made = make_data_folder(folder); !made) return made;
  auto const lock = StarterLock::take(folder, deadline);
  if (!lock) return lock.error();
  while (!answers(folder)) {
    if (deadline.is_over()) {
      return error(Code::unavailable,
                   "a server has the data folder " + folder + " but does not answer; see: sojourn doctor");
    }
    if (is_taken(folder)) {  // by one that is just starting or ending
      nap();
      continue;
    }
    auto const pid = spawn_server(folder, ServerLog(folder), terminal);
    if (!pid) return pid.error();
    auto const is_ours = wait_for(*pid, folder, deadline);
    if (!is_ours) return is_ours.error();
    if (*is_ours) note(terminal, describe_start(folder, target));
  }
  return {};
}

// Of the record of the server that has the folder; 0 when there is none (yet, or any more).
pid_t find_pid(std::string const& folder) {
  auto const text = read_file(folder + "/server.json", 65536);
  if (!text) return 0;
  auto const value = json::parse(*text);
  if (!value || !value->is_object()) return 0;
  auto const pid = find_integer(value->get_object(), "pid").value_or(0);
  return pid > 1 && pid <= INT32_MAX ? static_cast<pid_t>(pid) : 0;
}

Result<> end_process(pid_t pid, std::string const& folder) {
  if (::kill(pid, SIGTERM) != 0 && errno != ESRCH) {
    return error(Code::forbidden, "can't stop the server (pid " + std::to_string(pid) + "): " + std::strerror(errno) +
                                      "; run as its user");
  }
  // Not until the process is gone: nobody may be there to reap it. With the lock its work is done.
  for (Deadline const deadline(stop_ms_max); is_taken(folder); nap()) {
    if (!deadline.is_over()) continue;
    return error(Code::timeout, "the server (pid " + std::to_string(pid) + ") is still ending; end it with: kill -9 " +
                                    std::to_string(pid));
  }
  return {};
}

Result<> tell_stop(Target const& target, Terminal& terminal, pid_t pid) {
  if (target.json) return print_json(terminal, json::object{{"stopped", pid != 0}, {"pid", pid}});
  return print(terminal,
               pid == 0 ? "No server is running.\n" : "Stopped the server (pid " + std::to_string(pid) + ").\n");
}

}  // namespace

bool has_server(Target const& target, Environment const& environment) {
  auto const server = find_server(target, environment);
  if (!server) return false;
  auto const answer = fetch(server->url, {"GET", "/healthz", {}}, answer_ms);
  // One that is too busy to answer is there all the same.
  return answer ? answer->status == 200 : answer.error().code == Code::timeout;
}

Result<> ensure_server(Target const& target, Terminal& terminal) {
  if (terminal.executable.empty() || names_server(target, terminal.environment)) return {};
  auto folder = find_data_folder(target.data, terminal.environment);
  if (!folder) return folder.error();
  if (answers(*folder)) return {};
  std::error_code ec;
  auto const whole = std::filesystem::absolute(*folder, ec);
  return start_server(ec ? *folder : whole.string(), target, terminal);
}

Result<> stop_server(Target const& target, Terminal& terminal) {
  if (!target.server.empty()) {
    return error(Code::usage, "stop ends the server of a data folder of this machine; name the folder with --data DIR");
  }
  auto const folder = find_data_folder(target.data, terminal.environment);
  if (!folder) return folder.error();
  if (!is_taken(*folder)) return tell_stop(target, terminal, 0);
  Deadline const deadline(answer_ms);
  pid_t pid = find_pid(*folder);
  for (; pid == 0 && !deadline.is_over() && is_taken(*folder); pid = find_pid(*folder)) nap();
  if (pid == 0 && is_taken(*folder)) {
    return error(Code::unavailable, "a server has the data folder " + *folder + " but no record of it; try again");
  }
  if (pid != 0) {
    if (auto ended = end_process(pid, *folder); !ended) return ended;
  }
  return tell_stop(target, terminal, pid);
}

}  // namespace sojourn
