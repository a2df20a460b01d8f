#include "api/openapi.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/function_schema.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;

class OpenapiTest : public testing::Test {
 protected:
  void SetUp() override {
    auto parsed = json::parse(to_openapi(desk.router.doors()));
    ASSERT_TRUE(parsed);
    whole = std::move(*parsed);
  }
  // "/a/:id" as "/a/{id}", by another way than the code's.
  static std::string to_template(std::string_view pattern) {
    std::string out;
    bool is_open = false;
    for (char const c : pattern) {
      if (is_open && c == '/') out += '}';
      if (c == '/') is_open = false;
      if (c == ':') is_open = true;
      out += c == ':' ? '{' : c;
    }
    return is_open ? out + '}' : out;
  }
  // The operation, or null.
  json::value find(std::string_view pattern, std::string_view method) {
    auto const* const item = whole.at("paths").as_object().if_contains(to_template(pattern));
    auto const* const found = item == nullptr ? nullptr : item->as_object().if_contains(lower_case(method));
    return found == nullptr ? json::value() : *found;
  }

  Desk desk;
  json::value whole;
};

TEST_F(OpenapiTest, EveryRouteOfEveryDoorIsThere) {
  std::size_t count = 0;
  for (auto const& door : desk.router.doors()) {
    for (auto const& route : door.routes) {
      auto const operation = find(route.pattern, route.method);
      ASSERT_TRUE(operation.is_object()) << route.method << route.pattern;
      EXPECT_EQ(operation.at("summary").as_string(), route.summary.empty() ? route.pattern : route.summary);
      EXPECT_EQ(operation.as_object().contains("security"), route.is_public) << route.pattern;
      bool const has_body = route.method == "POST" || route.method == "PUT" || route.method == "PATCH";
      EXPECT_EQ(operation.as_object().contains("requestBody"), has_body) << route.pattern;
      EXPECT_TRUE(operation.at("responses").as_object().contains("2XX"));
      EXPECT_TRUE(operation.at("responses").as_object().contains("4XX"));
      ++count;
    }
  }
  EXPECT_GT(count, 40u);
}

TEST_F(OpenapiTest, EveryEntranceIsTheGetThatBeginsIt) {
  std::size_t count = 0;
  for (auto const& door : desk.router.doors()) {
    for (auto const& entrance : door.entrances) {
      auto const operation = find(entrance.pattern, "GET");
      ASSERT_TRUE(operation.is_object()) << entrance.pattern;
      bool const is_stream = entrance.carrier == Carrier::event_stream;
      auto const& answers = operation.at("responses").as_object();
      ASSERT_TRUE(answers.contains(is_stream ? "200" : "101")) << entrance.pattern;
      EXPECT_EQ(answers.at(is_stream ? "200" : "101").at("description"),
                is_stream ? "text/event-stream" : "A WebSocket");
      ++count;
    }
  }
  EXPECT_EQ(count, 6u);
}

TEST_F(OpenapiTest, NothingElseIsThere) {
  std::set<std::string> known;
  for (auto const& door : desk.router.doors()) {
    for (auto const& route : door.routes) known.insert(to_template(route.pattern) + " " + lower_case(route.method));
    for (auto const& entrance : door.entrances) known.insert(to_template(entrance.pattern) + " get");
  }
  std::set<std::string> described;
  for (auto const& [path, item] : whole.at("paths").as_object()) {
    for (auto const& [method, operation] : item.as_object())
      described.insert(std::string(path) + " " + std::string(method));
  }
  EXPECT_EQ(described, known);
}

TEST_F(OpenapiTest, APathThatBothAnswersAndStreamsTellsOfBoth) {
  auto const operation = find("/api/v1/sessions/:id/events", "GET");
  auto const& answers = operation.at("responses").as_object();
  for (auto const* status : {"2XX", "200", "4XX"}) EXPECT_TRUE(answers.contains(status)) << status;
  EXPECT_EQ(operation.at("summary"), "Events after a cursor") << "and keeps what it is";
}

