#include "api/monitor_event.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "api/socket_io.h"
#include "api/stream.h"
#include "codec/engine_io.h"

namespace sojourn {
namespace {

constexpr std::string_view session = "1b0c7a52-4d1e-4b7f-9a63-0c5f1e2d3a44";

Event message(std::string name, std::string data, std::uint64_t seq = 7) {
  return Event{.seq = seq, .name = std::move(name), .data = std::move(data)};
}
// The payload of an event at 7 of epoch 0xab, with the place written as "@" and packets apart by " + ".
std::string shown(Event const& event) {
  auto out = to_session_event(session, 0xab, event);
  auto const place = "\"" + std::string(session) + "/ab." + std::to_string(event.seq) + "\"";
  for (auto at = out.find(place); at != out.npos; at = out.find(place)) out.replace(at, place.size(), "@");
  for (auto at = out.find('\x1e'); at != out.npos; at = out.find('\x1e')) out.replace(at, 1, " + ");
  return out;
}
std::string shown(std::string name, std::string data) { return shown(message(std::move(name), std::move(data))); }
std::string shown_once(std::string data) { return shown(message("x", std::move(data), 0)); }

// As a client's packet comes in: its text, then its attachments.
socket_io::Packet packet(std::string_view text, std::vector<std::string> attachments = {}) {
  socket_io::Reader reader;
  auto read = reader.take_text(text);
  for (auto& bytes : attachments) read = reader.take_bytes(std::move(bytes));
  EXPECT_TRUE(read && *read) << text;
  return read && *read ? **std::move(read) : socket_io::Packet();
}
std::string data_of(std::string_view text, std::vector<std::string> attachments = {}) {
  return to_message_data(packet(text, std::move(attachments)));
}

TEST(MonitorEvent, ShowsAMessageAsItWasMeantWithItsPlaceBehindIt) {
  EXPECT_EQ(shown("chat", R"({"text":"hello"})"), R"(42["chat",{"text":"hello"},@])");
  EXPECT_EQ(shown("chat", "[1,2]"), R"(42["chat",[1,2],@])") << "a list is one argument";
  EXPECT_EQ(shown("chat", "\"a\""), R"(42["chat","a",@])");
  EXPECT_EQ(shown("chat", ""), R"(42["chat",@])");
  EXPECT_EQ(shown("a\"b", "null"), R"(42["a\"b",null,@])");
}

TEST(MonitorEvent, ShowsSeveralArgumentsAsSeveral) {
  EXPECT_EQ(shown("chat", R"({"$args":[1,"two",{"n":3}]})"), R"(42["chat",1,"two",{"n":3},@])");
  EXPECT_EQ(shown("chat", R"({"$args":[]})"), R"(42["chat",@])");
  EXPECT_EQ(shown("chat", R"({"$args":[1],"n":2})"), R"(42["chat",{"$args":[1],"n":2},@])") << "not that alone";
  EXPECT_EQ(shown("chat", R"({"$args":1})"), R"(42["chat",{"$args":1},@])");
  EXPECT_EQ(shown("chat", R"({"in":{"$args":[1]}})"), R"(42["chat",{"in":{"$args":[1]}},@])");
}

TEST(MonitorEvent, ShowsBytesAsAttachments) {
  EXPECT_EQ(shown("photo", R"({"$bytes":"AQID"})"), R"(451-["photo",{"_placeholder":true,"num":0},@] + bAQID)");
  EXPECT_EQ(shown("photo", R"({"$args":[{"a":[{"$bytes":"AQ=="}]},{"$bytes":""}]})"),
            R"(452-["photo",{"a":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1},@] + bAQ== + b)");
  for (std::string const data :
       {R"({"$bytes":"no base64"})", R"({"$bytes":"AQ"})", R"({"$bytes":7})", R"({"$bytes":"AQID","n":1})"})
    EXPECT_EQ(shown("photo", data), "42[\"photo\"," + data + ",@]") << "is what it says";
}

// A stock client breaks its connection where it is told of an attachment that did not come; it would come back for the
// same event for ever.
TEST(MonitorEvent, TellsOfNoAttachmentThatIsNone) {
  EXPECT_EQ(shown("x", R"({"a":{"_placeholder":true,"num":7},"b":{"$bytes":"AQID"}})"),
            R"(451-["x",{"a":null,"b":{"_placeholder":true,"num":0}},@] + bAQID)");
  EXPECT_EQ(shown("x", R"({"$args":[{"_placeholder":true,"num":7},1]})"),
            R"(42["x",{"_placeholder":true,"num":7},1,@])")
      << "without attachments nobody looks for them";
}

TEST(MonitorEvent, MoreBytesThanClientsTakeAreShownAsTexts) {
  std::string data = R"({"$args":[)";
  for (int i = 0; i < 11; ++i) data += i == 0 ? R"({"$bytes":"AA=="})" : R"(,{"$bytes":"AA=="})";
  data += "]}";
  EXPECT_TRUE(shown("x", data).starts_with(R"(42["x",{"$bytes":"AA=="},)")) << shown("x", data);
}

TEST(MonitorEvent, WhoGivesNoPlaceBackGetsExactlyTheArguments) {
  auto const event = message("chat", "\"a\"");
  EXPECT_EQ(to_session_event(session, 0xab, event, Places::untold), R"(42["chat","a"])");
  EXPECT_EQ(to_session_event(session, 0xab, event, Places::none), R"(42["chat","a",null])");
  EXPECT_EQ(to_session_event(session, 0xab, message("chat", R"({"$args":[1,"b"]})"), Places::untold),
            R"(42["chat",1,"b"])");
}

TEST(MonitorEvent, HasNoTextAtTheEndOfAVolatileEvent) {
  EXPECT_EQ(shown_once("1"), R"(42["x",1])");
  EXPECT_EQ(shown_once("\"a\""), R"(42["x","a",null])");
  EXPECT_EQ(shown_once(""), R"(42["x",null])");
  EXPECT_EQ(shown_once(R"({"$args":[1,"a"]})"), R"(42["x",1,"a",null])");
  EXPECT_EQ(shown_once(R"({"$args":["a",1]})"), R"(42["x","a",1])");
  EXPECT_EQ(shown_once(R"({"$args":[]})"), R"(42["x",null])");
  EXPECT_EQ(shown_once(R"({"$args":[{"$bytes":"AQID"},"a"]})"),
            R"(451-["x",{"_placeholder":true,"num":0},"a",null] + bAQID)");
}

TEST(MonitorEvent, ShowsEverythingElseAsTheNativeStreamDoes) {
  Event state{.seq = 7, .type = EventType::state, .data = R"({"set":{"k":1},"removed":[]})", .user = "alice"};
  std::string native;
  append_event(native, 0xab, state);
  EXPECT_EQ(shown(state), "42[\"session.state\"," + native + ",@]");
  Event joined{.type = EventType::joined, .from = 3, .data = R"({"connection_id":"c3"})"};
  EXPECT_TRUE(shown(joined).starts_with(R"(42["session.joined",{"type":"session.joined")")) << shown(joined);
  EXPECT_TRUE(shown(joined).ends_with("}]")) << "no place, since it is volatile";
}

TEST(MonitorEvent, ANameThatClientsKeepForThemselvesIsShownUnderAnother) {
  for (std::string const name :
       {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}) {
    auto const out = shown(name, "1");
    EXPECT_TRUE(out.starts_with(R"(42["session.message",{"type":")" + name + "\"")) << out;
    EXPECT_TRUE(out.ends_with("},@]")) << out;
  }
}

