// Sets the stage of the session monitor example: the site with the page, and a session server that lets the page in.
import { dim } from '../first_drive/screen.mjs';
import { atEnd, note, readArguments, runExample, serverFor, stay } from '../staging.mjs';
import { configurationFor, openSite } from './site.mjs';

const usage = `Usage: examples/monitor/start [--server URL] [--port N]

A page that stays registered for a thread, and shows its transport, its session and what comes. Open the link that is printed.

  --server URL  use this session server; without, one is started on a free port with a data folder of its own
  --port N      the port of the page (default: any free one; 9200 with --server)
`;

await runExample('monitor', async () => {
  const chosen = readArguments({ usualPort: '9200' });
  if (chosen.help) return void process.stdout.write(usage);
  const site = await openSite({ port: chosen.port });
  atEnd(site.close);
  site.server = await serverFor(chosen, configurationFor(site.address));
  note('The page is at', `${site.address}  ${dim('open it in a browser on this machine; Ctrl-C ends everything')}`);
  return stay();
});
