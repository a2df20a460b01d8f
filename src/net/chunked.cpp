#include "net/chunked.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sojourn {
namespace {

// What sizes, extensions and trailers may take: some, and more for a body of many small chunks.
constexpr std::size_t framing_bytes_free = 4096;
constexpr std::size_t framing_bytes_per_byte = 8;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// RFC 9110, section 5.6.2
bool is_token(char c) {
  bool const is_alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

ChunkedReader::Status ChunkedReader::read(std::string_view& input, std::string& body) {
  while (!input.empty()) {
    if (state_ == State::data) {
      auto const part = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
      body += part;
      input.remove_prefix(part.size());
      left_ -= part.size();
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    if (++framing_bytes_ > framing_bytes_free + framing_bytes_per_byte * body_bytes_) return Status::too_much_framing;
    auto const status = take(input.front());
    if (status != Status::need_more && status != Status::done) return status;
    input.remove_prefix(1);
    if (status == Status::done) return status;
  }
  return state_ == State::done ? Status::done : Status::need_more;
}

ChunkedReader::Status ChunkedReader::take(char c) {
  switch (state_) {
    case State::size:
      return take_size(c);
    case State::extension:
      if (c == '\r') state_ = State::size_end;
      return c != '\r' && is_control(c) ? Status::malformed : Status::need_more;
    case State::size_end:
      return c == '\n' ? end_size_line() : Status::malformed;
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r' ? Status::need_more : Status::malformed;
    case State::data_lf:
      state_ = State::size;
      has_digit_ = false;
      return c == '\n' ? Status::need_more : Status::malformed;
    default:
      return take_trailer(c);
  }
}

ChunkedReader::Status ChunkedReader::take_size(char c) {
  constexpr std::uint64_t shiftable_max = ~std::uint64_t{0} >> 4U;
  if (auto const digit = hex_value(c); digit >= 0) {
    if (left_ > shiftable_max) return Status::malformed;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    has_digit_ = true;
    return Status::need_more;
  }
  if (!has_digit_ || (c != ';' && c != '\r')) return Status::malformed;
  state_ = c == ';' ? State::extension : State::size_end;
  return Status::need_more;
}

ChunkedReader::Status ChunkedReader::end_size_line() {
  if (left_ > body_bytes_max_ - body_bytes_) return Status::body_too_large;
  body_bytes_ += static_cast<std::size_t>(left_);
  state_ = left_ == 0 ? State::trailer_start : State::data;
  return Status::need_more;
}

ChunkedReader::Status ChunkedReader::take_trailer(char c) {
  switch (state_) {
    case State::trailer_start:
      if (c != '\r' && ++trailers_ > trailers_max_) return Status::too_many_trailers;
      state_ = c == '\r' ? State::last_lf : State::trailer_name;
      return c == '\r' || is_token(c) ? Status::need_more : Status::malformed;
    case State::trailer_name:
      if (c == ':') state_ = State::trailer_value;
      return c == ':' || is_token(c) ? Status::need_more : Status::malformed;
    case State::trailer_value:
      if (c == '\r') state_ = State::trailer_end;
      return c != '\r' && is_control(c) ? Status::malformed : Status::need_more;
    case State::trailer_end:
      state_ = State::trailer_start;
      return c == '\n' ? Status::need_more : Status::malformed;
    default:
      state_ = State::done;
      return c == '\n' ? Status::done : Status::malformed;
  }
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  std::array<char, 16> digits;
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16).ptr;
  out.append(digits.data(), end).append("\r\n").append(bytes).append("\r\n");
}

}  // namespace sojourn
