import { placeOfFault } from '../api/http/json-fault.ts'
import { ConcordataError } from '../runtime/errors.ts'

/** What was given as JSON is none. */
export class JsonArgumentMalformed extends ConcordataError {}

/** `what`: it is, for people. Throws JsonArgumentMalformed. */
export function jsonIn(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new JsonArgumentMalformed('request_malformed', `${what} is no JSON: ${placeOfFault(text)}`, {}, { cause })
  }
}
