import t from 'tap'
import { serverUnderTest } from '../../support/eventstoredb-under-test.ts'
import { open } from '../../support/open-eventstoredb.ts'
import { collector, facts, namesOf } from '../../support/store-conformance/harness.ts'

// The server drops a live subscriber that is 32 events behind; one second of 16 appenders was enough for that.
const WRITERS = 24
const EACH = 150
const PAUSED_EVERY = 200
await serverUnderTest(t)

t.test(
  'many append at once while a subscriber is slow: each is acknowledged once, and it gets each event once',
  async (t) => {
    const store = await open(t.testdir())
    t.teardown(() => store.close())
    const seen = collector()
    const done = Promise.withResolvers<void>()
    // Now and then it takes as long as so many appends do, so what is live overtakes it again and again.
    let appended = 0
    let slow: { readonly until: number; resolve(): void } | undefined
    const subscription = store.events.subscribe({}, async (event) => {
      if (seen.events.length % PAUSED_EVERY === 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        slow = { until: Math.min(appended + 4 * WRITERS, WRITERS * EACH), resolve }
        if (appended < slow.until) await promise
      }
      seen.handler(event)
    })
    subscription.closed.then(done.resolve, done.reject)
    const latencies: number[] = []
    const began = performance.now()
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let n = 0; n < EACH; n++) {
          const sent = performance.now()
          const { revision } = await store.events.append(`writer-${writer}`, n - 1, facts(n))
          latencies.push(performance.now() - sent)
          if (revision !== n) t.fail(`writer ${writer} was told ${revision} for ${n}`)
          if (++appended === slow?.until) slow.resolve()
        }
      }),
    )
    const seconds = (performance.now() - began) / 1000
    const events = await seen.reached(WRITERS * EACH)
    latencies.sort((one, other) => one - other)
    const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1)
    t.comment(`${Math.round(events.length / seconds)} appends a second, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
    for (let writer = 0; writer < WRITERS; writer++) {
      t.same(
        namesOf(events.filter(({ stream }) => stream === `writer-${writer}`)),
        Array.from({ length: EACH }, (_, n) => n),
      )
    }
    t.ok(events.every(({ position }, index) => index === 0 || position > (events[index - 1]?.position ?? 0)))
    subscription.close()
    await done.promise
    t.equal(events.length, WRITERS * EACH)
  },
)
