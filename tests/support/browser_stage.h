// A loop with timers for tests of the browser room, and a data folder of their own.
#pragma once

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "base/loop.h"
#include "base/task.h"
#include "base/timers.h"

namespace sojourn::test {

class BrowserStage {
 public:
  BrowserStage() {
    std::signal(SIGPIPE, SIG_IGN);  // as the server does
    std::string folder = (std::filesystem::temp_directory_path() / "sojourn-test-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    data = folder;
  }
  ~BrowserStage() { std::filesystem::remove_all(data); }
  BrowserStage(BrowserStage const&) = delete;
  BrowserStage& operator=(BrowserStage const&) = delete;

  // Runs the loop until `is_so` says yes; false when it has not in time.
  bool until(std::function<bool()> const& is_so, std::chrono::milliseconds time = std::chrono::seconds(20)) {
    auto const end = std::chrono::steady_clock::now() + time;
    bool so = false;
    loop.run([&] {
      timers.run_due(Clock().now().steady_us);
      so = is_so();
      if (so || std::chrono::steady_clock::now() > end) loop.stop();
      return loop.now().steady_us + 2000;
    });
    return so;
  }

  // The value of a task or of one that comes later.
  template <typename T> T wait(Later<T> later) {
    until([&] { return later.is_given(); });
    if (!later.is_given()) std::abort();
    return later.await_resume();
  }

  Loop loop;
  Timers timers;
  std::string data;  // folder
};

}  // namespace sojourn::test
