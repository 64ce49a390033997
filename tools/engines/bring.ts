import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/platform/index.ts'
import type { AptPackages, Artifacts, MavenArchive, MavenJars, NpmPackages, PipPackages } from './system.ts'

const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'
const CLIENT_TIMEOUT_MS = 900_000

/** Debian's name for this machine: its libraries lie in a folder of that name. */
export const triplet = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`

/** Brings artifacts into `dir` by the client they come by. @throws what the client's process failed with: see `whatItSaid` */
export async function bring(artifacts: Artifacts, dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true })
  const work = mkdtempSync(join(dir, '.bringing-'))
  try {
    switch (artifacts.is) {
      case 'maven':
        return await bringJars(artifacts, dir, work)
      case 'maven-archive':
        return await bringArchive(artifacts, dir, work)
      case 'pip':
        return await bringPipPackages(artifacts, dir)
      case 'npm':
        return await bringNpmPackages(artifacts, dir)
      case 'apt':
        return await bringAptPackages(artifacts, dir, work)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function bringJars({ coordinates, excludedGroups = [], onlyAbsent }: MavenJars, dir: string, work: string): Promise<void> {
  const pom = join(work, 'pom.xml')
  const jars = join(work, 'jars')
  writeFileSync(pom, pomOf(coordinates, excludedGroups))
  await runMaven('--file', pom, `${MAVEN_PLUGIN}:copy-dependencies`, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`)
  const there = new Set(onlyAbsent ? readdirSync(dir).map(artifactOfJar) : [])
  for (const jar of readdirSync(jars)) if (!there.has(artifactOfJar(jar))) renameSync(join(jars, jar), join(dir, jar))
}

/** `netty-buffer` of `netty-buffer-4.1.96.Final.jar`. */
const artifactOfJar = (file: string): string => file.replace(/-\d[^/]*$/, '')

async function bringArchive({ coordinate }: MavenArchive, dir: string, work: string): Promise<void> {
  await runMaven(`${MAVEN_PLUGIN}:copy`, `-Dartifact=${coordinate}`, `-DoutputDirectory=${work}`)
  for (const archive of readdirSync(work)) await run('tar', ['-xzf', join(work, archive), '-C', dir])
}

async function bringPipPackages({ packages }: PipPackages, dir: string): Promise<void> {
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
  await run('python3', ['-m', 'pip', 'install', ...quiet, '--no-deps', '--no-compile', '--target', dir, ...packages])
}

/** npm checks what it downloads against the registry's digests. The headers of Node are those that came with the Node that runs this. */
async function bringNpmPackages({ packages, libraries, env, leftOver }: NpmPackages, dir: string): Promise<void> {
  const bin = dirname(process.execPath)
  const system = join(dir, libraries, 'usr')
  const compiling = {
    ...env,
    PATH: [bin, process.env.PATH].join(delimiter),
    CPATH: [join(system, 'include'), join(system, 'include', triplet)].join(delimiter),
    LIBRARY_PATH: join(system, 'lib', triplet),
    // The linker looks here for what those libraries need themselves.
    LD_LIBRARY_PATH: join(system, 'lib', triplet),
    npm_config_nodedir: dirname(bin),
    npm_config_build_from_source: 'true',
    npm_config_ignore_scripts: 'false',
  }
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ private: true }))
  await run('npm', ['install', '--prefix', dir, '--no-audit', '--no-fund', '--save-exact', '--foreground-scripts', ...packages], compiling)
  const isCompiled = readdirSync(dir, { recursive: true, encoding: 'utf8' }).some((path) => path.endsWith('.node'))
  if (!isCompiled) throw new Error(`npm compiled nothing of ${packages.join(', ')}.`)
  for (const path of leftOver) rmSync(join(dir, path), { recursive: true, force: true })
}

/**
 * apt checks what it downloads against the signed list of the distribution. It is told to use folders of ours, so that it needs no root
 * and no lock; where the machine has no package lists (an image without them), it fetches its own first.
 */
async function bringAptPackages({ packages }: AptPackages, dir: string, work: string): Promise<void> {
  const archives = join(work, 'archives')
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const ours = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${archives}/`, '-o', 'APT::Sandbox::User=']
  // --reinstall: a package that the machine has comes as well; of those that it depends on, only what is lacking.
  const download = ['install', '--yes', '--quiet', '--download-only', '--reinstall', '--no-install-recommends', ...packages]
  // Without lists it says of a package that the machine has that it cannot be downloaded, and calls that a success.
  const hasCome = (): boolean => packages.every((name) => readdirSync(archives).some((file) => file.startsWith(`${name}_`)))
  await run('apt-get', [...ours, ...download]).catch(() => undefined)
  if (!hasCome()) {
    const lists = join(work, 'lists')
    mkdirSync(join(lists, 'partial'), { recursive: true })
    const withLists = [...ours, '-o', `Dir::State::lists=${lists}/`, '-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache=']
    await run('apt-get', [...withLists, '--quiet', 'update'])
    await run('apt-get', [...withLists, ...download])
  }
  if (!hasCome()) throw new Error(`apt-get did not bring ${packages.join(', ')}`)
  for (const archive of readdirSync(archives).filter((file) => file.endsWith('.deb')))
    await run('dpkg', ['-x', join(archives, archive), dir])
}

async function runMaven(...args: readonly string[]): Promise<void> {
  await run('mvn', ['--batch-mode', '--quiet', '--strict-checksums', ...args])
}

async function run(file: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<void> {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', PIP_ROOT_USER_ACTION: 'ignore', ...more }
  await promisify(execFile)(file, args, { env, timeout: CLIENT_TIMEOUT_MS, maxBuffer: 64 * 1_048_576 })
}

function pomOf(coordinates: readonly string[], excludedGroups: readonly string[]): string {
  const exclusions = excludedGroups.map((group) => `<exclusion><groupId>${group}</groupId><artifactId>*</artifactId></exclusion>`).join('')
  const dependencies = coordinates.map((each) => {
    const [group = '', artifact = '', version = ''] = each.split(':')
    const names = `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>`
    return `<dependency>${names}<exclusions>${exclusions}</exclusions></dependency>`
  })
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>millrace</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>',
    `<dependencies>${dependencies.join('')}</dependencies></project>`,
  ].join('\n')
}

/** All that a client's process wrote. */
export function outputOf(error: unknown): string {
  return error instanceof Error && 'stdout' in error && 'stderr' in error ? `${String(error.stdout)}\n${String(error.stderr)}` : ''
}

/** The lines of it that tell why it failed. */
export function whatItSaid(error: unknown): string {
  const told = outputOf(error)
    .split('\n')
    .filter((line) => /ERROR|^E: |\berror\b|gyp ERR!/.test(line))
  return told.length > 0 ? told.slice(0, 3).join(' ') : messageOf(error)
}
