// Whatever a responder says, its answer is within bounds, valid UTF-8 and readable again, or a failure with words for
// it; an event stream comes out the same however it is cut. The first byte says where.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "api/answer_reader.h"
#include "base/utf8.h"

namespace {

using namespace sojourn;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string check(Result<json::object> const& answer) {
  if (!answer) {
    require(answer.error().code == Code::failed && !answer.error().message.empty());
    return "failed: " + answer.error().message;
  }
  auto const text = json::to_text(*answer);
  require(is_utf8(text));
  // As it stands in the log.
  auto const back = json::parse("{\"result\":" + text + "}");
  require(back.has_value());
  require(json::find_string(*answer, "answer").size() <= answer_bytes_max);
  return text;
}

struct Read {
  std::string pieces;
  std::string remarks;
  std::string answer;
};

Read read_stream(std::string_view stream, std::size_t step) {
  AnswerReader reader;
  Read read;
  auto const take = [&read](std::vector<AnswerPart> const& parts) {
    for (auto const& part : parts) {
      require(part.text.empty() != part.remark.empty());
      read.pieces += part.text;
      if (!part.remark.empty()) read.remarks += json::to_text(part.remark);
    }
  };
  while (!stream.empty()) {
    take(reader.feed(stream.substr(0, step)));
    stream.remove_prefix(std::min(step, stream.size()));
  }
  read.answer = check(reader.finish());
  take(reader.feed({}));
  require(is_utf8(read.pieces) && read.pieces.size() <= answer_bytes_max && is_utf8(read.remarks));
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const input(reinterpret_cast<char const*>(data) + 1, size - 1);
  check(read_answer(input));
  auto const whole = read_stream(input, input.size() + 1);
  auto const cut = read_stream(input, std::size_t{data[0]} + 1);
  require(whole.answer == cut.answer && whole.pieces == cut.pieces && whole.remarks == cut.remarks);
  return 0;
}
