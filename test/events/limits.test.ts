import t from 'tap'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import {
  canRefuseWhole,
  ceilings,
  defaultLimits,
  REFUSAL_BYTES,
  SEEN_PARTY_BYTES,
  STATEMENT_FRAME_BYTES,
} from '../../src/events/limits.ts'
import { refusalCodes } from '../../src/events/reasons.ts'

const GREATEST = Number.MAX_SAFE_INTEGER
const handle = 'h'.repeat(32)
const hash = 'f'.repeat(64)
const uid = `1${'z'.repeat(51)}`
const key = `ed25519:${'A'.repeat(43)}`
const signature = `ed25519:${'A'.repeat(86)}`
const bytesOf = (value: unknown) => Buffer.byteLength(canonicalJson(value))

t.test('nothing that a statement has takes more bytes than limits are judged by', async (t) => {
  for (const code of Object.keys(refusalCodes)) {
    const refusal = { code, request: { handle, index: ceilings.requestsPerStatement, seq: GREATEST } }
    t.ok(bytesOf(refusal) + 1 <= REFUSAL_BYTES, code)
  }
  t.ok(bytesOf({ [handle]: { hash, seq: GREATEST } }) <= SEEN_PARTY_BYTES)
  const revocation = { contract: uid, party: handle, revokes: key, signing: key }
  const frame = {
    clock: GREATEST,
    contract: uid,
    decided: [],
    head: { record: hash, root: hash, size: GREATEST },
    key: { revoke: { proof: signature, revocation, signature } },
    note: { root: hash, signature, size: GREATEST, time: GREATEST },
    party: handle,
    prev: hash,
    refusals: [],
    requests: [],
    seen: {},
    seq: GREATEST,
    time: '2026-01-01T00:00:00.000Z',
    v: 1,
  }
  t.ok(bytesOf(frame) <= STATEMENT_FRAME_BYTES, `${bytesOf(frame)}`)
})

t.test('limits leave room to refuse all requests of a statement', async (t) => {
  t.ok(canRefuseWhole(defaultLimits))
  t.ok(canRefuseWhole(ceilings))
  const tight = { ...defaultLimits, statementBytes: 4096, members: 12, requestsPerStatement: 1 }
  t.ok(canRefuseWhole(tight))
  t.notOk(canRefuseWhole({ ...tight, members: 13 }))
  t.notOk(canRefuseWhole({ ...tight, requestsPerStatement: 2 }))
  t.notOk(canRefuseWhole({ ...defaultLimits, statementBytes: 131_072, requestsPerStatement: 4096 }))
})
