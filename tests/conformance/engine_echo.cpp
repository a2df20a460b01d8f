#include "conformance/engine_echo.h"

#include <array>
#include <string>
#include <utility>

namespace sojourn::conformance {
namespace {

class Client final : public EngineClient {
 public:
  explicit Client(EngineLine line) : line_(std::move(line)) {}

  void open() override {}
  bool has_come_in() const override { return true; }
  void receive(std::string_view text) override { say({engine_io::Type::message, std::string(text)}); }
  void receive_bytes(std::string_view bytes) override { say({engine_io::Type::message, std::string(bytes), true}); }
  void move(Framing framing, std::string_view) override { line_.framing = framing; }
  void leave(std::string_view) override {}

 private:
  void say(engine_io::Packet const& packet) {
    std::string payload;
    engine_io::append_body(payload, packet);
    auto bytes = std::make_shared<std::string>();
    line_.framing(*bytes, payload);
    line_.outlet.push(std::move(bytes));
  }

  EngineLine line_;
};

}  // namespace

std::span<Entrance const> EngineEcho::entrances() {
  static constexpr std::array table{
      Entrance{.pattern = "/engine.io", .carrier = Carrier::engine, .engine = sojourn::attach<&EngineEcho::attach>},
  };
  return table;
}

std::unique_ptr<EngineClient> EngineEcho::attach(Request const&, EngineLine const& line) {
  return std::make_unique<Client>(line);
}

}  // namespace sojourn::conformance
