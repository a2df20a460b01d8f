#include "api/socket_io.h"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <vector>

#include "api/engine_stage.h"

namespace sojourn {
namespace {

using test::Alarms;
using test::EngineEnd;
using test::Words;

constexpr std::int64_t second_us = 1'000'000;

// What sockets are told, in words; some events are wishes.
class Guest final : public Socket {
 public:
  Guest(std::string sid, std::string pid, Words& heard) : Socket(std::move(sid)), pid_(std::move(pid)), heard_(heard) {}

  std::string pid() const override { return pid_; }
  void open() override { heard_.push_back("open " + nsp()); }
  void receive(socket_io::Packet event) override {
    auto line = nsp() + " " + json::to_text(event.data);
    if (event.id) line += " wants " + std::to_string(*event.id);
    for (auto const& bytes : event.attachments) line += " +" + bytes;
    heard_.push_back(line);
    auto const name = event.data.at(0).as_string();
    if (name == "answer me") client().acknowledge(*this, *event.id, "1,\"two\"");
    if (name == "ask me") client().send(to_event(nsp(), "question", "[1]", 7));
    if (name == "send me out") client().disconnect(*this, "server namespace disconnect");
    if (name == "close me") client().close(1000, "enough");
    // It is still there, as long as it is at work.
    heard_.push_back("done " + nsp() + std::string(pid_.size(), '.'));
  }
  void receive_ack(std::uint64_t id, socket_io::Packet ack) override {
    heard_.push_back(nsp() + " acknowledges " + std::to_string(id) + " " + json::to_text(ack.data));
  }
  void move() override { heard_.push_back("move " + nsp() + " to " + std::string(client().line().transport)); }
  void leave(std::string_view reason) override { heard_.push_back("leave " + nsp() + ": " + std::string(reason)); }

 private:
  std::string pid_;
  Words& heard_;
};

// Lets everybody in, but into "/refused", "/later" (not before it is told to) and "/nowhere".
class House final : public SocketIo {
 public:
  using SocketIo::SocketIo;

  void let_in(SocketIoClient& client, std::string const& nsp) {
    client.accept(nsp, std::make_unique<Guest>("sid" + std::to_string(++count_), pid, heard));
  }

  Words heard;
  std::string pid;
  SocketIoClient* last = nullptr;

 protected:
  void connect(SocketIoClient& client, std::string const& nsp, json::value auth) override {
    heard.push_back("connect " + nsp + " " + json::to_text(auth));
    last = &client;
    if (nsp == "/refused") return client.refuse(nsp, error(Code::unauthenticated, "Invalid \"token\""));
    if (nsp == "/nowhere") return client.refuse(nsp, error(Code::not_found, "Invalid namespace"));
    if (nsp != "/later") let_in(client, nsp);
  }

 private:
  int count_ = 0;
};

class SocketIoTest : public testing::Test {
 protected:
  EngineEnd& attach(engine_io::Revision revision = engine_io::Revision::v4) {
    std::vector<Header> const headers{{"User-Agent", "Tester/1.0 \xff"}};
    Request request;
    request.headers = headers;
    request.remote_address = "127.0.0.1";
    auto& end = ends.emplace_back();
    end.client = house.attach(request, EngineLine{end.outlet, test::frame_poll, "polling", revision, "engine"});
    end.client->open();
    return end;
  }
  // One that is in "/" already.
  EngineEnd& enter() {
    auto& end = attach();
    end.say("0");
    end.hear();
    house.heard.clear();
    return end;
  }
  Words hear() { return std::exchange(house.heard, {}); }
  void pass(std::int64_t us) {
    for (; us > 0; us -= second_us / 4) {
      clock.advance_us(std::min(us, second_us / 4));
      alarms.ring();
    }
  }
  void expect_closed(EngineEnd const& end, std::uint16_t code, std::string_view reason) {
    EXPECT_EQ(end.outlet.closes, 1);
    EXPECT_EQ(end.outlet.close_code, code);
    EXPECT_EQ(end.outlet.close_reason, reason);
  }

