import type { Faker } from '@faker-js/faker'
import { randomUserNationalities, type RandomUserNationality } from '../random-user.ts'

/** What users of one nationality are put together from. */
export interface Nationality {
  nat: RandomUserNationality
  country: string
  names: Record<'male' | 'female', NonEmpty>
  lastNames: NonEmpty
  streets: NonEmpty
  cities: NonEmpty
  states: NonEmpty
  /** Patterns of `Random.fill`. */
  postcodes: NonEmpty
  phones: NonEmpty
  cells: NonEmpty
  /** Degrees: south, north, west, east. */
  box: readonly [number, number, number, number]
  timezones: readonly [Timezone, ...Timezone[]]
  idName: string
  idPattern: string
}

export type NonEmpty = readonly [string, ...string[]]
export type Timezone = readonly [offset: string, description: string]

/** Used when a request names no `nat`: a mix, and few enough to load in a moment. */
export const usualNationalities: readonly RandomUserNationality[] = ['US', 'GB', 'DE', 'FR', 'ES', 'NO']

interface Facts {
  country: string
  locale: () => Promise<{ faker: Faker }>
  box: readonly [number, number, number, number]
  timezones: readonly [Timezone, ...Timezone[]]
  postcode: string
  phone: string
  cell: string
  id: readonly [name: string, pattern: string]
}

const westEurope: Timezone = ['0:00', 'Western Europe Time, London, Lisbon, Casablanca']
const midEurope: Timezone = ['+1:00', 'Brussels, Copenhagen, Madrid, Paris']
const eastEurope: Timezone = ['+2:00', 'Kaliningrad, South Africa']

