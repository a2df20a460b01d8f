#include "browser/executable.h"

#include <array>
#include <cstdlib>
#include <span>
#include <utility>

#include "base/process.h"

namespace sojourn {
namespace {

using Names = std::span<std::string_view const>;

constexpr std::array<std::string_view, 4> shell_names{"chromium-headless-shell", "chrome-headless-shell",
                                                      "headless-shell", "headless_shell"};
constexpr std::array<std::string_view, 5> full_names{"chromium", "google-chrome-stable", "google-chrome",
                                                     "chromium-browser", "chrome"};
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";
constexpr std::string_view other_places = "/usr/lib/chromium:/opt/google/chrome:/headless-shell";

// The first name that is in any of the folders; empty = none.
std::string find_in(std::string_view folders, Names names) {
  for (auto const name : names)
    if (auto file = find_program(folders, name)) return *std::move(file);
  return {};
}

}  // namespace

Executables find_executables(std::string const& configured, std::string_view path) {
  std::string folders(path);
  if (folders.empty()) {
    auto const* const ours = std::getenv("PATH");  // nobody changes it
    folders = ours == nullptr || *ours == '\0' ? std::string(usual_path) : std::string(ours);
    folders.append(":").append(other_places);
  }
  if (!configured.empty()) {
    if (configured.find('/') != std::string::npos) return {configured, configured};
    std::string_view const name = configured;
    auto found = find_in(folders, Names(&name, 1));
    if (found.empty()) found = configured;
    return {found, found};
  }
  return {find_in(folders, shell_names), find_in(folders, full_names)};
}

}  // namespace sojourn
