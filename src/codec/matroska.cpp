#include "codec/matroska.h"

namespace sojourn::matroska {
namespace {

// RFC 9559, section 5.1, and RFC 8794, section 11.2. The ids are as they stand in the stream.
namespace id {
constexpr std::uint32_t ebml = 0x1A45DFA3;
constexpr std::uint32_t doc_type = 0x4282;
constexpr std::uint32_t doc_type_version = 0x4287;
constexpr std::uint32_t doc_type_read_version = 0x4285;
constexpr std::uint32_t segment = 0x18538067;
constexpr std::uint32_t info = 0x1549A966;
constexpr std::uint32_t timestamp_scale = 0x2AD7B1;
constexpr std::uint32_t muxing_app = 0x4D80;
constexpr std::uint32_t writing_app = 0x5741;
constexpr std::uint32_t tracks = 0x1654AE6B;
constexpr std::uint32_t track_entry = 0xAE;
constexpr std::uint32_t track_number = 0xD7;
constexpr std::uint32_t track_uid = 0x73C5;
constexpr std::uint32_t track_type = 0x83;
constexpr std::uint32_t codec_id = 0x86;
constexpr std::uint32_t default_duration = 0x23E383;
constexpr std::uint32_t video = 0xE0;
constexpr std::uint32_t pixel_width = 0xB0;
constexpr std::uint32_t pixel_height = 0xBA;
constexpr std::uint32_t cluster = 0x1F43B675;
constexpr std::uint32_t timestamp = 0xE7;
constexpr std::uint32_t simple_block = 0xA3;
}  // namespace id

constexpr std::uint64_t ns_per_ms = 1'000'000;
// Track 1, at the cluster's time, a key frame (RFC 9559, section 10.2).
constexpr std::string_view block_head("\x81\x00\x00\x80", 4);

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

void append_id(std::string& out, std::uint32_t id) {
  int bytes = 1;
  while (bytes < 4 && id >> (8 * bytes) != 0) ++bytes;
  append_big_endian(out, id, bytes);
}

// Four bytes each time: the leading 1 tells (RFC 8794, section 4).
void append_size(std::string& out, std::size_t size) { append_big_endian(out, 0x10000000U | size, 4); }

void append_text(std::string& out, std::uint32_t id, std::string_view text) {
  append_id(out, id);
  append_size(out, text.size());
  out.append(text);
}

void append_number(std::string& out, std::uint32_t id, std::uint64_t number) {
  append_id(out, id);
  append_size(out, 8);
  append_big_endian(out, number, 8);
}

std::string to_track(Pictures const& pictures) {
  std::string video;
  append_number(video, id::pixel_width, pictures.width);
  append_number(video, id::pixel_height, pictures.height);
  std::string track;
  append_number(track, id::track_number, 1);
  append_number(track, id::track_uid, 1);
  append_number(track, id::track_type, 1);  // pictures
  append_text(track, id::codec_id, pictures.codec);
  if (pictures.picture_ns_usual != 0) append_number(track, id::default_duration, pictures.picture_ns_usual);
  append_text(track, id::video, video);
  return track;
}

}  // namespace

void append_head(std::string& out, Pictures const& pictures) {
  std::string head;
  append_text(head, id::doc_type, "matroska");
  append_number(head, id::doc_type_version, 4);
  append_number(head, id::doc_type_read_version, 2);
  append_text(out, id::ebml, head);

  append_id(out, id::segment);
  out.append("\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);  // of unknown size (RFC 8794, section 6.2)
  std::string info;
  append_number(info, id::timestamp_scale, ns_per_ms);
  append_text(info, id::muxing_app, "sojourn");
  append_text(info, id::writing_app, "sojourn");
  append_text(out, id::info, info);
  std::string tracks;
  append_text(tracks, id::track_entry, to_track(pictures));
  append_text(out, id::tracks, tracks);
}

void append_picture(std::string& out, std::uint64_t at_ms, std::string_view picture) {
  constexpr std::size_t timestamp_bytes = 1 + 4 + 8;
  append_id(out, id::cluster);
  append_size(out, timestamp_bytes + 1 + 4 + block_head.size() + picture.size());
  append_number(out, id::timestamp, at_ms);
  append_id(out, id::simple_block);
  append_size(out, block_head.size() + picture.size());
  out.append(block_head).append(picture);
}

}  // namespace sojourn::matroska
