import { join } from 'node:path'
import t from 'tap'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { partiesStoreIn } from '../../support/party-store.ts'

/** As many as the tests below have parties without edges. */
const PARTIES = 53

// The tests of attachments, erasures and templates once more, as they are, with every party on a server of its own.
const directory = t.testdir()
const opened = await Promise.all(
  Array.from({ length: PARTIES }, async (_, n) => {
    const server = await startServer(join(directory, `${n}`))
    return { server, store: await openEventStoreDbStore({ url: server.url }) }
  }),
)
t.teardown(async () => {
  await Promise.all(opened.map(({ store }) => store.close()))
  for (const { server } of opened) server.close()
})
const unused = opened.values()
const next = () => {
  const { value } = unused.next()
  if (value === undefined) throw new Error('more parties than servers')
  return value
}
partiesStoreIn({ open: () => next().store, settingsOf: () => ({ url: next().server.url }) })
await import('../../contracts/contents/contents.test.ts')
await import('../../contracts/replica/erasures.test.ts')
await import('../../api/routes/templates.test.ts')
