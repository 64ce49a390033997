import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** A Chromium of this machine (or the one that MILLRACE_CHROMIUM names); null, with a note, where there is none. In CI there must be one. */
export function findChromium(): string | null {
  const found = [process.env.MILLRACE_CHROMIUM ?? '', ...places].find((path) => path !== '' && existsSync(path))
  if (found !== undefined) return found
  if (process.env.CI === 'true')
    throw new Error('Chromium is not installed, and in CI it must be: set MILLRACE_CHROMIUM to its path, or install it')
  console.warn('left out: no Chromium is installed (set MILLRACE_CHROMIUM to its path)')
  return null
}

export function launchChromium(executablePath: string): Promise<Browser> {
  // Everything it shows comes from loopback, out of our own hands; as root it has no sandbox to offer.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}
