// Screenshots as files: a data URL that an extension sent becomes a file of the server's user. Any thread; blocks for
// the write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace sojourn {

struct Image {
  std::string bytes;
  std::string_view extension;  // png, jpg or webp
};

// data:image/png;base64,... and its like for jpeg and webp; Code::invalid otherwise.
Result<Image> read_data_url(std::string_view url);

// Writes FOLDER/screenshot_<ms>_<random>.<extension> (folder 0700, file 0600) and gives its path; Code::cannot_create
// otherwise.
Result<std::string> save_screenshot(std::string const& folder, Image const& image, std::int64_t at_ms, Random& random);

}  // namespace sojourn
