#include "net/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>

#include "base/text.h"

namespace sojourn {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t header_bytes_max = 64 * 1024;

// A connected socket, closed at its end.
class Socket {
 public:
  explicit Socket(int number) : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// One try to get an answer: from whom, until when, and what ends it before.
class Attempt {
 public:
  Attempt(std::string const& url, std::int64_t ms, int stop_fd = -1) : url_(url), stop_fd_(stop_fd) { restart(ms); }

  void restart(std::int64_t ms) {
    ms_ = ms;
    end_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  }

  // Waits until the socket is ready for `events`, or broken. False when the time is over, or it is to stop.
  [[nodiscard]] bool wait(int socket, short events) const {
    while (true) {
      auto const left = std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now()).count();
      if (left <= 0) return false;
      std::array<pollfd, 2> entries{{{socket, events, 0}, {stop_fd_, POLLIN, 0}}};  // poll() skips what is below 0
      int const ready =
          ::poll(entries.data(), entries.size(), static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
      if (ready > 0) return entries[1].revents == 0;
      if (ready < 0 && errno != EINTR) return true;  // the next call on the socket says what is wrong
    }
  }

  [[nodiscard]] bool is_stopped() const {
    pollfd entry{stop_fd_, POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
  }

  [[nodiscard]] std::string const& url() const { return url_; }

  [[nodiscard]] Error late() const {
    return error(Code::timeout, "the server at " + url_ + " did not answer within " + std::to_string(ms_) + " ms");
  }

 private:
  std::string url_;
  int stop_fd_;
  std::int64_t ms_ = 0;
  std::chrono::steady_clock::time_point end_;
};

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Endpoint> to_endpoint(std::string const& host, std::uint16_t port) {
  Endpoint endpoint;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&endpoint.storage, &v4, sizeof v4);
    endpoint.size = sizeof v4;
    return endpoint;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&endpoint.storage, &v6, sizeof v6);
    endpoint.size = sizeof v6;
    return endpoint;
  }
  return std::nullopt;
}

Error no_answer(std::string const& url, int number) {
  std::string reason = std::strerror(number);
  if (number == ECONNREFUSED) reason = "connection refused";
  return error(Code::unavailable, "no server answers at " + url + ": " + reason);
}

Error broken(std::string const& url) {
  return error(Code::unavailable, "the server at " + url + " closed the connection before its answer was complete");
}

