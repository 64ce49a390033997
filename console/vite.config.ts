import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Packed once here, so that the server packs nothing. */
function packed(): Plugin {
  return {
    name: 'packed',
    generateBundle(_options, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        if (!/\.(?:js|css|svg)$/.test(fileName)) continue
        const source = gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 })
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source })
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    target: 'es2024',
    // The policy of the pages allows no inline script, and these browsers know modulepreload.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
})
