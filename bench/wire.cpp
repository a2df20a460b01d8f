#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace bench {
namespace {

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455, section 1.3
constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

int parse_number(std::string_view text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The value of a header field, without its leading space; empty when there is none.
std::string_view find_field(std::string_view head, std::string_view name) {
  for (auto at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at)) {
    at += 2;
    std::string_view const line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view const value = line.substr(name.size() + 1);
      return value.substr(std::min(value.find_first_not_of(' '), value.size()));
    }
  }
  return {};
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (char const byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

void fail(std::string const& what) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what.c_str());
  std::exit(1);
}

Wire::Wire(std::uint16_t port, Room room) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) fail(std::string("socket: ") + std::strerror(errno));
  if (room == Room::little) {
    // Segments of loopback are of 64 KiB, and the sender's buffer grows with them.
    int const segment = 1460;
    int const buffer = 4096;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail(std::string("connect: ") + std::strerror(errno));
  }
  int const on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

Wire::Wire(Wire&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), taken_(other.taken_), in_(std::move(other.in_)) {}

void Wire::send(std::string_view bytes) {
  ssize_t const sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) fail("a request was not sent whole");
}

bool Wire::receive() {
  static std::array<char, 256 * 1024> buffer;
  drop_taken();
  ssize_t const got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got > 0) in_.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EAGAIN);
}

void Wire::drop_taken() {
  in_.erase(0, std::exchange(taken_, 0));
  if (in_.empty()) std::string().swap(in_);
}

std::optional<Answer> Wire::take_answer() {
  std::string_view const bytes = std::string_view(in_).substr(taken_);
  auto const end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return std::nullopt;
  std::string_view const head = bytes.substr(0, end + 2);
  Answer answer{parse_number(head.substr(std::min(head.size(), std::size_t{9}))), {}};
  std::size_t length = 0;
  if (answer.status != 101 && answer.status != 204) {
    int const given = parse_number(find_field(head, "content-length"));
    if (given < 0) fail("an answer has no Content-Length");
    length = static_cast<std::size_t>(given);
  } else if (answer.status == 101 && !is_handshake_answer(head)) {
    fail("a handshake was answered with the wrong accept key");
  }
  if (bytes.size() < end + 4 + length) return std::nullopt;
  answer.body = bytes.substr(end + 4, length);
  taken_ += end + 4 + length;
  return answer;
}

std::optional<Frame> Wire::take_frame() {
  std::string_view const bytes = std::string_view(in_).substr(taken_);
  if (bytes.size() < 2) return std::nullopt;
  unsigned const first = static_cast<unsigned char>(bytes[0]);
  unsigned const second = static_cast<unsigned char>(bytes[1]);
  if ((first & 0xF0) != 0x80 || (second & 0x80) != 0) fail("a frame is not whole, plain and unmasked");
  std::size_t const extended = second == 126 ? 2 : second == 127 ? 8 : 0;
  if (bytes.size() < 2 + extended) return std::nullopt;
  std::uint64_t const length = extended != 0 ? read_big_endian(bytes.substr(2, extended)) : second;
  if (bytes.size() - 2 - extended < length) return std::nullopt;
  taken_ += 2 + extended + length;
  return Frame{static_cast<int>(first & 0x0F), bytes.substr(2 + extended, length)};
}

void Wire::shut() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string handshake_request(std::uint16_t port, std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string(sample_key) +
         "\r\nUser-Agent: Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/140.0.0.0 Safari/537.36\r\n\r\n";
}

bool is_handshake_answer(std::string_view head) {
  return head.starts_with("HTTP/1.1 101 ") && find_field(head, "sec-websocket-accept") == sample_accept;
}

std::string find_member(std::string_view json, std::string_view name) {
  std::string const key = "\"" + std::string(name) + "\":\"";
  auto const begin = json.find(key);
  if (begin == json.npos) fail("no " + std::string(name) + " in " + std::string(json));
  auto const from = begin + key.size();
  return std::string(json.substr(from, json.find('"', from) - from));
}

std::string text_frame(std::string_view payload) {
  std::string frame("\x81", 1);
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += '\xFE';
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xFF);
  }
  frame.append(4, '\0');
  return frame.append(payload);
}

std::string pong_frame(std::string_view payload) {
  std::string frame("\x8A", 1);
  frame += static_cast<char>(0x80 | payload.size());
  frame.append(4, '\0');
  return frame.append(payload);
}

std::string close_frame() { return {"\x88\x82\0\0\0\0\x03\xE8", 8}; }

}  // namespace bench
