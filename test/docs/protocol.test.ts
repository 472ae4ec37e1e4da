import { readFile } from 'node:fs/promises'
import t from 'tap'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { domains } from '../../src/crypto/hash.ts'
import { voidCodes } from '../../src/events/outcome.ts'
import { lockPurposes, refusalCodes, resignationReasons, withdrawalCodes } from '../../src/events/reasons.ts'
import { decodeMessage } from '../../src/gossip/message.ts'
import { INTRODUCTION_BYTES_MAX } from '../../src/gossip/transport/protocol.ts'
import { introductionDocument } from '../../src/node/directory/introduction.ts'
import { testParty } from '../support/party.ts'
import { readVectors } from '../support/vectors.ts'
import type { Vector } from '../vectors/protocol-vector.ts'

const page = await readFile(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

t.test('the domains are those that hash and sign what parties see of each other', async (t) => {
  const [, list = ''] = /Domains: ([\s\S]*?)\.\n/.exec(page) ?? []
  const named = [...list.matchAll(/`([a-z]+)`/g)].map(([, name = '']) => name)
  t.same(named.toSorted(), Object.keys(domains).toSorted())
  for (const name of named) t.equal(domains[name as keyof typeof domains], `concordata/v1/${name}\n`)
})

t.test('the worked example is the first statement of the vector that it names', async (t) => {
  const { statements, expect } = readVectors<Vector>('protocol/opening-and-membership.json')
  const { head: _head, ...core } = JSON.parse(statements[0] ?? '').statement
  const [first] = expect.statements
  const [root = ''] = expect.roots.slice(1)
  t.ok(page.includes(`without \`head\`, ${canonicalJson(core).length} bytes`))
  t.ok(page.includes(`core  ${first?.core}\nhash  ${first?.hash}\n`))
  t.ok(page.includes(`\`${root.slice(0, 8)}…${root.slice(-8)}\``))
  t.ok(page.includes(JSON.parse(expect.ledger[0] ?? '').answers))
})

t.test('the document of an introduction is, to the byte, what the page says', async (t) => {
  const signed = await testParty('acme-re').introduce({ serial: 3 })
  const { introduction, proof } = signed
  const [, form = ''] = /### 11\.1 [\s\S]*?```\n([\s\S]*?)```/.exec(page) ?? []
  const document = form
    .replaceAll('\n', '')
    .replaceAll('<introduction>', canonicalJson(introduction))
    .replaceAll('<did>', introduction.card.did)
    .replaceAll('<proof>', proof)
    .replaceAll('<der>', signed.der)
    .replaceAll('<possession>', signed.possession)
    .replaceAll('<endpoint>', introduction.endpoint)
    .replaceAll('<signing>', introduction.card.keys.signing.slice('ed25519:'.length))
    .replaceAll('<recovery>', introduction.card.keys.recovery.slice('ed25519:'.length))
  t.equal(introductionDocument(signed), document)
  t.ok(page.includes(`at most ${INTRODUCTION_BYTES_MAX.toLocaleString('en')} bytes`))
})

t.test('what spoils a message is what the page says, and nothing else', async (t) => {
  const header = '{"contracts":{},"v":1}'
  const [, list = ''] = /a line that begins with (.*) and is no such word/.exec(page) ?? []
  const starts = [...list.matchAll(/`([^`]+)`/g)].map(([, start = '']) => start)
  t.equal(starts.length, 6)
  for (const start of starts) t.throws(() => decodeMessage(`${header}\n${start}1}`), { code: 'exchange_malformed' })
  t.throws(() => decodeMessage('no header'), { code: 'exchange_malformed' })
  for (const line of ['', 'no JSON', '{}', '[]', '{"more":1}', '{"revocation":1}']) {
    t.equal(decodeMessage(`${header}\n${line}`).refused.length, 1, JSON.stringify(line))
  }
})

t.test('the codes that say why are those of the format', async (t) => {
  const lists = [refusalCodes, withdrawalCodes, lockPurposes, resignationReasons]
  const [, table = ''] = /### 2\.1 [\s\S]*?\| why \| codes \|\n\|---\|---\|\n([\s\S]*?)\n\n/.exec(page) ?? []
  const rows = table.split('\n').map((row) => row.split('|')[2] ?? '')
  const named = rows.map((row) => [...row.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code))
  t.same(
    named,
    lists.map((codes) => Object.keys(codes)),
  )
})

t.test('the section on commands says of each void code when it comes', async (t) => {
  const [, section = ''] = /\n## 5\. Commands\n([\s\S]*?)\n## 6\. /.exec(page) ?? []
  const said = new Set(section.match(/[a-z]+(?:_[a-z]+)+/g))
  t.same(
    Object.keys(voidCodes).filter((code) => !said.has(code)),
    [],
    'docs/protocol.md, section 5, has each code of src/events/outcome.ts',
  )
})
