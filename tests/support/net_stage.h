// The carriers on a stage: loop, peers, hub and doors in one thread, clients as the other ends of socket pairs.
// Nothing moves by itself: a test steps the loop, or a client does while it waits for something.
// Invariant: time is the machine's, so limits in milliseconds are short. One thread.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/extension.h"
#include "api/identity.h"
#include "api/router.h"
#include "base/loop.h"
#include "base/timer_wheel.h"
#include "core/hub.h"
#include "net/peers.h"
#include "support/fake_store.h"
#include "support/plain_dialect.h"

namespace sojourn::test {

// A door whose answers come when a test says so, and whose live connections join sessions that a store keeps.
class StageDoor {
 public:
  explicit StageDoor(Hub& hub)
      : dialect([this](ConnectionId, std::string_view message) { heard.emplace_back(message); }), hub_(hub) {}

  static std::span<Route const> routes() {
    static constexpr std::array table{
        Route{"GET", "/now", sojourn::handle<&StageDoor::now>},
        Route{"POST", "/echo", sojourn::handle<&StageDoor::echo>},
        Route{"GET", "/later/:name", sojourn::handle<&StageDoor::later>},
        Route{"GET", "/big/:bytes", sojourn::handle<&StageDoor::big>},
        Route{"GET", "/pieces", sojourn::handle<&StageDoor::begin>},
    };
    return table;
  }
  static std::span<Entrance const> entrances() {
    static constexpr std::array table{Entrance{"/kept", Carrier::websocket, nullptr, sojourn::join<&StageDoor::join>}};
    return table;
  }

  void now(Request const& request, Parameters const&, Respond respond) {
    Response response;
    response.body = "now " + std::string(request.query);
    respond(std::move(response));
  }
  void echo(Request const& request, Parameters const&, Respond respond) {
    Response response;
    response.body = request.body;
    respond(std::move(response));
  }
  void later(Request const&, Parameters const& parameters, Respond respond) {
    waiting.emplace(std::string(parameters.at[0]), respond);
  }
  void big(Request const&, Parameters const& parameters, Respond respond) {
    std::size_t bytes = 0;
    std::from_chars(parameters.at[0].data(), parameters.at[0].data() + parameters.at[0].size(), bytes);
    Response response;
    response.body.assign(bytes, 'x');
    respond(std::move(response));
  }
  // Begins an answer that is open with "<", and ends it at once when the query says so.
  void begin(Request const& request, Parameters const&, Respond respond) {
    Response response;
    response.content_type = "text/plain";
    response.body = "<";
    response.is_open = true;
    respond(std::move(response));
    open.push_back(request.pieces);
    if (request.query == "end") open.back()({">", true});
  }
  void join(Request const& request, Parameters const&, Attachment via, Welcome welcome) {
    via.dialect = &dialect;
    hub_.submit(request.principal, OpenSession{SessionKind::shared, std::move(via), {}},
                [welcome](Result<Outcome> out) {
                  if (!out) return welcome(out.error());
                  welcome(std::move(std::get<Opened>(*out)));
                });
  }

  // Answers the request for /later/NAME; false when it is not there.
  bool answer(std::string const& name, std::string body) {
    auto const place = waiting.find(name);
    if (place == waiting.end()) return false;
    auto const respond = place->second;
    waiting.erase(place);
    Response response;
    response.body = std::move(body);
    respond(std::move(response));
    return true;
  }

  std::vector<Pieces> open;  // of answers, in their order
  std::multimap<std::string, Respond> waiting;
  std::vector<std::string> heard;  // what connections said
  PlainDialect dialect;

 private:
  Hub& hub_;
};

// How many descriptors this process has open.
inline std::size_t count_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
  return count;
}

class NetStage {
 public:
  static constexpr std::uint16_t port = 5409;

  explicit NetStage(Limits const& limits = {}, unsigned commit_turns_max = 1,
                    websocket::Compression compression = websocket::Compression::off)
      : store(1, commit_turns_max),
        hub({store, log, Clock(), Random(1), limits}),
        door(hub),
        peers(NetWorld{loop, wheel, router, hub, log, limits, {}, compression}) {
    access.add_port(port);
    router.add(&door, StageDoor::routes(), StageDoor::entrances());
    router.add(&extension, Extension::routes(), Extension::entrances());
  }

  // One iteration of the loop, without waiting.
  void step() {
    loop.run([this] {
      wheel.advance(loop.now().steady_us);
      store.turn();
      hub.turn();
      peers.turn();
      loop.stop();
      return std::int64_t{0};
    });
  }
  void steps(int count) {
    while (count-- > 0) step();
  }

  // Steps until `is_so` says yes; false when it has not within `ms`.
  bool until(std::function<bool()> const& is_so, int ms = 3000) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    for (int idle = 0; std::chrono::steady_clock::now() < end; ++idle) {
      step();
      if (is_so()) return true;
      if (idle > 8) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return is_so();
  }
  // Lets the world turn for a while.
  void pass(int ms) {
    until([] { return false; }, ms);
  }

  // A new connection; the client's end of it. With `send_buffer` the kernel takes only about so many bytes.
  int connect(int send_buffer = 0) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) return -1;
    if (send_buffer != 0) setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
    peers.add(ends[1], {"127.0.0.1", ListenerDialect::extension});
    return ends[0];
  }

  Loop loop;
  TimerWheel wheel{loop.now().steady_us};
  Log log;
  FakeStore store;
  Hub hub;
  StageDoor door;
  Access access{{"http://allowed.test"}, false};
  Extension extension{hub};
  Identity identity{Keys(std::string(64, 'x')), true};
  Router router{access, identity, log, Random(2)};
  Peers peers;
};

}  // namespace sojourn::test
