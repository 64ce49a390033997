/** What a pattern is made of, in RE2's syntax: no back references, no looking around. */
export type Node =
  | { is: 'char'; test: (char: string) => boolean }
  | { is: 'start' | 'end' | 'word edge' | 'inside' | 'empty' }
  | { is: 'sequence' | 'choice'; parts: readonly Node[] }
  /** `max` null: no bound. */
  | { is: 'repeat'; of: Node; min: number; max: number | null }

/** Why a text is no pattern. */
export class PatternError extends Error {}

type Test = (char: string) => boolean

/** RE2's bound. */
const mostRepeats = 1000
const deepest = 100

const named: Readonly<Record<string, Test>> = {
  d: (char) => /[0-9]/.test(char),
  w: (char) => /[0-9A-Za-z_]/.test(char),
  s: (char) => /[\t\n\f\r ]/.test(char),
}
const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\x07' }
const posix: Readonly<Record<string, Test>> = {
  alnum: (char) => /[0-9A-Za-z]/.test(char),
  alpha: (char) => /[A-Za-z]/.test(char),
  digit: (char) => /[0-9]/.test(char),
  lower: (char) => /[a-z]/.test(char),
  upper: (char) => /[A-Z]/.test(char),
  space: (char) => /[\t\n\v\f\r ]/.test(char),
  punct: (char) => /[!-/:-@[-`{-~]/.test(char),
  word: (char) => /[0-9A-Za-z_]/.test(char),
  xdigit: (char) => /[0-9A-Fa-f]/.test(char),
}

/** Reads a pattern; throws {@link PatternError}. */
export function parsePattern(text: string): Node {
  const parser = new Parser(Array.from(text))
  return parser.whole()
}

class Parser {
  readonly #chars: readonly string[]
  #at = 0
  #depth = 0
  #ignoresCase = false

  constructor(chars: readonly string[]) {
    this.#chars = chars
  }

  whole(): Node {
    const node = this.#choice()
    if (this.#at < this.#chars.length) throw new PatternError('unexpected )')
    return node
  }

  #peek(text: string): boolean {
    return Array.from(text).every((char, i) => this.#chars[this.#at + i] === char)
  }

  #accept(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  #next(): string {
    const char = this.#chars[this.#at++]
    if (char === undefined) throw new PatternError('the pattern ends too early')
    return char
  }

  #choice(): Node {
    const parts = [this.#sequence()]
    while (this.#accept('|')) parts.push(this.#sequence())
    return parts.length === 1 && parts[0] ? parts[0] : { is: 'choice', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    while (this.#at < this.#chars.length && !this.#peek('|') && !this.#peek(')')) {
      if (this.#accept('\\Q')) {
        while (this.#at < this.#chars.length && !this.#accept('\\E')) parts.push(this.#literal(this.#next()))
        continue
      }
      parts.push(this.#repeated(this.#atom()))
    }
    return { is: 'sequence', parts }
  }

  #repeated(of: Node): Node {
    const bounds = this.#bounds()
    if (!bounds) return of
    // Whether it is lazy makes no difference to whether it matches.
    this.#accept('?')
    if (this.#bounds()) throw new PatternError('invalid nested repetition operator')
    return { is: 'repeat', of, ...bounds }
  }

  #bounds(): { min: number; max: number | null } | null {
    if (this.#accept('*')) return { min: 0, max: null }
    if (this.#accept('+')) return { min: 1, max: null }
    if (this.#accept('?')) return { min: 0, max: 1 }
    const [whole, from = '', comma, to] = /^\{(\d+)(,(\d*))?\}/.exec(this.#chars.slice(this.#at, this.#at + 12).join('')) ?? []
    if (whole === undefined) return null
    this.#at += whole.length
    const min = Number(from)
    const max = comma === undefined ? min : to === '' ? null : Number(to)
    if (min > mostRepeats || (max !== null && (max > mostRepeats || max < min))) throw new PatternError(`invalid repeat count ${whole}`)
    return { min, max }
  }

  #atom(): Node {
    const char = this.#next()
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return { is: 'char', test: this.#cased(this.#set()) }
      case '.':
        return { is: 'char', test: (one) => one !== '\n' }
      case '^':
        return { is: 'start' }
      case '$':
        return { is: 'end' }
      case '*':
      case '+':
      case '?':
        throw new PatternError(`nothing to repeat before ${char}`)
      case '\\':
        return this.#escape()
      default:
        return this.#literal(char)
    }
  }

  #literal(char: string): Node {
    return { is: 'char', test: this.#cased((one) => one === char) }
  }

  #cased(test: Test): Test {
    return this.#ignoresCase ? (char) => test(char.toLowerCase()) || test(char.toUpperCase()) : test
  }

  #group(): Node {
    if (++this.#depth > deepest) throw new PatternError('groups are nested too deeply')
    const outside = this.#ignoresCase
    if (this.#accept('?')) {
      if (!this.#accept('P<') && !(this.#peek('<') && !this.#peek('<=') && !this.#peek('<!') && this.#accept('<'))) {
        if (this.#flags()) return { is: 'empty' }
      } else {
        while (this.#next() !== '>');
      }
    }
    const inner = this.#choice()
    if (!this.#accept(')')) throw new PatternError('missing closing )')
    this.#depth--
    this.#ignoresCase = outside
    return inner
  }

  /** Flags behind `(?`; true when they end the group, and so count from there on. */
  #flags(): boolean {
    let on = true
    for (;;) {
      const flag = this.#next()
      if (flag === ':') return false
      if (flag === ')') {
        this.#depth--
        return true
      }
      if (flag === '-') on = false
      else if (flag === 'i') this.#ignoresCase = on
      else if (flag !== 's' && flag !== 'm' && flag !== 'U') throw new PatternError(`invalid or unsupported syntax: (?${flag}`)
    }
  }

  #escape(): Node {
    const char = this.#next()
    switch (char) {
      case 'A':
        return { is: 'start' }
      case 'z':
        return { is: 'end' }
      case 'b':
        return { is: 'word edge' }
      case 'B':
        return { is: 'inside' }
      default:
        return { is: 'char', test: this.#cased(this.#classOrChar(char)) }
    }
  }

  /** What an escape stands for, inside a set and outside. */
  #classOrChar(char: string): Test {
    const lower = char.toLowerCase()
    const test = named[lower]
    if (test) return char === lower ? test : (one) => !test(one)
    if (char === 'p' || char === 'P') return this.#property(char === 'P')
    const exact = this.#escapedChar(char)
    return (one) => one === exact
  }

  #escapedChar(char: string): string {
    const control = controls[char]
    if (control !== undefined) return control
    if (char === 'x') return this.#hexadecimal()
    if (/[0-9A-Za-z]/.test(char)) throw new PatternError(`invalid escape sequence: \\${char}`)
    return char
  }

  #hexadecimal(): string {
    let digits = ''
    if (this.#accept('{')) while (!this.#accept('}')) digits += this.#next()
    else digits = this.#next() + this.#next()
    const code = /^[0-9A-Fa-f]{1,6}$/.test(digits) ? Number.parseInt(digits, 16) : Infinity
    if (code > 0x10_ffff) throw new PatternError(`invalid escape sequence: \\x${digits}`)
    return String.fromCodePoint(code)
  }

  /** `\pL`, `\p{Greek}`: a Unicode property, of one character at a time. */
  #property(negated: boolean): Test {
    let name = this.#next()
    if (name === '{') {
      name = ''
      while (!this.#accept('}')) name += this.#next()
    }
    if (!/^\^?[A-Za-z_]{1,40}$/.test(name)) throw new PatternError(`invalid character class range: \\p{${name}}`)
    const inverted = negated !== name.startsWith('^')
    const bare = name.replace('^', '')
    for (const property of [bare, `Script=${bare}`]) {
      try {
        const test = new RegExp(`^\\p{${property}}$`, 'u')
        return (char) => test.test(char) !== inverted
      } catch {
        // Not a property of this name; perhaps a script.
      }
    }
    throw new PatternError(`invalid character class range: \\p{${name}}`)
  }

  #set(): Test {
    const negated = this.#accept('^')
    const tests: Test[] = []
    for (let first = true; first || !this.#accept(']'); first = false) tests.push(this.#setItem())
    const within: Test = (char) => tests.some((test) => test(char))
    return negated ? (char) => !within(char) : within
  }

  #setItem(): Test {
    if (this.#accept('[:')) return this.#posixClass()
    const from = this.#next()
    let low = from
    if (from === '\\') {
      const escaped = this.#next()
      if (named[escaped.toLowerCase()] || escaped === 'p' || escaped === 'P') return this.#classOrChar(escaped)
      low = this.#escapedChar(escaped)
    }
    if (!this.#peek('-') || this.#peek('-]')) return (char) => char === low
    this.#accept('-')
    const to = this.#next()
    const high = to === '\\' ? this.#escapedChar(this.#next()) : to
    const [least, most] = [low.codePointAt(0) ?? 0, high.codePointAt(0) ?? 0]
    if (most < least) throw new PatternError(`invalid character class range: ${low}-${high}`)
    return (char) => {
      const code = char.codePointAt(0) ?? -1
      return code >= least && code <= most
    }
  }

  #posixClass(): Test {
    const negated = this.#accept('^')
    let name = ''
    while (!this.#accept(':]')) name += this.#next()
    // By a name of its own only: what every object has is no class.
    const test = Object.hasOwn(posix, name) ? posix[name] : undefined
    if (!test) throw new PatternError(`invalid character class range: [:${name}:]`)
    return negated ? (char) => !test(char) : test
  }
}
