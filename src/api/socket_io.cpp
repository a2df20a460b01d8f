#include "api/socket_io.h"

#include <algorithm>
#include <utility>

#include "base/id.h"
#include "base/text.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::size_t user_agent_bytes_max = 256;
constexpr std::uint16_t close_protocol = 1002;
constexpr std::uint16_t close_policy = 1008;
// How often it is looked whether newcomers have come in.
constexpr std::int64_t look_us = 250'000;
constexpr std::size_t namespaces_max = 16;

// "40/custom," and the like.
std::string to_head(char type, std::string_view nsp) {
  std::string head{'4', type};
  if (nsp != "/") head.append(nsp).append(",");
  return head;
}

// The clients of Python have no way to, and call handlers with exactly the arguments that an event has. They are told
// by their name, or by the clock's seconds that they put into addresses.
bool can_return(Request const& request) {
  return lower_case(request.header("user-agent")).find("python") == std::string::npos &&
         request.parameter("t").find('.') == std::string::npos;
}

// What a client of revision 3 says of itself stands behind its namespace, as in addresses.
json::value to_fields(std::string_view query) {
  json::object fields;
  while (!query.empty()) {
    auto value = take_until(query, '&');
    auto const name = take_until(value, '=');
    if (!name.empty()) fields[to_utf8(decode_segment(name))] = to_utf8(decode_segment(value));
  }
  return fields;
}

}  // namespace

std::string to_event(std::string_view nsp, std::string_view name, std::string_view arguments,
                     std::optional<std::uint64_t> id) {
  auto payload = to_head('2', nsp);
  if (id) payload += std::to_string(*id);
  payload += '[';
  json::append_string(payload, name);
  if (!arguments.empty()) payload.append(",").append(arguments);
  return payload += ']';
}

std::string to_payload(socket_io::Packet const& packet) {
  auto payload = '4' + socket_io::to_text(packet);
  for (auto const& bytes : packet.attachments) engine_io::append_body(payload, {engine_io::Type::message, bytes, true});
  return payload;
}

bool SocketIoClient::Visitor::operator==(Visitor const& other) const {
  bool const are_plain = !principal.grant && !other.principal.grant && !refusal && !other.refusal;
  return are_plain && principal.role == other.principal.role && principal.scope == other.principal.scope &&
         can_return == other.can_return && principal.name == other.principal.name && user_agent == other.user_agent &&
         address == other.address;
}

SocketIoClient::SocketIoClient(SocketIo& door, Id id, EngineLine const& line, std::shared_ptr<Visitor const> visitor)
    : door_(door),
      id_(id),
      line_(line),
      visitor_(std::move(visitor)),
      reader_(socket_io::Limits{.attached_bytes_max = door.world_.settings.message_bytes}) {}

SocketIoClient::~SocketIoClient() { leave({}); }

// Clients of Engine.IO 3 are in the main namespace without asking.
void SocketIoClient::open() {
  if (line_.revision == engine_io::Revision::v3) connect("/", nullptr);
}

void SocketIoClient::receive(std::string_view text) {
  if (is_closed_ || !may_send(text.size())) return;
  take(reader_.take_text(text));
  if (is_closed_ || !reader_.is_waiting()) return;
  door_.expect(id_, ++unfinished_);
}

void SocketIoClient::receive_bytes(std::string_view bytes) {
  if (is_closed_ || !may_send(bytes.size())) return;
  take(reader_.take_bytes(std::string(bytes)));
  if (!reader_.is_waiting()) ++unfinished_;
}

// Before it has come in it may send only so much.
bool SocketIoClient::may_send(std::size_t bytes) {
  if (!was_in_) prelude_bytes_ += bytes;
  if (prelude_bytes_ <= door_.world_.settings.prelude_bytes) return true;
  close(close_policy, "parse error");
  return false;
}

void SocketIoClient::take(Result<std::optional<socket_io::Packet>> packet) {
  if (!packet) return close(close_protocol, "parse error");
  if (*packet) take_packet(**std::move(packet));
  left_.clear();
}

void SocketIoClient::take_packet(socket_io::Packet packet) {
  if (auto const query = packet.nsp.find('?'); query != std::string::npos) {
    if (line_.revision == engine_io::Revision::v3)
      packet.data = to_fields(std::string_view(packet.nsp).substr(query + 1));
    packet.nsp.resize(query);
  }
  auto* const socket = find(packet.nsp);
  bool const connects = packet.type == socket_io::Type::connect;
  bool const is_asked = std::ranges::find(asked_, packet.nsp) != asked_.end();
  if (socket == nullptr && connects && !is_asked) return connect(packet.nsp, std::move(packet.data));
  if (socket == nullptr || connects || packet.type == socket_io::Type::connect_error)
    return close(close_protocol, "parse error");
  switch (packet.type) {
    case socket_io::Type::event:
      return socket->receive(std::move(packet));
    case socket_io::Type::ack: {
      auto const id = packet.id.value_or(0);
      return socket->receive_ack(id, std::move(packet));
    }
    default:
      return drop(*socket, "client namespace disconnect");
  }
}

