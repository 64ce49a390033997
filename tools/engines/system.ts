/** A system as data: what it is made of, how each of its processes is started, and when it is ready. */
export interface System {
  readonly name: string
  /** With the version, for people. */
  readonly title: string
  /** All in one folder. Systems with the same artifacts share it. */
  readonly artifacts: readonly Artifacts[]
  /** The major version of Java that must be first in the path; without one it needs none. */
  readonly java?: number
  /** True: its programs refuse to run as root; a root starts them as an ordinary user. */
  readonly refusesRoot?: true
  /** Names of secrets made at random for each start (P8): `place.secrets` has them. */
  readonly secrets?: readonly string[]
  /** Names of the ports that it listens on; a free one is picked for each. */
  readonly ports: readonly string[]
  /** In the order they start; they are stopped in the opposite one. */
  readonly processes: readonly Process[]
  /** What a client is told. */
  address(place: Place): Address
  /** What else a client must be told, by the names of settings; they may hold secrets (P8). */
  settings?(place: Place): Readonly<Record<string, string>>
  /** Resident memory once it stands, as measured; for people. */
  readonly memoryMb: number
}

/** The name of a setting and what it takes: `host:port` or a URL. */
export interface Address {
  readonly setting: string
  /** May hold one of the secrets: for clients, never for a log or a screen (P8). */
  readonly value: string
}

/** What comes by one of the ordinary clients, into the folder `into` of the system's artifact folder (that folder itself without one). */
export type Artifacts = MavenJars | MavenArchive | PipPackages | AptPackages | NpmPackages

interface Into {
  readonly into?: string
}

/** Jars of Maven coordinates (`group:artifact:version`) and all they need at run time. */
export interface MavenJars extends Into {
  readonly is: 'maven'
  readonly coordinates: readonly string[]
  /** Groups that are not to come with them. */
  readonly excludedGroups?: readonly string[]
  /** True: a jar that the folder has already, in whatever version, stays as it is. */
  readonly onlyAbsent?: true
}

/** A `.tar.gz` that Maven has (`group:artifact:version:tar.gz[:classifier]`), unpacked. */
export interface MavenArchive extends Into {
  readonly is: 'maven-archive'
  readonly coordinate: string
}

/** Packages of PyPI (`name==version`) without what they depend on: they only carry programs. */
export interface PipPackages extends Into {
  readonly is: 'pip'
  readonly packages: readonly string[]
}

/** Debian packages with every package they need that this machine lacks, unpacked and not installed: nothing on the machine changes. */
export interface AptPackages extends Into {
  readonly is: 'apt'
  readonly packages: readonly string[]
}

/** Packages of npm (`name@version`) with all they need, one of them compiled from its source for the Node that runs this. */
export interface NpmPackages extends Into {
  readonly is: 'npm'
  readonly packages: readonly string[]
  /** `process.versions.modules`: for another ABI of Node they are compiled anew. */
  readonly nodeAbi: string
  /** Folder beside them with the Debian packages, brought before, that they are compiled and linked with. */
  readonly libraries: string
  /** What their build asks of the environment. */
  readonly env: Readonly<Record<string, string>>
  /** Paths that only the build needs, removed after it. */
  readonly leftOver: readonly string[]
}

/** Where a started system lives. */
export interface Place {
  /** Its folder: data, configuration. */
  readonly dir: string
  /** Folder of its artifacts; shared, not to be written. */
  readonly artifactDir: string
  readonly ports: Readonly<Record<string, number>>
  /** The port that clients are told, for each that is not the one it listens on: a proxy stands there. */
  readonly advertised: Readonly<Record<string, number>>
  /** By the names of `System.secrets`; the same until the system's folder is removed. */
  readonly secrets: Readonly<Record<string, string>>
}

export interface Process {
  readonly name: string
  /** Configuration files by path inside `place.dir`. */
  files(place: Place): Readonly<Record<string, string>>
  /** Run to its end before the first start, on an empty folder only. */
  prepare?(place: Place): Command
  /** Run to its end after the first start: what can only be set up while it runs. */
  setUp?(place: Place): Command
  command(place: Place): Command
  readonly ready: Readiness
  /** When it ends before it is ready and its error says this, it is started again, as its operator would. */
  readonly startAgainOn?: RegExp
  /** How it is asked to end before it is killed. */
  readonly stopSignal: NodeJS.Signals
  /** How it is ended when nobody needs its data any more; `SIGKILL` unless it would leave something of the kernel's behind. */
  readonly discardSignal?: NodeJS.Signals
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Ready is a process that has written `says` and answers the first bytes of its protocol; one alone comes too early with most. */
export interface Readiness {
  readonly port: string
  /** Where it listens; 127.0.0.1 when left out. */
  readonly host?: string
  /** Any answer to this will do. */
  readonly request: Uint8Array
  readonly says?: RegExp
  readonly withinMs: number
}

/** A started system. */
export interface Engine extends AsyncDisposable {
  readonly name: string
  readonly title: string
  /** Of its main process (the last of `pids`). It changes at `restart`. */
  readonly pid: number
  /** Of all its processes, in the order they were started. */
  readonly pids: readonly number[]
  readonly ports: Readonly<Record<string, number>>
  /** Its folder: data, configuration, keys. It goes with the engine. */
  readonly dir: string
  /** Made for this start; a client needs them, nobody else (P8). */
  readonly secrets: Readonly<Record<string, string>>
  readonly address: Address
  /** All that Millrace must be told to work with it, as environment variables, that of `address` among them. May hold secrets (P8). */
  readonly settings: Readonly<Record<string, string>>
  /** Folder of its programs; shared, not to be written. */
  readonly artifactDir: string
  /** Paths of its log files; they are kept after the end. */
  readonly logs: readonly string[]
  /** In order, as an operator would; its data stay for `restart`. */
  stop(): Promise<void>
  /** `kill -9` of all its processes at once. */
  kill(): Promise<void>
  /** Ends one of its processes, by the name that it has in the system; `SIGKILL` when no signal is given. The others go on. */
  endProcess(name: string, signal?: NodeJS.Signals): Promise<void>
  /** Starts one that was ended, and resolves once it answers. */
  startProcess(name: string): Promise<void>
  /** Starts it again on the same ports and data; stops it first when it runs. */
  restart(): Promise<void>
}
