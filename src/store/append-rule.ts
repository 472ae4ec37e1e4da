import { assert } from '../runtime/assert.ts'
import { WrongExpectedRevision } from './errors.ts'
import { assertGroup } from './payload-group.ts'
import { type Appended, type NewEvent, NO_EVENTS, type RecordedEvent, type Write } from './port.ts'

export type Append = Extract<Write, { kind: 'append' }>

/**
 * The place of the last event, if the append repeats what stands; undefined, if it is to be done. `actual`: the last
 * revision of the stream. `standing(from, count)`: its events from a revision on, at most that number of them.
 * Throws WrongExpectedRevision.
 */
export function repeatedBy(
  { stream, expectedRevision, events }: Append,
  actual: number,
  standing: (from: number, count: number) => readonly RecordedEvent[],
): Appended | undefined {
  if (expectedRevision === 'any' || expectedRevision === actual) return undefined
  if (expectedRevision + events.length <= actual) {
    const there = standing(expectedRevision + 1, events.length)
    const last = there.at(-1)
    if (last !== undefined && events.every((event, index) => isSame(event, there[index]))) {
      return { revision: last.revision, position: last.position }
    }
  }
  throw new WrongExpectedRevision(stream, expectedRevision, actual)
}

function isSame({ type, data }: NewEvent, there: RecordedEvent | undefined): boolean {
  return there?.type === type && there.data === data
}

/** Asserts what the port requires of its callers. */
export function assertWritable(batch: readonly Write[]): void {
  for (const write of batch) {
    if (write.kind === 'payloads') {
      assertGroup(write.group)
      for (const { text } of write.entries) assert(text.isWellFormed(), 'a payload is well-formed Unicode')
    } else {
      assertAppendable(write)
    }
  }
}

function assertAppendable({ stream, expectedRevision, events }: Append): void {
  assert(stream !== '', 'a stream has a name')
  assert(
    expectedRevision === 'any' || (Number.isSafeInteger(expectedRevision) && expectedRevision >= NO_EVENTS),
    'an expected revision is -1, 0, 1, 2 … or any',
  )
  assert(events.length > 0, 'an append has at least one event')
  for (const { type, data } of events) {
    assert(type !== '' && !type.includes('\n'), 'the type of an event is one line')
    assert(data.isWellFormed(), 'the data of an event are well-formed Unicode')
  }
}
