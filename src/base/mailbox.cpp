#include "base/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

namespace sojourn {

Mailbox::Mailbox(Loop& loop)
    : watch_(loop, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN, [this](std::uint32_t) { open_all(); }) {}

void Mailbox::post(std::function<void()> function) {
  std::lock_guard const lock(mutex_);
  letters_.push_back(std::move(function));
  if (letters_.size() > 1) return;  // the loop has been woken
  std::uint64_t const one = 1;
  if (write(watch_.fd(), &one, sizeof(one)) < 0) std::abort();  // an eventfd takes one write
}

void Mailbox::open_all() {
  std::uint64_t count = 0;
  if (read(watch_.fd(), &count, sizeof(count)) != sizeof(count)) return;
  std::vector<std::function<void()>> letters;
  {
    std::lock_guard const lock(mutex_);
    letters.swap(letters_);
  }
  for (auto const& letter : letters) letter();
}

}  // namespace sojourn