Result<Socket> connect_to(Endpoint const& endpoint, Attempt const& attempt) {
  Socket socket(::socket(endpoint.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.number() < 0) return no_answer(attempt.url(), errno);
  // The sockets interface takes every family through one pointer type.
  auto const* const address = reinterpret_cast<sockaddr const*>(&endpoint.storage);
  if (::connect(socket.number(), address, endpoint.size) == 0) return socket;
  if (errno != EINPROGRESS) return no_answer(attempt.url(), errno);
  if (!attempt.wait(socket.number(), POLLOUT)) return attempt.late();
  int number = 0;
  socklen_t size = sizeof number;
  if (::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  if (number != 0) return no_answer(attempt.url(), number);
  return socket;
}

Result<Socket> connect_any(ServerAddress const& server, Attempt const& attempt) {
  std::vector<std::string> hosts = {server.host};
  if (server.host == "localhost") hosts = {"::1", "127.0.0.1"};
  Error last = error(Code::usage, "\"" + server.host + "\" is not an address");
  for (auto const& host : hosts) {
    auto const endpoint = to_endpoint(host, server.port);
    if (!endpoint) continue;
    auto socket = connect_to(*endpoint, attempt);
    if (socket) return socket;
    last = socket.error();
    if (last.code == Code::timeout) break;
  }
  return last;
}

bool is_word(std::string_view text) {
  for (char const c : text) {
    if (c <= ' ' || c >= 0x7F) return false;
  }
  return !text.empty();
}

std::string to_host(ServerAddress const& server) {
  bool const v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

std::string to_text(ServerAddress const& server, ClientRequest const& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + to_host(server) +
                     "\r\nAccept: " + request.accept + "\r\nUser-Agent: sojourn\r\nConnection: close\r\n";
  for (auto const& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (!request.body.empty()) text += "Content-Type: " + request.content_type + "\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n" + request.body;
}

// Ends early and without a failure when the server stops reading: it may have answered already.
Result<> send_all(Socket const& socket, std::string_view bytes, Attempt const& attempt) {
  while (!bytes.empty()) {
    ssize_t const count = ::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!attempt.wait(socket.number(), POLLOUT)) return attempt.late();
    } else if (errno != EINTR) {
      return {};
    }
  }
  return {};
}

using Parser = http::response_parser<http::string_body>;

Error not_http(std::string const& url, boost::beast::error_code const& ec) {
  if (ec == http::error::body_limit || ec == http::error::header_limit) {
    return error(Code::failed, "the answer of " + url + " is larger than this program reads");
  }
  return error(Code::failed, "what answers at " + url + " does not speak HTTP; is it another program?");
}

// Feeds all it can; what has to wait for more bytes stays in `pending`.
Result<> feed(Parser& parser, std::string& pending, std::string const& url) {
  boost::beast::error_code ec;
  std::string_view rest = pending;
  while (!rest.empty() && !parser.is_done()) {
    std::size_t const used = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    rest.remove_prefix(used);
    if (ec == http::error::need_more) break;
    if (ec) return not_http(url, ec);
    if (used == 0) break;
  }
  pending.erase(0, pending.size() - rest.size());
  return {};
}

// Looks at what has come after each read; false ends the reading before the answer is whole.
using Look = std::function<Result<bool>(Parser&)>;

Result<> read_response(Socket const& socket, Parser& parser, Attempt const& attempt, Look const& look) {
  std::string pending;
  std::array<char, 65536> buffer{};
  while (!parser.is_done()) {
    if (!attempt.wait(socket.number(), POLLIN)) return attempt.late();
    ssize_t const count = ::recv(socket.number(), buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) return broken(attempt.url());
    if (count == 0) {
      boost::beast::error_code ec;
      if (parser.got_some()) parser.put_eof(ec);
      if (ec || !parser.is_done()) return broken(attempt.url());
      return {};
    }
    pending.append(buffer.data(), static_cast<std::size_t>(count));
    if (auto const fed = feed(parser, pending, attempt.url()); !fed) return fed;
    // What is left waits for the end of a header or of a chunk's size: neither may be longer than a header.
    if (pending.size() > header_bytes_max) return not_http(attempt.url(), http::error::header_limit);
    auto const looked = look(parser);
    if (!looked) return looked.error();
    if (!*looked) return {};
  }
  return {};
}

Result<> check(ClientRequest const& request) {
  if (!is_word(request.method) || !is_word(request.target) || !request.target.starts_with('/')) {
    return error(Code::usage, "\"" + request.target + "\" can't be asked for: it must begin with / and have no spaces");
  }
  for (auto const& [name, value] : request.headers) {
    bool const is_text = std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < 0x7F; });
    // Without its value, which may be a secret.
    if (!is_word(name) || !is_text)
      return error(Code::usage, "the header " + name + " can't be sent: it is not ASCII text");
  }
  return {};
}

Result<ClientResponse> exchange(ClientRequest const& request, Attempt const& attempt, Look const& look) {
  auto const server = parse_server_url(attempt.url());
  if (!server) return server.error();
  if (auto const checked = check(request); !checked) return checked.error();
  auto const socket = connect_any(*server, attempt);
  if (!socket) return socket.error();
  if (auto const sent = send_all(*socket, to_text(*server, request), attempt); !sent) return sent.error();

  Parser parser;
  parser.eager(true);
  parser.header_limit(header_bytes_max);
  parser.body_limit(response_bytes_max);
  if (request.method == "HEAD") parser.skip(true);
  if (auto const read = read_response(*socket, parser, attempt, look); !read) return read.error();

  auto message = parser.release();
  ClientResponse response;
  response.status = static_cast<int>(message.result_int());
  for (auto const& field : message) response.headers.emplace_back(field.name_string(), field.value());
  response.body = std::move(message.body());
  return response;
}

