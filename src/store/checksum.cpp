#include "store/checksum.h"

#include <zlib.h>

#include "store/tail.h"

namespace sojourn {

Checksum& Checksum::number(std::uint64_t number) {
  add(&number, sizeof(number));
  return *this;
}

Checksum& Checksum::text(std::string_view text) {
  number(text.size());
  add(text.data(), text.size());
  return *this;
}

void Checksum::add(void const* bytes, std::size_t size) {
  if (size == 0) return;  // without an address zlib begins anew
  value_ = static_cast<std::uint32_t>(crc32_z(value_, static_cast<Bytef const*>(bytes), size));
}

std::uint64_t meta_checksum(std::string_view name, std::uint64_t number) {
  return Checksum("meta").text(name).number(number).value();
}

std::uint64_t log_checksum(std::uint64_t seq, std::string_view body) {
  return Checksum("log").number(seq).text(body).value();
}

std::uint64_t session_checksum(std::string_view name, Row const& row) {
  return Checksum("session")
      .number(row.id)
      .text(name)
      .number(row.first_seq)
      .number(row.last_seq)
      .number(row.marks)
      .number(row.folded)
      .value();
}

std::uint64_t mark_checksum(std::uint64_t session, std::string_view name, std::string_view value) {
  return Checksum("mark").number(session).text(name).text(value).value();
}

std::uint64_t chunk_checksum(std::uint64_t session, std::uint64_t first_seq, std::uint64_t last_seq,
                             std::string_view body) {
  return Checksum("chunk").number(session).number(first_seq).number(last_seq).text(body).value();
}

}  // namespace sojourn
