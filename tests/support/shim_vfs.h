// SQLite's way to the disk with faults of our own: writes and syncs that fail from some call on, and a journal of all
// that was written and synced, out of which a disk can be made as a power cut would have left it.
// Real syncs are left out: the tests that use this do not lose power. Any thread, one at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sojourn {

class ShimVfs {
 public:
  struct Call {
    enum class What : std::uint8_t { write, truncate, sync, remove, note } what;
    std::string file;
    std::uint64_t at = 0;  // where it is written, or how long the file becomes; what was noted
    std::string bytes = {};
  };

  explicit ShimVfs(std::string name) : name_(std::move(name)), real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = [](sqlite3_vfs* vfs, char const* file, int sync) {
      auto& shim = *static_cast<ShimVfs*>(vfs->pAppData);
      if (int const code = shim.call({Call::What::remove, file}, SQLITE_IOERR_DELETE)) return code;
      return shim.real_->xDelete(shim.real_, file, sync);
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~ShimVfs() { sqlite3_vfs_unregister(&vfs_); }
  ShimVfs(ShimVfs const&) = delete;
  ShimVfs& operator=(ShimVfs const&) = delete;

  std::string const& name() const { return name_; }

  // The call with this number and all after it fail; 0 = none does. Counts from now on.
  void fail_from(std::uint64_t call, bool is_full = false) {
    std::lock_guard const lock(mutex_);
    calls_ = 0;
    fail_from_ = call;
    is_full_ = is_full;
  }
  std::uint64_t calls() {
    std::lock_guard const lock(mutex_);
    return calls_;
  }
  void keep_journal() { keeps_journal_ = true; }
  // Something of the test's own, in its place among the calls.
  void note(std::uint64_t number) {
    std::lock_guard const lock(mutex_);
    journal_.push_back({Call::What::note, {}, number});
  }
  std::vector<Call> take_journal() {
    std::lock_guard const lock(mutex_);
    return std::exchange(journal_, {});
  }

 private:
  struct File {
    sqlite3_file base;
    ShimVfs* shim;
    char const* name;
  };
  static File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* real_of(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&file_of(file) + 1); }
  template <auto method, typename... Values> static int pass(sqlite3_file* file, Values... values) {
    auto* const real = real_of(file);
    return (real->pMethods->*method)(real, values...);
  }

  int call(Call call, int code) {
    std::lock_guard const lock(mutex_);
    ++calls_;
    if (fail_from_ != 0 && calls_ >= fail_from_) return is_full_ ? SQLITE_FULL : code;
    if (keeps_journal_) journal_.push_back(std::move(call));
    return SQLITE_OK;
  }

  static int open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out) {
    auto& shim = *static_cast<ShimVfs*>(vfs->pAppData);
    auto& own = file_of(file);
    own = {{nullptr}, &shim, name == nullptr ? "" : name};
    int const code = shim.real_->xOpen(shim.real_, name, real_of(file), flags, out);
    if (real_of(file)->pMethods != nullptr) own.base.pMethods = methods();
    return code;
  }

  static int write(sqlite3_file* file, void const* bytes, int size, sqlite3_int64 at) {
    auto& own = file_of(file);
    std::string text(static_cast<char const*>(bytes), static_cast<std::size_t>(size));
    if (int const code = own.shim->call({Call::What::write, own.name, static_cast<std::uint64_t>(at), std::move(text)},
                                        SQLITE_IOERR_WRITE))
      return code;
    return pass<&sqlite3_io_methods::xWrite>(file, bytes, size, at);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    auto& own = file_of(file);
    if (int const code =
            own.shim->call({Call::What::truncate, own.name, static_cast<std::uint64_t>(size)}, SQLITE_IOERR_TRUNCATE))
      return code;
    return pass<&sqlite3_io_methods::xTruncate>(file, size);
  }
  static int sync(sqlite3_file* file, int /*flags*/) {
    auto& own = file_of(file);
    return own.shim->call({Call::What::sync, own.name}, SQLITE_IOERR_FSYNC);
  }

  static sqlite3_io_methods const* methods() {
    static sqlite3_io_methods const table{
        2,
        pass<&sqlite3_io_methods::xClose>,
        pass<&sqlite3_io_methods::xRead, void*, int, sqlite3_int64>,
        write,
        truncate,
        sync,
        pass<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
        pass<&sqlite3_io_methods::xLock, int>,
        pass<&sqlite3_io_methods::xUnlock, int>,
        pass<&sqlite3_io_methods::xCheckReservedLock, int*>,
        pass<&sqlite3_io_methods::xFileControl, int, void*>,
        pass<&sqlite3_io_methods::xSectorSize>,
        pass<&sqlite3_io_methods::xDeviceCharacteristics>,
        pass<&sqlite3_io_methods::xShmMap, int, int, int, void volatile**>,
        pass<&sqlite3_io_methods::xShmLock, int, int, int>,
        [](sqlite3_file* file) {
          auto* const real = real_of(file);
          real->pMethods->xShmBarrier(real);
        },
        pass<&sqlite3_io_methods::xShmUnmap, int>,
        nullptr,
        nullptr,
    };
    return &table;
  }

  std::string name_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  std::mutex mutex_;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_from_ = 0;
  bool is_full_ = false;
  bool keeps_journal_ = false;
  std::vector<Call> journal_;
};

// Files as a power cut leaves them: what was synced is there; of what came later each write is there, or not, or half
// of it, as chance will have it.
class Disk {
 public:
  explicit Disk(std::map<std::string, std::string> files) : files_(std::move(files)) {}

  void take(ShimVfs::Call const& call) {
    if (call.what == ShimVfs::Call::What::note) return;
    if (call.what != ShimVfs::Call::What::sync) return pending_[call.file].push_back(call);
    for (auto const& each : std::exchange(pending_[call.file], {})) apply(files_, each);
  }

  std::map<std::string, std::string> cut(std::mt19937_64& random) const {
    auto files = files_;
    for (auto const& [file, calls] : pending_) {
      for (auto each : calls) {
        auto const fate = random() % 4;
        if (fate == 0) continue;
        if (fate == 1) each.bytes.resize(each.bytes.size() / 2);
        apply(files, each);
      }
    }
    return files;
  }

 private:
  static void apply(std::map<std::string, std::string>& files, ShimVfs::Call const& call) {
    if (call.what == ShimVfs::Call::What::remove) {
      files.erase(call.file);
      return;
    }
    auto& file = files[call.file];
    if (call.what == ShimVfs::Call::What::truncate) return file.resize(call.at);
    if (file.size() < call.at + call.bytes.size()) file.resize(call.at + call.bytes.size());
    file.replace(call.at, call.bytes.size(), call.bytes);
  }

  std::map<std::string, std::string> files_;
  std::map<std::string, std::vector<ShimVfs::Call>> pending_;
};

}  // namespace sojourn
