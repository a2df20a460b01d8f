#include "api/session_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "api/session_answer.h"

namespace sojourn {
namespace {

constexpr std::string_view video_file = "video.webm";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

Error not_there(std::string const& name) { return error(Code::not_found, "File not found: " + name); }

struct MediaType {
  std::string_view ending;
  std::string_view type;
  bool is_shown = false;  // by a browser, rather than saved
};

// Whatever could run as a page of this server's own is only bytes.
MediaType const& type_of(std::string_view name) {
  static constexpr std::array types{
      MediaType{".png", "image/png", true},           MediaType{".jpg", "image/jpeg", true},
      MediaType{".jpeg", "image/jpeg", true},         MediaType{".webp", "image/webp", true},
      MediaType{".gif", "image/gif", true},           MediaType{".webm", "video/webm", true},
      MediaType{".mp4", "video/mp4", true},           MediaType{".pdf", "application/pdf"},
      MediaType{".json", "application/json"},         MediaType{".csv", "text/csv; charset=utf-8"},
      MediaType{".txt", "text/plain; charset=utf-8"},
  };
  static constexpr MediaType bytes{{}, "application/octet-stream"};
  auto const* const found =
      std::ranges::find_if(types, [&](MediaType const& each) { return name.ends_with(each.ending); });
  return found == types.end() ? bytes : *found;
}

Response file_response(std::string const& name, std::string bytes) {
  auto const& type = type_of(name);
  auto response = json_response(std::move(bytes));
  response.content_type = type.type;
  response.headers.emplace_back("Content-Disposition",
                                std::string(type.is_shown ? "inline" : "attachment") + "; filename=\"" + name + "\"");
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; sandbox");
  return response;
}

}  // namespace

bool is_file_name(std::string_view name) {
  constexpr std::size_t chars_max = 100;
  return !name.empty() && name.size() <= chars_max && name.front() != '.' && std::ranges::all_of(name, is_name_char);
}

Result<std::string> read_session_file(std::string const& folder, std::string const& id, std::string const& name) {
  if (!is_file_name(id) || !is_file_name(name)) return not_there(name);
  Descriptor const root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Descriptor const own(::openat(root.get(), id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // Nobody is waited for at the other end of a pipe.
  Descriptor const file(::openat(own.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return not_there(name);
  if (info.st_size > static_cast<off_t>(session_file_bytes_max))
    return error(Code::too_large, name + " has " + std::to_string(info.st_size) +
                                      " bytes; files of more than 64 MiB are read where they lie, by their path");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t count = 0;
  while (count < bytes.size()) {
    auto const got = ::read(file.get(), bytes.data() + count, bytes.size() - count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    count += static_cast<std::size_t>(got);
  }
  bytes.resize(count);
  return bytes;
}

std::span<Route const> SessionFiles::routes() {
  static constexpr std::array table{
      Route{"GET", "/api/v1/sessions/:id/files/:name", handle<&SessionFiles::give>, "A file that a function made"},
      Route{"GET", "/api/v1/sessions/:id/video", handle<&SessionFiles::give_video>,
            "The video, from the close until its retention is over"},
  };
  return table;
}

void SessionFiles::give(Request const& request, Parameters const& parameters, Respond respond) {
  auto name = decode_segment(parameters.at[1]);
  if (!is_file_name(name)) return respond(detail_response(not_there(name)));
  find(request, decode_segment(parameters.at[0]), std::move(name), respond);
}

void SessionFiles::give_video(Request const& request, Parameters const& parameters, Respond respond) {
  find(request, decode_segment(parameters.at[0]), std::string(video_file), respond);
}

void SessionFiles::find(Request const& request, std::string id, std::string name, Respond respond) {
  GetSession command{SessionKind::browser, id};
  hub_.submit(request.principal, std::move(command),
              [this, id = std::move(id), name = std::move(name), respond](Result<Outcome> outcome) {
                bool const is_over =
                    !outcome && (outcome.error().code == Code::ended || outcome.error().code == Code::expired);
                bool const may_read = outcome.has_value() || (is_over && name == video_file);
                if (!may_read) return respond(session_refusal(outcome.error(), id));
                read(id, name, respond);
              });
}

void SessionFiles::read(std::string const& id, std::string const& name, Respond respond) {
  auto const bytes = std::make_shared<Result<std::string>>(not_there(name));
  bool const is_taken = work_([bytes, folder = folder_, id, name] { *bytes = read_session_file(folder, id, name); },
                              [bytes, name, respond] {
                                if (!*bytes) return respond(detail_response(bytes->error()));
                                respond(file_response(name, std::move(**bytes)));
                              });
  if (!is_taken) respond(detail_response(error(Code::too_many, "too many files are read at once; try again")));
}

}  // namespace sojourn
