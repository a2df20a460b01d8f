#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "codec/deflate.h"
#include "net/websocket.h"
#include "support/bomb.h"
#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;
using websocket::Compression;

constexpr int compressed_bit = 0x40;

class CompressionTest : public testing::Test {
 protected:
  // The extension that the answer to the handshake names.
  std::string open(std::string_view offer, Compression compression = Compression::deflate) {
    stage = std::make_unique<NetStage>(Limits{}, 1, compression);
    client = std::make_unique<NetClient>(*stage);
    auto bytes = NetClient::handshake("/ws");
    if (!offer.empty()) bytes.insert(bytes.size() - 2, "Sec-WebSocket-Extensions: " + std::string(offer) + "\r\n");
    client->send(bytes);
    auto const answer = client->answer();
    EXPECT_EQ(answer.status, 101);
    EXPECT_EQ(client->frame().opcode, 1) << "the greeting";
    constexpr std::string_view name = "\r\nSec-WebSocket-Extensions: ";
    auto const at = answer.head.find(name);
    if (at == answer.head.npos) return "";
    auto const from = at + name.size();
    return answer.head.substr(from, answer.head.find('\r', from) - from);
  }

  std::unique_ptr<NetStage> stage;
  std::unique_ptr<NetClient> client;
};

std::string deflated(std::string_view message) {
  std::string out;
  websocket::deflate_message(out, message, 15);
  return out;
}

TEST_F(CompressionTest, IsOffWhereNobodySwitchedItOn) {
  EXPECT_EQ(open("permessage-deflate", Compression::off), "");
  client->send(NetClient::frame_of(compressed_bit | 1, deflated("{\"type\":\"ping\"}")));
  EXPECT_EQ(client->frame().close_code, 1002);
}

TEST_F(CompressionTest, IsOnlyForWhoOffersIt) {
  for (auto const* const offer : {"", "permessage-deflate; server_max_window_bits=8", "x-other"}) {
    EXPECT_EQ(open(offer), "") << offer;
    client->send(NetClient::frame_of(compressed_bit | 1, deflated("{\"type\":\"ping\"}")));
    EXPECT_EQ(client->frame().close_code, 1002) << offer;
  }
}

TEST_F(CompressionTest, MessagesAreReadAndLargeOnesAreSentCompressed) {
  EXPECT_EQ(open("permessage-deflate; server_max_window_bits=9; client_max_window_bits"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9");
  client->send(NetClient::frame_of(compressed_bit | 1, deflated("{\"type\":\"ping\"}")));
  EXPECT_NE(client->frame().payload.find("\"pong\""), std::string::npos) << "a small one is sent as it is";
  client->say("{\"type\":\"ping\"}");
  EXPECT_NE(client->frame().payload.find("\"pong\""), std::string::npos) << "and need not come compressed";

  auto const text = "\"" + std::string(5000, 'x') + "\"";
  client->send(NetClient::frame_of(compressed_bit | 1, deflated(text)));
  ASSERT_TRUE(client->until([&] { return !client->received.empty(); }));
  EXPECT_EQ(static_cast<unsigned char>(client->received[0]), 0x80 | compressed_bit | 1);
  auto const frame = client->frame();
  EXPECT_LT(frame.payload.size(), 300u);
  std::string message;
  ASSERT_EQ(websocket::inflate_message(message, frame.payload, 1 << 20), websocket::Inflated::whole);
  EXPECT_NE(message.find("\"data\":" + text), std::string::npos);
}

TEST_F(CompressionTest, ABombIsRefusedAsTooBig) {
  ASSERT_NE(open("permessage-deflate"), "");
  auto const bomb = test::make_bomb(900);
  constexpr std::size_t step = 60'000;
  for (std::size_t at = 0; at < bomb.size(); at += step) {
    auto bytes = NetClient::frame_of(at == 0 ? compressed_bit | 2 : 0, bomb.substr(at, step));
    if (at + step < bomb.size()) bytes[0] = static_cast<char>(bytes[0] & 0x7f);
    ASSERT_TRUE(client->send(bytes)) << at;
  }
  EXPECT_EQ(client->frame().close_code, 1009);
  EXPECT_TRUE(client->ends());
}

TEST_F(CompressionTest, WhoAgreedOnTheSameWindowSharesTheBytes) {
  EXPECT_EQ(WebSocket::framing({10, true}), WebSocket::framing({10, false}));
  EXPECT_NE(WebSocket::framing({10, true}), WebSocket::framing({11, true}));
  EXPECT_EQ(WebSocket::framing({}), &WebSocket::frame);
  std::string const message(2000, 'a');
  std::string plain;
  WebSocket::frame(plain, message);
  for (int bits = 9; bits <= 15; ++bits) {
    std::string shared;
    WebSocket::framing({bits, false})(shared, message);
    EXPECT_LT(shared.size(), plain.size()) << bits;
  }
}

}  // namespace
}  // namespace sojourn
