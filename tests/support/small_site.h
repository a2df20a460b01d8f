// A web server for pages of tests, on a port of its own of this machine; it answers under any host name, so 127.0.0.1
// and localhost are two sites. Its own thread; what is served is set before anybody asks.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace sojourn::test {

class SmallSite {
 public:
  SmallSite() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_, 50) != 0) std::abort();
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~SmallSite() {
    is_over_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    acceptor_.join();
    ::close(socket_);
    for (auto& one : workers_) one.join();
  }
  SmallSite(SmallSite const&) = delete;
  SmallSite& operator=(SmallSite const&) = delete;

  // PORT in the text becomes the port.
  void serve(std::string const& path, std::string html, int delay_ms = 0, std::string headers = {}) {
    for (auto at = html.find("PORT"); at != std::string::npos; at = html.find("PORT", at))
      html.replace(at, 4, std::to_string(port));
    std::lock_guard const lock(mutex_);
    pages_[path] = {std::move(html), delay_ms, std::move(headers)};
  }
  std::string url(std::string const& path, std::string const& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port) + path;
  }
  // How often it was asked for.
  int asked(std::string const& path) {
    std::lock_guard const lock(mutex_);
    return asked_[path];
  }

  int port = 0;

 private:
  struct Served {
    std::string body;
    int delay_ms = 0;
    std::string headers;
  };

  void accept_all() {
    while (!is_over_) {
      int const client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      workers_.emplace_back([this, client] { answer(client); });
    }
  }
  void answer(int client) {
    timeval patience{5, 0};
    ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string asked(16384, 0);
    auto const got = ::recv(client, asked.data(), asked.size(), 0);
    asked.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    auto const begin = asked.find(' ') + 1;
    auto const path = asked.substr(begin, asked.find_first_of(" ?", begin) - begin);
    Served page{"not here", 0, {}};
    bool is_there = false;
    {
      std::lock_guard const lock(mutex_);
      ++asked_[path];
      if (auto const place = pages_.find(path); place != pages_.end()) {
        page = place->second;
        is_there = true;
      }
    }
    for (int waited = 0; waited < page.delay_ms && !is_over_; waited += 5)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    auto const answer =
        std::string(is_there ? "HTTP/1.1 200 OK" : "HTTP/1.1 404 Not Found") +
        "\r\nContent-Length: " + std::to_string(page.body.size()) + "\r\nConnection: close\r\n" +
        (page.headers.find("Content-Type") == std::string::npos ? "Content-Type: text/html; charset=utf-8\r\n" : "") +
        page.headers + "\r\n" + page.body;
    if (begin != 0) ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
    ::close(client);
  }

  int socket_;
  std::atomic<bool> is_over_ = false;
  std::mutex mutex_;
  std::map<std::string, Served> pages_;  // under mutex_
  std::map<std::string, int> asked_;     // under mutex_
  std::list<std::thread> workers_;       // only the acceptor adds
  std::thread acceptor_;
};

}  // namespace sojourn::test
