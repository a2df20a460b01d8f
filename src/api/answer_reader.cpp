#include "api/answer_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::size_t reason_bytes_max = 2000;
constexpr std::size_t member_depth_max = 32;  // so that what an answer is wrapped in can be read again
constexpr std::string_view no_text = "the responder's answer has no text";
constexpr std::string_view remark_too_long = "the responder's analysis has more than 1,000,000 bytes in one piece";
constexpr std::string_view too_long = "the responder's answer has more than 1,000,000 bytes of text";

bool is_list(json::value const& v) { return v.is_array(); }
bool is_text(json::value const& v) { return v.is_string(); }
bool is_number(json::value const& v) { return v.is_number(); }
bool is_object(json::value const& v) { return v.is_object(); }
bool is_tree(json::value const& v) { return v.is_object() || v.is_array(); }

struct Member {
  std::string_view name;
  bool (*fits)(json::value const&);
};

constexpr std::array members{
    Member{"findings", is_list},
    Member{"root_cause", is_text},
    Member{"recommendations", is_list},
    Member{"confidence_score", is_number},
    Member{"estimated_mttr", is_text},
    Member{"next_steps", is_list},
    Member{"sources", is_list},
    Member{"view_state", is_object},
    Member{"plan", is_tree},
    Member{"response_type", is_text},
};

bool is_deeper(json::value const& v, std::size_t depth_max) {
  if (!is_tree(v)) return false;
  if (depth_max == 0) return true;
  auto const goes_on = [&](json::value const& inner) { return is_deeper(inner, depth_max - 1); };
  if (v.is_array()) return std::ranges::any_of(v.get_array(), goes_on);
  return std::ranges::any_of(v.get_object(), [&](auto const& pair) { return goes_on(pair.value()); });
}

void take_members(json::object& into, json::object const& said) {
  for (auto const& member : members) {
    auto const* const value = said.if_contains(member.name);
    if (value != nullptr && member.fits(*value) && !is_deeper(*value, member_depth_max)) into[member.name] = *value;
  }
}

// The text of a member that is one, or an object with a text under content.
std::optional<std::string_view> find_text(json::object const& said, std::string_view name) {
  auto const* value = said.if_contains(name);
  if (value != nullptr && value->is_object()) value = value->get_object().if_contains("content");
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

bool is_remark(json::object const& said) {
  constexpr std::array<std::string_view, 5> types{"analysis", "knowledge", "next_action", "learning_intent",
                                                  "learning_knowledge"};
  return std::ranges::find(types, json::find_string(said, "type")) != types.end();
}

bool is_set(json::object const& said, std::string_view name) {
  auto const* const value = said.if_contains(name);
  return value != nullptr && !value->is_null() && *value != json::value(false);
}

// choices[0], as chat completions have it.
json::object const* find_choice(json::object const& said) {
  auto const* const choices = said.if_contains("choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) return nullptr;
  return choices->get_array().front().if_object();
}

// choices[0].delta.content of a piece, choices[0].message.content of a whole.
std::optional<std::string_view> find_chosen_text(json::object const& said) {
  auto const* const choice = find_choice(said);
  if (choice == nullptr) return std::nullopt;
  for (auto const* name : {"delta", "message", "text"}) {
    if (auto const text = find_text(*choice, name)) return text;
  }
  return std::nullopt;
}

json::object to_answer(std::string_view text, json::object const& more) {
  json::object out{{"answer", text}};
  for (auto const& member : more) out[member.key()] = member.value();
  return out;
}

}  // namespace

std::string_view cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U) --bytes_max;
  return text.substr(0, bytes_max);
}

std::string find_failure(json::object const& said) {
  auto const* const failure = said.if_contains("error");
  bool const is_typed = json::find_string(said, "type") == "error";
  std::string reason;
  if (failure != nullptr && failure->is_string()) reason = failure->get_string();
  if (failure != nullptr && failure->is_object()) {
    reason = json::find_string(failure->get_object(), "message");
    if (reason.empty()) reason = json::to_text(*failure);
  }
  bool const is_marked = failure != nullptr && failure->is_bool() && failure->get_bool();
  for (auto const* name : {"message", "content", "text"}) {
    if (reason.empty() && (is_typed || is_marked)) reason = json::find_string(said, name);
  }
  if (reason.empty() && (is_typed || is_marked)) reason = "the responder failed and does not say why";
  return std::string(cut_text(reason, reason_bytes_max));
}

