import { spawnSync } from 'node:child_process'
import t from 'tap'

t.test('a failure of a subscription that nobody watches ends the process', async (t) => {
  const script = `
    import { openMemoryStore } from ${JSON.stringify(new URL('../../src/store/embedded/memory-store.ts', import.meta.url))}
    const { events } = openMemoryStore()
    await events.append('a', -1, [{ type: 'Fact', data: '1' }])
    events.subscribe({}, () => { throw new Error('the projection broke') })
    setInterval(() => {}, 1000)`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  t.equal(status, 1)
  t.match(stderr, /the projection broke/)
})
