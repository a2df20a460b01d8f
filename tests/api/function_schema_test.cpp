#include "api/function_schema.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "api/function_input.h"

namespace sojourn {
namespace {

// Whether `value` is what the schema says, as far as schemas of the table say anything.
bool is_valid(json::object const& schema, json::value const& value, json::object const& defs);

bool is_of_type(std::string_view type, json::value const& value) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return type == "integer" ? value.is_int64() : value.is_number();
}

bool has_type(json::object const& schema, json::value const& value) {
  auto const* const type = schema.if_contains("type");
  if (type == nullptr) return true;
  if (type->is_string()) return is_of_type(type->get_string(), value);
  for (auto const& each : type->as_array())
    if (is_of_type(each.as_string(), value)) return true;
  return false;
}

bool has_members(json::object const& schema, json::object const& value, json::object const& defs) {
  if (auto const* const required = schema.if_contains("required"))
    for (auto const& name : required->as_array())
      if (!value.contains(name.as_string())) return false;
  auto const& members = schema.at("properties").as_object();
  for (auto const& [name, member] : value) {
    auto const* const known = members.if_contains(name);
    if (known == nullptr && schema.contains("additionalProperties")) return false;
    if (known != nullptr && !is_valid(known->as_object(), member, defs)) return false;
  }
  return true;
}

bool is_valid(json::object const& schema, json::value const& value, json::object const& defs) {
  if (auto const* const ref = schema.if_contains("$ref"))
    return is_valid(defs.at(ref->as_string().subview(std::string_view("#/$defs/").size())).as_object(), value, defs);
  if (auto const* const choices = schema.if_contains("anyOf")) {
    for (auto const& each : choices->as_array())
      if (is_valid(each.as_object(), value, defs)) return true;
    return false;
  }
  if (!has_type(schema, value)) return false;
  if (auto const* const words = schema.if_contains("enum"))
    if (std::ranges::find(words->as_array(), value) == words->as_array().end()) return false;
  if (value.is_array() && schema.contains("items"))
    for (auto const& each : value.get_array())
      if (!is_valid(schema.at("items").as_object(), each, defs)) return false;
  return !value.is_object() || !schema.contains("properties") || has_members(schema, value.get_object(), defs);
}

json::object object(std::string_view text) { return json::parse(text)->as_object(); }

TEST(InputSchema, SaysWhatAnInputMayBe) {
  EXPECT_EQ(json::to_text(input_schema(Function::screenshot)),
            R"({"type":"object","properties":{"full_page":{"type":["boolean","null"],"default":false,)"
            R"("description":"The whole page instead of the viewport"},"format":{"type":["string","null"],)"
            R"("enum":["png","jpeg",null],"default":"png","description":"The image's format"}},)"
            R"("additionalProperties":false})");
  EXPECT_EQ(json::to_text(input_schema(Function::close)),
            R"({"type":"object","properties":{},"additionalProperties":false})");
  auto const interact = input_schema(Function::interact);
  EXPECT_EQ(json::to_text(interact.at("required")), R"(["action"])");
  EXPECT_EQ(interact.at("properties").at("action").at("enum").as_array().size(), 15u) << "and none of them null";
  EXPECT_EQ(interact.at("properties").at("scroll_amount").at("minimum"), json::value(-1'000'000));
}

TEST(InputSchema, AgreesWithWhatIsRead) {
  struct Row {
    Function function;
    std::string_view given;
  };
  for (auto const& each : {Row{Function::open, R"({"url":"a","width":null})"}, Row{Function::open, "{}"},
                           Row{Function::open, R"({"url":1})"}, Row{Function::open, R"({"url":"a","browser":"x"})"},
                           Row{Function::interact, R"({"action":"click","snapshot":"none","direction":null})"},
                           Row{Function::interact, R"({"action":"clik"})"}, Row{Function::close, R"({"a":1})"},
                           Row{Function::interact, R"({"action":"upload","file_paths":[{}]})"},
                           Row{Function::interact, R"({"action":"upload","file_paths":[7]})"}}) {
    auto const given = object(each.given);
    EXPECT_EQ(is_valid(input_schema(each.function), given, {}), read_input(each.function, given).has_value())
        << each.given;
  }
}

TEST(InputSchema, AFilledInInputIsOneToo) {
  for (auto const& [function, given] :
       {std::pair{Function::open, R"({"url":"a"})"}, std::pair{Function::snapshot, "{}"},
        std::pair{Function::interact, R"({"action":"back"})"}, std::pair{Function::screenshot, "{}"},
        std::pair{Function::execute, R"({"code":"1"})"}}) {
    auto const filled = *read_input(function, object(given));
    EXPECT_TRUE(is_valid(input_schema(function), filled, {})) << given;
    EXPECT_EQ(*read_input(function, filled), filled) << "and is read as itself";
  }
}

TEST(OutputSchema, FitsTheDocumentedOutputs) {
  auto const defs = shared_schemas();
  auto const page = std::string(
      R"({"url":"http://a.test/","title":"A","elements":[{"ref":"@e1","desc":"@e1 [a] \"A\"","tag":"a","text":"A",)"
      R"("role":null,"name":"A","href":"/a","input_type":null,"box":{"x":1,"y":2.5,"width":3,"height":4}}],)"
      R"("screenshot":{"uri":"http://x","path":null,"content_type":"image/png","size":7,"filename":"a.png"},)"
      R"("elements_text":"@e1 [a] \"A\"","output_meta":null,"truncated":false,"diff":null)");
  auto const opened = object(page + R"(,"dialogs":[],"session_id":"sess_1"})");
  EXPECT_TRUE(is_valid(output_schema(Function::open), opened, defs));
  auto const acted =
      object(R"({"success":false,"action":"click","message":"gone","screenshot":null,"snapshot":)" + page +
             R"(},"output_meta":null,"code":"stale_ref","element":null,"dialogs":[{"type":"alert","message":"Hi",)"
             R"("action":"accepted"}],"session_id":"sess_1"})");
  EXPECT_TRUE(is_valid(output_schema(Function::interact), acted, defs));
  EXPECT_FALSE(is_valid(output_schema(Function::open), object(R"({"url":"a"})"), defs)) << "a member is missing";
  auto const wrong = object(R"({"success":true,"video":7,"output_meta":null,"session_id":"x"})");
  EXPECT_FALSE(is_valid(output_schema(Function::close), wrong, defs));
}

// Every "$ref" in it.
void collect(json::value const& value, std::set<std::string>& refs) {
  if (value.is_array())
    for (auto const& each : value.get_array()) collect(each, refs);
  if (!value.is_object()) return;
  for (auto const& [name, member] : value.get_object()) {
    if (name == "$ref") refs.emplace(member.as_string());
    collect(member, refs);
  }
}

TEST(Catalog, IsWholeAndRefersToNothingElse) {
  auto const catalog = to_catalog();
  ASSERT_EQ(catalog.at("functions").as_array().size(), functions);
  for (auto const& each : catalog.at("functions").as_array())
    for (auto const* const name : {"name", "summary", "input_schema", "output_schema"})
      EXPECT_TRUE(each.as_object().contains(name)) << name;
  std::set<std::string> refs;
  collect(json::value(catalog), refs);
  EXPECT_EQ(refs.size(), output_types().size());
  for (auto const& ref : refs)
    EXPECT_TRUE(catalog.at("$defs").as_object().contains(ref.substr(std::string_view("#/$defs/").size()))) << ref;
}

TEST(Catalog, ReferencesStandWhereTheyAreWanted) {
  EXPECT_EQ(output_schema(Function::screenshot, "#/x/").at("properties").at("screenshot").at("$ref"), "#/x/File");
  EXPECT_EQ(shared_schemas("#/x/").at("SnapshotDiff").at("properties").at("added").at("items").at("$ref"),
            "#/x/ElementInfo");
}

}  // namespace
}  // namespace sojourn
