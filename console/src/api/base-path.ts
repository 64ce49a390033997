/** The path below which a proxy serves all of this, `/millrace`; '' for the root. */
export const basePath = document.querySelector('meta[name="base-path"]')?.getAttribute('content') ?? ''

/** Where the API is. */
export const apiPath = `${basePath}/api/v1`