  ManualClock clock;
  Alarms alarms{clock};
  House house{{Random(1), clock.clock(), alarms.later(), {}}};
  std::list<EngineEnd> ends;
};

TEST_F(SocketIoTest, WhoConnectsIsToldHowItIsCalled) {
  auto& end = attach();
  EXPECT_EQ(end.hear(), Words()) << "a client asks first";
  end.say(R"(0{"token":"t"})");
  EXPECT_EQ(hear(), (Words{R"(connect / {"token":"t"})", "open /"}));
  EXPECT_EQ(end.hear(), Words{R"(40{"sid":"sid1"})"});
  end.say("0/room,");
  EXPECT_EQ(hear(), (Words{"connect /room null", "open /room"})) << "without a word of itself";
  EXPECT_EQ(end.hear(), Words{R"(40/room,{"sid":"sid2"})"});
  house.pid = "p";
  attach().say("0");
  EXPECT_EQ(ends.back().hear(), Words{R"(40{"sid":"sid3","pid":"p"})"});
  EXPECT_EQ(house.last->visitor().user_agent, "Tester/1.0 \xc3\xbf");
  EXPECT_EQ(house.last->visitor().address, "127.0.0.1");
}

TEST_F(SocketIoTest, WhoIsRefusedIsToldWhyAndMayTryElsewhere) {
  auto& end = attach();
  end.say("0/nowhere,");
  end.say("0/refused,{}");
  EXPECT_EQ(end.hear(), (Words{R"(44/nowhere,{"message":"Invalid namespace"})",
                               R"(44/refused,{"message":"Invalid \"token\"","data":{"code":"unauthenticated"}})"}));
  end.say("0/refused,{}");
  EXPECT_EQ(end.hear().size(), 1u) << "asked again, refused again";
  end.say("0");
  EXPECT_EQ(end.hear(), Words{R"(40{"sid":"sid1"})"});
  EXPECT_FALSE(end.is_closed());
}

TEST_F(SocketIoTest, WhoBreaksTheProtocolIsClosed) {
  for (std::string const& word :
       {std::string("0"), std::string("0{}"), std::string("2/room,[\"x\"]"), std::string("1/room,"),
        std::string("3/room,1[]"), std::string("4{}"), std::string("2[]"), std::string("2[\"connect\"]"),
        std::string("nonsense"), std::string(""), std::string("2[\"x\""), std::string("511-[\"x\"]")}) {
    auto& end = enter();
    end.say(word);
    expect_closed(end, 1002, "parse error");
    EXPECT_EQ(hear(), Words{"leave /: parse error"}) << word;
    end.say("2[\"x\"]");
    end.send_bytes("x");
    EXPECT_EQ(hear(), Words()) << "what comes behind it goes nowhere";
    EXPECT_EQ(end.hear(), Words());
  }
  auto& end = enter();
  end.send_bytes("an attachment of nothing");
  expect_closed(end, 1002, "parse error");
}

TEST_F(SocketIoTest, NothingButAConnectMayComeFirst) {
  for (std::string const word : {"2[\"x\"]", "1", "31[]", "4\"x\"", "2/room,[\"x\"]"}) {
    auto& end = attach();
    end.say(word);
    expect_closed(end, 1002, "parse error");
    EXPECT_EQ(hear(), Words()) << word;
  }
  auto& end = attach();
  end.say("0/later,");
  EXPECT_EQ(hear(), Words{"connect /later null"});
  end.say("2/later,[\"x\"]");
  expect_closed(end, 1002, "parse error");
  auto& twice = attach();
  twice.say("0/later,");
  twice.say("0/later,");
  expect_closed(twice, 1002, "parse error");
}

TEST_F(SocketIoTest, BeforeItIsInItMaySendLittleAltogether) {
  auto& end = attach();
  end.say("0/nowhere," + std::string("{\"x\":\"") + std::string(8000, 'x') + "\"}");
  EXPECT_FALSE(end.is_closed());
  end.say("0/nowhere," + std::string("{\"x\":\"") + std::string(8500, 'x') + "\"}");
  expect_closed(end, 1008, "parse error");
  EXPECT_EQ(hear().size(), 1u) << "the door does not hear of it";
  auto& in = enter();
  for (int i = 0; i < 3; ++i) in.say("2[\"x\",\"" + std::string(10'000, 'x') + "\"]");
  EXPECT_FALSE(in.is_closed()) << "once it is in it may";
  auto& binary = attach();
  binary.say(R"(51-["x",{"_placeholder":true,"num":0}])");
  binary.send_bytes(std::string(20'000, 'x'));
  expect_closed(binary, 1008, "parse error");
}

TEST_F(SocketIoTest, WhoDoesNotConnectInTimeIsClosed) {
  auto& silent = attach();
  auto& refused = attach();
  refused.say("0/nowhere,");
  auto& in = enter();
  auto& asked = attach();
  asked.say("0/later,");
  pass(10 * second_us - 1);
  EXPECT_FALSE(silent.is_closed());
  pass(second_us);
  expect_closed(silent, 1008, "connect timeout");
  expect_closed(refused, 1008, "connect timeout");
  expect_closed(asked, 1008, "connect timeout");
  EXPECT_FALSE(in.is_closed());
  auto& late = attach();
  pass(5 * second_us);
  EXPECT_FALSE(late.is_closed()) << "each has its own time";
  in.say("1");
  pass(60 * second_us);
  EXPECT_FALSE(in.is_closed()) << "it was in once";
}

TEST_F(SocketIoTest, ADoorMayDecideLaterWhileTheClientIsThere) {
  auto& end = attach();
  end.say("0/later,");
  auto* const client = house.last;
  house.let_in(*client, "/later");
  EXPECT_EQ(end.hear(), Words{R"(40/later,{"sid":"sid1"})"});
  auto& gone = attach();
  gone.say("0/later,");
  auto* const other = house.last;
  auto const id = other->id();
  EXPECT_EQ(house.find(id), other);
  gone.client->leave("transport close");
  EXPECT_EQ(house.find(id), nullptr);
  hear();
  house.let_in(*other, "/later");
  other->refuse("/later", error(Code::not_found, "x"));
  EXPECT_EQ(gone.hear(), Words()) << "nothing is said to one that left";
  EXPECT_EQ(hear(), Words());
}

TEST_F(SocketIoTest, AttachmentsComeBehindTheirEvent) {
  auto& end = enter();
  end.say(R"(52-3["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])");
  EXPECT_EQ(hear(), Words());
  end.send_bytes("a");
  EXPECT_EQ(hear(), Words());
  end.send_bytes("b");
  EXPECT_EQ(hear(),
            (Words{R"(/ ["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}] wants 3 +a +b)", "done /"}));
  pass(20 * second_us);
  EXPECT_FALSE(end.is_closed());
  end.say(R"(51-["x",{"_placeholder":true,"num":0}])");
  end.say("2[\"y\"]");
  expect_closed(end, 1002, "parse error");
}

TEST_F(SocketIoTest, AttachmentsHaveToComeInTimeAndToBeFewAndSmall) {
  auto& late = enter();
  late.say(R"(52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
  late.send_bytes("a");
  auto& next = enter();
  next.say(R"(51-["x",{"_placeholder":true,"num":0}])");
  next.send_bytes("a");
  pass(5 * second_us);
  next.say(R"(51-["x",{"_placeholder":true,"num":0}])");
  pass(6 * second_us);
  expect_closed(late, 1008, "parse error");
  EXPECT_FALSE(next.is_closed()) << "the time of each packet is its own";
  auto& many = enter();
  many.say(R"(511-["x"])");
  expect_closed(many, 1002, "parse error");
  auto& large = enter();
  large.say(R"(52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
  large.send_bytes(std::string(600'000, 'x'));
  EXPECT_FALSE(large.is_closed());
  large.send_bytes(std::string(600'000, 'x'));
  expect_closed(large, 1002, "parse error");
}

TEST_F(SocketIoTest, BothEndsAskAndAnswer) {
  auto& end = enter();
  end.say("212[\"answer me\",5]");
  EXPECT_EQ(end.hear(), Words{R"(4312[1,"two"])"});
  end.say("2[\"ask me\"]");
  EXPECT_EQ(end.hear(), Words{R"(427["question",[1]])"});
  hear();
  end.say("37[\"yes\"]");
  EXPECT_EQ(hear(), Words{R"(/ acknowledges 7 ["yes"])"});
  end.say("0/room,");
  end.say("2/room,3[\"answer me\"]");
  EXPECT_EQ(end.hear(), (Words{R"(40/room,{"sid":"sid2"})", R"(43/room,3[1,"two"])"}));
}

TEST_F(SocketIoTest, AClientIsInAtMostSixteenNamespaces) {
  auto& end = attach();
  for (int i = 0; i < 16; ++i) end.say("0/room" + std::to_string(i) + ",");
  EXPECT_EQ(end.hear().size(), 16u);
  end.say("0/one_more,");
  EXPECT_EQ(end.hear(), Words{R"(44/one_more,{"message":"a client is in at most 16 namespaces",)"
                              R"("data":{"code":"too_many"}})"});
  end.say("1/room3,");
  end.say("0/one_more,");
  EXPECT_EQ(end.hear(), Words{R"(40/one_more,{"sid":"sid17"})"});
}

TEST_F(SocketIoTest, OneNamespaceIsLeftWithoutTheOthers) {
  auto& end = enter();
  end.say("0/room,");
  hear();
  end.say("1/room,");
  EXPECT_EQ(hear(), Words{"leave /room: client namespace disconnect"});
  end.say("2[\"x\"]");
  EXPECT_EQ(hear(), (Words{"/ [\"x\"]", "done /"}));
  end.say("0/room,");
  EXPECT_EQ(hear(), (Words{"connect /room null", "open /room"})) << "and entered again";
  end.go("ping timeout");
  EXPECT_EQ(hear(), (Words{"leave /room: ping timeout", "leave /: ping timeout"}));
  EXPECT_EQ(end.outlet.closes, 0) << "whoever says so closed it";
}

TEST_F(SocketIoTest, ASocketThatIsAtWorkOutlivesItsEnd) {
  house.pid = "pid";
  auto& end = enter();
  end.say("2[\"send me out\"]");
  EXPECT_EQ(hear(), (Words{"/ [\"send me out\"]", "leave /: server namespace disconnect", "done /..."}));
  EXPECT_EQ(end.hear(), Words{"41"});
  EXPECT_FALSE(end.is_closed());
  end.say("0");
  hear();
  end.say("2[\"close me\"]");
  EXPECT_EQ(hear(), (Words{"/ [\"close me\"]", "leave /: enough", "done /..."}));
  expect_closed(end, 1000, "enough");
}

TEST_F(SocketIoTest, FromTheUpgradeOnItIsFramedAnotherWay) {
  auto& end = attach();
  end.client->move(test::frame_packets, "websocket");
  EXPECT_EQ(hear(), Words()) << "before anybody is in";
  end.client->move(test::frame_poll, "polling");
  end.say("0");
  end.say("0/room,");
  EXPECT_EQ(*end.outlet.pushed.back(), R"(40/room,{"sid":"sid2"})");
  hear();
  end.client->move(test::frame_packets, "websocket");
  EXPECT_EQ(hear(), (Words{"move / to websocket", "move /room to websocket"}));
  end.say("21[\"answer me\"]");
  EXPECT_EQ(*end.outlet.pushed.back(), "431[1,\"two\"]\n");
}

TEST_F(SocketIoTest, ClientsOfRevision3AreInWithoutAsking) {
  auto& end = attach(engine_io::Revision::v3);
  EXPECT_EQ(hear(), (Words{"connect / null", "open /"}));
  EXPECT_EQ(end.hear(), Words{"40"});
  end.say("0/room?token=a%20b&x&y=1,");
  EXPECT_EQ(hear(), (Words{R"(connect /room {"token":"a b","x":"","y":"1"})", "open /room"}));
  EXPECT_EQ(end.hear(), Words{"40/room,"});
  end.say("0/refused,");
  EXPECT_EQ(end.hear(), Words{R"(44/refused,"Invalid \"token\"")"});
  end.say("2/room,[\"x\"]");
  EXPECT_EQ(hear().at(1), "/room [\"x\"]");
  end.say("0");
  expect_closed(end, 1002, "parse error");
}

TEST_F(SocketIoTest, TheQueryOfARevision4NamespaceIsIgnored) {
  auto& end = attach();
  end.say("0/room?token=x,{\"token\":\"t\"}");
  EXPECT_EQ(hear(), (Words{R"(connect /room {"token":"t"})", "open /room"}));
  EXPECT_EQ(end.hear(), Words{R"(40/room,{"sid":"sid1"})"});
}

TEST_F(SocketIoTest, AnEngineThatGoesWithoutAWordTakesItsSocketsWithIt) {
  auto& end = enter();
  end.client.reset();
  EXPECT_EQ(hear(), Words{"leave /: "});
}

TEST_F(SocketIoTest, IdsAreLongAndOfTheirOwn) {
  auto const sid = house.mint_sid();
  EXPECT_EQ(sid.size(), 20u);
  EXPECT_NE(house.mint_sid(), sid);
}

TEST(SocketIoPayload, IsAPacketAndItsBytes) {
  EXPECT_EQ(to_event("/", "x", ""), R"(42["x"])");
  EXPECT_EQ(to_event("/n", "a\"b", "1,2", 5), R"(42/n,5["a\"b",1,2])");
  socket_io::Packet packet;
  packet.data = json::array{"x", json::object{{"_placeholder", true}, {"num", 0}}};
  packet.attachments = {std::string("\x01\x02\x03")};
  EXPECT_EQ(to_payload(packet),
            "451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQID");
}

}  // namespace
}  // namespace sojourn
