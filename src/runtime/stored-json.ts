import { exceededBound } from './json-bounds.ts'

/** Deeper than anything that Concordata stores: a parser takes a second for a megabyte of brackets. */
const BOUNDS = { depthMax: 64, membersMax: Number.POSITIVE_INFINITY }
/** A shorter text costs nothing, whatever is in it. */
const SHORT_CHARACTERS = 64 * 1024

/** Data of an event, which another program, or the process that is trusted least, may have put into the store. Throws SyntaxError. */
export function parseStored(text: string): unknown {
  if (text.length > SHORT_CHARACTERS && exceededBound(text, BOUNDS) !== undefined)
    throw new SyntaxError('it is deeper than anything that is stored')
  return JSON.parse(text)
}
