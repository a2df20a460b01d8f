#include "api/media.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/crypto.h"
#include "base/id.h"

namespace sojourn {

Result<Image> read_data_url(std::string_view url) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kinds{
      {{"data:image/png;base64,", "png"}, {"data:image/jpeg;base64,", "jpg"}, {"data:image/webp;base64,", "webp"}}};
  for (auto const& [prefix, extension] : kinds) {
    if (!url.starts_with(prefix)) continue;
    Image image{{}, extension};
    if (!base64_decode(url.substr(prefix.size()), image.bytes) || image.bytes.empty()) break;
    return image;
  }
  return error(Code::invalid, "the extension sent no image");
}

Result<std::string> save_screenshot(std::string const& folder, Image const& image, std::int64_t at_ms, Random& random) {
  namespace fs = std::filesystem;
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (!ec) fs::permissions(folder, fs::perms::owner_all, ec);
  constexpr std::size_t random_digits = 8;
  auto const path = fs::path(folder) / ("screenshot_" + std::to_string(at_ms) + "_" + make_hex(random, random_digits) +
                                        "." + std::string(image.extension));
  std::ofstream file(path, std::ios::binary);
  file.write(image.bytes.data(), static_cast<std::streamsize>(image.bytes.size()));
  file.close();
  if (!file)
    return error(Code::cannot_create, "can't write the screenshot to " + path.string() +
                                          "; check that the folder is writable and the disk is not full");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, ec);
  return path.string();
}

}  // namespace sojourn
