#include "base/strays.h"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

#include "base/crypto.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

std::vector<pid_t> find_children() {
  std::vector<pid_t> children;
  std::error_code ec;
  for (fs::directory_iterator it("/proc/self/task", ec), end; !ec && it != end; it.increment(ec)) {
    std::ifstream in(it->path() / "children");
    children.insert(children.end(), std::istream_iterator<pid_t>(in), {});
  }
  return children;
}

// Neither in our session nor the first of one: not started by us, but left to us.
bool is_adopted(pid_t pid) {
  auto const session = getsid(pid);
  return session > 0 && session != getsid(0) && session != pid;
}

bool is_zombie(std::string const& folder) {
  std::ifstream in(folder + "/stat");
  std::string text;
  std::getline(in, text);
  auto const end = text.rfind(')');  // of a name that may hold anything
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] == 'Z';
}

bool has_mark(std::string const& folder, std::string const& mark) {
  std::ifstream in(folder + "/environ", std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str().find(mark) != std::string::npos;
}

}  // namespace

Strays::Strays() {
  std::array<unsigned char, 12> bytes{};
  fill_random(bytes);
  mark_ = "SOJOURN_CHILD=" + base64url_encode(bytes);
}

bool Strays::end() {
  std::erase_if(killed_, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
  for (auto const pid : find_children()) {
    auto const folder = "/proc/" + std::to_string(pid);
    if (is_zombie(folder)) {
      if (is_adopted(pid)) waitpid(pid, nullptr, WNOHANG);
    } else if (has_mark(folder, mark_)) {
      if (std::find(killed_.begin(), killed_.end(), pid) == killed_.end()) killed_.push_back(pid);
      kill(pid, SIGKILL);
    }
  }
  return !killed_.empty();
}

}  // namespace sojourn
