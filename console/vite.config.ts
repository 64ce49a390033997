import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Packed once here, so that the server packs nothing; of the files as they were written, after every other plugin. */
function packed(): Plugin {
  return {
    name: 'packed',
    writeBundle({ dir = 'dist' }, bundle) {
      for (const fileName of Object.keys(bundle).filter((name) => /\.(?:js|css|svg)$/.test(name))) {
        const file = join(dir, fileName)
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), packed()],
  // Files find each other by where they are; the server writes into the page where that is.
  base: './',
  build: {
    target: 'es2024',
    // The policy of the pages allows no inline script, and these browsers know modulepreload.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
})
