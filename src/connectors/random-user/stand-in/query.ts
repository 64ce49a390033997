import { randomUserFields, randomUserNationalities, type RandomUserField, type RandomUserNationality } from '../random-user.ts'

export interface StandInQuery {
  results: number
  page: number
  /** Null takes either; the answer says which one was taken. */
  seed: string | null
  nationalities: RandomUserNationality[] | null
  fields: readonly RandomUserField[]
  gender: 'male' | 'female' | null
  pretty: boolean
}

/** Reads the API's parameters; a text says what is wrong with one. Parameters that the API does not know are ignored, as it does. */
export function readQuery(params: URLSearchParams): StandInQuery | string {
  const results = wholeNumber(params, 'results', 1, 5000)
  const page = wholeNumber(params, 'page', 1, Number.MAX_SAFE_INTEGER)
  if (typeof results === 'string') return results
  if (typeof page === 'string') return page
  const gender = params.get('gender')?.toLowerCase() || null
  if (gender !== null && gender !== 'male' && gender !== 'female') return `gender "${gender}" is neither male nor female`
  const format = params.get('format')?.toLowerCase() || 'json'
  if (format !== 'json' && format !== 'pretty' && format !== 'prettyjson') return `format "${format}" is not served here: json or pretty`
  const nat = names(params, 'nat', randomUserNationalities, (text) => text.toUpperCase())
  const inc = names(params, 'inc', randomUserFields, (text) => text.toLowerCase())
  const exc = names(params, 'exc', randomUserFields, (text) => text.toLowerCase())
  for (const list of [nat, inc, exc]) if (typeof list === 'string') return list
  if (typeof nat === 'string' || typeof inc === 'string' || typeof exc === 'string') return 'wrong parameters'
  const fields = (inc ?? randomUserFields).filter((field) => !exc?.includes(field))
  return { results, page, seed: params.get('seed') || null, nationalities: nat, fields, gender, pretty: format !== 'json' }
}

function wholeNumber(params: URLSearchParams, name: string, fallback: number, max: number): number | string {
  const text = params.get(name)
  if (text === null || text === '') return fallback
  const value = Number(text)
  return /^\d+$/.test(text) && value >= 1 && value <= max ? value : `${name} "${text.slice(0, 40)}" is no whole number from 1 to ${max}`
}

function names<T extends string>(
  params: URLSearchParams,
  name: string,
  allowed: readonly T[],
  fold: (text: string) => string,
): T[] | null | string {
  const text = params.get(name)
  if (text === null || text.trim() === '') return null
  const found: T[] = []
  for (const part of text.split(',')) {
    const value = allowed.find((one) => one === fold(part.trim()))
    if (value === undefined) return `${name} "${part.trim().slice(0, 40)}" is none of ${allowed.join(', ')}`
    if (!found.includes(value)) found.push(value)
  }
  return found
}
