// Sets the stage of the shipping example: the desk, a session server that knows its tools, and the agent; with --headless
// a person too, in a real Chromium.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { dim } from '../first_drive/screen.mjs';
import { atEnd, endChild, endOf, isEnding, matchIn, note, readArguments, root, runExample, serverFor, stay } from '../staging.mjs';
import { bePerson } from './person.mjs';
import { configurationFor, openDesk } from './shipping.mjs';

const usage = `Usage: examples/shipping/start [--headless] [--pictures DIR] [--server URL] [--port N] [--to-zip ZIP]

A voice agent and a web page share one session: prices, a choice, a label. Open the link that is printed.

  --headless      a program plays the person, in a headless Chromium, and takes pictures; then everything ends
  --pictures DIR  where they go (default: a new folder, which is printed)
  --server URL    use this session server; without, one is started on a free port with a data folder of its own
  --port N        the port of the shipping desk (default: any free one; 9000 with --server)
  --to-zip ZIP    the recipient's ZIP code; 99999 is how one sees the carriers time out
`;

const options = { headless: { type: 'boolean' }, pictures: { type: 'string' }, 'to-zip': { type: 'string' } };

function startAgent(server, desk, chosen) {
  const more = chosen['to-zip'] ? ['--to-zip', chosen['to-zip']] : [];
  const child = spawn(process.execPath, [path.join(root, 'examples/shipping/agent.mjs'), '--server', server, '--page', desk.address, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = endOf(child);
  atEnd(() => endChild(child, ended));
  child.stdout.setEncoding('utf8').on('data', (text) => process.stdout.write(text));
  note('The agent starts', dim(`(pid ${child.pid})`));
  const link = matchIn(child, ended, /Join: (\S+)\n/, 'opening a session').then((match) => match[1]);
  return { link, ended };
}

async function playHeadless(agent, chosen) {
  const pictures = path.resolve(chosen.pictures ?? await mkdtemp(path.join(os.tmpdir(), 'sojourn-shipping-pictures-')));
  await mkdir(pictures, { recursive: true });
  const person = await bePerson({ link: await agent.link, pictures, say: note });
  atEnd(person.close);
  const failed = agent.ended.then((how) => { if (how !== 0) throw new Error(`the agent ended with ${how}`); });
  await Promise.all([person.play(), failed]);
  note('The pictures are in', pictures);
}

await runExample('shipping', async () => {
  const chosen = readArguments({ usualPort: '9000', more: options });
  if (chosen.help) return void process.stdout.write(usage);
  const desk = await openDesk({ port: chosen.port });
  atEnd(desk.close);
  note('The shipping desk is open', desk.address);
  desk.server = await serverFor(chosen, configurationFor(desk.address));
  const agent = startAgent(desk.server, desk, chosen);
  if (chosen.headless) return playHeadless(agent, chosen);
  await agent.link;
  const staying = stay();
  note('Open the link above', 'in a browser on this machine; Ctrl-C ends everything');
  const how = await agent.ended;
  if (how !== 0 && how !== 'SIGINT' && !isEnding()) throw new Error(`the agent ended with ${how}`);
  if (!isEnding()) note('The page and the label stay', 'until Ctrl-C');
  return staying;
});
