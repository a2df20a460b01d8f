#include "app/client_folder.h"

#include <unistd.h>

#include <array>
#include <climits>

namespace sojourn {

std::string find_client_folder(std::string const& configured, std::string const& executable_folder) {
  if (!configured.empty()) return configured;
  for (auto const* place : {"/../../node_modules/socket.io-client/dist", "/../share/sojourn/socket.io-client/dist",
                            "/../share/sojourn/socket.io-client"}) {
    auto folder = executable_folder + place;
    if (!executable_folder.empty() && access((folder + "/socket.io.js").c_str(), R_OK) == 0) return folder;
  }
  return {};
}

std::string executable_folder() {
  std::array<char, PATH_MAX> path;
  auto const size = readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return {};
  std::string const whole(path.data(), static_cast<std::size_t>(size));
  return whole.substr(0, whole.rfind('/'));
}

}  // namespace sojourn
