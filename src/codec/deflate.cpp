#include "codec/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "base/text.h"

namespace sojourn::websocket {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";
// The hub's thread does it: the fastest level costs a seventh of the usual one and loses a tenth of what that saves.
constexpr int level = Z_BEST_SPEED;
constexpr int memory_level = 8;
// What ends a flush, and stands in no message (section 7.2.1).
constexpr std::string_view flush_end("\x00\x00\xff\xff", 4);
constexpr std::size_t inflated_at_once = 16UL * 1024;
// In data_type.
constexpr int in_last_block = 64;
constexpr int at_block_end = 128;

// zlib reads from there but has no const.
Bytef* to_input(std::string_view bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

class Deflater {
 public:
  explicit Deflater(int window_bits) {
    // Raw deflate is asked for by a negative window.
    if (deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(Deflater const&) = delete;
  Deflater& operator=(Deflater const&) = delete;

  void deflate(std::string& out, std::string_view message) {
    deflateReset(&stream_);
    stream_.next_in = to_input(message);
    stream_.avail_in = static_cast<uInt>(message.size());
    auto end = out.size();
    // Room for everything at once, were it not for the flush.
    out.resize(end + deflateBound(&stream_, static_cast<uLong>(message.size())) + 16);
    for (;;) {
      stream_.next_out = reinterpret_cast<Bytef*>(out.data()) + end;
      stream_.avail_out = static_cast<uInt>(out.size() - end);
      ::deflate(&stream_, Z_SYNC_FLUSH);
      end = out.size() - stream_.avail_out;
      if (stream_.avail_out != 0) break;
      out.resize(out.size() * 2);
    }
    out.resize(end - flush_end.size());
  }

 private:
  z_stream stream_{};
};

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream_, -window_bits_max) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(Inflater const&) = delete;
  Inflater& operator=(Inflater const&) = delete;

  Inflated inflate(std::string& out, std::string_view bytes, std::size_t bytes_max) {
    inflateReset(&stream_);
    out_ = &out;
    limit_ = out.size() + bytes_max;
    // One that begins after a last block is the only part that may be missing (section 7.2.3.4).
    if (auto const read = feed(bytes); read != Inflated::whole) return read;
    if (was_last_) return Inflated::whole;
    // The end of a flush says nothing: what says something there is the end of a message that was cut.
    auto const end = out.size();
    auto const read = feed(flush_end);
    bool const is_whole = read == Inflated::whole && out.size() == end && (stream_.data_type & at_block_end) != 0;
    return is_whole ? Inflated::whole : Inflated::damaged;
  }

 private:
  // Stops at each end of a block, so that the state says whether the message ends at one.
  Inflated feed(std::string_view bytes) {
    stream_.next_in = to_input(bytes);
    stream_.avail_in = static_cast<uInt>(bytes.size());
    for (bool has_more = true; stream_.avail_in > 0 || has_more;) {
      stream_.next_out = chunk_.data();
      stream_.avail_out = static_cast<uInt>(chunk_.size());
      auto const status = ::inflate(&stream_, Z_BLOCK);
      bool const ends = (stream_.data_type & at_block_end) != 0 && (stream_.data_type & in_last_block) != 0;
      has_more = stream_.avail_out == 0 || ends;
      out_->append(reinterpret_cast<char const*>(chunk_.data()), chunk_.size() - stream_.avail_out);
      if (out_->size() > limit_) return Inflated::too_big;
      was_last_ = status == Z_STREAM_END;
      if (was_last_) {
        inflateReset(&stream_);
        has_more = false;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return Inflated::damaged;
      }
    }
    return Inflated::whole;
  }

  z_stream stream_{};
  std::string* out_ = nullptr;
  std::size_t limit_ = 0;
  bool was_last_ = false;  // a last block has ended, and nothing stands behind it
  std::array<Bytef, inflated_at_once> chunk_;
};

// 8 to 15 in decimal, without a zero in front.
std::optional<int> read_bits(std::string_view text) {
  int bits = 0;
  auto const [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (ec != std::errc() || stop != text.data() + text.size() || text.starts_with('0')) return std::nullopt;
  return bits >= 8 && bits <= window_bits_max ? std::optional(bits) : std::nullopt;
}

// Takes an item up to `end` that does not stand in a quoted string.
std::string_view take_item(std::string_view& list, char end) {
  bool is_quoted = false;
  std::size_t at = 0;
  for (; at < list.size() && (is_quoted || list[at] != end); ++at) {
    if (list[at] == '"') is_quoted = !is_quoted;
    if (is_quoted && list[at] == '\\') ++at;
  }
  at = std::min(at, list.size());
  auto const item = list.substr(0, at);
  list.remove_prefix(std::min(at + 1, list.size()));
  return trimmed(item);
}

// What a parameter says, or that it has no value.
struct Parameter {
  std::string_view name;
  std::optional<std::string_view> value;
};

Parameter read_parameter(std::string_view text) {
  auto const equals = text.find('=');
  Parameter parameter{trimmed(text.substr(0, equals)), {}};
  if (equals == std::string_view::npos) return parameter;
  auto value = trimmed(text.substr(equals + 1));
  bool const is_quoted = value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
  parameter.value = is_quoted ? value.substr(1, value.size() - 2) : value;
  return parameter;
}

// Section 7.1: of each parameter whether the offer has it already.
class Offer {
 public:
  // Whether the offer can be accepted with this parameter.
  bool add(Parameter const& parameter) {
    auto const& [name, value] = parameter;
    if (equal_ignoring_case(name, "server_no_context_takeover")) return is_first(0) && !value;
    if (equal_ignoring_case(name, "client_no_context_takeover")) return is_first(1) && !value;
    auto const bits = value ? read_bits(*value) : std::nullopt;
    if (equal_ignoring_case(name, "client_max_window_bits")) return is_first(2) && (!value || bits);
    if (!equal_ignoring_case(name, "server_max_window_bits") || !is_first(3) || !bits) return false;
    agreement = {*bits, true};
    return *bits >= window_bits_min;
  }

  Agreement agreement{window_bits_max, false};

 private:
  bool is_first(std::size_t at) { return !std::exchange(seen_[at], true); }

  std::array<bool, 4> seen_{};
};

}  // namespace

Agreement accept_offer(std::string_view offers) {
  while (!offers.empty()) {
    auto parameters = take_item(offers, ',');
    if (!equal_ignoring_case(take_item(parameters, ';'), extension_name)) continue;
    Offer offer;
    bool is_acceptable = true;
    while (is_acceptable && !parameters.empty()) is_acceptable = offer.add(read_parameter(take_item(parameters, ';')));
    if (is_acceptable) return offer.agreement;
  }
  return {};
}

std::string to_extension(Agreement const& agreement) {
  auto answer = std::string(extension_name) + "; server_no_context_takeover; client_no_context_takeover";
  if (agreement.names_window) answer += "; server_max_window_bits=" + std::to_string(agreement.window_bits);
  return answer;
}

void deflate_message(std::string& out, std::string_view message, int window_bits) {
  thread_local std::array<std::unique_ptr<Deflater>, window_bits_max + 1> deflaters;
  auto& deflater = deflaters.at(static_cast<std::size_t>(window_bits));
  if (!deflater) deflater = std::make_unique<Deflater>(window_bits);
  deflater->deflate(out, message);
}

Inflated inflate_message(std::string& out, std::string_view bytes, std::size_t bytes_max) {
  thread_local std::unique_ptr<Inflater> inflater;
  if (bytes.empty()) return Inflated::whole;  // not what a message is compressed to, but some clients say it
  if (!inflater) inflater = std::make_unique<Inflater>();
  return inflater->inflate(out, bytes, bytes_max);
}

}  // namespace sojourn::websocket
