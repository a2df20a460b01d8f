// How to use the session monitor, as a program: it opens a conversation, keeps its session alive, asks something and
// prints what comes. In Node 18 and newer, with socket.io-client installed:
//
//   node example-usage.js http://localhost:5001 my_thread Hello
//
// and it ends with the answer. In a page, behind the two scripts that it needs:
//
//   <script src="http://localhost:5001/socket.io/socket.io.js" crossorigin></script>
//   <script src="session_monitor.js"></script>
//   <script src="example-usage.js" data-server="http://localhost:5001" data-thread="my_thread" data-say="Hello"></script>
//
// and it goes on until the page is left; what comes is in the console. The server has to allow the page's origin.
// Others take startConversation from it: require('./example-usage.js'), or the global of that name.
(() => {
  'use strict';

  const inNode = typeof module === 'object' && typeof require === 'function';
  const connect = inNode ? require('socket.io-client').io : window.io;
  const Monitor = inNode ? require('./session_monitor.js') : window.SessionMonitor;
  const someThread = 'your_conversation_thread_id';

  // What the server tells a socket: of its session, and of its thread.
  const events = [
    'connected', 'session_registered', 'missed_messages_delivered', 'system_ping', 'error',
    'analysis_update', 'knowledge', 'next_action', 'learning_intent', 'learning_knowledge',
  ];

  /**
   * Opens a connection that stays registered for the thread. print(name, data) gets every event.
   * Gives {socket, monitor, send(text), end()}; send resolves when the whole answer was printed.
   */
  function startConversation(server, thread_id, print) {
    const socket = connect(server, {
      transports: ['polling', 'websocket'], // begins with polling, then upgrades
      reconnectionAttempts: 5,
      reconnectionDelay: 1000,
      timeout: 10000,
      forceNew: true,
      path: '/socket.io',
    });
    for (const name of events) socket.on(name, (data) => print(name, data));
    socket.on('connect_error', (error) => print('connect_error', error.message));

    const monitor = new Monitor(socket, { thread_id, pingInterval: 15000, debug: true });
    monitor.start();

    const end = () => {
      monitor.stop();
      socket.disconnect();
    };
    return { socket, monitor, send: (text) => ask(server, thread_id, text, print), end };
  }

  // The answer comes line by line with the response; the analysis behind it comes to the sockets of the thread.
  async function ask(server, thread_id, text, print) {
    const response = await fetch(`${server}/havefun`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user_input: text, thread_id, use_websocket: true }),
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}: ${await response.text()}`);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
      rest = lines.pop();
      for (const line of lines.filter((each) => each.startsWith('data: '))) {
        const { message, error } = JSON.parse(line.slice(6));
        if (error) throw new Error(error);
        print('message', message);
      }
      if (done) return;
    }
  }

  // Rejects when the server refuses, or after as many attempts as the connection makes.
  const whenRegistered = ({ socket }) => new Promise((resolve, reject) => {
    socket.once('session_registered', resolve);
    socket.on('connect_error', (error) => { if (!socket.active) reject(error); });
    socket.io.once('reconnect_failed', () => reject(new Error('the server does not answer')));
  });

  const print = (name, data) => console.log(name, typeof data === 'string' ? data : JSON.stringify(data));
  const complain = (error) => console.error(`error: ${error.message}`);

  async function main([server = 'http://localhost:5001', thread_id = someThread, text = 'Hello']) {
    const conversation = startConversation(server, thread_id, print);
    try {
      await whenRegistered(conversation);
      await conversation.send(text);
      await new Promise((resolve) => setTimeout(resolve, 500)); // for what is still on its way to the socket
    } catch (error) {
      complain(error);
      process.exitCode = 1;
    }
    conversation.end();
  }

  function goOn({ server, thread = someThread, say }) {
    const conversation = startConversation(server, thread, print);
    window.addEventListener('pagehide', conversation.end);
    if (say) whenRegistered(conversation).then(() => conversation.send(say)).catch(complain);
  }

  if (inNode) {
    module.exports = { startConversation };
    if (require.main === module) main(process.argv.slice(2));
  } else {
    window.startConversation = startConversation;
    const given = document.currentScript?.dataset;
    if (given?.server) goOn(given);
  }
})();
