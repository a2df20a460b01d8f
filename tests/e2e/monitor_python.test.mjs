// A stock client of Python follows a thread with the handlers that everybody writes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Inbox, projectRoot, start } from './harness.mjs';
import { connect } from './monitor_stage.mjs';

const python = process.env.SOJOURN_PYTHON ?? '/usr/bin/python3';

test('AMI-07 the example for Python hears what is said, with exactly the arguments that were said', async (t) => {
  const server = await start();
  t.after(() => server.stop());
  const text = await readFile(path.join(projectRoot, 'docs/MONITOR.md'), 'utf8');
  const [, example] = /^```python\n([^]*?)^```/m.exec(text);
  const registered = "\n@client.on('session_registered')\ndef registered(answer):\n    print('registered', answer['thread_id'], flush=True)\n";
  const program = example.replace('localhost:5001', `127.0.0.1:${server.port}`)
    .replace("\nclient.connect(", `${registered}\nclient.connect(`).replace("print('heard', data)", "print('heard', data, flush=True)");
  const child = spawn(python, ['-c', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = new Inbox();
  let complaints = '';
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (bytes) => { complaints += bytes; });
  assert.equal(await lines.next(`it is registered ${complaints}`, 10_000), 'registered kitchen');
  const other = await connect(t, server);
  await other.register('kitchen');
  assert.equal((await other.ask('chat', 'hello')).status, 'ok');
  assert.equal(await lines.next('it hears', 5000), 'heard hello');
  assert.equal(complaints, '');
});
