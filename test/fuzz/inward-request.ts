/** What an inward route takes. */
export interface Valid {
  /** What the API answers to the first. */
  readonly status: number
  /** `$` stands for the UID of a contract that is this route's alone. A target, headers, an empty line, and the body. */
  readonly requests: readonly string[]
}

const JSON_TYPE = 'content-type: application/json'
export const write = (path: string, ...bodies: string[]) =>
  bodies.map((body) => `/new-api/$${path}\n${JSON_TYPE}\nprefer: wait=5\n\n${body}`)
export const json = (path: string, ...bodies: string[]) =>
  bodies.map((body) => `/api/${path}\n${JSON_TYPE}\nprefer: wait=5\n\n${body}`)
