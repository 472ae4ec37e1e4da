import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { verifyIntroduction } from '../../../src/node/directory/introduction.ts'
import { ownIntroduction } from '../../../src/node/directory/own-introduction.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { newIdentity } from '../../support/identity.ts'
import { type TlsIdentity, tlsIdentity } from '../../support/tls.ts'

const clock = new VirtualClock()
const now = Math.floor(clock.now() / 1000)

t.test('a node says who and where it is, and the same again as long as that is so', async (t) => {
  const { configuration, identity } = await newIdentity(t.testdir(), 'acme-re')
  const document = await ownIntroduction(configuration, identity, clock)
  t.strictSame(verifyIntroduction(document).introduction, {
    card: identity.card,
    endpoint: configuration.endpoint,
    certificate: identity.certificate,
    serial: now,
  })
  t.equal(await ownIntroduction(configuration, identity, clock), document)
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
    const { introduction } = verifyIntroduction(await ownIntroduction(where, who, clock))
    t.match(introduction, { endpoint: where.endpoint, card: { name: who.card.name } })
    serials.push(introduction.serial)
  }
  t.strictSame(serials, [now, now + 1, now + 2, now + 3], 'also those that come at once')
})

t.test('after a restore from an old backup the next one is newer than all that others know', async (t) => {
  const dir = t.testdir()
  const { configuration, identity } = await newIdentity(dir, 'acme-re')
  const later = new VirtualClock()
  const serialOf = async (tls: TlsIdentity) => {
    const shown = { ...identity, tls, certificate: tls.fingerprint }
    const document = await ownIntroduction(configuration, shown, later)
    return verifyIntroduction(document).introduction.serial
  }
  await serialOf(tlsIdentity('one'))
  const backup = await readFile(join(dir, 'did.json'))
  await later.runUntil(later.now() + 60_000)
  const known = await serialOf(tlsIdentity('renewed after the backup'))
  await writeFile(join(dir, 'did.json'), backup)
  await later.runUntil(later.now() + 60_000)
  t.ok((await serialOf(tlsIdentity('renewed after the restore'))) > known)
})

t.test('a clock that is behind takes no serial back', async (t) => {
  const { configuration, identity } = await newIdentity(t.testdir(), 'acme-re')
  const ahead = new VirtualClock()
  await ahead.runUntil(ahead.now() + 3_600_000)
  await ownIntroduction(configuration, identity, ahead)
  const document = await ownIntroduction({ ...configuration, endpoint: 'https://127.0.0.1:7444' }, identity, clock)
  t.equal(verifyIntroduction(document).introduction.serial, now + 3601)
})

t.test('a serial that is lost is not guessed', async (t) => {
  const dir = t.testdir()
  const { configuration, identity } = await newIdentity(dir, 'acme-re')
  await writeFile(join(dir, 'did.json'), '{}')
  await t.rejects(ownIntroduction(configuration, identity, clock), {
    code: 'identity_damaged',
    message: `${dir}/did.json is not the introduction that this node wrote`,
  })
})