TEST_F(OpenapiTest, ThePartsOfAPathAreItsParameters) {
  for (auto const& [path, item] : whole.at("paths").as_object()) {
    std::vector<std::string> named;
    std::string_view rest(path);
    while (rest.find('{') != rest.npos) {
      rest.remove_prefix(rest.find('{') + 1);
      named.emplace_back(rest.substr(0, rest.find('}')));
    }
    EXPECT_EQ(std::string_view(path).find(':'), std::string_view::npos) << path;
    for (auto const& [method, operation] : item.as_object()) {
      std::vector<std::string> described;
      if (auto const* const list = operation.as_object().if_contains("parameters")) {
        for (auto const& parameter : list->as_array()) {
          described.emplace_back(parameter.at("name").as_string());
          EXPECT_EQ(parameter.at("in"), "path");
          EXPECT_EQ(parameter.at("required"), true);
          EXPECT_EQ(parameter.at("schema").at("type"), "string");
        }
      }
      EXPECT_EQ(described, named) << path;
    }
  }
  EXPECT_EQ(find("/api/v1/sessions/:id/state/:key", "PUT").at("parameters").as_array().size(), 2u);
}

TEST_F(OpenapiTest, EachBelongsToOneOfTheGroups) {
  for (auto const& [pattern, tag] : {std::pair<std::string_view, std::string_view>{"/api/v1/sessions", "sessions"},
                                     {"/api/v1/sessions/:id/stream", "sessions"},
                                     {"/api/websocket/sessions", "extension sessions"},
                                     {"/ws/extension", "extension sessions"},
                                     {"/ws/session", "session tracking"},
                                     {"/ws", "session tracking"},
                                     {"/sessions", "session tracking"},
                                     {"/sessions/:id/state/:key", "session tracking"},
                                     {"/test-token", "session tracking"},
                                     {"/api/v1/functions", "browser functions"},
                                     {"/apps/sessions", "browser functions"},
                                     {"/api/v1/sessions/:id/video", "sessions"},
                                     {"/healthz", "operations"},
                                     {"/", "operations"}}) {
    EXPECT_EQ(find(pattern, "GET").at("tags").at(0).as_string(), tag) << pattern;
  }
  EXPECT_EQ(find("/token", "POST").at("tags").at(0), "session tracking");
  EXPECT_EQ(find("/send-message", "POST").at("tags").at(0), "session tracking");
}

// Every "$ref" in it.
void collect_refs(json::value const& value, std::set<std::string>& refs) {
  if (value.is_array())
    for (auto const& each : value.get_array()) collect_refs(each, refs);
  if (!value.is_object()) return;
  for (auto const& [name, member] : value.get_object()) {
    if (name == "$ref") refs.emplace(member.as_string());
    collect_refs(member, refs);
  }
}

TEST_F(OpenapiTest, EveryFunctionHasTheSchemasOfTheTable) {
  for (auto const& each : function_table()) {
    auto const operation = find("/api/v1/sessions/:id/functions/" + std::string(to_word(each.function)), "POST");
    ASSERT_TRUE(operation.is_object()) << to_word(each.function);
    EXPECT_EQ(operation.at("summary").as_string(), each.summary);
    EXPECT_EQ(operation.at("requestBody").at("content").at("application/json").at("schema"),
              json::value(input_schema(each.function)));
    auto const& output = operation.at("responses").at("2XX").at("content").at("application/json").at("schema");
    EXPECT_EQ(output, json::value(output_schema(each.function, "#/components/schemas/")));
    EXPECT_TRUE(output.at("properties").as_object().contains("session_id"));
  }
}

TEST_F(OpenapiTest, EveryReferenceLeadsSomewhere) {
  std::set<std::string> refs;
  collect_refs(whole, refs);
  std::string_view const place = "#/components/schemas/";
  auto const& schemas = whole.at("components").at("schemas").as_object();
  EXPECT_EQ(refs.size(), schemas.size());
  for (auto const& ref : refs) {
    ASSERT_TRUE(ref.starts_with(place)) << ref;
    EXPECT_TRUE(schemas.contains(ref.substr(place.size()))) << ref;
  }
}

TEST_F(OpenapiTest, SaysWhoItIsAndHowOneShowsAToken) {
  EXPECT_EQ(whole.at("openapi"), "3.1.0");
  EXPECT_EQ(json::to_text(whole.at("info")), R"({"title":"Sojourn","version":")" + std::string(version) + "\"}");
  EXPECT_EQ(json::to_text(whole.at("components").at("securitySchemes")),
            R"({"bearer":{"type":"http","scheme":"bearer","bearerFormat":"JWT"}})");
  EXPECT_EQ(json::to_text(whole.at("security")), R"([{"bearer":[]},{}])");
  EXPECT_TRUE(whole.at("components").at("schemas").as_object().contains("Error")) << "which is referred to";
}

TEST(Openapi, OfNothingIsEmpty) {
  auto const whole = json::parse(to_openapi({}));
  ASSERT_TRUE(whole);
  EXPECT_EQ(json::to_text(whole->at("paths")), "{}");
}

}  // namespace
}  // namespace sojourn
