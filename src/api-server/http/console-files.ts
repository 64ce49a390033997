import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { MillraceError } from '../../platform/index.ts'

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
  json: 'application/json',
}

/** In `index.html`, where the nonce of this answer goes, and the path below which everything lies. */
const nonceMark = '__NONCE__'
const basePathMark = '__BASE_PATH__'
/** The build's own files, which it refers to from the page's folder. */
const ownFiles = /="\.\/assets\//g

/** Headers of every answer of the web server; pages add theirs. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * The console's built files. Names come from the folder's listing, never from a request: there is no path to climb out of. Files below
 * `assets/` have their content's hash in the name and are kept by browsers; every other path that is a page gets `index.html`.
 * @param folder where the build lies now; null while there is none
 * @param basePath '' for the root
 */
export function serveConsole(server: FastifyInstance, folder: () => string | null, basePath: string): void {
  server.get('/assets/:file', (request, reply) => {
    const { file } = request.params as { file: string }
    return sendAsset(reply, folder(), file, request.headers['accept-encoding'] ?? '')
  })
  server.get('/*', (request, reply) => {
    const isPage = !request.url.startsWith('/api/') && !/\.\w+$/.test(request.url.split('?')[0] ?? '')
    return isPage ? sendPage(reply, folder(), basePath) : notFound(request.url)
  })
}

function sendAsset(reply: FastifyReply, folder: string | null, file: string, accepted: string): FastifyReply {
  const assets = folder === null ? '' : join(folder, 'assets')
  const names = existsSync(assets) ? readdirSync(assets) : []
  const type = types[file.split('.').at(-1) ?? '']
  if (!names.includes(file) || type === undefined) return notFound(file)
  const isPacked = names.includes(`${file}.gz`) && /\bgzip\b/.test(accepted)
  if (isPacked) void reply.header('content-encoding', 'gzip')
  return reply
    .headers({ 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' })
    .send(readFileSync(join(assets, isPacked ? `${file}.gz` : file)))
}

function notFound(what: string): never {
  throw new MillraceError('NOT_FOUND', `There is no ${what.split('?')[0]}.`)
}

function sendPage(reply: FastifyReply, folder: string | null, basePath: string): FastifyReply {
  const index = folder === null ? null : join(folder, 'index.html')
  const nonce = randomBytes(16).toString('base64')
  void reply.headers({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy(nonce),
  })
  if (index === null || !existsSync(index)) return reply.header('retry-after', '2').code(503).send(beingBuilt)
  const page = readFileSync(index, 'utf8').replaceAll(ownFiles, `="${basePath}/assets/`)
  return reply.send(page.replaceAll(nonceMark, nonce).replaceAll(basePathMark, basePath))
}

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src-elem 'self' 'nonce-${nonce}'`,
    // The drawing of graphs and virtual lists places elements by style attributes.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const beingBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Millrace</title>
<p>The console is being built, once, from its sources. This page comes back by itself.</p></html>`
