import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { loadContract } from '../../src/contracts/loading.ts'
import { writesFor } from '../../src/contracts/persistence.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { createKeyFile, readKeyFile } from '../../src/crypto/key-file.ts'
import { restoreBackup } from '../../src/node/backup.ts'
import { decodeDirectoryEvent } from '../../src/node/directory-events.ts'
import { openGuardFiles } from '../../src/node/guard-files.ts'
import { ConcordataError, errorCodes } from '../../src/runtime/errors.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import type { RecordedEvent, Write } from '../../src/store/port.ts'
import { allOf, CONTRACT, market, type Player } from '../support/market.ts'
import { fuzz, reporter } from './fuzz.ts'
import { inputsFrom } from './inputs.ts'
import { targets } from './targets.ts'

/** Other inputs each day would make a red test a matter of luck: for those there is `npm run fuzz`. */
const SEED = 20_261_124
const RUNS = 200

for (const target of targets) {
  t.test(`${target.name} is read as the one value it is, or refused with a code`, async (t) => {
    fuzz(target, RUNS, SEED)
    t.pass(`${RUNS} inputs, seed ${SEED}`)
  })
}

const targetNamed = (name: string) => targets.find((target) => target.name === name) as (typeof targets)[number]

t.test('found once by fuzzing', async (t) => {
  const message = targetNamed('an exchange message')
  const valid = message.valid[1] as string
  const found: [target: string, text: string, code: string][] = [
    [message.name, ` ${valid}`, 'exchange_malformed'],
    [message.name, valid.replace('"v":1', '"v":1,"v":1'), 'exchange_malformed'],
    [message.name, valid.replace('{"acceptance":{', '{"acceptance":{ '), 'exchange_malformed'],
    ['evidence', '{"v":1', 'evidence_proves_nothing'],
  ]
  for (const [name, text, code] of found) t.throws(() => targetNamed(name).decode(text), { code }, name)
  const stored = '{ "handle":"ana","reason":"x","time":"2026-01-01T00:00:00.000Z"}'
  const event = { stream: 'directory', revision: 0, type: 'PartyBlocked', data: stored } as RecordedEvent
  t.throws(() => decodeDirectoryEvent(event), { code: 'directory_damaged' })
  const uid = targetNamed('a UID')
  t.equal(uid.decode(`00${uid.valid[0]}`), undefined, 'a UID with zeros before it is none')
})

/** Runs a reader that touches the disk or a store on mutations of a text: it answers, or throws one of our errors. */
async function fuzzReader(valid: readonly string[], runs: number, read: (text: string) => Promise<unknown>) {
  await fc.assert(
    fc.asyncProperty(inputsFrom(valid), async (text) => {
      try {
        await read(text)
      } catch (error) {
        if (!(error instanceof ConcordataError && Object.hasOwn(errorCodes, error.code))) throw error
      }
    }),
    { numRuns: runs, seed: SEED, reporter },
  )
}

t.test('a key file is opened, or refused with a code', async (t) => {
  const dir = t.testdir()
  await createKeyFile(join(dir, 'key.pem'), generateKeyPair().privateKey, 'secret')
  const valid = await readFile(join(dir, 'key.pem'), 'latin1')
  await fuzzReader([valid], 60, async (text) => {
    await writeFile(join(dir, 'mutated.pem'), text)
    await readKeyFile(join(dir, 'mutated.pem'), 'secret')
  })
  t.pass()
})

t.test('a slot of the guard is read, or passed over as one that was torn', async (t) => {
  const dir = t.testdir()
  const valid = JSON.stringify({ seq: 0, hash: sha256('x'), line: 'x', write: 3 })
  await fuzzReader([valid], 300, async (text) => {
    await writeFile(join(dir, `${CONTRACT}.a`), `${sha256(text)}\n${text}`)
    await openGuardFiles(dir).read(CONTRACT)
  })
  await writeFile(join(dir, `${CONTRACT}.a`), `${sha256('{')}\n{`)
  t.equal(await openGuardFiles(dir).read(CONTRACT), undefined, 'what hashes right and is no JSON')
})

t.test('a manifest of a backup that is none is refused, and nothing is put anywhere', async (t) => {
  const dir = t.testdir()
  await mkdir(join(dir, 'from'))
  const entry = { bytes: 0, sha256: sha256('') }
  const manifest = { v: 1, madeAt: '2026-01-01', files: { 'store.sqlite': entry, 'concordata.json': entry } }
  await fuzzReader([JSON.stringify(manifest)], 200, async (text) => {
    await writeFile(join(dir, 'from', 'backup.json'), text)
    await restoreBackup(join(dir, 'from'), join(dir, 'to'))
  })
  t.pass()
})

t.test('what is stored of a contract is loaded as it was, or refused with a code', async (t) => {
  const [ana, ben] = market('ana', 'ben') as [Player, Player]
  ana.proposes('0.0', 'a value')
  ben.hears(...allOf(ana))
  const held = [...ana.state.feeds.values()].flatMap((feed) => [...feed])
  const writes = writesFor({ before: emptyAgreement(CONTRACT), held, settled: [], equivocations: [], divergences: [] })
  const texts = writes.flatMap((write) =>
    write.kind === 'payloads'
      ? write.entries.map(({ text }) => text)
      : write.kind === 'append'
        ? write.events.map(({ data }) => data)
        : [],
  )
  let victim = 0
  const load = async (change: (text: string) => string) => {
    const store = openMemoryStore()
    try {
      await store.write(changed(writes, change))
      return await loadContract(store, CONTRACT, ana.handle)
    } finally {
      await store.close()
    }
  }
  t.equal((await load((text) => text)).state.feeds.size, 2)
  await fuzzReader(texts, 150, async (text) => {
    const place = texts[victim++ % texts.length]
    await load((stored) => (stored === place ? text.toWellFormed() : stored))
  })
  for (const damage of ['', 'null', '{}', '{"statement":1}', '{"salt":1,"value":2}']) {
    for (const place of texts) {
      const loading = load((stored) => (stored === place ? damage : stored))
      await t.rejects(
        loading,
        { code: /^(contract|statement|payload)_/ },
        `${damage} in place of ${place.slice(0, 40)}`,
      )
    }
  }
})

function changed(writes: readonly Write[], change: (text: string) => string): Write[] {
  return writes.map((write) => {
    switch (write.kind) {
      case 'payloads':
        return { ...write, entries: write.entries.map((entry) => ({ ...entry, text: change(entry.text) })) }
      case 'append':
        return { ...write, events: write.events.map((event) => ({ ...event, data: change(event.data) })) }
      default:
        return write
    }
  })
}
