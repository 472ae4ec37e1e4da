import { createHash } from 'node:crypto'
import { QueryUnfit } from './query-unfit.ts'

export type Bound = string | number | null

/** Where a page of a query ends: the values by which rows are ordered, of the last one that was looked at. */
export type PagePlace = readonly Bound[]

/** As a client sends it back, with the same query. */
export function cursorOf(query: string, place: PagePlace): string {
  return Buffer.from(JSON.stringify([digestOf(query), ...place])).toString('base64url')
}

/** Attacker-controlled: `cursor`. Throws QueryUnfit for one that is not of this query; whatever values are in it, they are compared with, and nothing else. */
export function placeIn(query: string, cursor: string, lengths: readonly number[]): PagePlace {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw unfit()
  }
  if (!Array.isArray(read) || !lengths.includes(read.length - 1) || read[0] !== digestOf(query)) throw unfit()
  const place: unknown[] = read.slice(1)
  if (!place.every(isBound)) throw unfit()
  return place as Bound[]
}

function isBound(value: unknown): boolean {
  return value === null || typeof value === 'string' || Number.isSafeInteger(value)
}

function digestOf(query: string): string {
  return createHash('sha256').update(query).digest('base64url').slice(0, 16)
}

function unfit(): QueryUnfit {
  return new QueryUnfit('query_unfit', 'the cursor is not one of this query', {
    path: '/cursor',
    expected: 'what the Link of the page before has, with the same filters and the same order',
  })
}
