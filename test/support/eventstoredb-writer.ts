import { EventStoreDBClient } from '@eventstore/db-client'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'

/**
 * eventstoredb-writer.ts URL: eight writers and a subscription on a store. Prints `writing` when each has stored one more event
 * since it was asked by a line, `failing` when each has been told twice in between that it cannot; `fault` with a message for
 * what the client threw outside of any call. The line `read` makes a reading, and prints how it ended; `reject` leaves a call of a
 * client alone, to a cluster that is not there; `throw` throws.
 */
const WRITERS = 8
const [url = ''] = process.argv.slice(2)
const store = await openEventStoreDbStore({
  url,
  timeoutMs: 3_000,
  reportFault: ({ message }) => console.log(`fault ${message}`),
})
store.events.subscribe({}, () => {})
const stored = Array.from({ length: WRITERS }, () => 0)
const failed = Array.from({ length: WRITERS }, () => 0)
let [isToldOfWriting, isToldOfFailing] = [true, true]

for (let writer = 0; writer < WRITERS; writer++) write(writer)

async function write(writer: number): Promise<void> {
  for (let revision = -1; ; ) {
    try {
      const fact = { type: 'Fact', data: JSON.stringify(revision) }
      revision = (await store.events.append(`writer-${writer}`, revision, [fact])).revision
      stored[writer] = (stored[writer] ?? 0) + 1
    } catch {
      failed[writer] = (failed[writer] ?? 0) + 1
    }
    tell()
  }
}

function tell(): void {
  if (!isToldOfFailing && failed.every((times) => times >= 2)) {
    isToldOfFailing = true
    console.log('failing')
  }
  if (!isToldOfWriting && stored.every((times) => times >= 1)) {
    isToldOfWriting = true
    console.log('writing')
  }
}

function leaveAlone(client: EventStoreDBClient): void {
  client.deleteStream('a', { credentials: { username: 'nobody', password: '' } })
}

for await (const chunk of process.stdin) {
  for (const line of String(chunk).trim().split('\n')) {
    if (line === 'throw') setImmediate(() => JSON.parse('{'))
    else if (line === 'reject')
      leaveAlone(EventStoreDBClient.connectionString('esdb://127.0.0.1:1,127.0.0.1:2?tls=false'))
    else if (line === 'read') {
      const ended = await store.events.lastRevision('writer-0').then(String, ({ code }) => code)
      console.log(`read ${ended}`)
    } else {
      stored.fill(0)
      failed.fill(0)
      isToldOfWriting = line !== 'writing'
      isToldOfFailing = line !== 'failing'
    }
  }
}
