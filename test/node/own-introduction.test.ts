import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { verifyIntroduction } from '../../src/node/introduction.ts'
import { ownIntroduction } from '../../src/node/own-introduction.ts'
import { newIdentity } from '../support/identity.ts'

t.test('a node says who and where it is, and the same again as long as that is so', async (t) => {
  const { configuration, identity } = await newIdentity(t.testdir(), 'acme-re')
  const document = await ownIntroduction(configuration, identity)
  t.strictSame(verifyIntroduction(document).introduction, {
    card: identity.card,
    endpoint: configuration.endpoint,
    certificate: identity.certificate,
    serial: 0,
  })
  t.equal(await ownIntroduction(configuration, identity), document)
})

t.test('every change has a serial of its own', async (t) => {
  const { configuration, identity } = await newIdentity(t.testdir(), 'acme-re')
  const moved = { ...configuration, endpoint: 'https://127.0.0.1:7444' }
  const renamed = { ...identity, card: { ...identity.card, name: 'Acme Re plc' } }
  const serials = []
  for (const [where, who] of [
    [configuration, identity],
    [moved, identity],
    [moved, renamed],
    [configuration, identity],
  ] as const) {
    const { introduction } = verifyIntroduction(await ownIntroduction(where, who))
    t.match(introduction, { endpoint: where.endpoint, card: { name: who.card.name } })
    serials.push(introduction.serial)
  }
  t.strictSame(serials, [0, 1, 2, 3])
})

t.test('a serial that is lost is not guessed', async (t) => {
  const dir = t.testdir()
  const { configuration, identity } = await newIdentity(dir, 'acme-re')
  await writeFile(join(dir, 'did.json'), '{}')
  await t.rejects(ownIntroduction(configuration, identity), {
    code: 'identity_damaged',
    message: `${dir}/did.json is not the introduction that this node wrote`,
  })
})
