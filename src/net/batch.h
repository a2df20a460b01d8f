// Many sends at once: everything added goes out as one io_uring batch, which saves the entry into the kernel for each;
// where the kernel gives no io_uring, as plain sends. Invariant: every send is over when submit() returns, a full
// socket says so instead of waiting; so no bytes have to outlive the call. The thread that submits first.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace sojourn {

enum class Sending : std::uint8_t {
  fastest,  // io_uring where it is to be had
  plain,    // one system call each
};

class SendBatch {
 public:
  struct Sent {
    void* tag;
    std::int64_t result;  // bytes taken by the kernel, perhaps fewer than given; or -errno, never -EINTR
  };

  explicit SendBatch(Sending sending);
  ~SendBatch();
  SendBatch(SendBatch const&) = delete;
  SendBatch& operator=(SendBatch const&) = delete;

  // "io_uring" or "send".
  std::string_view name() const { return has_ring_ ? "io_uring" : "send"; }

  // Bytes for a connected socket, in as many parts as one system call takes (1 to IOV_MAX). What the parts point to
  // lives until submit(). A socket is added at most once before each submit(), or a short send would tear its stream.
  void add(int fd, std::span<iovec const> parts, void* tag);

  // Sends all that was added and tells what came of each, in the order of adding. The answer lives until the next add.
  std::span<Sent const> submit();

 private:
  struct Ring;

  struct Send {
    int fd;
    std::uint32_t part_count;
    std::size_t first_part;  // in parts_
  };

  std::span<iovec> parts_of(Send const& send) { return {parts_.data() + send.first_part, send.part_count}; }
  bool submit_ring();
  void prepare(std::size_t index, msghdr& header);

  bool has_ring_;  // or can have one
  std::unique_ptr<Ring> ring_;
  std::vector<Send> sends_;
  std::vector<iovec> parts_;
  std::vector<Sent> sent_;
};

}  // namespace sojourn
