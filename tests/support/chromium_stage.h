// A test with real browsers: one that starts them for a data folder of its own and finds what they leave behind.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "browser/chromium.h"
#include "support/browser_stage.h"

namespace sojourn::test {

namespace fs = std::filesystem;

inline std::string read_file(fs::path const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Processes, not zombies, whose command line has the text.
inline std::set<pid_t> find_processes(std::string const& text) {
  std::set<pid_t> found;
  std::error_code ec;
  for (auto const& entry : fs::directory_iterator("/proc", ec)) {
    auto const name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_file(entry.path() / "cmdline").find(text) != std::string::npos) found.insert(std::stoi(name));
  }
  return found;
}

// Of Chromium's that are not in a profile.
inline std::set<std::string> strays() {
  std::set<std::string> found;
  for (auto const& entry : fs::directory_iterator("/tmp"))
    if (auto const name = entry.path().filename().string();
        name.starts_with("org.chromium") || name.starts_with(".org.chromium") || name.starts_with("com.google"))
      found.insert(name);
  return found;
}

class ChromiumStage : public testing::Test, public BrowserStage {
 protected:
  ChromiumSetup setup_for(bool is_shell) const {
    auto const found = find_executables("");
    ChromiumSetup setup;
    setup.executable = is_shell ? found.shell : found.full;
    setup.is_shell = is_shell;
    setup.profile_root_key = profile_key(data);
    return setup;
  }
  // The shell where there is one.
  ChromiumSetup any_setup() const {
    auto setup = setup_for(true);
    return setup.executable.empty() ? setup_for(false) : setup;
  }
  ChromiumSetup script_setup(std::string const& text) const {
    auto const file = data + "/browser";
    std::ofstream(file) << text;
    chmod(file.c_str(), 0755);
    chmod(data.c_str(), 0755);
    ChromiumSetup setup;
    setup.executable = file;
    setup.profile_root_key = profile_key(data);
    return setup;
  }
  std::unique_ptr<Chromium> start(ChromiumSetup setup) {
    auto started = Chromium::start(loop, timers, std::move(setup), [this](std::string why) { reasons.push_back(why); });
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : nullptr;
  }
  bool is_up(Chromium& chromium) {
    return until([&] { return !chromium.product().empty(); });
  }
  std::string only_reason() {
    EXPECT_TRUE(until([&] { return !reasons.empty(); }));
    until([turns = 0]() mutable { return ++turns > 20; });
    EXPECT_EQ(reasons.size(), 1U);
    return reasons.empty() ? "" : reasons.front();
  }
  std::string mark() const { return "sojourn-browser-" + profile_key(data) + "-"; }
  std::vector<std::string> folders() const {
    std::vector<std::string> found;
    for (auto const* const root : {"/tmp", "/dev/shm"})
      for (auto const& entry : fs::directory_iterator(root))
        if (entry.path().filename().string().starts_with(mark())) found.push_back(entry.path().string());
    return found;
  }
  // A session on a new page.
  std::string open_page(Chromium& chromium) {
    json::object const target{{"url", "about:blank"}};
    auto const made = wait(chromium.wire().send("", "Target.createTarget", target));
    if (!made) return {};
    json::object const flat{{"targetId", made->at("targetId")}, {"flatten", true}};
    auto const attached = wait(chromium.wire().send("", "Target.attachToTarget", flat));
    return attached ? std::string(json::find_string(*attached, "sessionId")) : std::string();
  }

  std::vector<std::string> reasons;
};

}  // namespace sojourn::test

#define NEEDS_A_BROWSER()                                                                \
  if (any_setup().executable.empty()) {                                                  \
    std::fprintf(stderr, "NO BROWSER IS INSTALLED: %s\n", no_browser().message.c_str()); \
    GTEST_SKIP() << no_browser().message;                                                \
  }
