// One Chromium as a child of ours: started over two pipes (never a port), in a process group of its own, never as root,
// its sandbox kept, everything that it writes inside a profile folder that goes with it.
// Invariant: when this ends, no process and no file of it is left; when the server is killed, the pipes end Chromium
// and the next start sweeps the folder. The browser thread; the process ignores SIGPIPE.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/process.h"
#include "base/result.h"
#include "base/task.h"
#include "base/timers.h"
#include "browser/account.h"
#include "browser/executable.h"
#include "browser/profile.h"
#include "browser/wire.h"

namespace sojourn {

struct ChromiumSetup {
  static constexpr std::int64_t usual_start_us = 30'000'000;

  std::string executable;  // of find_executables(), never empty
  bool is_shell = true;
  std::string profile_root_key;     // of profile_key()
  std::vector<int> own_ports = {};  // of this server: no page reaches them
  std::vector<std::string> more_flags = {};
  std::int64_t start_us_max = usual_start_us;  // until it is up
};

class Chromium {
 public:
  // Starts it and comes back at once; commands may be sent right away and are answered when it is up.
  // Code::unavailable when it can't be started: says why, and what to do. `on_end` runs once, in a later iteration,
  // when it is gone by itself or did not come up in time; this may then be destroyed.
  static Result<std::unique_ptr<Chromium>> start(Loop& loop, Timers& timers, ChromiumSetup setup,
                                                 std::function<void(std::string reason)> on_end);
  // Kills what is left of it, waits for that (up to 60 ms, next to nothing once it is gone) and removes the profile.
  ~Chromium();
  Chromium(Chromium const&) = delete;
  Chromium& operator=(Chromium const&) = delete;

  // Kills all its processes without waiting, and removes the profile when they are gone. What waits for the wire gets
  // its error, and so does what is sent later: the wire stays for those who still know it. on_end does not run.
  void end();
  // The same, but on_end runs as if it had ended by itself.
  void kill();

  Wire& wire() { return *wire_; }
  pid_t pid() const { return process_->pid(); }
  bool is_shell() const { return is_shell_; }
  // It may read and write there, and hardly anywhere else: for uploads and downloads. Whatever is put there has to be
  // given to the account, if there is one.
  std::string const& folder() const { return profile_.path(); }
  std::optional<Account> const& account() const { return account_; }
  // Both empty until it is up, which is before any other command is answered.
  std::string const& product() const { return product_; }        // "HeadlessChrome/156.0.8078.79"
  std::string const& user_agent() const { return user_agent_; }  // its own

 private:
  Chromium(Loop& loop, Timers& timers, Profile profile, std::function<void(std::string)> on_end);
  Result<> launch(ChromiumSetup const& setup);
  Task<bool> greet(std::int64_t start_us_max);
  void on_stderr();
  void on_wire_end();
  void on_process_end(Ending ending);
  std::string explain(Ending ending) const;

  Loop& loop_;
  Timers& timers_;
  Profile profile_;
  std::optional<Account> account_;
  std::function<void(std::string)> on_end_;
  bool is_shell_ = true;
  std::string last_words_;  // what it wrote to its standard error, the end of it
  std::string product_;
  std::string user_agent_;
  bool is_late_ = false;
  TimerId kill_timer_ = 0;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Watch> stderr_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Wire> wire_;
};

// What to say when find_executables() found none.
Error no_browser();

}  // namespace sojourn
