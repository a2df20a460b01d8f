// What a responder says to a question, as JSON or as an event stream: pieces of text on the way, and the answer.
// An answer is an object {"answer": text} with those of the optional members that are of their JSON type: findings,
// root_cause, recommendations, confidence_score, estimated_mttr, next_steps, sources, view_state, plan, response_type.
// Invariant: total and bounded; how the bytes are cut into calls never changes what comes out. No clock, no socket.
// Thread: values; no sharing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "codec/sse.h"

namespace sojourn {

inline constexpr std::size_t answer_bytes_max = 1'000'000;  // of the text

// The answer in a whole body of JSON: its text is under answer, message, content, text or choices[0].message.content.
// Code::failed with what the responder itself says under error, or with what is wrong.
Result<json::object> read_answer(std::string_view body);
Result<json::object> read_answer(json::object const& said);

// What an event adds: to the text, or a remark beside it.
struct AnswerPart {
  std::string text = {};
  json::object remark = {};  // {"type","content","complete"}, and "error" when it is marked so; empty = it is text
};

// Reads an event stream, each event of which is a JSON object in its data: chat-completions chunks, which [DONE] ends;
// {"content"} or {"text"}, which adds text; {"message"}, which adds a line; {"answer"}, which is the whole and ends it;
// {"error"}, which ends it too; {"type","content","complete"} of a remark on the way to the answer, whose type is
// analysis, knowledge, next_action, learning_intent or learning_knowledge. Whoever says nothing but analysis has
// answered with that. Data that is no object is skipped.
class AnswerReader {
 public:
  // The next bytes; gives what they add, in its order.
  std::vector<AnswerPart> feed(std::string_view bytes);

  // Whether whatever may come still changes nothing.
  [[nodiscard]] bool is_over() const { return is_over_; }

  // The stream has ended, or is over. Code::failed as of read_answer. What its end adds is given by another feed().
  Result<json::object> finish();

 private:
  void take(std::string_view type, std::string_view data);
  void take_text(json::object const& said);
  void take_remark(json::object const& said);
  void add(std::string_view piece);
  void fail(std::string reason);

  static constexpr std::size_t event_bytes_max = 4'000'000;  // text may stand in escapes

  sse::ByteReader events_{event_bytes_max};
  std::string text_;
  std::string analysis_;           // the text of those remarks
  std::vector<AnswerPart> parts_;  // that feed() has not given
  bool has_text_ = false;          // even an empty one
  bool is_over_ = false;
  std::string error_;  // empty = none
  std::optional<std::string> answer_;
  json::object members_;
};

// The beginning of `text` in whole characters of UTF-8, at most so many bytes.
std::string_view cut_text(std::string_view text, std::size_t bytes_max);

// What a body or an event says went wrong; empty = nothing.
std::string find_failure(json::object const& said);

}  // namespace sojourn
