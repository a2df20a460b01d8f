#include "conformance/echo.h"

#include <array>
#include <utility>

#include "codec/websocket.h"
#include "net/http.h"

namespace sojourn::conformance {
namespace {

// A connection has one framing for text and bytes: the first byte of what it is given says which.
template <int WindowBits> void frame(std::string& out, std::string_view message) {
  websocket::append_message(out, static_cast<websocket::Opcode>(message.front()), message.substr(1), WindowBits);
}

constexpr std::array<Framing, 16> framings{frame<0>,  nullptr,   nullptr,   nullptr,  nullptr,   nullptr,
                                           nullptr,   nullptr,   nullptr,   frame<9>, frame<10>, frame<11>,
                                           frame<12>, frame<13>, frame<14>, frame<15>};

}  // namespace

std::span<Entrance const> Echo::entrances() {
  static constexpr std::array table{
      Entrance{"/echo", Carrier::websocket, nullptr, sojourn::join<&Echo::join>, "Says every message again"},
  };
  return table;
}

// One session for each connection, which goes with it.
void Echo::join(Request const& request, Parameters const&, Attachment via, Welcome welcome) {
  auto const agreement = agree_on_compression(request, compression_);
  via.dialect = this;
  via.framing = framings.at(static_cast<std::size_t>(agreement.window_bits));
  hub_.submit(request.principal, OpenSession{SessionKind::extension, std::move(via), {}},
              [welcome](Result<Outcome> outcome) {
                if (!outcome) return welcome(outcome.error());
                welcome(std::move(std::get<Opened>(*outcome)));
              });
}

void Echo::say(ConnectionId connection, websocket::Opcode opcode, std::string_view message) {
  hub_.whisper(connection, [&](Session const&, Connection const&, Moment) {
    return std::string(1, static_cast<char>(opcode)).append(message);
  });
}

}  // namespace sojourn::conformance
