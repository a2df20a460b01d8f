#include "app/probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <sstream>

#include "app/file.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::size_t kernel_file_bytes_max = 16 * 1024 * 1024;

// What is written to the pipe until its end, a line break, 1 KiB or ms_max.
std::string read_line(int pipe, std::int64_t ms_max) {
  auto const end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms_max);
  std::string line;
  std::array<char, 1024> buffer{};
  while (line.size() < buffer.size() && line.find('\n') == std::string::npos) {
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd entry{pipe, POLLIN, 0};
    if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) <= 0) break;
    ssize_t const count = ::read(pipe, buffer.data(), buffer.size());
    if (count <= 0) break;
    line.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return line.substr(0, line.find('\n'));
}

// The child's number in a process group of its own, its standard output being `output`; 0 when it can't be started.
pid_t start(std::string const& program, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string name = program;
  std::string flag = "--version";
  std::array<char*, 3> arguments{name.data(), flag.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, program.c_str(), &actions, &attributes, arguments.data(), environ) != 0) child = 0;
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return child;
}

void wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
}

// A number the kernel keeps in a file, or `otherwise` when it keeps none.
long read_number(char const* path, long otherwise) {
  auto const text = read_file(path, 64);
  long number = otherwise;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

// The kernel's name of the socket that listens at the port, from a table of /proc/net; empty when there is none.
std::string find_socket(char const* table, std::uint16_t port) {
  auto const text = read_file(table, kernel_file_bytes_max);
  if (!text) return {};
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, resent, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> resent >> user >> timeout >> inode;
    auto const colon = local.rfind(':');
    unsigned found = 0;
    if (colon == std::string::npos || state != "0A") continue;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
    if (found == port) return "socket:[" + inode + "]";
  }
  return {};
}

bool holds(std::string const& process, std::string const& socket) {
  std::string const folder = "/proc/" + process + "/fd";
  DIR* const files = ::opendir(folder.c_str());
  if (files == nullptr) return false;
  bool found = false;
  while (dirent const* const entry = ::readdir(files)) {
    std::array<char, 64> link{};
    ssize_t const size = ::readlink((folder + "/" + entry->d_name).c_str(), link.data(), link.size());
    if (size > 0 && std::string_view(link.data(), static_cast<std::size_t>(size)) == socket) found = true;
    if (found) break;
  }
  ::closedir(files);
  return found;
}

std::string find_holder(std::string const& socket) {
  DIR* const processes = ::opendir("/proc");
  if (processes == nullptr) return {};
  std::string holder;
  while (dirent const* const entry = ::readdir(processes)) {
    std::string const process = entry->d_name;
    if (process.find_first_not_of("0123456789") != std::string::npos || !holds(process, socket)) continue;
    auto const name = read_file("/proc/" + process + "/comm", 64);
    holder = name ? name->substr(0, name->find('\n')) : "a program";
    holder += " (process " + process + ")";
    break;
  }
  ::closedir(processes);
  return holder;
}

}  // namespace

std::optional<std::string> ask_version(std::string const& program, std::int64_t ms_max) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  pid_t const child = start(program, ends[1]);
  ::close(ends[1]);
  std::string line;
  if (child != 0) line = read_line(ends[0], ms_max);
  ::close(ends[0]);
  if (child == 0) return std::nullopt;
  ::kill(-child, SIGKILL);
  wait_for(child);
  if (line.empty()) return std::nullopt;
  return std::string(trimmed(line));
}

std::string why_no_user_namespace() {
  if (read_number("/proc/sys/user/max_user_namespaces", 1) == 0) return "user.max_user_namespaces is 0";
  if (read_number("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0) return "kernel.unprivileged_userns_clone is 0";
  if (read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1) {
    return "kernel.apparmor_restrict_unprivileged_userns is 1";
  }
  // A container may forbid what the kernel allows; only trying tells.
  pid_t const child = ::fork();
  if (child < 0) return std::strerror(errno);
  if (child == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::strerror(errno);
  }
  if (!WIFEXITED(status)) return "the attempt was ended by a signal";
  return WEXITSTATUS(status) == 0 ? std::string() : std::strerror(WEXITSTATUS(status));
}

std::string why_no_io_uring() {
  io_uring_params parameters{};
  long const ring = ::syscall(__NR_io_uring_setup, 1U, &parameters);
  if (ring < 0) return std::strerror(errno);
  ::close(static_cast<int>(ring));
  return {};
}

std::string find_listener(std::uint16_t port) {
  for (char const* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    if (auto const socket = find_socket(table, port); !socket.empty()) return find_holder(socket);
  }
  return {};
}

std::string why_not_writable(std::string const& folder) {
  std::string place = folder;
  struct stat info {};
  while (::stat(place.c_str(), &info) != 0) {
    if (errno != ENOENT) return place + ": " + std::strerror(errno);
    auto const slash = place.find_last_of('/');
    if (slash == 0 && place.size() > 1) {
      place = "/";
    } else {
      place = slash == std::string::npos || place == "/" ? "." : place.substr(0, slash);
    }
  }
  if (!S_ISDIR(info.st_mode)) return place + " is not a folder";
  if (::faccessat(AT_FDCWD, place.c_str(), W_OK | X_OK, AT_EACCESS) != 0) return place + ": " + std::strerror(errno);
  return {};
}

}  // namespace sojourn
