#include "api/function_schema.h"

#include <string>
#include <utility>

namespace sojourn {
namespace {

boost::json::string_view key(std::string_view name) { return {name.data(), name.size()}; }

json::array to_array(std::span<std::string_view const> words) {
  json::array out;
  for (auto const word : words) out.emplace_back(key(word));
  return out;
}

void append_type(json::object& schema, FunctionField const& field) {
  switch (field.type) {
    case FieldType::text:
    case FieldType::line:
      schema["type"] = "string";
      schema["maxLength"] = field.most;
      return;
    case FieldType::language:
    case FieldType::time_zone:
      schema["type"] = "string";
      return;
    case FieldType::integer:
      schema["type"] = "integer";
      schema["minimum"] = field.least;
      schema["maximum"] = field.most;
      return;
    case FieldType::boolean:
      schema["type"] = "boolean";
      return;
    case FieldType::choice:
      schema["type"] = "string";
      schema["enum"] = to_array(field.choices);
      return;
    case FieldType::files:
      schema["type"] = "array";
      schema["maxItems"] = field.most;
      schema["items"] = json::object{{"type", json::array{"string", "object"}}};
      return;
  }
}

// What need not be given may be null.
json::object to_schema(FunctionField const& field) {
  json::object schema;
  append_type(schema, field);
  if (!field.is_required) {
    schema["type"] = json::array{schema["type"], "null"};
    if (auto* const words = schema.if_contains("enum")) words->as_array().emplace_back(nullptr);
    schema["default"] = *json::parse(field.default_json);
  }
  if (!field.summary.empty()) schema["description"] = key(field.summary);
  return schema;
}

bool is_plain(std::string_view type) {
  return type == "string" || type == "integer" || type == "number" || type == "boolean" || type == "null";
}

json::object to_schema(std::string_view type, std::string_view place) {
  if (type.ends_with('?')) {
    type.remove_suffix(1);
    if (is_plain(type)) return {{"type", json::array{key(type), "null"}}};
    return {{"anyOf", json::array{to_schema(type, place), json::object{{"type", "null"}}}}};
  }
  if (type.ends_with("[]")) {
    type.remove_suffix(2);
    return {{"type", "array"}, {"items", to_schema(type, place)}};
  }
  if (is_plain(type)) return {{"type", key(type)}};
  return {{"$ref", std::string(place).append(type)}};
}

json::object to_schema(std::span<OutputField const> fields, std::string_view place) {
  json::object members;
  json::array required;
  for (auto const& field : fields) {
    auto member = to_schema(field.type, place);
    if (!field.summary.empty()) member["description"] = key(field.summary);
    members[key(field.name)] = std::move(member);
    if (field.is_always_there) required.emplace_back(key(field.name));
  }
  return {{"type", "object"}, {"properties", std::move(members)}, {"required", std::move(required)}};
}

}  // namespace

json::object input_schema(Function function) {
  json::object members;
  json::array required;
  for (auto const& field : row(function).input) {
    members[key(field.name)] = to_schema(field);
    if (field.is_required) required.emplace_back(key(field.name));
  }
  json::object schema{{"type", "object"}, {"properties", std::move(members)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

json::object output_schema(Function function, std::string_view place) { return to_schema(row(function).output, place); }

json::object shared_schemas(std::string_view place) {
  json::object out;
  for (auto const& type : output_types()) out[key(type.name)] = to_schema(type.fields, place);
  return out;
}

json::object to_catalog() {
  json::array list;
  for (auto const& each : function_table()) {
    list.push_back(json::object{{"name", key(to_word(each.function))},
                                {"summary", key(each.summary)},
                                {"input_schema", input_schema(each.function)},
                                {"output_schema", output_schema(each.function)}});
  }
  return {{"functions", std::move(list)}, {"$defs", shared_schemas()}};
}

}  // namespace sojourn
