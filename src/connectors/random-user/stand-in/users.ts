import { hash } from 'node:crypto'
import type { RandomUser } from '../random-user.ts'
import type { Nationality } from './nationalities.ts'
import { drawPicture, grounds, hairs, shirts, skins } from './picture.ts'
import { Random, seedWords } from '../../seeded-random.ts'

/** What decides which users a page holds. The number of results does not: a longer page begins like a shorter one. */
export interface PageOf {
  seed: string
  page: number
  gender: 'male' | 'female' | null
  nationalities: readonly [Nationality, ...Nationality[]]
}

/** Ages are counted from here, not from today: the same page is the same bytes whenever it is asked for. */
const todayMs = Date.UTC(2026, 0, 1)
const yearMs = 365.2425 * 86_400_000

/** `count` users of a page, the same in every process and at any time. */
export function usersOfPage(of: PageOf, count: number): RandomUser[] {
  const words = seedWords(JSON.stringify([of.seed, of.page, of.gender, of.nationalities.map(({ nat }) => nat)]))
  return Array.from({ length: count }, (_, index) => userOf(new Random(words, index), of))
}

function userOf(random: Random, of: PageOf): RandomUser {
  const uuid = random.uuid()
  const gender = of.gender ?? (random.below(2) === 0 ? 'male' : 'female')
  const from = random.pick(of.nationalities)
  const first = random.pick(from.names[gender])
  const last = random.pick(from.lastNames)
  const ageMs = random.between(18, 80) * yearMs + random.below(yearMs)
  return {
    gender,
    name: { title: gender === 'male' ? 'Mr' : random.pick(['Ms', 'Mrs', 'Miss']), first, last },
    location: locationOf(random, from),
    email: `${mailName(first)}.${mailName(last)}@example.com`,
    login: loginOf(random, uuid),
    dob: dated(todayMs - ageMs),
    registered: dated(todayMs - random.below(Math.min(20 * yearMs, ageMs - 16 * yearMs))),
    phone: random.fill(random.pick(from.phones)),
    cell: random.fill(random.pick(from.cells)),
    id: { name: from.idName, value: from.idPattern === '' ? null : random.fill(from.idPattern) },
    picture: pictureOf(random),
    nat: from.nat,
  }
}

function locationOf(random: Random, from: Nationality): RandomUser['location'] {
  const [south, north, west, east] = from.box
  const degrees = (low: number, high: number): string => (low + ((random.word() >>> 0) / 2 ** 32) * (high - low)).toFixed(4)
  const postcode = random.fill(random.pick(from.postcodes))
  const [offset, description] = random.pick(from.timezones)
  return {
    street: { number: random.between(1, 9999), name: random.pick(from.streets) },
    city: random.pick(from.cities),
    state: random.pick(from.states),
    country: from.country,
    postcode: /^[1-9]\d*$/.test(postcode) ? Number(postcode) : postcode,
    coordinates: { latitude: degrees(south, north), longitude: degrees(west, east) },
    timezone: { offset, description },
  }
}

const adjectives = ['angry', 'beautiful', 'big', 'black', 'blue', 'brown', 'crazy', 'golden', 'green', 'happy', 'heavy', 'lazy', 'orange', 'purple', 'sad', 'silver', 'small', 'tiny', 'white', 'yellow'] as const // prettier-ignore
const animals = ['bear', 'bird', 'butterfly', 'cat', 'dog', 'duck', 'elephant', 'fish', 'frog', 'goose', 'gorilla', 'koala', 'ladybug', 'leopard', 'lion', 'mouse', 'ostrich', 'panda', 'peacock', 'rabbit', 'swan', 'tiger', 'wolf', 'zebra'] as const // prettier-ignore
const words = ['anchor', 'bandit', 'cobalt', 'dragon', 'ember', 'falcon', 'garnet', 'harbor', 'island', 'jasper', 'kernel', 'lantern', 'marble', 'nectar', 'onyx', 'pepper', 'quartz', 'rocket', 'summer', 'timber'] as const // prettier-ignore

/** The uuid comes first of a user's numbers and its hashes are real ones of the password it shows. */
function loginOf(random: Random, uuid: string): RandomUser['login'] {
  const username = `${random.pick(adjectives)}${random.pick(animals)}${random.between(100, 999)}`
  const password = `${random.pick(words)}${random.below(100)}`
  const salt = (random.word() >>> 0).toString(36).padStart(8, '0').slice(0, 8)
  const salted = password + salt
  return { uuid, username, password, salt, md5: hash('md5', salted), sha1: hash('sha1', salted), sha256: hash('sha256', salted) }
}

function dated(atMs: number): { date: string; age: number } {
  return { date: new Date(atMs).toISOString(), age: Math.floor((todayMs - atMs) / yearMs) }
}

function pictureOf(random: Random): RandomUser['picture'] {
  const colours = { ground: random.pick(grounds), skin: random.pick(skins), hair: random.pick(hairs), shirt: random.pick(shirts) }
  return { large: drawPicture(128, colours), medium: drawPicture(72, colours), thumbnail: drawPicture(48, colours) }
}

const mailNames = new Map<string, string>()

/** A name as it may stand in a mail address: plain letters, Latin; other scripts become a stand-in made of their code points. */
function mailName(name: string): string {
  const known = mailNames.get(name)
  if (known !== undefined) return known
  const plain = name
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ø', 'o')
    .replaceAll('æ', 'ae')
    .replaceAll('ı', 'i')
    .replaceAll('đ', 'd')
    .normalize('NFD')
    .replaceAll(/[^a-z0-9]/g, '')
  const mail =
    plain === ''
      ? `x${Array.from(name, (char) => (char.codePointAt(0) ?? 0).toString(36))
          .join('')
          .slice(0, 30)}`
      : plain
  mailNames.set(name, mail)
  return mail
}
