import { Type } from 'typebox'
import { nfc } from '../aggregates/names/normal-form.ts'
import type { ProposalId, Uid } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { wireInteger } from './digits.ts'

/** Names from the root on with slashes between, escaped as in a URL; '' is the root. `Lines/0` is the prototype of a list. */
export const PathSchema = Type.String({ maxLength: 4_000 })

/** A path names nothing in the agreed document. */
export class NoSuchPath extends ConcordataError {}
/** A path cannot be read: wrong escapes, or an empty step in it. */
export class PathMalformed extends ConcordataError {}

/**
 * The steps of what stands behind `/new-api/<uid>` in a URL: element names, escapes undone, in NFC as names are. A trailing
 * slash is no step.
 */
export function parsePath(raw: string): string[] {
  if (raw === '' || raw === '/') return []
  const text = raw.replace(/^\/|\/$/g, '')
  try {
    return text.split('/').map((step) => {
      if (step === '') throw new PathMalformed('path_malformed', `the path ${raw} has an empty step`, { path: raw })
      return nfc(decodeURIComponent(step))
    })
  } catch (cause) {
    if (cause instanceof PathMalformed) throw cause
    throw new PathMalformed('path_malformed', `the path ${raw} has a wrong escape`, { path: raw }, { cause })
  }
}

/** Names an entry of a list by its number, `Lines[3]`, or by its key: `Lines[Insurer = "acme-re"]`. */
export type Selector =
  | { readonly list: string; readonly number: string }
  | {
      readonly list: string
      readonly key: string
      /** As JSON has it: a text, or an integer. */
      readonly value: unknown
    }

/** Undefined: the step is a name, and nothing else. Names may have brackets in them: whoever asks looks for the name first. */
export function selectorIn(step: string): Selector | undefined {
  const [, counted = '', number = ''] = /^(.+)\[(0|[1-9]\d*)\]$/s.exec(step) ?? []
  if (counted !== '') return { list: counted, number }
  const [, list = '', key = '', literal = ''] = /^(.+)\[([^=]*[^= ]) *= *("(?:[^"\\]|\\.)*"|-?\d+)\]$/s.exec(step) ?? []
  if (list === '') return undefined
  try {
    return { list, key: key.replace(/^ +/, ''), value: wireInteger(literal) ?? JSON.parse(literal) }
  } catch {
    return undefined
  }
}

/** The way to an element as it stands in bodies, queries and answers: names escaped as in a URL, with slashes between them (decision 0154). */
export function pathTo(names: readonly string[]): string {
  return names.map(encodeURIComponent).join('/')
}

export function noSuchPath(contract: Uid, names: readonly string[]): NoSuchPath {
  const shown = names.map((name) => name.replaceAll('/', '%2F')).join('/')
  const isEscaped = names.some((name) => name.includes('/') && selectorIn(name) === undefined)
  const advice = isEscaped ? ': no name has a slash in it, and one between names is written as it is' : ''
  return new NoSuchPath('no_such_path', `the agreed document has no ${shown}${advice}`, {
    contract,
    path: pathTo(names),
  })
}

/** Of a field, or of a proposal that is named. `isErased`: all members have given up what stood there. */
export function noAgreedValue(
  path: string,
  { isErased, proposal }: { readonly isErased: boolean; readonly proposal?: ProposalId | undefined },
): NoSuchPath {
  const nothing = proposal === undefined ? 'the field has no agreed value' : 'no such value stands there'
  const message = isErased ? 'all members have given up the value that stood there' : nothing
  const evidence = { path, ...(proposal && { proposal }), ...(isErased && { isErased }) }
  return new NoSuchPath('no_agreed_value', message, evidence)
}

/** The URL path, and the live subject, of an element. */
export function subjectOf(uid: string, names: readonly string[]): string {
  return ['', 'new-api', uid, ...names].map(encodeURIComponent).join('/')
}
