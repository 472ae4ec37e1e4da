import fc from 'fast-check'
import t from 'tap'
import { HANDLE_PATTERN, type Handle, UID_PATTERN, type Uid } from '../../src/events/ids.ts'
import {
  CONTRACTS_STREAM,
  contractStream,
  DIRECTORY_STREAM,
  evidenceStream,
  feedStream,
  INVITATIONS_STREAM,
  OUTBOX_DONE_STREAM,
  OUTBOX_STREAM,
  parseStream,
} from '../../src/store/streams.ts'

const uid = fc.stringMatching(new RegExp(UID_PATTERN)) as fc.Arbitrary<Uid>
const handle = fc.stringMatching(new RegExp(HANDLE_PATTERN)) as fc.Arbitrary<Handle>

t.test('names are as docs and operators know them', async (t) => {
  const contract = '0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk' as Uid
  t.equal(
    feedStream(contract, 'acme-re' as Handle),
    'feed-0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk-acme-re',
  )
  t.equal(contractStream(contract), 'contract-0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk')
  t.equal(evidenceStream(contract), 'evidence-0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk')
  t.same([OUTBOX_STREAM, OUTBOX_DONE_STREAM], ['outbox-asks', 'outbox-done'])
  t.same([DIRECTORY_STREAM, INVITATIONS_STREAM, CONTRACTS_STREAM], ['directory', 'invitations', 'contracts'])
})

t.test('a name taken apart gives what it was made of', async (t) => {
  fc.assert(
    fc.property(uid, handle, (contract, handle) => {
      t.same(parseStream(feedStream(contract, handle)), { kind: 'feed', contract, handle })
      t.same(parseStream(contractStream(contract)), { kind: 'contract', contract })
      t.same(parseStream(evidenceStream(contract)), { kind: 'evidence', contract })
    }),
  )
  const sole = [DIRECTORY_STREAM, INVITATIONS_STREAM, CONTRACTS_STREAM, OUTBOX_STREAM, OUTBOX_DONE_STREAM]
  for (const name of sole) t.same(parseStream(name), { kind: name })
})

t.test('other names are nobody’s', async (t) => {
  const contract = '0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk'
  const others = [
    '',
    '$streams',
    'feed',
    'feed-',
    `feed-${contract}`,
    `feed-${contract}-`,
    `feed-${contract}-Acme`,
    `feed-${contract}-acme-`,
    `feed-${contract}-acme\n`,
    `feed-${contract.slice(1)}-acme`,
    `xfeed-${contract}-acme`,
    `contract-${contract}-acme`,
    `contract-${contract.toUpperCase()}`,
    `payload-${contract}`,
    'directory-1',
    'directory ',
    'Contracts',
  ]
  for (const name of others) t.equal(parseStream(name), undefined, JSON.stringify(name))
})
