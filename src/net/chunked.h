// The chunked transfer coding (RFC 9112, section 7.1): a body to chunks, and a machine over bytes the other way,
// framing in, body out. Strict: lines end with CRLF only, no blanks around a size, trailers are checked and forgotten.
// Invariant: how the bytes are cut never changes what comes out; nothing is held but counters. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sojourn {

class ChunkedReader {
 public:
  enum class Status : std::uint8_t { need_more, done, malformed, body_too_large, too_much_framing, too_many_trailers };

  // At most so many bytes of body, and so many trailer fields.
  ChunkedReader(std::size_t body_bytes_max, std::size_t trailers_max)
      : body_bytes_max_(body_bytes_max), trailers_max_(trailers_max) {}

  // Takes bytes from the front of `input` and appends what is body to `body`. After done the rest of `input` belongs
  // to the next request; after a failure the reader is of no more use.
  Status read(std::string_view& input, std::string& body);

 private:
  enum class State : std::uint8_t {
    size,       // hexadecimal digits
    extension,  // behind a semicolon, up to the line's end
    size_end,   // the LF of the line
    data,
    data_cr,
    data_lf,
    trailer_start,  // a field, or the empty line that ends it all
    trailer_name,
    trailer_value,
    trailer_end,
    last_lf,
    done,
  };

  Status take(char c);
  Status take_size(char c);
  Status take_trailer(char c);
  Status end_size_line();

  std::size_t body_bytes_max_;
  std::size_t trailers_max_;
  std::size_t body_bytes_ = 0;
  std::size_t framing_bytes_ = 0;
  std::size_t trailers_ = 0;
  std::uint64_t left_ = 0;  // of this chunk; its size while that is being read
  bool has_digit_ = false;
  State state_ = State::size;
};

// Appends `bytes` as one chunk; none of them are none, since an empty chunk is the last.
void append_chunk(std::string& out, std::string_view bytes);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace sojourn