void SocketIoClient::connect(std::string const& nsp, json::value auth) {
  if (sockets_.size() + asked_.size() >= namespaces_max)
    return refuse(nsp, error(Code::too_many, "a client is in at most 16 namespaces"));
  asked_.push_back(nsp);
  door_.connect(*this, nsp, std::move(auth));
}

void SocketIoClient::accept(std::string const& nsp, std::unique_ptr<Socket> socket) {
  std::erase(asked_, nsp);
  if (is_closed_) return;
  was_in_ = true;
  auto& member = *sockets_.emplace_back(std::move(socket));
  member.client_ = this;
  member.nsp_ = nsp;
  auto payload = to_head('0', nsp);
  if (line_.revision == engine_io::Revision::v4) {
    payload += "{\"sid\":\"" + member.sid() + '"';
    if (auto const pid = member.pid(); !pid.empty()) payload += ",\"pid\":\"" + pid + '"';
    payload += '}';
  }
  send(payload);
  member.open();
}

void SocketIoClient::refuse(std::string const& nsp, Error const& why) {
  std::erase(asked_, nsp);
  auto payload = to_head('4', nsp);
  if (line_.revision == engine_io::Revision::v3) {
    json::append_string(payload, why.message);
    return send(payload);
  }
  payload += "{\"message\":";
  json::append_string(payload, why.message);
  if (why.code != Code::not_found) payload.append(",\"data\":{\"code\":\"").append(row(why.code).word).append("\"}");
  send(payload + '}');
}

void SocketIoClient::send(std::string_view payload) {
  if (is_closed_) return;
  line_.outlet.append(line_.framing, payload);
}

void SocketIoClient::acknowledge(Socket const& socket, std::uint64_t id, std::string_view arguments) {
  auto payload = to_head('3', socket.nsp());
  payload += std::to_string(id);
  send(payload.append("[").append(arguments).append("]"));
}

void SocketIoClient::disconnect(Socket& socket, std::string_view reason) {
  send(to_head('1', socket.nsp()));
  drop(socket, reason);
}

// The socket may be at work: it is freed when this call is over.
void SocketIoClient::drop(Socket& socket, std::string_view reason) {
  auto const place = std::ranges::find(sockets_, &socket, [](auto const& each) { return each.get(); });
  if (place == sockets_.end()) return;
  left_.push_back(std::move(*place));
  sockets_.erase(place);
  left_.back()->leave(reason);
}

void SocketIoClient::close(std::uint16_t code, std::string_view reason) {
  if (is_closed_) return;
  leave(reason);
  line_.outlet.close(code, reason);
}

void SocketIoClient::move(Framing framing, std::string_view transport) {
  line_.framing = framing;
  line_.transport = transport;
  for (auto const& socket : sockets_) socket->move();
}

void SocketIoClient::leave(std::string_view reason) {
  if (std::exchange(is_closed_, true)) return;
  door_.clients_.erase(id_);
  while (!sockets_.empty()) drop(*sockets_.back(), reason);
}

Socket* SocketIoClient::find(std::string_view nsp) const {
  auto const place =
      std::ranges::find(sockets_, nsp, [](auto const& socket) { return std::string_view(socket->nsp_); });
  return place == sockets_.end() ? nullptr : place->get();
}

std::unique_ptr<EngineClient> SocketIo::attach(Request const& request, EngineLine const& line) {
  auto const id = ++last_id_;
  auto client = std::make_unique<SocketIoClient>(*this, id, line, describe(request));
  clients_.emplace(id, client.get());
  expect(id, 0);
  return client;
}

std::shared_ptr<SocketIoClient::Visitor const> SocketIo::describe(Request const& request) {
  SocketIoClient::Visitor visitor{request.principal, request.refusal,
                                  to_utf8(request.header("user-agent").substr(0, user_agent_bytes_max)),
                                  std::string(request.remote_address), can_return(request)};
  if (!last_visitor_ || !(*last_visitor_ == visitor))
    last_visitor_ = std::make_shared<SocketIoClient::Visitor const>(std::move(visitor));
  return last_visitor_;
}

SocketIoClient* SocketIo::find(SocketIoClient::Id id) const {
  auto const place = clients_.find(id);
  return place == clients_.end() ? nullptr : place->second;
}

void SocketIo::expect(SocketIoClient::Id client, std::uint64_t unfinished) {
  expected_.push_back({client, unfinished, world_.clock.now().steady_us + world_.settings.connect_us});
  look_later();
}

void SocketIo::look_later() {
  if (expected_.empty() || std::exchange(looks_, true)) return;
  world_.later(look_us, [this] {
    looks_ = false;
    turn_late_away();
    look_later();
  });
}

void SocketIo::turn_late_away() {
  auto const now_us = world_.clock.now().steady_us;
  while (!expected_.empty() && expected_.front().until_us <= now_us) {
    auto const due = expected_.front();
    expected_.pop_front();
    auto* const client = find(due.client);
    if (client == nullptr) continue;
    bool const has_come = due.unfinished == 0 ? client->was_in_ : client->unfinished_ != due.unfinished;
    if (!has_come) client->close(close_policy, due.unfinished == 0 ? "connect timeout" : "parse error");
  }
}

}  // namespace sojourn
