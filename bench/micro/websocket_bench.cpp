// What the WebSocket codec costs: frames of a client decoded, frames of the server encoded.

#include <benchmark/benchmark.h>

#include <span>
#include <string>

#include "codec/websocket.h"

namespace {

using namespace sojourn::websocket;

std::string masked_text(std::size_t size) {
  std::string frame("\x81", 1);
  if (size < 126) {
    frame += static_cast<char>(0x80 | size);
  } else {
    frame += static_cast<char>(0xFE);
    frame += static_cast<char>(size >> 8);
    frame += static_cast<char>(size & 0xFF);
  }
  char const key[] = {0x12, 0x34, 0x56, 0x78};
  frame.append(key, 4);
  for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>('a' ^ key[i % 4]);
  return frame;
}

// Decoding unmasks in place, so each pass starts from a copy; the copy is measured too and is small.
void decode(benchmark::State& state, std::size_t cut) {
  std::string const frame = masked_text(static_cast<std::size_t>(state.range(0)));
  std::string bytes;
  Decoder decoder(1'000'000);
  for (auto _ : state) {
    bytes = frame;
    for (std::size_t at = 0; at < bytes.size(); at += cut) {
      std::span<char> input = std::span(bytes).subspan(at, std::min(cut, bytes.size() - at));
      while (decoder.next(input) == Decoder::Status::item) benchmark::DoNotOptimize(decoder.item());
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void decode_whole(benchmark::State& state) { decode(state, 1 << 20); }
void decode_in_pieces_of_100(benchmark::State& state) { decode(state, 100); }

void encode(benchmark::State& state) {
  std::string const payload(static_cast<std::size_t>(state.range(0)), 'a');
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_frame(out, Opcode::text, payload);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void accept(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(accept_key("dGhlIHNhbXBsZSBub25jZQ=="));
}

BENCHMARK(decode_whole)->Arg(20)->Arg(200)->Arg(60'000);
BENCHMARK(decode_in_pieces_of_100)->Arg(200)->Arg(60'000);
BENCHMARK(encode)->Arg(20)->Arg(200)->Arg(60'000);
BENCHMARK(accept);

}  // namespace
