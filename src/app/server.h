// The server: owns everything and wires it, runs the loop, ends cleanly on SIGTERM or SIGINT. Two fit in one process.
// The thread that runs it is the hub's and the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace sojourn {

class Server {
 public:
  // Makes the data folder, takes its lock, opens the listeners. Code::cannot_create, Code::unavailable.
  static Result<std::unique_ptr<Server>> open(Config config);
  ~Server();

  // Addresses people can use, in the order of the configuration.
  std::vector<std::string> urls() const;

  // Runs until a signal or stop(); the exit code.
  int run();

  // From another thread or a signal: begins to end.
  void stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Opens a server, says where it listens, runs it; errors go to standard error as one line. The exit code.
int serve(Config const& config);

}  // namespace sojourn
