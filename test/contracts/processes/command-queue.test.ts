import t from 'tap'
import { CommandQueue } from '../../../src/contracts/commands/command-queue.ts'
import { done } from '../../../src/contracts/commands/queued-command.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { OUTBOX_STREAM } from '../../../src/store/streams.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'

t.test('how long the store takes says nothing of who signs', async (t) => {
  const { events } = openMemoryStore()
  const clock = new VirtualClock()
  const mayAppend = Promise.withResolvers<void>()
  const slow = {
    append: async (...[stream, revision, more]: Parameters<typeof events.append>) => {
      await mayAppend.promise
      return events.append(stream, revision, more)
    },
    read: events.read.bind(events),
  }
  const queue = new CommandQueue({ events: { ...events, ...slow }, clock, newId: () => 'one' })
  const told: unknown[] = []
  const shown = queue.show().then(
    (keys) => told.push(keys),
    (error) => told.push(error.code),
  )
  await clock.runUntil(clock.now() + 11_000)
  t.same([told, queue.isTakenUp], [[], true])
  mayAppend.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  await events.append(OUTBOX_STREAM, 'any', [done({ id: 'one', contract: null, result: 'keys' })])
  await clock.runUntil(clock.now() + 11_000)
  await shown
  t.same([told, queue.isTakenUp], [['keys'], true], 'and what it has then is looked up')
})
