#include "api/functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sojourn {
namespace {

std::string names_of(Function function, FieldGroup group) {
  std::string out;
  for (auto const& field : row(function).input)
    if (field.group == group) out.append(out.empty() ? "" : " ").append(field.name);
  return out;
}

FunctionField const& field_of(Function function, std::string_view name) {
  auto const fields = row(function).input;
  auto const found = std::ranges::find(fields, name, &FunctionField::name);
  EXPECT_NE(found, fields.end()) << name;
  return *found;
}

TEST(FunctionTable, INF_04_HasTheSixDocumentedFunctionsInTheirOrder) {
  EXPECT_EQ(function_names(), "open, snapshot, interact, screenshot, execute, close");
  for (std::size_t i = 0; i < functions; ++i)
    EXPECT_EQ(static_cast<std::size_t>(function_table()[i].function), i) << "a row stands where its function says";
}

TEST(FunctionTable, INF_04_TakesTheDocumentedMembers) {
  auto const documented = FieldGroup::documented;
  EXPECT_EQ(names_of(Function::open, documented),
            "url width height user_agent record_video show_cursor proxy_url proxy_username proxy_password");
  EXPECT_EQ(names_of(Function::snapshot, documented), "");
  EXPECT_EQ(names_of(Function::interact, documented),
            "action ref text direction scroll_amount wait_ms url target_ref file_paths");
  EXPECT_EQ(names_of(Function::screenshot, documented), "full_page");
  EXPECT_EQ(names_of(Function::execute, documented), "code");
  EXPECT_EQ(names_of(Function::close, documented), "");
}

TEST(FunctionTable, INF_04_HasTheDocumentedDefaults) {
  struct Row {
    Function function;
    std::string_view name;
    std::string_view otherwise;
  };
  for (auto const& each : {Row{Function::open, "width", "1280"}, Row{Function::open, "height", "720"},
                           Row{Function::open, "user_agent", "null"}, Row{Function::open, "record_video", "false"},
                           Row{Function::open, "show_cursor", "false"}, Row{Function::open, "proxy_url", "null"},
                           Row{Function::interact, "scroll_amount", "400"}, Row{Function::interact, "wait_ms", "1000"},
                           Row{Function::interact, "ref", "null"}, Row{Function::screenshot, "full_page", "false"}})
    EXPECT_EQ(field_of(each.function, each.name).default_json, each.otherwise) << each.name;
  EXPECT_EQ(field_of(Function::interact, "action").choices.size(), 15u);
}

TEST(FunctionTable, OnlyWhatIsDocumentedAsRequiredIsRequired) {
  std::string required;
  for (auto const& each : function_table())
    for (auto const& field : each.input)
      if (field.is_required) required.append(to_word(each.function)).append(".").append(field.name).append(" ");
  EXPECT_EQ(required, "open.url interact.action execute.code ") << "the page says what an action needs";
}

TEST(FunctionTable, NothingSecretMayStandInTheLog) {
  std::set<std::string_view> logged;
  for (auto const& each : function_table())
    for (auto const& field : each.input)
      if (field.is_logged) logged.insert(field.name);
  for (auto const* const secret :
       {"text", "code", "proxy_password", "proxy_username", "proxy_url", "file_paths", "user_agent"})
    EXPECT_FALSE(logged.contains(secret)) << secret;
  for (auto const* const open : {"action", "ref", "url", "direction", "scope", "target_ref"})
    EXPECT_TRUE(logged.contains(open)) << open;
}

TEST(FunctionTable, EveryRowIsWholeAndEveryTypeIsKnown) {
  std::set<std::string_view> known{"string", "integer", "number", "boolean", "null"};
  for (auto const& type : output_types()) known.insert(type.name);
  auto const expect_known = [&](std::span<OutputField const> fields) {
    for (auto const& field : fields) {
      auto type = field.type;
      if (type.ends_with('?')) type.remove_suffix(1);
      if (type.ends_with("[]")) type.remove_suffix(2);
      EXPECT_TRUE(known.contains(type)) << field.name << ": " << field.type;
    }
  };
  for (auto const& type : output_types()) expect_known(type.fields);
  for (auto const& each : function_table()) {
    EXPECT_FALSE(each.summary.empty());
    expect_known(each.output);
    bool ours_began = false;
    for (auto const& field : each.input) {
      ours_began = ours_began || field.group == FieldGroup::ours;
      EXPECT_EQ(field.group == FieldGroup::ours, ours_began) << field.name << " stands behind ours";
      EXPECT_FALSE(field.summary.empty()) << field.name;
      EXPECT_TRUE(json::parse(field.default_json)) << field.name;
      EXPECT_EQ(field.type == FieldType::choice, !field.choices.empty()) << field.name;
      EXPECT_LE(field.least, field.most) << field.name;
    }
  }
}

TEST(FunctionTable, INF_04_OutputsHaveTheDocumentedMembersAndTheSession) {
  auto const names = [](Function function) {
    std::string out;
    for (auto const& field : row(function).output)
      if (field.group == FieldGroup::documented) out.append(out.empty() ? "" : " ").append(field.name);
    return out;
  };
  EXPECT_EQ(names(Function::open), "url title elements screenshot elements_text output_meta");
  EXPECT_EQ(names(Function::snapshot), names(Function::open));
  EXPECT_EQ(names(Function::interact), "success action message screenshot snapshot output_meta");
  EXPECT_EQ(names(Function::screenshot), "screenshot width height output_meta");
  EXPECT_EQ(names(Function::execute), "result error screenshot output_meta");
  EXPECT_EQ(names(Function::close), "success video output_meta");
  for (auto const& each : function_table()) EXPECT_EQ(each.output.back().name, "session_id");
}

TEST(ToFunction, KnowsTheNamesAndRunAsOpen) {
  for (auto const& each : function_table()) EXPECT_EQ(to_function(to_word(each.function)), each.function);
  EXPECT_EQ(to_function("run"), Function::open);
  for (std::string_view const other : {"", "Open", "opens", "ope"}) EXPECT_EQ(to_function(other), std::nullopt);
}

}  // namespace
}  // namespace sojourn
