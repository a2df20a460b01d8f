#include "codec/matroska.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

using namespace std::string_literals;

std::string head_of(std::string_view codec, std::uint64_t usual) {
  matroska::Pictures pictures;
  pictures.codec = codec;
  pictures.width = 640;
  pictures.height = 360;
  pictures.picture_ns_usual = usual;
  std::string out;
  matroska::append_head(out, pictures);
  return out;
}

TEST(Matroska, HeadNamesItsKindItsCodecAndItsSize) {
  auto const head = head_of("V_MJPEG", 0);
  EXPECT_EQ(head.substr(0, 4), "\x1A\x45\xDF\xA3"s);
  EXPECT_NE(head.find("\x42\x82\x10\x00\x00\x08matroska"s), std::string::npos);
  EXPECT_NE(head.find("\x86\x10\x00\x00\x07V_MJPEG"s), std::string::npos);
  EXPECT_NE(head.find("\xB0\x10\x00\x00\x08\x00\x00\x00\x00\x00\x00\x02\x80"s), std::string::npos);
  EXPECT_NE(head.find("\xBA\x10\x00\x00\x08\x00\x00\x00\x00\x00\x00\x01\x68"s), std::string::npos);
}

TEST(Matroska, SegmentHasNoEnd) {
  EXPECT_NE(head_of("V_MJPEG", 0).find("\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s), std::string::npos);
}

TEST(Matroska, UsualDistanceIsSaidOnlyWhenThereIsOne) {
  auto const mark = "\x23\xE3\x83"s;
  EXPECT_EQ(head_of("V_MJPEG", 0).find(mark), std::string::npos);
  EXPECT_NE(head_of("V_MJPEG", 1).find(mark), std::string::npos);
}

TEST(Matroska, SizesOfTheHeadAddUpToIt) {
  auto const head = head_of("V_MJPEG", 66'667'000);
  std::size_t at = 0;
  auto const skip = [&](std::size_t id_bytes) {
    auto const* const size = reinterpret_cast<unsigned char const*>(head.data()) + at + id_bytes;
    at += id_bytes + 4 + ((size[0] & 0x0FU) << 24 | size[1] << 16U | size[2] << 8U | size[3]);
  };
  skip(4);      // EBML
  at += 4 + 8;  // Segment
  skip(4);      // Info
  skip(4);      // Tracks
  EXPECT_EQ(at, head.size());
}

TEST(Matroska, PictureIsAClusterOfItsOwnAtItsTime) {
  std::string out;
  matroska::append_picture(out, 0x01020304, "jpeg");
  EXPECT_EQ(out,
            "\x1F\x43\xB6\x75\x10\x00\x00\x1A"
            "\xE7\x10\x00\x00\x08\x00\x00\x00\x00\x01\x02\x03\x04"
            "\xA3\x10\x00\x00\x08\x81\x00\x00\x80jpeg"s);
}

}  // namespace
}  // namespace sojourn