// prettier-ignore
const facts: Record<RandomUserNationality, Facts> = {
  AU: { country: 'Australia', locale: () => import('@faker-js/faker/locale/en_AU'), box: [-37, -17, 117, 152], timezones: [['+10:00', 'Eastern Australia, Guam, Vladivostok']], postcode: '####', phone: '0#-####-####', cell: '04##-###-###', id: ['TFN', '#########'] },
  BR: { country: 'Brazil', locale: () => import('@faker-js/faker/locale/pt_BR'), box: [-30, -3, -62, -38], timezones: [['-3:00', 'Brazil, Buenos Aires, Georgetown']], postcode: '#####', phone: '(##) ####-####', cell: '(##) 9####-####', id: ['CPF', '###.###.###-##'] },
  CA: { country: 'Canada', locale: () => import('@faker-js/faker/locale/en_CA'), box: [43, 58, -122, -64], timezones: [['-5:00', 'Eastern Time (US & Canada), Bogota, Lima'], ['-8:00', 'Pacific Time (US & Canada)']], postcode: '?#? #?#', phone: '!## !##-####', cell: '!## !##-####', id: ['SIN', '#########'] },
  CH: { country: 'Switzerland', locale: () => import('@faker-js/faker/locale/de_CH'), box: [46, 47.5, 6.5, 10], timezones: [midEurope], postcode: '!###', phone: '0## ### ## ##', cell: '07# ### ## ##', id: ['AVS', '756.####.####.##'] },
  DE: { country: 'Germany', locale: () => import('@faker-js/faker/locale/de'), box: [47.6, 54, 7, 14], timezones: [midEurope], postcode: '#####', phone: '0###-#######', cell: '017#-#######', id: ['SVNR', '## ###### ? ###'] },
  DK: { country: 'Denmark', locale: () => import('@faker-js/faker/locale/da'), box: [55, 57.5, 8.5, 12.5], timezones: [midEurope], postcode: '!###', phone: '########', cell: '########', id: ['CPR', '######-####'] },
  ES: { country: 'Spain', locale: () => import('@faker-js/faker/locale/es'), box: [37, 43, -6, 2], timezones: [midEurope], postcode: '#####', phone: '9##-###-###', cell: '6##-###-###', id: ['DNI', '########-?'] },
  FI: { country: 'Finland', locale: () => import('@faker-js/faker/locale/fi'), box: [60.2, 68, 22, 29], timezones: [eastEurope], postcode: '#####', phone: '0#-###-###', cell: '04#-###-##-##', id: ['HETU', '######-###?'] },
  FR: { country: 'France', locale: () => import('@faker-js/faker/locale/fr'), box: [43.5, 49.5, -1, 7], timezones: [midEurope], postcode: '#####', phone: '01-##-##-##-##', cell: '06-##-##-##-##', id: ['INSEE', '1############## ##'] },
  GB: { country: 'United Kingdom', locale: () => import('@faker-js/faker/locale/en_GB'), box: [50.5, 57.5, -4.5, 0.5], timezones: [westEurope], postcode: '??# #??', phone: '01#### #####', cell: '07### ######', id: ['NINO', '?? ## ## ## ?'] },
  IE: { country: 'Ireland', locale: () => import('@faker-js/faker/locale/en_IE'), box: [52, 54.5, -9.5, -6.2], timezones: [westEurope], postcode: '#####', phone: '0##-###-####', cell: '081-###-####', id: ['PPS', '#######?'] },
  IN: { country: 'India', locale: () => import('@faker-js/faker/locale/en_IN'), box: [10, 29, 74, 86], timezones: [['+5:30', 'Bombay, Calcutta, Madras, New Delhi']], postcode: '!#####', phone: '!#########', cell: '9#########', id: ['UIDAI', '############'] },
  IR: { country: 'Iran', locale: () => import('@faker-js/faker/locale/fa'), box: [28, 37.5, 46, 60], timezones: [['+3:30', 'Tehran']], postcode: '#####', phone: '0##-########', cell: '09##-###-####', id: ['', ''] },
  MX: { country: 'Mexico', locale: () => import('@faker-js/faker/locale/es_MX'), box: [16.5, 30, -108, -90], timezones: [['-6:00', 'Central Time (US & Canada), Mexico City']], postcode: '#####', phone: '(6##) ### ####', cell: '(6##) ### ####', id: ['NSS', '## ## ## #### #'] },
  NL: { country: 'Netherlands', locale: () => import('@faker-js/faker/locale/nl'), box: [51.4, 53.3, 4.2, 7], timezones: [midEurope], postcode: '!### ??', phone: '(0##) #######', cell: '(06) ########', id: ['BSN', '#########'] },
  NO: { country: 'Norway', locale: () => import('@faker-js/faker/locale/nb_NO'), box: [58.5, 69.5, 6, 18], timezones: [midEurope], postcode: '####', phone: '########', cell: '9#######', id: ['FN', '###########'] },
  NZ: { country: 'New Zealand', locale: () => import('@faker-js/faker/locale/en_AU'), box: [-45, -36, 169, 177], timezones: [['+12:00', 'Auckland, Wellington, Fiji, Kamchatka']], postcode: '####', phone: '(0##)-###-####', cell: '(02#)-###-####', id: ['', ''] },
  RS: { country: 'Serbia', locale: () => import('@faker-js/faker/locale/sr_RS_latin'), box: [43, 45.8, 19.5, 22], timezones: [midEurope], postcode: '#####', phone: '0##-####-###', cell: '06#-####-###', id: ['SID', '#########'] },
  TR: { country: 'Turkey', locale: () => import('@faker-js/faker/locale/tr'), box: [37, 41, 28, 42], timezones: [['+3:00', 'Baghdad, Riyadh, Moscow, St. Petersburg']], postcode: '#####', phone: '(###)-###-####', cell: '(5##)-###-####', id: ['', ''] },
  UA: { country: 'Ukraine', locale: () => import('@faker-js/faker/locale/uk'), box: [46.5, 51, 23, 38], timezones: [eastEurope], postcode: '#####', phone: '(0##) ?##-####', cell: '(09#) ###-####', id: ['', ''] },
  US: { country: 'United States', locale: () => import('@faker-js/faker/locale/en_US'), box: [31, 47, -121, -77], timezones: [['-5:00', 'Eastern Time (US & Canada), Bogota, Lima'], ['-6:00', 'Central Time (US & Canada), Mexico City'], ['-7:00', 'Mountain Time (US & Canada)'], ['-8:00', 'Pacific Time (US & Canada)']], postcode: '#####', phone: '(!##) !##-####', cell: '(!##) !##-####', id: ['SSN', '###-##-####'] },
}

const loaded = new Map<RandomUserNationality, Promise<Nationality>>()

/** Loads a nationality's names, once a process; the same in every process. */
export function loadNationality(nat: RandomUserNationality): Promise<Nationality> {
  const known = loaded.get(nat) ?? load(nat)
  loaded.set(nat, known)
  return known
}

async function load(nat: RandomUserNationality): Promise<Nationality> {
  const { country, locale, box, timezones, postcode, phone, cell, id } = facts[nat]
  const { faker } = await locale()
  // faker's generators are too slow to be called for each user: pools are drawn once, from a fixed seed.
  faker.seed(randomUserNationalities.indexOf(nat) + 1)
  const { person, location } = faker.rawDefinitions
  return {
    nat,
    country,
    names: {
      male: pool(person?.first_name?.male, () => faker.person.firstName('male')),
      female: pool(person?.first_name?.female, () => faker.person.firstName('female')),
    },
    lastNames: pool(person?.last_name?.generic, () => faker.person.lastName()),
    streets: pool(null, () => faker.location.street()),
    cities: pool(null, () => faker.location.city()),
    states: pool(location?.state, () => faker.location.state()),
    postcodes: [postcode],
    phones: [phone],
    cells: [cell],
    box,
    timezones,
    idName: id[0],
    idPattern: id[1],
  }
}

function pool(given: readonly string[] | null | undefined, draw: () => string): NonEmpty {
  const [first, ...rest] = given ?? []
  return first === undefined ? [draw(), ...Array.from({ length: 255 }, draw)] : [first, ...rest]
}
