#include "browser/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "base/crypto.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t files_of_a_name_max = 100;

std::string_view to_suffix(std::string_view content_type) {
  if (content_type == "image/png") return ".png";
  if (content_type == "image/jpeg") return ".jpg";
  return content_type == "video/webm" ? ".webm" : ".bin";
}

Error not_written(std::string const& path, int number) {
  return error(Code::cannot_create, "can't write " + path + ": " + std::strerror(number));
}

Result<> make_folder(std::string const& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) return not_written(path, failed.value());
  return {};
}

Result<> write_file(std::string const& path, std::string_view bytes, mode_t mode) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return not_written(path, errno);
  while (!bytes.empty()) {
    auto const done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      int const why = errno;
      ::close(fd);
      return not_written(path, why);
    }
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  ::close(fd);
  return {};
}

void remove_all(std::string const& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A name that a client gave, as one that stays inside its folder.
std::string to_plain_name(std::string_view filename) {
  std::string plain;
  for (char const c : filename.substr(filename.find_last_of("/\\") + 1)) {
    if (static_cast<unsigned char>(c) < 0x20 || plain.size() >= 200) continue;
    plain += c;
  }
  return plain.empty() || plain == "." || plain == ".." ? "file" : plain;
}

}  // namespace

std::string Files::folder(std::string const& session_id) const { return settings_.data + "/files/" + session_id; }

Result<json::object> Files::save(std::string const& session_id, std::string_view name, std::string_view bytes,
                                 std::string_view content_type) {
  auto const count = ++counts_[session_id + '/' + std::string(name)];
  auto const to_filename = [&](std::uint64_t number) {
    return std::string(name) + '-' + std::to_string(number) + std::string(to_suffix(content_type));
  };
  auto const path = place(session_id, to_filename(count));
  if (!path) return path.error();
  if (auto const written = write_file(*path, bytes, 0600); !written) return written.error();
  if (count > files_of_a_name_max)
    ::unlink((folder(session_id) + '/' + to_filename(count - files_of_a_name_max)).c_str());
  return describe(session_id, to_filename(count), content_type);
}

Result<std::string> Files::place(std::string const& session_id, std::string_view filename) {
  auto const own = folder(session_id);
  if (auto const made = make_folder(own); !made) return made.error();
  kept_.erase(session_id);
  return own + '/' + std::string(filename);
}

Result<json::object> Files::describe(std::string const& session_id, std::string_view filename,
                                     std::string_view content_type) const {
  auto const path = folder(session_id) + '/' + std::string(filename);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return error(Code::not_found, path + " is not there: " + std::strerror(errno));
  auto const route = filename == video_name ? std::string("video") : "files/" + std::string(filename);
  json::object file;
  file["uri"] = settings_.url + "/api/v1/sessions/" + session_id + '/' + route;
  file["path"] = path;
  file["content_type"] = content_type;
  file["size"] = info.st_size;
  file["filename"] = filename;
  return file;
}

Result<std::string> Files::lend(std::string const& session_id, std::string_view filename, std::string_view bytes,
                                std::optional<Account> const& account) {
  auto own = lent_.find(session_id);
  if (own == lent_.end()) {
    auto made = Profile::make(settings_.profile_key, account);
    if (!made) return made.error();
    own = lent_.emplace(session_id, *std::move(made)).first;
  }
  // Each in a folder of its own: two may have the same name.
  auto const place = own->second.path() + '/' + std::to_string(++last_lent_);
  if (auto const made = make_folder(place); !made) return made.error();
  auto const path = place + '/' + to_plain_name(filename);
  if (auto const written = write_file(path, bytes, 0600); !written) return written.error();
  for (auto const& each : {place, path})
    if (account && ::chown(each.c_str(), account->user, account->group) != 0) return not_written(each, errno);
  return path;
}

json::value Files::hand_over(std::string const& session_id) const {
  auto file = describe(session_id, video_name, "video/webm");
  if (!file) return nullptr;
  if (settings_.video_retention_s > 0) return *std::move(file);
  auto const bytes = read_file(folder(session_id) + '/' + std::string(video_name));
  (*file)["uri"] =
      "data:video/webm;base64," + base64_encode({reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size()});
  (*file)["path"] = nullptr;
  return *std::move(file);
}

void Files::forget(std::string const& session_id, std::int64_t now_us) {
  lent_.erase(session_id);
  auto const first = session_id + '/';
  for (auto place = counts_.lower_bound(first); place != counts_.end() && place->first.starts_with(first);)
    place = counts_.erase(place);
  auto const own = folder(session_id);
  std::error_code failed;
  bool keeps_video = false;
  for (auto const& entry : fs::directory_iterator(own, failed)) {
    bool const is_kept = entry.path().filename() == video_name && settings_.video_retention_s > 0;
    keeps_video = keeps_video || is_kept;
    if (!is_kept) remove_all(entry.path());
  }
  if (keeps_video)
    kept_[session_id] = now_us;
  else
    remove_all(own);
}

void Files::sweep(std::int64_t now_us) {
  for (auto place = kept_.begin(); place != kept_.end();) {
    if (place->second + settings_.video_retention_s * 1'000'000 > now_us) {
      ++place;
      continue;
    }
    remove_all(folder(place->first));
    place = kept_.erase(place);
  }
}

void Files::sweep_leftovers(std::int64_t now_us) {
  std::error_code failed;
  for (auto const& entry : fs::directory_iterator(settings_.data + "/files", failed)) {
    struct stat info {};
    auto const id = entry.path().filename().string();
    if (::stat((folder(id) + '/' + std::string(video_name)).c_str(), &info) == 0)
      kept_[id] = std::int64_t{info.st_mtime} * 1'000'000;
    else
      remove_all(entry.path());
  }
  sweep(now_us);
}

}  // namespace sojourn
