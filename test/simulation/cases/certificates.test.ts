import t from 'tap'
import { partyFingerprint } from '../../../src/events/parties/party-card.ts'
import { Directory } from '../../../src/node/directory/directory.ts'
import {
  IntroductionBadlySigned,
  introductionDocument,
  type SignedIntroduction,
  verifyIntroduction,
} from '../../../src/node/directory/introduction.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { type TestParty, testParty } from '../../support/party.ts'
import { type TlsIdentity, tlsIdentity } from '../../support/tls.ts'
import { Stage } from './stage.ts'

const HANDLES = ['ana', 'ben', 'mallory'] as const
type Name = (typeof HANDLES)[number]

t.test('a member that claims the certificate another has just renewed cuts nobody off', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: {}, mallory: {} })
  const { clock, network } = stage.run
  const parties = new Map<string, TestParty>(HANDLES.map((handle) => [handle, testParty(handle)]))
  const shows = new Map<string, TlsIdentity>(HANDLES.map((handle) => [handle, tlsIdentity(handle)]))
  const of = (handle: Name) => ({
    party: parties.get(handle) as TestParty,
    tls: shows.get(handle) as TlsIdentity,
    directory: directories.get(handle) as Directory,
  })
  const directories = new Map<string, Directory>()
  for (const handle of HANDLES) {
    const directory = await Directory.open(openMemoryStore().events, clock)
    directories.set(handle, directory)
    t.teardown(() => directory.close())
    for (const other of HANDLES) {
      if (other === handle) continue
      const { party, tls } = of(other)
      await directory.introduce(await party.introduce({}, tls))
      await directory.approve(party.card.handle, partyFingerprint(party.card))
    }
  }
  // As in a handshake, each looks at the certificate that the other shows.
  const knows = (one: string, other: string) =>
    directories.get(one)?.caller(shows.get(other)?.fingerprint as TlsIdentity['fingerprint'], other) !== undefined
  network.admits = (caller, called) => knows(caller, called) && knows(called, caller)
  await stage.agrees(stage.machine('ana'))

  const renewed = tlsIdentity('ben')
  shows.set('ben', renewed)
  for (const other of ['ana', 'mallory']) t.notOk(knows(other, 'ben'), `${other} does not know it yet`)
  await stage.workload.write(stage.machine('ben'), '0.0')
  const { accepted = 0 } = stage.run.counts
  await stage.run.pass(3_000)
  t.equal(stage.run.counts.accepted, accepted, 'and nothing of ben comes to anybody')

  const mallory = of('mallory')
  const bens = await of('ben').party.introduce({ serial: 1 }, renewed)
  const claim = await mallory.party.introduce({ serial: 4_000_000_000 }, { ...renewed, key: mallory.tls.key })
  const posts = (signed: SignedIntroduction) => {
    const verified = verifyIntroduction(introductionDocument(signed))
    return Promise.all(['ana', 'ben'].map((at) => directories.get(at)?.announced(verified)))
  }
  for (const forged of [claim, { ...claim, possession: bens.possession }]) {
    await t.rejects(async () => posts(forged), IntroductionBadlySigned)
  }
  t.notOk(directories.get('ana')?.caller(renewed.fingerprint, 'mallory'), 'it is nobody else that shows it')
  // Of what she has the key of she may say what she likes.
  await posts(await mallory.party.introduce({ serial: 4_000_000_000 }, mallory.tls))

  for (const at of ['ana', 'mallory']) await directories.get(at)?.announced(bens)
  t.ok(HANDLES.every((one) => HANDLES.every((other) => one === other || knows(one, other))))
  await stage.until('what ben has said is agreed', () => (stage.run.counts.accepted ?? 0) > accepted)
  await stage.ends()
  t.notOk(stage.run.counts.accused)
})
