// Matroska (RFC 9559) as far as it carries one stream of pictures with the times at which they are shown: what a video
// encoder is fed with when pictures come at no fixed rate. Each picture is a cluster of its own, so that it can be read
// as soon as it is written. Appends bytes; no clock, no descriptor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sojourn::matroska {

struct Pictures {
  std::string_view codec;   // "V_MJPEG": each picture is a JPEG
  std::uint64_t width = 0;  // of the first
  std::uint64_t height = 0;
  std::uint64_t picture_ns_usual = 0;  // from one to the next; a hint for those who read
};

// Once, first. Times are milliseconds, and the stream has no end until it stops.
void append_head(std::string& out, Pictures const& pictures);

// One picture; at_ms never runs backwards. Less than 256 MiB.
void append_picture(std::string& out, std::uint64_t at_ms, std::string_view picture);

}  // namespace sojourn::matroska
