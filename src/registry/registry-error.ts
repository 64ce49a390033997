/** An error of the registry's REST contract: `{ "error_code": 40401, "message": … }` under the HTTP status of its first three digits. */
export class RegistryError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'RegistryError'
    this.code = code
  }

  get httpStatus(): number {
    return this.code < 1_000 ? this.code : Math.floor(this.code / 100)
  }
}

export const registryErrors = {
  subjectNotFound: (subject: string) => new RegistryError(40401, `Subject '${subject}' not found.`),
  versionNotFound: (version: number | string) => new RegistryError(40402, `Version ${version} not found.`),
  schemaNotFound: () => new RegistryError(40403, 'Schema not found.'),
  schemaIdNotFound: (id: number) => new RegistryError(40403, `Schema ${id} not found.`),
  subjectSoftDeleted: (subject: string) =>
    new RegistryError(40404, `Subject '${subject}' was soft deleted. Set permanent=true to delete it for good.`),
  subjectNotSoftDeleted: (subject: string) =>
    new RegistryError(40405, `Subject '${subject}' must be soft deleted before it is deleted for good.`),
  versionSoftDeleted: (subject: string, version: number) =>
    new RegistryError(40406, `Subject '${subject}' version ${version} was soft deleted. Set permanent=true to delete it for good.`),
  versionNotSoftDeleted: (subject: string, version: number) =>
    new RegistryError(40407, `Subject '${subject}' version ${version} must be soft deleted before it is deleted for good.`),
  levelNotSet: (subject: string) => new RegistryError(40408, `Subject '${subject}' has no compatibility level of its own.`),
  modeNotSet: (subject: string) => new RegistryError(40409, `Subject '${subject}' has no mode of its own.`),
  incompatible: (subject: string, problems: readonly string[]) =>
    new RegistryError(
      409,
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${problems.join('; ')}]`,
    ),
  invalidSchema: (why: string) => new RegistryError(42201, `Invalid schema: ${why}.`),
  invalidVersion: (text: string) =>
    new RegistryError(42202, `'${text}' is no version: use a whole number from 1 to 2147483647, or "latest".`),
  invalidLevel: (text: string) =>
    new RegistryError(
      42203,
      `'${text}' is no compatibility level: use NONE, BACKWARD, FORWARD or FULL, the last three also with _TRANSITIVE.`,
    ),
  invalidMode: (text: string) => new RegistryError(42204, `'${text}' is no mode: use READWRITE, READONLY or IMPORT.`),
  notPermitted: (why: string) => new RegistryError(42205, why),
  referenceExists: (subject: string, version: number) =>
    new RegistryError(42206, `Other schemas refer to version ${version} of subject '${subject}'; delete them first.`),
  unprocessable: (why: string) => new RegistryError(422, why),
  store: (why: string) => new RegistryError(50001, `The schemas cannot be stored now: ${why}`),
}
