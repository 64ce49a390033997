import { spawnSync } from 'node:child_process'
import { artifactDir, isComplete } from './artifacts.ts'
import type { Artifacts, System } from './system.ts'
import { systems } from './systems/index.ts'

/** The clients that artifacts come by; needed only while artifacts are missing. */
const clients: Readonly<Record<Artifacts['is'], { readonly command: readonly [string, ...string[]]; readonly lacking: string }>> = {
  maven: { command: ['mvn', '--version'], lacking: 'Maven is not installed (Debian: apt-get install maven)' },
  'maven-archive': { command: ['mvn', '--version'], lacking: 'Maven is not installed (Debian: apt-get install maven)' },
  pip: { command: ['python3', '-m', 'pip', '--version'], lacking: 'Python has no pip (Debian: apt-get install python3-pip)' },
  npm: { command: ['c++', '--version'], lacking: 'there is no compiler of C++ (Debian: apt-get install g++ make)' },
  apt: { command: ['apt-get', '--version'], lacking: 'there is no apt-get: this system comes as a Debian package' },
}

/** What keeps these systems from starting, with how to get it; null: nothing. */
export function missing(...names: readonly string[]): string | null {
  for (const name of names) {
    const system = systems.get(name)
    const lacking = system ? missingFor(system) : `There is no system "${name}".`
    if (lacking !== null) return lacking
  }
  return null
}

function missingFor({ title, java, artifacts, ...system }: System): string | null {
  if (java !== undefined) {
    const get = `(Debian: apt-get install openjdk-${java}-jre-headless)`
    const found = javaVersion()
    if (found === null) return `${title} needs Java ${java}, and none is installed ${get}.`
    if (found !== java) return `${title} needs Java ${java}, and Java ${found} is first in the path ${get}.`
  }
  if (system.refusesRoot && process.getuid?.() === 0 && !runs('setpriv', '--version')) {
    return `${title} refuses to run as root, and setpriv, which can become another user, is not installed (Debian: apt-get install util-linux).`
  }
  return missingArtifacts({ title, artifacts })
}

/** What keeps artifacts from coming, with how to get it; null: nothing, or they are there. */
export function missingArtifacts({ title, artifacts }: Pick<System, 'title' | 'artifacts'>): string | null {
  if (isComplete(artifactDir({ artifacts }))) return null
  const lacking = artifacts.map(({ is }) => clients[is]).find(({ command }) => !runs(...command))
  return lacking ? `${title} is not in the cache yet, and ${lacking.lacking}.` : null
}

function runs(file: string, ...args: readonly string[]): boolean {
  return spawnSync(file, args, { timeout: 30_000 }).status === 0
}

/** The major version of the `java` in the path; null without one. */
function javaVersion(): number | null {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8', timeout: 30_000 })
  const version = /version "(\d+)/.exec(stderr ?? '')?.[1]
  return error || version === undefined ? null : Number(version)
}
