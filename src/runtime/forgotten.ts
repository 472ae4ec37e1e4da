/**
 * Something was asked for that is left out of memory, and that the store has: whoever holds such a value begins again with
 * all of it. No error of anybody, so it has no code and never leaves the process.
 */
export class Forgotten extends Error {
  constructor(what: string) {
    super(`${what} is left out of memory`)
  }
}
