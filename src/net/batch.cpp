#include "net/batch.h"

#include <liburing.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace sojourn {
namespace {

constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
constexpr unsigned entries_max = 256;
constexpr auto not_sent = std::numeric_limits<std::int64_t>::min();

msghdr make_header(std::span<iovec> parts) {
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  return header;
}

std::int64_t send_plain(int fd, std::span<iovec> parts) {
  auto const header = make_header(parts);
  for (;;) {
    auto const sent =
        parts.size() == 1 ? ::send(fd, parts[0].iov_base, parts[0].iov_len, flags) : sendmsg(fd, &header, flags);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace

// The kernel's ring. It belongs to the thread that opens it.
struct SendBatch::Ring {
  io_uring ring{};
  std::vector<msghdr> headers;

  // Null when io_uring is not to be had: an old kernel, or one that was told to refuse it.
  static std::unique_ptr<Ring> open() {
    auto opened = std::unique_ptr<Ring>(new Ring);
    // The first set saves most; older kernels know the others.
    for (unsigned const setup :
         {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN, 0U}) {
      if (io_uring_queue_init(entries_max, &opened->ring, setup) != 0) continue;
      opened->open_ = true;
      if (opened->can_send()) return opened;
      return nullptr;
    }
    return nullptr;
  }
  ~Ring() {
    if (open_) io_uring_queue_exit(&ring);
  }

  // Submits what stands in the queue, and takes all its results. False when the kernel refuses to go on.
  bool run(unsigned count, std::vector<Sent>& sent) {
    unsigned submitted = 0;
    while (submitted < count) {
      int const taken = io_uring_submit(&ring);
      if (taken > 0) submitted += static_cast<unsigned>(taken);
      if (taken == -EINTR) continue;
      if (taken <= 0) return reap(submitted, sent) && false;
    }
    return reap(submitted, sent);
  }

 private:
  bool can_send() {
    auto* const probe = io_uring_get_probe_ring(&ring);
    if (probe == nullptr) return false;
    bool const can = io_uring_opcode_supported(probe, IORING_OP_SEND) != 0 &&
                     io_uring_opcode_supported(probe, IORING_OP_SENDMSG) != 0;
    io_uring_free_probe(probe);
    return can;
  }

  // With MSG_DONTWAIT all are there already; waiting is for a kernel that thinks otherwise.
  bool reap(unsigned count, std::vector<Sent>& sent) {
    while (count > 0) {
      io_uring_cqe* first = nullptr;
      int const waited = io_uring_wait_cqe(&ring, &first);
      if (waited == -EINTR) continue;
      if (waited < 0) return false;
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* entry = nullptr;
      io_uring_for_each_cqe(&ring, head, entry) {
        sent[entry->user_data].result = entry->res;
        ++seen;
      }
      io_uring_cq_advance(&ring, seen);
      count -= std::min(count, seen);
    }
    return true;
  }

  bool open_ = false;
};

// Tries a ring but keeps none: the thread that will send may be another.
SendBatch::SendBatch(Sending sending) : has_ring_(sending == Sending::fastest && Ring::open() != nullptr) {}
SendBatch::~SendBatch() = default;

void SendBatch::add(int fd, std::span<iovec const> parts, void* tag) {
  if (sends_.empty()) sent_.clear();
  sends_.push_back({fd, static_cast<std::uint32_t>(parts.size()), parts_.size()});
  parts_.insert(parts_.end(), parts.begin(), parts.end());
  sent_.push_back({tag, not_sent});
}

std::span<SendBatch::Sent const> SendBatch::submit() {
  if (sends_.empty()) sent_.clear();
  has_ring_ = has_ring_ && submit_ring();
  // Everything without io_uring; with it, what a signal interrupted.
  for (std::size_t i = 0; i < sends_.size(); ++i) {
    auto& result = sent_[i].result;
    if (result == not_sent || result == -EINTR) result = send_plain(sends_[i].fd, parts_of(sends_[i]));
  }
  sends_.clear();
  parts_.clear();
  return sent_;
}

// False when the ring can't be used any more.
bool SendBatch::submit_ring() {
  if (ring_ == nullptr) ring_ = Ring::open();
  if (ring_ == nullptr) return false;
  for (std::size_t at = 0; at < sends_.size();) {
    auto const count = std::min(sends_.size() - at, std::size_t{entries_max});
    ring_->headers.resize(count);
    for (std::size_t i = 0; i < count; ++i) prepare(at + i, ring_->headers[i]);
    if (!ring_->run(static_cast<unsigned>(count), sent_)) return false;
    at += count;
  }
  return true;
}

// `header` is for more than one part and lives until the entry has been submitted.
void SendBatch::prepare(std::size_t index, msghdr& header) {
  auto const& send = sends_[index];
  auto const parts = parts_of(send);
  auto* const entry = io_uring_get_sqe(&ring_->ring);
  if (parts.size() == 1) {
    io_uring_prep_send(entry, send.fd, parts[0].iov_base, parts[0].iov_len, flags);
  } else {
    header = make_header(parts);
    io_uring_prep_sendmsg(entry, send.fd, &header, flags);
  }
  entry->user_data = index;
}

}  // namespace sojourn