TEST(MonitorEvent, AnEventOfTheServersOwnEndsInItsPlaceIfItHasOne) {
  EXPECT_EQ(to_server_event("pong", "{}"), R"(42["pong",{}])");
  EXPECT_EQ(to_server_event("pong", "{}", "a/b.1"), R"(42["pong",{},"a/b.1"])");
}

TEST(MonitorEvent, WhatAClientSaysBecomesTheDataOfAMessage) {
  EXPECT_EQ(data_of(R"(2["chat"])"), "");
  EXPECT_EQ(data_of(R"(2["chat",{"text":"hello"}])"), R"({"text":"hello"})");
  EXPECT_EQ(data_of(R"(2["chat",null])"), "null");
  EXPECT_EQ(data_of(R"(25["chat",1,"two"])"), R"({"$args":[1,"two"]})");
  EXPECT_EQ(data_of(R"(51-["chat",{"_placeholder":true,"num":0}])", {"\x01\x02\x03"}), R"({"$bytes":"AQID"})");
  EXPECT_EQ(data_of(R"(52-["chat",[{"_placeholder":true,"num":1}],{"_placeholder":true,"num":0}])", {"a", ""}),
            R"({"$args":[[{"$bytes":""}],{"$bytes":"YQ=="}]})");
  EXPECT_EQ(data_of(R"(51-["chat",{"_placeholder":false,"num":5},{"_placeholder":true,"num":0}])", {"a"}),
            R"({"$args":[{"_placeholder":false,"num":5},{"$bytes":"YQ=="}]})")
      << "what only resembles one stays";
  EXPECT_EQ(data_of(R"(2["chat",{"$args":[1,2]}])"), R"({"$args":[{"$args":[1,2]}]})") << "one argument, not two";
}

