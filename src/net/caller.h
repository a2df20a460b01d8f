// Outgoing HTTP calls by libcurl, on our loop: nothing blocks it, no redirection is followed, no proxy, cookie or
// password of the environment is used, certificates are verified. So many calls at once, and so many that wait for
// their turn; a call's time counts from call().
// Invariant: none of our callbacks runs inside libcurl. The loop's thread; the process ignores SIGPIPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/loop.h"
#include "base/timer_wheel.h"
#include "core/caller.h"
#include "net/transfer.h"

namespace sojourn {

struct CallerOptions {
  TransferRules rules = {};
  std::size_t running_max = 64;
  std::size_t waiting_max = 1000;
};

class HttpCaller final : public Caller {
 public:
  // Loop and wheel outlive it.
  HttpCaller(Loop& loop, TimerWheel& wheel, CallerOptions options);
  // Cancels what is under way. Not to be run by a callback of a call.
  ~HttpCaller() override;

  // One more port that we listen on; calls to it are Code::forbidden.
  void add_own_port(std::uint16_t port);

  CallId call(Call call, OnPiece on_piece, Done done) override;
  void cancel(CallId id) override;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace sojourn
