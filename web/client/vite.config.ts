import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    target: 'es2022',
    sourcemap: true,
    lib: {
      entry: 'src/index.ts',
      name: 'Sojourn',
      formats: ['es', 'cjs', 'iife'],
      fileName: (format) => ({ es: 'sojourn-client.js', cjs: 'sojourn-client.cjs', iife: 'sojourn-client.global.js' })[format as string]!,
    },
  },
});
