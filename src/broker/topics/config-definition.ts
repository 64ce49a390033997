/** One setting of a topic or of the broker, as DescribeConfigs shows it. */
export interface ConfigDefinition {
  readonly name: string
  readonly type: 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'password'
  /** Kafka's text form; null where Kafka has no default. */
  readonly default: string | null
  readonly doc: string
  /** For numbers: smallest allowed value. */
  readonly min?: number
  /** For strings and lists: allowed values. */
  readonly oneOf?: readonly string[]
  /** … in capitals and small letters. */
  readonly anyCase?: true
  /** For lists: what each item looks like, in words too. */
  readonly items?: { readonly form: RegExp; readonly inWords: string }
  /** Whether a broker setting can be changed while the broker runs (KIP-226). */
  readonly dynamic?: true
  /** The broker setting a topic setting falls back to. */
  readonly broker?: string
}

/** Kafka's ConfigType of DescribeConfigs 3+ (KIP-569). */
export const configTypeCodes = { boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, password: 9 } as const

/** What is wrong with a value, or null when it is fine. */
export function invalidConfigValue(definition: ConfigDefinition, value: string): string | null {
  const { name, type } = definition
  switch (type) {
    case 'boolean':
      return /^(true|false)$/i.test(value.trim()) ? null : `${name} must be true or false, not "${value}"`
    case 'int':
    case 'short':
    case 'long':
      return invalidInteger(definition, value)
    case 'double':
      return Number.isFinite(Number(value)) && value.trim() !== '' ? null : `${name} must be a number, not "${value}"`
    case 'list':
    case 'string': {
      const items = type === 'list' ? listItems(value) : [value]
      const odd = items.find((item) => definition.items && !definition.items.form.test(item))
      if (odd !== undefined) return `${name} is a list of ${definition.items?.inWords}, not "${odd}"`
      if (!definition.oneOf) return null
      const bad = items.find((item) => !definition.oneOf?.includes(definition.anyCase ? item.toLowerCase() : item))
      return bad === undefined ? null : `${name} allows ${definition.oneOf.join(', ')}, not "${bad}"`
    }
    case 'password':
      return null
  }
}

const bounds = { int: 2_147_483_647, short: 32_767, long: 2 ** 63 } as const

function invalidInteger({ name, type, min }: ConfigDefinition, value: string): string | null {
  if (!/^\s*[+-]?\d{1,19}\s*$/.test(value)) return `${name} must be a whole number, not "${value}"`
  const number = Number(value)
  if (min !== undefined && number < min) return `${name} must be at least ${min}, not ${value}`
  if ((type === 'int' || type === 'short' || type === 'long') && Math.abs(number) > bounds[type]) return `${name} is too large: ${value}`
  return null
}

export function listItems(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
