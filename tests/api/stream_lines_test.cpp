// The native stream as lines of an event stream, read as a browser reads them (the WHATWG HTML standard,
// section 9.2.6).
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/stream.h"
#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::Fields;
using test::Line;

// What a browser makes of an event stream.
struct Block {
  std::string type;
  std::string data;
  std::string last_id;  // as it stands after it
};

std::vector<Block> read_blocks(std::string_view text, std::string last_id = "") {
  std::vector<Block> blocks;
  std::string type;
  std::string data;
  while (!text.empty()) {
    auto const end = text.find_first_of("\r\n");
    auto const line = text.substr(0, end);
    auto const skip = end == text.npos ? text.size() : end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
    text.remove_prefix(skip);
    if (line.empty()) {
      if (!data.empty()) blocks.push_back({type.empty() ? "message" : type, data.substr(0, data.size() - 1), last_id});
      type.clear();
      data.clear();
      continue;
    }
    auto const colon = line.find(':');
    auto const name = line.substr(0, colon);
    auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") type = value;
    if (name == "data") data.append(value).append("\n");
    if (name == "id") last_id = value;
  }
  return blocks;
}

class StreamLinesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto const opened = json::parse(desk.ask("POST", "/api/v1/sessions", R"({"state":{"a":1}})").body());
    path = "/api/v1/sessions/" + std::string(opened->at("session_id").as_string());
    epoch = json::parse(desk.ask("GET", path).body())->at("cursor").as_string();
    epoch.erase(epoch.find('.') + 1);
  }
  Line& follow(std::string_view query = "", Fields fields = {}) {
    auto& line = desk.follow(path + "/events" + std::string(query), std::move(fields));
    desk.turn();
    return line;
  }
  void post(std::string_view type, std::string_view more = "") {
    std::string body = R"({"type":)";
    json::append_string(body, type);
    EXPECT_EQ(desk.ask("POST", path + "/events", body + std::string(more) + "}").status() / 100, 2) << type;
  }
  // The greeting and all that came after it; the stage ends each push with one line end more.
  static std::vector<Block> read(Line const& line) { return read_blocks(line.greeting + line.outlet.text); }

  Desk desk;
  std::string path;
  std::string epoch;  // with the dot
};

TEST_F(StreamLinesTest, TheFirstBlockIsTheSnapshotWithItsPlace) {
  auto const& line = follow();
  EXPECT_TRUE(
      line.greeting.starts_with("id: " + epoch + "2\nevent: session.snapshot\ndata: {\"type\":\"session.snapshot\","));
  EXPECT_TRUE(line.greeting.ends_with("\"transport\":\"event_stream\"}]}\n\n"));
  auto const blocks = read(line);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].type, "session.snapshot");
  EXPECT_EQ(blocks[0].last_id, epoch + "2");
  auto const data = json::parse(blocks[0].data);
  ASSERT_TRUE(data);
  EXPECT_EQ(json::to_text(data->at("state")), R"({"a":1})");
  EXPECT_EQ(data->at("cursor").as_string(), epoch + "2");
}

TEST_F(StreamLinesTest, EachEventIsABlockWithItsPlace) {
  auto const& line = follow();
  post("note", R"(,"data":{"text":"a\nb\r\nc"})");
  EXPECT_EQ(
      line.outlet.text,
      "id: " + epoch + "3\nevent: note\ndata: {\"type\":\"note\",\"seq\":3,\"cursor\":\"" + epoch +
          "3\",\"at\":\"2026-02-24T19:22:16.015000Z\",\"user\":\"local\",\"data\":{\"text\":\"a\\nb\\r\\nc\"}}\n\n\n");
  EXPECT_EQ(read(line).back().last_id, epoch + "3");
}

TEST_F(StreamLinesTest, AVolatileEventLeavesThePlaceWhereItWas) {
  auto const& line = follow();
  post("typing", R"(,"volatile":true)");
  EXPECT_TRUE(line.outlet.text.starts_with("event: typing\ndata: {")) << line.outlet.text;
  auto const blocks = read(line);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1].type, "typing");
  EXPECT_EQ(blocks[1].last_id, epoch + "2") << "of the snapshot";
  EXPECT_EQ(line.outlet.text.find("id:"), std::string::npos);
}

TEST_F(StreamLinesTest, ATypeCanNotBreakOutOfItsLine) {
  auto const& line = follow();
  for (std::string_view const type :
       {"a\ndata: {}\n\nevent: session.closed", "a\r\rid: 0.1", "a\r\nb", "\ndata: x", "session\n.closed",
        "\nsession.closed", "\r\nsession.closed", "ses\rsion.state", "id: 1", ": c", " ", "a\n"}) {
    auto const before = read(line).size();
    post(type);
    auto const blocks = read(line);
    ASSERT_EQ(blocks.size(), before + 1) << type;
    EXPECT_FALSE(blocks.back().type.starts_with("session.")) << type << ": nobody speaks for the server";
    auto const data = json::parse(blocks.back().data);
    ASSERT_TRUE(data) << blocks.back().data;
    EXPECT_EQ(std::string_view(data->at("type").as_string()), type) << "in the data it is as it was";
    EXPECT_EQ(blocks.back().last_id, std::string_view(data->at("cursor").as_string()));
  }
}

