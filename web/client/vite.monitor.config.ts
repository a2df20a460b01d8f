import { defineConfig } from 'vite';

// The session monitor is a folder of its own, dist/monitor, for pages without a build: one script that is a global and a
// CommonJS module, the same as a module, and what lies in monitor/ beside them. Not minified, since it is read there.
const scriptBegins = `var SessionMonitor = (() => {
const exports = {};`;
const scriptEnds = `SessionMonitor.SessionMonitor = SessionMonitor.default = SessionMonitor;
return SessionMonitor;
})();
if (typeof module === 'object' && module.exports) module.exports = SessionMonitor;`;

const inScript = (text: string) => ({ fileName }: { fileName: string }) => (fileName.endsWith('.mjs') ? '' : text);

export default defineConfig({
  publicDir: 'monitor',
  build: {
    target: 'esnext', // tsconfig.json names the real one; another would only rename things here
    outDir: 'dist/monitor',
    minify: false,
    lib: {
      entry: 'src/session_monitor.ts',
      formats: ['es', 'cjs'],
      fileName: (format) => (format === 'es' ? 'session_monitor.mjs' : 'session_monitor.js'),
    },
    rollupOptions: { output: { exports: 'named', banner: inScript(scriptBegins), footer: inScript(scriptEnds) } },
  },
});
