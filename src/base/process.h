// Child processes: started in a group of their own, with pipes where they are asked for and nothing else that is open,
// as another user where that is wanted; waited for and killed as a group, so that no grandchild stays behind. The
// process that starts them adopts orphans of its children (PR_SET_CHILD_SUBREAPER), and each group reaps its own.
// Invariant: when a Process ends, so has everything in its group, and whoever left that. One thread per Process, any.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "base/strays.h"

namespace sojourn {

// An account of this machine that a child runs as.
struct Account {
  uid_t user = 0;
  gid_t group = 0;
  std::string name;
};

struct ProcessSetup {
  std::vector<std::string> command;      // the program, looked up in PATH if it has no slash, and its arguments
  std::vector<std::string> environment;  // NAME=value, all of it; a mark is added
  std::string folder = {};               // to work in; empty = /
  std::optional<Account> account = {};   // none = as we are
  std::vector<int> descriptors = {};  // pipes: what becomes descriptor 0, 1, 2, ... there; -1 = /dev/null. Not closed
};

// How it ended.
struct Ending {
  int exit_code = 0;  // if no signal
  int signal = 0;     // 0 = none
  std::string describe() const;
};

class Process {
 public:
  // Code::unavailable when the program is not there or may not be run: says which, and why. It is killed too when the
  // thread that calls this ends. `on_end` (may be empty) runs on the loop's thread, once, in a later iteration, when
  // the process itself is gone by itself; its group is killed and reaped by then. It may free this.
  static Result<std::unique_ptr<Process>> start(Loop& loop, ProcessSetup setup, std::function<void(Ending)> on_end);
  // Kills the group at once and waits for it, 2 s at most.
  ~Process();
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;

  pid_t pid() const { return pid_; }
  // To the whole group; after SIGKILL the loop goes on while it ends, and on_end says when it has.
  void signal(int number) const;
  bool has_ended() const { return has_ended_; }

 private:
  struct Child {
    pid_t pid;
    int pid_fd;
    Strays strays;
  };
  Process(Loop& loop, Child child, std::function<void(Ending)> on_end);
  void on_gone();
  void on_tick();
  void finish();

  Loop& loop_;
  pid_t pid_;
  Strays strays_;  // who left its group
  std::function<void(Ending)> on_end_;
  Ending ending_;
  bool has_ended_ = false;  // the process itself
  bool is_reaped_ = false;  // and all of its group
  int ticks_ = 0;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  Watch watch_;                    // on the pidfd
  std::unique_ptr<Watch> ticker_;  // while the group ends
};

// The first executable file of that name in the folders of `path` (separated by colons); only whole paths count.
std::optional<std::string> find_program(std::string_view path, std::string_view name);

// Two ends of a pipe, close-on-exec; the one that we keep does not block.
struct Pipe {
  int ours = -1;
  int theirs = -1;
};
Result<Pipe> pipe_to_child();
Result<Pipe> pipe_from_child();

}  // namespace sojourn
