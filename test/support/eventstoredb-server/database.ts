import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Journal } from './journal.ts'

export interface Proposed {
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Buffer
  readonly metadata: Buffer
}

export interface Stored extends Proposed {
  readonly stream: string
  readonly revision: number
  readonly position: number
  readonly createdMs: number
}

export type Expected = number | 'any' | 'no_stream' | 'stream_exists'

export type AppendOutcome =
  | { readonly kind: 'done'; readonly revision: number; readonly position: number | undefined }
  | { readonly kind: 'wrong-version'; readonly actual: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'dropped' }

interface Line {
  readonly stream: string
  readonly first: number
  readonly createdMs: number
  readonly events: readonly { id: string; type: string; contentType: string; data: string; metadata: string }[]
}

interface StreamState {
  /** Those that no scavenge has taken. */
  readonly events: Stored[]
  last: number
  /** Events before this revision are not shown. */
  truncateBefore: number
  maxCount: number
  isTombstoned: boolean
}

export const APPEND_BYTES_MAX = 1024 * 1024
const NONE = -1
/** After so long the caller hears of an append that was dropped. 2 to 3.5 s were seen. */
const COMMIT_TIMEOUT_MS = 2_000
/** $tb of a stream that was deleted, and may be written to again: the greatest number of 64 bits. */
const SOFT_DELETED = '9223372036854775807'
const TOMBSTONE = '$streamDeleted'

/** Streams and the order of all of their events, as in facts of /work/shared/eventstoredb.md. Emits `stored`, and `dropped` for each append that is. */
export class Database extends EventEmitter<{ stored: [Stored[]]; dropped: [] }> {
  readonly all: Stored[] = []
  /** An append stays in flight until what this returns resolves, beyond what the disk takes. */
  commit: () => Promise<void> = async () => {}
  /** Appends that were dropped. */
  dropped = 0
  /** Revision and first id of the appends in flight, by stream. */
  readonly #inFlight = new Set<string>()
  /** What the journal holds, by offset. */
  readonly #lines = new Map<number, Line>()
  readonly #streams = new Map<string, StreamState>()
  readonly #journal: Journal
  #news: Stored[] = []
  #waiting: (() => void)[] = []

  constructor(directory: string) {
    super()
    this.setMaxListeners(0)
    this.#journal = new Journal(directory, (offset, record) => this.#take(offset, record as Line))
    this.#news = []
  }

  /**
   * Resolves when the outcome is durable: appends of one turn share one wait for the disk. One whose id is in flight at the same
   * revision is dropped, and answered when the time for a commit is over.
   */
  async append(stream: string, expected: Expected, events: readonly Proposed[]): Promise<AppendOutcome> {
    const flight = events.length === 0 ? undefined : `${stream} ${expected} ${events[0]?.id}`
    if (flight === undefined) return this.#append(stream, expected, events)
    if (this.#inFlight.has(flight)) {
      this.dropped++
      this.emit('dropped')
      await pause(COMMIT_TIMEOUT_MS)
      return { kind: 'dropped' }
    }
    this.#inFlight.add(flight)
    try {
      const outcome = await this.#append(stream, expected, events)
      if (outcome.kind === 'done') await this.commit()
      return outcome
    } finally {
      this.#inFlight.delete(flight)
    }
  }

