import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: {
    target: 'chrome116',
    // What a person installs can be read as it stands, and no page needs a polyfill.
    minify: false,
    modulePreload: false,
    rollupOptions: {
      input: { background: 'src/background.ts', popup: 'popup.html', sidepanel: 'sidepanel.html', options: 'options.html' },
      output: { entryFileNames: '[name].js', chunkFileNames: 'shared_[name].js', assetFileNames: '[name][extname]' },
    },
  },
});