TEST(MonitorEvent, WhatIsAsDeepAsMayBeIsStillReadAgain) {
  auto const nested = [](std::size_t depth, std::string const& core) {
    return std::string(depth, '[') + core + std::string(depth, ']');
  };
  auto const deep = nested(json::depth_max - 1, "1");
  auto const data = data_of("2[\"chat\"," + deep + ",2]");
  EXPECT_EQ(shown("chat", data), "42[\"chat\"," + deep + ",2,@]");
  auto const holder = [](std::string_view inner) { return std::string(inner); };
  auto const bytes =
      data_of("51-[\"chat\"," + nested(json::depth_max - 2, holder(R"({"_placeholder":true,"num":0})")) + ",2]", {"a"});
  EXPECT_EQ(
      shown("chat", bytes),
      "451-[\"chat\"," + nested(json::depth_max - 2, holder(R"({"_placeholder":true,"num":0})")) + ",2,@] + bYQ==");
}

// Any JSON, with placeholders where it says.
class Inventor {
 public:
  explicit Inventor(std::uint64_t seed) : random_(seed) {}

  socket_io::Packet invent() {
    socket_io::Packet packet;
    json::array list{json::value("chat")};
    for (auto count = below(4); count > 0; --count) list.push_back(value(packet, 4));
    packet.data = std::move(list);
    return packet;
  }

 private:
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  json::value value(socket_io::Packet& packet, int depth) {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_()) / 1000;
      case 3:
        return json::value(std::string(below(5), '"') + "$args");
      case 4:
        return "\xc3\xbc\x01";
      case 5: {
        if (packet.attachments.size() >= 10) return 0;
        json::object out{{"_placeholder", true}, {"num", static_cast<std::int64_t>(packet.attachments.size())}};
        std::string bytes(below(6), 'x');
        for (auto& c : bytes) c = static_cast<char>(below(256));
        packet.attachments.push_back(std::move(bytes));
        return out;
      }
      case 6: {
        json::array out;
        for (auto count = below(4); count > 0; --count) out.push_back(value(packet, depth - 1));
        return out;
      }
      default: {
        constexpr std::array<std::string_view, 4> names{"a", "$args", "num", "$b"};
        json::object out;
        for (auto count = below(3); count > 0; --count) {
          auto const name = names[below(names.size())];
          if (!out.contains(name)) out[name] = value(packet, depth - 1);
        }
        return out;
      }
    }
  }

  std::mt19937_64 random_;
};

TEST(MonitorEvent, WhatIsSaidIsHeardAgainWhateverItIs) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    auto const said = Inventor(seed).invent();
    auto const heard_at = [&](std::uint64_t seq) {
      auto const payload = to_session_event(session, 1, message("chat", to_message_data(said), seq));
      auto const packets = engine_io::read_body(payload);
      EXPECT_TRUE(packets) << payload;
      socket_io::Reader reader({.attachments_max = 10});
      auto heard = reader.take_text(packets->front().data);
      for (std::size_t at = 1; at < packets->size(); ++at) heard = reader.take_bytes(packets->at(at).data);
      EXPECT_TRUE(heard && *heard) << payload;
      return heard && *heard ? **heard : socket_io::Packet();
    };
    auto kept = heard_at(7);
    ASSERT_EQ(kept.data.get_array().back().as_string(), to_offset(session, {1, 7}));
    kept.data.get_array().pop_back();
    ASSERT_EQ(kept.data, said.data) << seed;
    ASSERT_TRUE(kept.attachments == said.attachments) << seed;
    auto fleeting = heard_at(0);
    EXPECT_FALSE(fleeting.data.get_array().back().is_string()) << seed;
    if (fleeting.data != said.data) {
      EXPECT_TRUE(fleeting.data.get_array().back().is_null());
      fleeting.data.get_array().pop_back();
    }
    ASSERT_EQ(fleeting.data, said.data) << seed;
  }
}

TEST(MonitorOffset, IsReadAsItWasWritten) {
  auto const text = to_offset(session, {0xab, 12});
  EXPECT_EQ(text, std::string(session) + "/ab.12");
  auto const read = read_offset(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->session_id, session);
  EXPECT_EQ(read->cursor, "ab.12");
}

TEST(MonitorOffset, IsNoneWithoutASessionAndAPlace) {
  for (std::string const& text : {std::string(), std::string("/"), std::string("a"), std::string("a/"),
                                  std::string("/b"), std::string(127, 'a') + "/b", std::string(1'000'000, '/')})
    EXPECT_FALSE(read_offset(text)) << text.substr(0, 200);
  EXPECT_EQ(read_offset("a/b/c")->cursor, "b/c") << "which the hub takes for none";
  EXPECT_TRUE(read_offset(std::string(126, 'a') + "/b"));
}

TEST(MonitorTime, HasMicrosecondsAndNoZone) {
  EXPECT_EQ(to_plain_iso(1'771'960'936'015'123), "2026-02-24T19:22:16.015123");
}

}  // namespace
}  // namespace sojourn