// Cuts what a stream brings into lines.
class Lines {
 public:
  explicit Lines(Following const& following) : following_(following) {}

  // Takes all of `bytes`. False when the reader has had enough.
  Result<bool> take(std::string& bytes, std::string const& url) {
    rest_ += bytes;
    bytes.clear();
    std::size_t begin = 0;
    for (auto end = rest_.find('\n', searched_); end != std::string::npos; end = rest_.find('\n', begin)) {
      std::string_view line = std::string_view(rest_).substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!following_.on_line(line)) return false;
      begin = end + 1;
    }
    rest_.erase(0, begin);
    searched_ = rest_.size();
    if (rest_.size() > following_.line_bytes_max) return not_http(url, http::error::body_limit);
    return true;
  }

 private:
  Following const& following_;
  std::string rest_;
  std::size_t searched_ = 0;  // the beginning of rest_ that is known to have no line's end
};

bool can_bind(Endpoint const& endpoint) {
  Socket const socket(::socket(endpoint.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.number() < 0) return true;
  int const on = 1;
  ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto const* const address = reinterpret_cast<sockaddr const*>(&endpoint.storage);
  return ::bind(socket.number(), address, endpoint.size) == 0 || errno != EADDRINUSE;
}

}  // namespace

std::string_view ClientResponse::find_header(std::string_view name) const {
  for (auto const& [key, text] : headers) {
    if (equal_ignoring_case(key, name)) return text;
  }
  return {};
}

Result<ServerAddress> parse_server_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  auto const refuse = [&](std::string_view why) {
    return error(Code::usage,
                 "\"" + std::string(url) + "\" " + std::string(why) + "; write for example http://localhost:5409");
  };
  if (!url.starts_with(scheme)) return refuse("is not the http:// address of a server");
  auto rest = url.substr(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  ServerAddress server;
  std::string_view port;
  if (rest.starts_with('[')) {
    auto const close = rest.find(']');
    if (close == std::string_view::npos) return refuse("has no ] after its address");
    server.host = rest.substr(1, close - 1);
    port = rest.substr(close + 1);
  } else {
    auto const colon = rest.find(':');
    server.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) port = rest.substr(colon);
  }
  if (server.host != "localhost" && !to_endpoint(server.host, 0)) {
    return refuse("names neither localhost nor a numeric address");
  }
  if (rest.find('/') != std::string_view::npos) return refuse("has a path; write only http://HOST:PORT");
  if (port.empty()) return server;
  auto const [end, ec] = std::from_chars(port.data() + 1, port.data() + port.size(), server.port);
  if (port[0] != ':' || ec != std::errc() || end != port.data() + port.size() || server.port == 0) {
    return refuse("names no port from 1 to 65535");
  }
  return server;
}

Result<ClientResponse> fetch(std::string const& server_url, ClientRequest const& request, std::int64_t deadline_ms) {
  return exchange(request, Attempt(server_url, deadline_ms), [](Parser&) { return true; });
}

Result<ClientResponse> follow(std::string const& server_url, ClientRequest const& request, Following const& following) {
  Attempt attempt(server_url, following.answer_ms_max, following.stop_fd);
  Lines lines(following);
  bool is_followed = false;
  auto const look = [&](Parser& parser) -> Result<bool> {
    if (!parser.is_header_done() || parser.get().result() != http::status::ok) return true;
    if (!is_followed) parser.body_limit(boost::none);
    is_followed = true;
    attempt.restart(following.silence_ms_max);
    return lines.take(parser.get().body(), server_url);
  };
  auto response = exchange(request, attempt, look);
  if (!response && attempt.is_stopped()) return ClientResponse{};
  return response;
}

bool is_port_free(std::uint16_t port) {
  for (char const* const host : {"127.0.0.1", "::1"}) {
    if (auto const endpoint = to_endpoint(host, port); endpoint && !can_bind(*endpoint)) return false;
  }
  return true;
}

}  // namespace sojourn
