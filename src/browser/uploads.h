// The files of an upload, wherever they come from: copies that the browser may read. Invariant: of this machine's own
// files only those of the session are read. The browser thread.
#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "browser/files.h"

namespace sojourn {

inline constexpr std::size_t uploads_max = 50;
inline constexpr std::size_t upload_bytes_max = std::size_t{100} * 1024 * 1024;  // of one file

// Each of `file_paths` is a path inside of the session's folder, a data URI, {"uri","filename"} with such a URI, or
// {"filename","content"} in base64. Gives paths, in order. Code::unprocessable says what is wrong with which.
Result<json::array> lend_uploads(Files& files, std::string const& session_id, json::array const& file_paths);

}  // namespace sojourn
