#include "browser/uploads.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/crypto.h"
#include "browser/account.h"

namespace sojourn {
namespace {

struct Upload {
  std::string filename;
  std::string bytes;
};

Error refusal(std::string words) { return error(Code::unprocessable, std::move(words)); }

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    bool const is_escape = text[at] == '%' && at + 2 < text.size() && hex(text[at + 1]) >= 0 && hex(text[at + 2]) >= 0;
    if (!is_escape) {
      plain += text[at];
      continue;
    }
    plain += static_cast<char>(hex(text[at + 1]) * 16 + hex(text[at + 2]));
    at += 2;
  }
  return plain;
}

// RFC 2397.
Result<Upload> read_data_uri(std::string_view uri, std::string filename) {
  auto const comma = uri.find(',');
  if (comma == std::string_view::npos) return refusal("a data URI has no data");
  auto const head = uri.substr(0, comma);
  Upload upload{filename.empty() ? "upload" : std::move(filename), unescape(uri.substr(comma + 1))};
  if (!head.ends_with(";base64")) return upload;
  auto const text = std::exchange(upload.bytes, {});
  if (!base64_decode(text, upload.bytes)) return refusal("a data URI is not base64");
  return upload;
}

Result<Upload> read_file(std::string const& folder, std::string const& path) {
  namespace fs = std::filesystem;
  std::error_code wrong;
  auto const own = fs::canonical(folder, wrong);
  auto const given =
      wrong ? fs::path() : fs::canonical(fs::path(path).is_absolute() ? fs::path(path) : own / path, wrong);
  bool const is_own = !wrong && given.string().starts_with(own.string() + '/');
  if (!is_own || !fs::is_regular_file(given, wrong))
    return refusal("'" + path + "' is not a file of this session; give {\"filename\",\"content\"} instead");
  if (fs::file_size(given, wrong) > upload_bytes_max || wrong) return refusal("'" + path + "' is too large");
  std::ifstream file(given, std::ios::binary);
  Upload upload{given.filename().string(), {std::istreambuf_iterator<char>(file), {}}};
  if (!file) return refusal("'" + path + "' can't be read");
  return upload;
}

// A name, never a path.
std::string to_filename(std::string_view text) {
  auto const slash = text.find_last_of("/\\");
  if (slash != std::string_view::npos) text.remove_prefix(slash + 1);
  std::string name(text.substr(0, 200));
  std::erase(name, '\0');
  return name == "." || name == ".." ? std::string() : name;
}

Result<Upload> read(std::string const& folder, json::value const& given) {
  if (given.is_string()) {
    auto const text = std::string(given.get_string());
    if (text.starts_with("data:")) return read_data_uri(text, {});
    return read_file(folder, text);
  }
  if (!given.is_object()) return refusal("a file is a path, a data URI or an object");
  auto const& object = given.get_object();
  auto filename = to_filename(json::find_string(object, "filename"));
  if (auto const uri = json::find_string(object, "uri"); uri.starts_with("data:"))
    return read_data_uri(uri, std::move(filename));
  if (object.contains("content")) {
    if (filename.empty()) return refusal("a file with content has to have a filename");
    Upload upload{std::move(filename), {}};
    if (!base64_decode(json::find_string(object, "content"), upload.bytes))
      return refusal("the content of '" + upload.filename + "' is not base64");
    return upload;
  }
  auto const path = json::find_string(object, "path");
  if (path.empty()) return refusal("a file has neither content nor a data URI");
  return read_file(folder, std::string(path));
}

}  // namespace

Result<json::array> lend_uploads(Files& files, std::string const& session_id, json::array const& file_paths) {
  if (file_paths.size() > uploads_max) return refusal("too many files, " + std::to_string(uploads_max) + " at most");
  auto const account = lend_account();
  if (!account) return account.error();
  json::array lent;
  for (auto const& given : file_paths) {
    auto const upload = read(files.folder(session_id), given);
    if (!upload) return upload.error();
    auto const path = files.lend(session_id, upload->filename, upload->bytes, *account);
    if (!path) return path.error();
    lent.emplace_back(*path);
  }
  return lent;
}

}  // namespace sojourn