  async #append(stream: string, expected: Expected, events: readonly Proposed[]): Promise<AppendOutcome> {
    const outcome = this.#decide(stream, expected, events)
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) setImmediate(() => this.#flush())
    })
    return outcome
  }

  /** Soft: to append again goes on with the revisions. Hard: never again. */
  delete(stream: string, expected: Expected, isHard: boolean): Promise<AppendOutcome> {
    if (isHard) return this.append(stream, expected, [proposed(TOMBSTONE, Buffer.alloc(0))])
    const last = this.#last(stream)
    if (typeof expected === 'number' && expected !== last)
      return Promise.resolve({ kind: 'wrong-version', actual: last })
    return this.append(`$$${stream}`, 'any', [proposed('$metadata', Buffer.from(`{"$tb":${SOFT_DELETED}}`))])
  }

  /** What can be read of a stream; undefined if it is missing or deleted. */
  visible(stream: string): readonly Stored[] | 'tombstoned' | undefined {
    const state = this.#streams.get(stream)
    if (state === undefined) return undefined
    if (state.isTombstoned) return 'tombstoned'
    if (this.#isSoftDeleted(state)) return undefined
    const first = firstShown(state)
    return first === 0 ? state.events : state.events.filter(({ revision }) => revision >= first)
  }

  /**
   * Takes what was truncated or deleted out of the files; until then `$all` shows it. The last event of a stream is kept, but of
   * one that was deleted for good, which keeps nothing but that.
   */
  scavenge(): void {
    this.#flush()
    const gone = new Set<Stored>()
    for (const state of this.#streams.values()) {
      const first = state.isTombstoned || this.#isSoftDeleted(state) ? Number.POSITIVE_INFINITY : firstShown(state)
      const isKept = ({ revision }: Stored) => revision >= first || revision === state.last
      for (const event of state.events) if (!isKept(event)) gone.add(event)
      state.events.splice(0, Number.POSITIVE_INFINITY, ...state.events.filter(isKept))
    }
    this.all.splice(0, Number.POSITIVE_INFINITY, ...this.all.filter((event) => !gone.has(event)))
    for (const [offset, line] of this.#lines) {
      const isGone = (index: number) => [...gone].some(({ position }) => position === offset + index)
      if (!line.events.some((_, index) => isGone(index))) continue
      const events = line.events.map((event, index) => (isGone(index) ? blanked(event) : event))
      this.#lines.set(offset, { ...line, events })
      this.#journal.overwrite(offset, { ...line, events })
    }
  }

  /** Nothing is shown before it is durable. */
  settle(): void {
    if (this.#waiting.length > 0) this.#flush()
  }

  close(): void {
    this.#flush()
    this.#journal.close()
  }

  #decide(stream: string, expected: Expected, events: readonly Proposed[]): AppendOutcome {
    const state = this.#streams.get(stream)
    const last = this.#last(stream)
    if (state?.isTombstoned) return { kind: 'deleted' }
    if (events.reduce((sum, event) => sum + sizeOf(event), 0) > APPEND_BYTES_MAX) return { kind: 'too-large' }
    if (events.length === 0) return { kind: 'done', revision: last, position: undefined }
    const isDeleted = state !== undefined && this.#isSoftDeleted(state)
    const repeated = state === undefined ? undefined : repeatOf(state.events, expected, events)
    if (repeated !== undefined) return { kind: 'done', ...repeated }
    const fits =
      expected === 'any' ||
      (expected === 'no_stream' && (last === NONE || isDeleted)) ||
      (expected === 'stream_exists' && last !== NONE && !isDeleted) ||
      (expected === last && last !== NONE)
    if (!fits) return { kind: 'wrong-version', actual: isDeleted ? NONE : last }
    if (isDeleted) this.#write(`$$${stream}`, [proposed('$metadata', Buffer.from(`{"$tb":${last + 1}}`))])
    const position = this.#write(stream, events)
    return { kind: 'done', revision: last + events.length, position }
  }

  #last(stream: string): number {
    return this.#streams.get(stream)?.last ?? NONE
  }

  #isSoftDeleted({ truncateBefore }: StreamState): boolean {
    return truncateBefore > Number.MAX_SAFE_INTEGER
  }

  #write(stream: string, events: readonly Proposed[]): number {
    const written: Line = {
      stream,
      first: this.#last(stream) + 1,
      createdMs: Date.now(),
      events: events.map(({ id, type, contentType, data, metadata }) => ({
        id,
        type,
        contentType,
        data: data.toString('base64'),
        metadata: metadata.toString('base64'),
      })),
    }
    return this.#take(this.#journal.add(written), written)
  }

  /** Positions are offsets in the file; those of one record follow each other, since an event takes more than a byte. */
  #take(offset: number, { stream, first, createdMs, events }: Line): number {
    const state = this.#streamOf(stream)
    this.#lines.set(offset, { stream, first, createdMs, events })
    state.last = first + events.length - 1
    events.forEach(({ id, type, contentType, data, metadata }, index) => {
      if (isBlanked(type)) return
      const bytes = { data: Buffer.from(data, 'base64'), metadata: Buffer.from(metadata, 'base64') }
      const place = { stream, revision: first + index, position: offset + index, createdMs }
      const stored = { id, type, contentType, ...bytes, ...place }
      state.events.push(stored)
      this.all.push(stored)
      this.#news.push(stored)
      if (type === TOMBSTONE) state.isTombstoned = true
      if (stream.startsWith('$$')) this.#describe(stream.slice(2), bytes.data)
    })
    return offset + events.length - 1
  }

  #describe(stream: string, metadata: Buffer): void {
    const { $tb = 0, $maxCount = Number.POSITIVE_INFINITY } = JSON.parse(metadata.toString()) as {
      $tb?: number
      $maxCount?: number
    }
    Object.assign(this.#streamOf(stream), { truncateBefore: $tb, maxCount: $maxCount })
  }

  #streamOf(stream: string): StreamState {
    const state = this.#streams.get(stream) ?? {
      events: [],
      last: NONE,
      truncateBefore: 0,
      maxCount: Number.POSITIVE_INFINITY,
      isTombstoned: false,
    }
    this.#streams.set(stream, state)
    return state
  }

  #flush(): void {
    this.#journal.flush()
    const news = this.#news.splice(0)
    for (const resolve of this.#waiting.splice(0)) resolve()
    if (news.length > 0) this.emit('stored', news)
  }
}

/** The same ids right behind the expected revision, or anywhere if any will do: the result of the first time. */
function repeatOf(standing: readonly Stored[], expected: Expected, events: readonly Proposed[]) {
  if (expected === 'stream_exists') return undefined
  const from =
    expected === 'any'
      ? standing.findIndex(({ id }) => id === events[0]?.id)
      : (expected === 'no_stream' ? NONE : expected) + 1 - (standing[0]?.revision ?? 0)
  const there = from < 0 ? [] : standing.slice(from, from + events.length)
  if (there.length < events.length || !there.every(({ id }, index) => id === events[index]?.id)) return undefined
  const last = there.at(-1)
  return last === undefined ? undefined : { revision: last.revision, position: last.position }
}

function firstShown({ truncateBefore, maxCount, last }: StreamState): number {
  return Math.max(truncateBefore, last + 1 - maxCount, 0)
}

/** As long as it was, so that what stands behind it stays in its place. */
function blanked<Event extends Line['events'][number]>(event: Event): Event {
  const { type, data, metadata } = event
  return {
    ...event,
    type: '~'.repeat(type.length),
    data: '~'.repeat(data.length),
    metadata: '~'.repeat(metadata.length),
  }
}

function isBlanked(type: string): boolean {
  return /^~+$/.test(type)
}

function proposed(type: string, data: Buffer): Proposed {
  return { id: randomUUID(), type, contentType: 'application/json', data, metadata: Buffer.alloc(0) }
}

function sizeOf({ type, data, metadata }: Proposed): number {
  return data.length + metadata.length + 2 * type.length
}
