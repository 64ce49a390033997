/** The fields of a RandomUser record that `inc` may choose. */
export const randomUserFields = [
  'gender', 'name', 'location', 'email', 'login', 'dob', 'registered', 'phone', 'cell', 'id', 'picture', 'nat',
] as const // prettier-ignore
export type RandomUserField = (typeof randomUserFields)[number]

/** Nationalities that randomuser.me knows (API 1.4). */
export const randomUserNationalities = [
  'AU', 'BR', 'CA', 'CH', 'DE', 'DK', 'ES', 'FI', 'FR', 'GB', 'IE', 'IN', 'IR', 'MX', 'NL', 'NO', 'NZ', 'RS', 'TR', 'UA', 'US',
] as const // prettier-ignore
export type RandomUserNationality = (typeof randomUserNationalities)[number]

/** One user as `https://randomuser.me/api/` (1.4) answers it. Dates are ISO 8601 UTC; ages in years. */
export interface RandomUser {
  gender: string
  name: { title: string; first: string; last: string }
  location: {
    street: { number: number; name: string }
    city: string
    state: string
    country: string
    /** A number for most nationalities, text for others. */
    postcode: string | number
    coordinates: { latitude: string; longitude: string }
    timezone: { offset: string; description: string }
  }
  email: string
  login: { uuid: string; username: string; password: string; salt: string; md5: string; sha1: string; sha256: string }
  dob: { date: string; age: number }
  registered: { date: string; age: number }
  phone: string
  cell: string
  /** National identity number; `name` is empty and `value` null where the country has none. */
  id: { name: string; value: string | null }
  picture: { large: string; medium: string; thumbnail: string }
  nat: string
}
