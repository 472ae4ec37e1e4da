import { readFileSync } from 'node:fs'

/** The cases in a file of test/vectors, such as `merkle/rfc6962.json`. */
export function readVectors<Cases>(path: string): Cases {
  return JSON.parse(readFileSync(new URL(`../vectors/${path}`, import.meta.url), 'utf8')) as Cases
}
