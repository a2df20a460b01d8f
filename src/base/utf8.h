#pragma once
// UTF-8 validation (RFC 3629) that can stop and go on at any byte.
// Invariant: between two calls the state is the set of bytes that may come next, so a bad byte is
// refused when it is fed and not when its sequence ends.
// Thread: a value; no sharing.

#include <cstdint>
#include <string>
#include <string_view>

namespace sojourn {

class Utf8 {
 public:
  // Takes the next bytes of one text. False at the first byte that no valid text can hold at its place:
  // a stray continuation, an overlong form, a surrogate, anything over U+10FFFF. After false it stays
  // false until reset().
  bool feed(std::string_view bytes) noexcept;

  // True where a text may end: nothing was refused and no sequence is open.
  [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }

  void reset() noexcept { *this = Utf8(); }

 private:
  bool start(unsigned char lead) noexcept;
  bool expect(std::uint8_t missing, std::uint8_t low, std::uint8_t high) noexcept;

  std::uint8_t missing_ = 0;  // continuation bytes still to come, or refused
  std::uint8_t low_ = 0x80;   // range of the next of them
  std::uint8_t high_ = 0xBF;
};

// Whether the whole of `text` is valid UTF-8; the empty text is.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// The text as it stands if it is UTF-8, else its bytes read as Latin-1, as old HTTP fields are (RFC 9110, section 5.5).
[[nodiscard]] std::string to_utf8(std::string_view text);

}  // namespace sojourn
