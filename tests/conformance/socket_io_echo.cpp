#include "conformance/socket_io_echo.h"

#include <array>
#include <memory>
#include <utility>

namespace sojourn::conformance {
namespace {

class Member final : public Socket {
 public:
  Member(std::string sid, json::value auth) : Socket(std::move(sid)), auth_(std::move(auth)) {}

  void open() override {
    client().send(to_event(nsp(), "auth", auth_.is_null() ? "{}" : json::to_text(auth_)));
    auth_ = nullptr;
  }

  void receive(socket_io::Packet event) override {
    auto& list = event.data.as_array();
    if (!list.front().is_string()) return;
    if (list.front().get_string() == "message") {
      list.front() = "message-back";
      event.id.reset();
    } else if (list.front().get_string() == "message-with-ack" && event.id) {
      event.type = socket_io::Type::ack;
      list.erase(list.begin());
    } else {
      return;
    }
    client().send(to_payload(event));
  }

 private:
  json::value auth_;
};

}  // namespace

std::span<Entrance const> SocketIoEcho::entrances() {
  static constexpr std::array table{
      Entrance{.pattern = "/socket.io", .carrier = Carrier::engine, .engine = sojourn::attach<&SocketIo::attach>},
  };
  return table;
}

void SocketIoEcho::connect(SocketIoClient& client, std::string const& nsp, json::value auth) {
  if (nsp != "/" && nsp != "/custom") return client.refuse(nsp, error(Code::not_found, "Invalid namespace"));
  bool const is_old = client.line().revision == engine_io::Revision::v3;
  client.accept(nsp, std::make_unique<Member>(is_old ? std::string(client.line().id) : mint_sid(), std::move(auth)));
}

}  // namespace sojourn::conformance
