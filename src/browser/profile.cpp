#include "browser/profile.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "browser/account.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view usual_root = "/tmp";
constexpr std::string_view memory_root = "/dev/shm";
constexpr std::uint64_t memory_bytes_min = std::uint64_t{256} * 1024 * 1024;
constexpr std::string_view beginning = "sojourn-browser-";
constexpr std::size_t root_size_max = 40;  // a socket's name ends at 107, and Chromium puts one below
constexpr std::size_t proc_bytes_max = std::size_t{64} * 1024;
constexpr std::chrono::seconds sweep_max{2};

// Whether the account may pass through all folders above and write in this one.
bool is_for(std::optional<Account> const& account, std::string const& folder) {
  if (!account) return access(folder.c_str(), W_OK | X_OK) == 0;
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return false;
  for (auto place = fs::path(folder);; place = place.parent_path()) {
    if (stat(place.c_str(), &info) != 0 || (info.st_mode & S_IXOTH) == 0) return false;
    if (place == place.parent_path()) return true;
  }
}

std::string given_root() {
  auto const* const given = std::getenv("TMPDIR");  // nobody changes it
  std::string root = given == nullptr ? "" : given;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  return root.starts_with('/') && root.size() <= root_size_max ? root : "";
}

// In memory it is made and removed a hundred times faster, and a browser's own folder is a megabyte or two.
bool has_memory_root() {
  struct statfs system {};
  if (statfs(std::string(memory_root).c_str(), &system) != 0 || system.f_type != TMPFS_MAGIC) return false;
  return static_cast<std::uint64_t>(system.f_bavail) * static_cast<std::uint64_t>(system.f_bsize) > memory_bytes_min;
}

std::string choose_root(std::optional<Account> const& account) {
  if (auto given = given_root(); !given.empty() && is_for(account, given)) return given;
  if (has_memory_root() && is_for(account, std::string(memory_root))) return std::string(memory_root);
  return std::string(usual_root);
}

Error no_folder(std::string const& path) {
  return error(Code::unavailable, "a folder for the browser can't be made: " + path + ": " + std::strerror(errno));
}

// Ours to kill and to remove: of us or of the account that we lend, never of a stranger who chose that name.
bool is_ours(uid_t owner, std::optional<Account> const& account) {
  return owner == geteuid() || (account && owner == account->user);
}

// A file of /proc, which may go while it is read.
std::string read_some(std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(proc_bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text;
}

// Whether it was started with a profile or a home of that name; some children of Chromium say it one way, some the
// other. To have such a name among other arguments, as an editor may, is not enough.
bool carries(std::string const& process, std::string const& mark) {
  for (auto const& [file, name] : {std::pair("/cmdline", "--user-data-dir="), std::pair("/environ", "HOME=")}) {
    auto const text = read_some("/proc/" + process + file);
    auto const begin = text.find(name);
    if (begin == std::string::npos) continue;
    auto const value = std::string_view(text).substr(begin, text.find('\0', begin) - begin);
    if (value.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

std::vector<pid_t> find_marked(std::string const& mark, std::optional<Account> const& account) {
  std::vector<pid_t> found;
  std::error_code ec;
  for (fs::directory_iterator it("/proc", ec), end; !ec && it != end; it.increment(ec)) {
    auto const name = it->path().filename().string();
    pid_t pid = 0;
    auto const [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (problem != std::errc() || rest != name.data() + name.size() || pid == getpid()) continue;
    struct stat info {};
    if (stat(it->path().c_str(), &info) != 0 || !is_ours(info.st_uid, account)) continue;
    if (carries(name, mark)) found.push_back(pid);
  }
  return found;
}

// The whole group where it is one that we have made: its session has the same number.
void kill_with_group(pid_t pid) {
  auto const group = getpgid(pid);
  if (group > 1 && group == getsid(pid) && group != getpgrp()) kill(-group, SIGKILL);
  kill(pid, SIGKILL);
}

void remove_folders(std::string const& root, std::string const& name, std::optional<Account> const& account) {
  std::error_code ec;
  std::vector<fs::path> folders;
  for (fs::directory_iterator it(root, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().filename().string().starts_with(name)) folders.push_back(it->path());
  for (auto const& folder : folders) {
    struct stat info {};
    if (lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || !is_ours(info.st_uid, account)) continue;
    fs::remove_all(folder, ec);
  }
}

}  // namespace

std::string profile_key(std::string const& data_folder) {
  if (data_folder.empty()) return "p" + std::to_string(getpid());
  std::error_code ec;
  auto folder = fs::weakly_canonical(data_folder, ec);
  if (ec) folder = fs::absolute(data_folder, ec);
  auto text = folder.native();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  auto const digest = sha256(text);
  return base64url_encode(std::span(digest).first(9));
}

Result<Profile> Profile::make(std::string const& key, std::optional<Account> const& account) {
  auto path = choose_root(account) + "/" + std::string(beginning) + key + "-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return no_folder(path);
  Profile profile(path);
  if (account && chown(path.c_str(), account->user, account->group) != 0) return no_folder(path);
  return profile;
}

Profile::Profile(Profile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Profile::~Profile() { remove(); }

// Somebody may be about to write there, against the rules: a second look finds it.
void Profile::remove() {
  auto const path = std::exchange(path_, {});
  if (path.empty()) return;
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::error_code ec;
    fs::remove_all(path, ec);
    if (!ec) return;
  }
}

void sweep_leftovers(std::string const& data_folder) {
  if (data_folder.empty()) return;
  auto const account = geteuid() == 0 ? find_account(browser_account) : std::nullopt;
  auto const name = std::string(beginning) + profile_key(data_folder) + "-";
  auto const mark = "/" + name;
  auto const until = std::chrono::steady_clock::now() + sweep_max;
  for (auto left = find_marked(mark, account); !left.empty(); left = find_marked(mark, account)) {
    for (auto const pid : left) kill_with_group(pid);
    if (std::chrono::steady_clock::now() > until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::set<std::string> roots{std::string(usual_root), std::string(memory_root)};
  if (auto const root = given_root(); !root.empty()) roots.insert(root);
  for (auto const& root : roots) remove_folders(root, name, account);
}

}  // namespace sojourn