Result<json::object> read_answer(std::string_view body) {
  auto const parsed = json::parse(body);
  if (!parsed || !parsed->is_object())
    return error(Code::failed, "the responder's answer is neither a JSON object nor an event stream");
  return read_answer(parsed->get_object());
}

Result<json::object> read_answer(json::object const& said) {
  if (auto reason = find_failure(said); !reason.empty()) return error(Code::failed, std::move(reason));
  std::optional<std::string_view> text;
  for (auto const* name : {"answer", "message", "content", "text"}) {
    if (!text) text = find_text(said, name);
  }
  if (!text) text = find_chosen_text(said);
  if (!text) return error(Code::failed, std::string(no_text));
  if (text->size() > answer_bytes_max) return error(Code::failed, std::string(too_long));
  json::object more;
  take_members(more, said);
  return to_answer(*text, more);
}

std::vector<AnswerPart> AnswerReader::feed(std::string_view bytes) {
  while (!is_over_) {
    auto const event = events_.feed(bytes);
    if (!event) break;
    take(event->type, event->data);
  }
  return std::exchange(parts_, {});
}

Result<json::object> AnswerReader::finish() {
  if (!is_over_) {
    if (auto const event = events_.finish()) take(event->type, event->data);
  }
  is_over_ = true;
  if (!error_.empty()) return error(Code::failed, error_);
  if (answer_) return to_answer(*answer_, members_);
  if (!has_text_ && analysis_.empty()) return error(Code::failed, std::string(no_text));
  return to_answer(has_text_ ? text_ : analysis_, members_);
}

void AnswerReader::take(std::string_view type, std::string_view data) {
  if (data == "[DONE]") {
    is_over_ = true;
    return;
  }
  auto const parsed = json::parse(data);
  if (!parsed || !parsed->is_object()) {
    if (type == "error") fail(std::string(cut_text(to_utf8(data), reason_bytes_max)));
    return;
  }
  auto const& said = parsed->get_object();
  if (type != "error" && is_remark(said)) return take_remark(said);
  if (auto reason = find_failure(said); !reason.empty()) return fail(std::move(reason));
  if (type == "error") return fail(std::string(cut_text(data, reason_bytes_max)));
  take_members(members_, said);
  take_text(said);
}

void AnswerReader::take_text(json::object const& said) {
  if (auto const answer = find_text(said, "answer")) {
    if (answer->size() > answer_bytes_max) return fail(std::string(too_long));
    answer_ = *answer;
    is_over_ = true;
    return;
  }
  if (auto const chosen = find_chosen_text(said)) return add(*chosen);
  for (auto const* name : {"content", "text"}) {
    if (auto const piece = find_text(said, name)) return add(*piece);
  }
  auto const line = find_text(said, "message");
  if (!line) return;
  bool const follows = !text_.empty() && !text_.ends_with('\n');
  add((follows ? "\n" : "") + std::string(*line));
}

void AnswerReader::take_remark(json::object const& said) {
  auto const* const content = said.if_contains("content");
  if (content != nullptr && is_deeper(*content, member_depth_max)) return;
  json::object remark{{"type", json::find_string(said, "type")}};
  remark["content"] = content == nullptr ? json::value("") : *content;
  remark["complete"] = is_set(said, "complete");
  if (is_set(said, "error")) remark["error"] = true;
  if (json::to_text(remark).size() > answer_bytes_max) return fail(std::string(remark_too_long));
  auto const text = json::find_string(remark, "type") == "analysis" ? json::find_string(remark, "content") : "";
  if (analysis_.size() + text.size() > answer_bytes_max) return fail(std::string(too_long));
  analysis_ += text;
  parts_.push_back({{}, std::move(remark)});
}

void AnswerReader::add(std::string_view piece) {
  if (text_.size() + piece.size() > answer_bytes_max) return fail(std::string(too_long));
  has_text_ = true;
  if (piece.empty()) return;
  text_ += piece;
  if (parts_.empty() || !parts_.back().remark.empty()) parts_.emplace_back();
  parts_.back().text += piece;
}

void AnswerReader::fail(std::string reason) {
  error_ = reason.empty() ? "the responder failed and does not say why" : std::move(reason);
  is_over_ = true;
}

}  // namespace sojourn
