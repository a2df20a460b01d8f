#include "browser/view.h"

#include <fstream>
#include <iterator>

#include "support/page_stage.h"

namespace sojourn {
namespace {

using ViewTest = test::PageTest;

std::int64_t big_endian(std::string const& bytes, std::size_t at) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value * 256 + static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

class ViewFileTest : public test::PageTest {
 protected:
  std::string bytes(json::object const& output) {
    std::ifstream file(std::string(json::find_string(output.at("screenshot").get_object(), "path")), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(ViewFileTest, APictureIsAsLargeAsTheViewportOrThePage) {
  show("<body style='margin:0'><div style='height:2000px'></div>");
  auto output = call(Function::screenshot, {});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(big_endian(bytes(*output), 16), 1280);
  EXPECT_EQ(big_endian(bytes(*output), 20), 720);
  output = call(Function::screenshot, input("full_page", true));
  EXPECT_EQ(big_endian(bytes(*output), 20), 2000);
  EXPECT_EQ(output->at("height"), json::value(720)) << "the viewport's";
}

TEST_F(ViewFileTest, AnEndlessPageIsCutAndAJpegIsOne) {
  show("<body style='margin:0'><div style='height:200000px'></div>");
  auto output = call(Function::screenshot, input("full_page", true, "format", "jpeg"));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(bytes(*output).substr(0, 3), "\xFF\xD8\xFF");
  EXPECT_EQ(json::find_string(output->at("screenshot").get_object(), "content_type"), "image/jpeg");
}

TEST_F(ViewTest, FramesOfOtherProcessesAreInTheSnapshot) {
  site.serve("/inner", "<button>Inner</button><iframe src='http://127.0.0.1:PORT/deep'></iframe>");
  site.serve("/deep", "<button>Deep</button>");
  show("<button>Outer</button><iframe src='http://localhost:PORT/inner'></iframe>");
  EXPECT_TRUE(ref("Outer") != ref("Inner") && ref("Inner") != ref("Deep"));
  EXPECT_TRUE(succeeded(act("click", ref("Deep"))));
}

TEST_F(ViewTest, ALargePageIsCapturedInTime) {
  std::string html;
  for (int i = 0; i < 2000; ++i) html += "<button>B" + std::to_string(i) + "</button>";
  show(html);
  EXPECT_EQ(elements.size(), 2000U);
  EXPECT_EQ(call(Function::snapshot, input("max_elements", 10))->at("truncated"), json::value(true));
}

}  // namespace
}  // namespace sojourn
