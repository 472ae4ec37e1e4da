import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import t from 'tap'
import { statementDue } from '../../src/agreement/draft.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { AuditSource } from '../../src/audit/source.ts'
import { auditSourceOf } from '../../src/cli/audit/audit-source.ts'
import { writesFor } from '../../src/contracts/replica/journal.ts'
import type { Handle } from '../../src/events/ids.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { startChromium } from '../support/chromium.ts'
import { allOf, CONTRACT, market, talk } from '../support/market.ts'
import { readVectors } from '../support/vectors.ts'
import type { Vector } from '../vectors/protocol-vector.ts'
import { type ExportedContract, page as inNode } from './browser-page.ts'

/** As the page declares it in the browser. */
declare const page: typeof inNode

const bundle = await build({
  entryPoints: [fileURLToPath(new URL('browser-page.ts', import.meta.url))],
  bundle: true,
  platform: 'browser',
  format: 'iife',
  write: false,
  metafile: true,
})
const browser = await startChromium(t)
const tab = await browser.newPage()
await tab.addScriptTag({ content: bundle.outputFiles[0]?.text as string })

const vectors = readdirSync(new URL('../vectors/protocol/', import.meta.url))
  .filter((file) => file.endsWith('.json'))
  .map((file) => readVectors<Vector>(`protocol/${file}`))

const [ana, ben] = market('ana', 'ben')
ben.proposes('0.0', 'Chile')
talk([ana, ben], ({ state, handle }) => statementDue(state, handle) !== undefined)
const before = emptyAgreement(CONTRACT)
const { taken, settled } = receive(before, allOf(ana))
const store = openMemoryStore()
await store.write(writesFor({ before, held: taken, settled, equivocations: [], divergences: [] }))
const exported = await exportOf(auditSourceOf(store, CONTRACT, ana.handle), [ana.handle, ben.handle])

async function exportOf(source: AuditSource, parties: readonly Handle[]): Promise<ExportedContract> {
  const feeds = await Promise.all(
    parties.map(async (party) => [party, await Array.fromAsync(source.feed(party))] as const),
  )
  return {
    contract: source.contract,
    founder: source.founder,
    feeds: Object.fromEntries(feeds),
    ledger: await Array.fromAsync(source.ledger()),
    evidence: await Array.fromAsync(source.evidence()),
    groups: await Array.fromAsync(source.groups()),
  }
}

t.test('nothing of Node is in the bundle, and no store, node or network', async (t) => {
  const folders = new Set(Object.keys(bundle.metafile.inputs).flatMap((file) => /^src\/([^/]+)/.exec(file)?.[1] ?? []))
  t.same([...folders].sort(), ['aggregates', 'agreement', 'audit', 'crypto', 'events', 'merkle', 'runtime'])
  t.same(await tab.evaluate(() => [typeof process, typeof Buffer]), ['undefined', 'undefined'])
})

t.test('a browser makes of the protocol vectors what every implementation must', async (t) => {
  t.ok(vectors.length >= 28, 'they are found')
  for (const { about, contract, statements, hostile, expect } of vectors) {
    const found = await tab.evaluate(
      ({ contract, statements, hostile }) => {
        const state = page.stateOf(contract, statements)
        return {
          expect: page.expectationOf(contract, statements),
          results: hostile.map(({ line }) => page.resultOf(state, line)),
        }
      },
      { contract, statements, hostile },
    )
    t.same(found, { expect, results: hostile.map(({ result }) => result) }, about)
  }
})

t.test('a browser judges signatures as ZIP 215 does', async (t) => {
  const cases =
    readVectors<{ name: string; pub: string; msg: string; sig: string; zip215: boolean }[]>('ed25519/edge-cases.json')
  const tagged = (hex: string) => `ed25519:${Buffer.from(hex, 'hex').toString('base64url')}`
  const verdicts = await tab.evaluate(
    (cases) =>
      cases.map(({ key, message, signature }) => page.isValidSignature(key, Uint8Array.from(message), signature)),
    cases.map(({ pub, msg, sig }) => ({
      key: tagged(pub),
      message: [...Buffer.from(msg, 'hex')],
      signature: tagged(sig),
    })),
  )
  t.same(
    verdicts,
    cases.map(({ zip215 }) => zip215),
  )
})

t.test('a browser audits a contract as Node does', async (t) => {
  const report = await tab.evaluate((exported) => page.audit(exported), exported)
  t.match(report, { damage: [], misconduct: [], size: settled.length, title: 'test' })
  t.same(report, JSON.parse(JSON.stringify(await inNode.audit(exported))))
})

t.test('a browser finds a value that somebody has changed', async (t) => {
  const text = JSON.stringify(exported)
  t.match(text, 'Chile')
  const report = await tab.evaluate(
    (exported) => page.audit(exported),
    JSON.parse(text.replace('Chile', 'China')) as ExportedContract,
  )
  t.match(report.damage, [{ code: 'payload_mismatch', place: { kind: 'payloads' } }])
})