TEST_F(StreamLinesTest, ALastIdBringsWhatCameAfterIt) {
  post("one");
  post("two");
  for (auto const& [query, fields] : {std::pair<std::string, Fields>{"", {{"Last-Event-ID", epoch + "3"}}},
                                      {"?since=" + epoch + "3", {}},
                                      {"?since=3", {}},
                                      {"?since=" + epoch + "1", {{"Last-Event-ID", epoch + "3"}}}}) {
    auto& line = follow(query, fields);
    EXPECT_TRUE(line.greeting.starts_with("id: " + epoch + "3\nevent: session.resumed\ndata: {")) << line.greeting;
    auto const blocks = read(line);
    ASSERT_EQ(blocks.size(), 2u) << query;
    EXPECT_EQ(blocks[1].type, "two");
    EXPECT_EQ(blocks[1].last_id, epoch + "4");
    desk.leave(line);
  }
}

TEST_F(StreamLinesTest, APlaceThatIsGoneIsAGapWithASnapshot) {
  auto const& line = follow("", {{"Last-Event-ID", "1.7"}});
  auto const blocks = read(line);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].type, "session.gap");
  EXPECT_EQ(blocks[0].last_id, epoch + "2") << "from here on it can be resumed";
  auto const data = json::parse(blocks[0].data);
  EXPECT_EQ(data->at("since"), "1.7");
  EXPECT_EQ(json::to_text(data->at("state")), R"({"a":1})");
}

TEST_F(StreamLinesTest, OursAreNamedAsOurs) {
  auto const& line = follow();
  desk.ask("PUT", path + "/state/b", "2");
  desk.ask("POST", path + "/tokens", "{}");
  auto& other = desk.connect(path + "/stream");
  desk.leave(other);
  desk.ask("DELETE", path);
  std::vector<std::string> types;
  for (auto const& block : read(line)) types.push_back(block.type);
  EXPECT_EQ(types, (std::vector<std::string>{"session.snapshot", "session.state", "session.token_minted",
                                             "session.joined", "session.left", "session.closed"}));
  EXPECT_EQ(line.outlet.close_code, 1000);
}

TEST_F(StreamLinesTest, NothingIsHeardOfWhatAReaderSays) {
  auto& line = follow();
  desk.say(line, R"({"type":"note"})");
  desk.say(line, "nonsense");
  EXPECT_EQ(line.outlet.text, "");
}

TEST_F(StreamLinesTest, AStreamThatIsRefusedIsNamed) {
  auto const& missing = desk.follow("/api/v1/sessions/nothing/events");
  ASSERT_TRUE(missing.refusal);
  EXPECT_EQ(missing.refusal->message, "Session not found: nothing");
  auto const& foreign = follow("", {Desk::bearer(desk.mint("bob"))});
  ASSERT_TRUE(foreign.refusal);
  EXPECT_EQ(foreign.refusal->code, Code::not_found);
  auto const& wrong = follow("?token=nonsense");
  ASSERT_TRUE(wrong.refusal);
  EXPECT_EQ(wrong.refusal->code, Code::unauthenticated);
  EXPECT_TRUE(follow("?token=" + desk.mint("root", Scope::admin)).is_open()) << "a page's EventSource sets no header";
}

TEST(ToPublicType, IsTheEventsNameOrOurWordForIt) {
  EXPECT_EQ(to_public_type({.type = EventType::message, .name = "note"}), "note");
  EXPECT_EQ(to_public_type({.type = EventType::state, .name = "note"}), "session.state");
  EXPECT_EQ(to_public_type({.type = EventType::answer}), "session.result");
}

TEST(AppendEvent, LeavesOutWhatIsEmpty) {
  std::string out;
  append_event(out, 0xabc, {.type = EventType::message, .name = "a"});
  EXPECT_EQ(out, R"({"type":"a","volatile":true,"at":"1970-01-01T00:00:00.000000Z"})");
  out.clear();
  append_event(out, 0xabc,
               {.seq = 5,
                .first_seq = 3,
                .type = EventType::state,
                .from = 9,
                .name = "not shown",
                .data = "{}",
                .request_id = "r\"",
                .user = "u\""});
  EXPECT_EQ(out, R"({"type":"session.state","seq":5,"cursor":"abc.5","first_seq":3,"at":"1970-01-01T00:00:00.000000Z",)"
                 R"("from":"c9","user":"u\"","request_id":"r\"","data":{}})");
  out.clear();
  append_event(out, 1, {.seq = 1, .type = EventType::answer, .name = "tool"});
  EXPECT_EQ(out,
            R"({"type":"session.result","seq":1,"cursor":"1.1","at":"1970-01-01T00:00:00.000000Z","name":"tool"})");
}

}  // namespace
}  // namespace sojourn
