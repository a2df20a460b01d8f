// A listening socket on a loopback address: accepts and hands over to the peers. When the process runs out of
// descriptors it rests for a moment instead of spinning. The loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/timer_wheel.h"
#include "net/peers.h"

namespace sojourn {

class Listener {
 public:
  struct Place {
    std::string host;        // localhost, or a numeric loopback address
    std::uint16_t port = 0;  // 0 = any free one
    ListenerDialect dialect = ListenerDialect::extension;
  };

  // Opens the place: one socket, or for localhost 127.0.0.1 and, where there is one, ::1 on the same port.
  // Code::unavailable names the place and what to do.
  static Result<std::vector<std::unique_ptr<Listener>>> open(Peers& peers, Place const& place);

  Listener(Peers& peers, int fd, Place place);

  std::uint16_t port() const { return place_.port; }
  // 127.0.0.1 or [::1]
  std::string host() const;
  // http://127.0.0.1:5409
  std::string url() const;

 private:
  void accept_some();
  void rest(std::string_view why);

  Peers& peers_;
  Place place_;
  Watch watch_;
  Timer timer_;
};

}  // namespace sojourn
