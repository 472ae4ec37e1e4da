import { spawn } from 'node:child_process'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ContractKeys } from '../../src/cli/keys/key-revocation.ts'
import { addParty } from '../../src/cli/party/approve.ts'
import type { Handle } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { type ConcordataNode, openNode } from '../../src/index.ts'
import { fetchIntroduction } from '../../src/node/directory/discovery.ts'
import { formatFingerprint } from '../../src/node/identity/fingerprint.ts'
import { type NodeParty, newParty, until } from '../support/node-party.ts'
import { PartyProcesses } from '../support/party-processes.ts'
import { runCommand } from '../support/run-command.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const BINARY = new URL('../../bin/concordata.js', import.meta.url).pathname

/** Three parties that know each other, in one contract. */
async function threeParties(root: string) {
  const parties = [await newParty(root, 'ana'), await newParty(root, 'ben'), await newParty(root, 'cleo')] as const
  const nodes = new Map<string, ConcordataNode>()
  for (const { handle, data } of parties) nodes.set(handle, await openNode({ data }))
  for (const party of parties) {
    for (const other of parties) if (other !== party) await addParty(party.data, other.endpoint, other.fingerprint)
  }
  const [ana, ben, cleo] = parties
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'three' })).body
  for (const invited of [ben, cleo]) {
    await ana.call('POST', `/api/Contract/${contract}/Invitations`, { party: invited.handle })
    await until('the invitation', async () =>
      (await invited.call('GET', '/api/Contract')).body.some(
        (one: { contract: string; standing: string }) => one.contract === contract && one.standing === 'invited',
      ),
    )
    await invited.call('POST', `/api/Contract/${contract}/Acceptance`)
  }
  return { ana, ben, cleo, nodes, contract }
}

const write = (party: NodeParty, contract: string, body: unknown, prefer?: string) =>
  party.call('POST', `/new-api/${contract}`, body, prefer)

const standingOf = async (party: NodeParty) => (await party.call('GET', '/api/Keys')).body

/** Each of them holds what all have said, and has signed for it, and cosigned the last change, at `path`: there is nothing left to sign. */
async function areAtRest(parties: readonly NodeParty[], contract: string, path: string): Promise<boolean> {
  const tiers = await Promise.all(
    parties.map(async (party) => (await party.call('GET', `/new-api/${contract}/${path}/~tiers`)).body.tiers),
  )
  if (!tiers.every((tiersThere) => tiersThere?.[0].tier === 4)) return false
  const held = await Promise.all(
    parties.map(async (party) => (await party.call('GET', `/api/Contract/${contract}`)).body),
  )
  const [first] = held
  return held.every(
    ({ acknowledged, frontier, signedSize }) =>
      JSON.stringify(frontier) === JSON.stringify(first.frontier) &&
      Object.values(signedSize).every((size) => size === acknowledged),
  )
}

/** The audit's own report where it finds anything. `findings`: what it may find. */
async function passesAudit(t: Test, contract: string, data: string, findings?: RegExp): Promise<void> {
  const { status, output } = await runCommand('audit', 'verify', contract, '--data', data)
  if (status !== 0) t.comment(output)
  const found = /^misconduct:\n((?: {2}.*\n)+)/m.exec(output)?.[1]?.trimEnd().split('\n') ?? []
  const isForeseen = findings !== undefined && status === 3 && found.length === 1 && findings.test(found[0] ?? '')
  t.ok(status === 0 || isForeseen, `the audit of ${data} ends with ${status}`)
}

/** Runs `key revoke` until it says something, and ends it there. */
async function revokeAndLeave(party: NodeParty, recoveryKey: string, passphraseFile: string, said: RegExp) {
  const options = ['--data', party.data, '--recovery-key', recoveryKey, '--passphrase-file', passphraseFile]
  const child = spawn(process.execPath, [BINARY, 'key', 'revoke', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (piece) => {
      text += piece
      if (said.test(text)) resolve()
    })
    child.on('exit', () => reject(new Error(`it ended by itself:\n${text}`)))
  })
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

t.test('a stolen key is revoked with the recovery key, over crashes', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-revoke-'))
  const { ana, ben, cleo, nodes, contract } = await threeParties(root)
  t.teardown(async () => {
    await Promise.all([...nodes.values()].map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const stop = async ({ handle }: NodeParty) => {
    await nodes.get(handle)?.close()
    nodes.delete(handle)
  }
  const start = async ({ handle, data }: NodeParty) => nodes.set(handle, await openNode({ data }))
  const valueAt = ({ handle }: NodeParty, path: string) => nodes.get(handle)?.contract(contract).at(path).get()
  /** The thief has all that stood in ben's directory, and runs it while ben's node is down. */
  const thief: NodeParty = { ...ben, data: join(root, 'thief') }

  const [recoveryKey, passphraseFile] = [join(root, 'recovery-key.pem'), join(ben.data, 'passphrase')]
  await rename(join(ben.data, 'recovery-key.pem'), recoveryKey)
  t.equal((await write(ben, contract, { Country: 'Mexico' })).status, 201)
  const [first] = (await standingOf(ben)).keys

  // What ben still owes it signs as soon as it is back, and so does the thief: two statements for one place, by one key.
  await until('ben to have nothing left to sign', () => areAtRest([ana, ben, cleo], contract, 'Country'))
  await stop(ben)
  await cp(ben.data, thief.data, { recursive: true })
  await start({ ...thief, handle: 'thief' })
  t.equal((await write(thief, contract, { Account: 'of the thief' })).status, 201, 'nobody can tell the thief from ben')
  await until('the thief to have nothing left to sign', () => areAtRest([ana, thief, cleo], contract, 'Account'))
  await stop({ ...thief, handle: 'thief' })
  await start(ben)
  await until('what the thief has signed', async () => (await valueAt(ben, 'Account')) === 'of the thief')

  const wrong = await runCommand(
    ...['key', 'revoke', '--data', ben.data, '--passphrase-file', join(ana.data, 'passphrase')],
    ...['--recovery-key', join(ana.data, 'recovery-key.pem')],
  )
  t.match(wrong, { status: 1, output: /is not the recovery key of ben .*\[identity_damaged\]/ })
  t.equal((await standingOf(ben)).keys.length, 1, 'and no key was made')

  await stop(cleo)
  await revokeAndLeave(ben, recoveryKey, passphraseFile, /revocation: cleo\)/)
  const waiting = await standingOf(ben)
  t.equal(waiting.keys.length, 2)
  t.match(waiting.contracts, [{ contract, signing: first, waitsFor: 'revocation', awaited: ['cleo'] }])

  await stop(ben)
  await start(ben)
  t.match((await standingOf(ben)).contracts, [{ contract, signing: first, waitsFor: 'revocation' }])
  await start(cleo)
  await until('the takeover, which nobody asked for again', async () =>
    (await standingOf(ben)).contracts.every(
      ({ signing, waitsFor }: { signing: string; waitsFor?: string }) =>
        signing === waiting.keys[1] && waitsFor === undefined,
    ),
  )
  t.equal((await write(ben, contract, { City: 'Puebla' })).status, 201, 'ben goes on under the new key')

  await stop(ben)
  await start({ ...thief, handle: 'thief' })
  const again = await fetch(`${thief.api}/new-api/${contract}/Account`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${thief.token}`, prefer: 'wait=2' },
    body: 'of the thief again',
    // A node that finds its feed taken over may not answer at all what it cannot take back.
    signal: AbortSignal.timeout(6_000),
  }).then(
    ({ status }) => status,
    () => undefined,
  )
  t.not(again, 200, 'what the old key signs counts no more')
  await stop({ ...thief, handle: 'thief' })
  await start(ben)
  t.equal((await write(ben, contract, { City: 'Oaxaca' })).status, 200, 'and stops nobody')
  for (const party of [ana, cleo]) {
    await until('the last value', async () => (await valueAt(party, 'City')) === 'Oaxaca')
    t.equal(await valueAt(party, 'Account'), 'of the thief', 'not the second one')
  }
  // Where the thief, started anew, signs before it hears of the takeover, and ben has signed there with the old key, both are by one key.
  for (const { data } of [ana, ben, cleo]) await passesAudit(t, contract, data, /equivocation, statement \d+ of ben /)

  const third = await runCommand(
    ...['key', 'revoke', '--data', ben.data, '--recovery-key', recoveryKey, '--passphrase-file', passphraseFile],
  )
  t.match(third, { status: 0, output: /Every contract goes on under the new key/ }, 'and once more, under another key')
  t.equal((await standingOf(ben)).keys.length, 3)
})

t.test('with the key behind a signer process, whichever processes die', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-revoke-split-'))
  const ana = await PartyProcesses.start(join(root, 'ana'), 'ana' as Handle, 'node')
  const ben = await PartyProcesses.start(join(root, 'ben'), 'ben' as Handle, 'split')
  t.teardown(async () => {
    await Promise.all([ana.stop(), ben.stop()])
    await rm(root, { recursive: true, force: true })
  })
  await addParty(ana.dir, ben.endpoint, formatFingerprint((await fetchCard(ben)).fingerprint))
  await addParty(ben.dir, ana.endpoint, formatFingerprint((await fetchCard(ana)).fingerprint))
  const prefer = { prefer: 'wait=60' }
  const { contract } = (await ana.client.call('POST', '/api/Contract', { title: 'two' })) as { contract: string }
  await ana.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: 'ben' }, prefer)
  await until('the invitation', async () =>
    ((await ben.client.call('GET', '/api/Contract')) as { standing: string }[]).some(
      ({ standing }) => standing === 'invited',
    ),
  )
  await ben.client.call('POST', `/api/Contract/${contract}/Acceptance`, undefined, prefer)
  await until('ben to be a member', async () =>
    ((await ben.client.call('GET', '/api/Contract')) as { standing: string }[]).some(
      ({ standing }) => standing === 'member',
    ),
  )

  await ana.kill(0)
  const party = { data: ben.dir } as NodeParty
  const files = [join(ben.dir, 'recovery-key.pem'), join(ben.dir, 'passphrase')] as const
  await revokeAndLeave(party, ...files, /revocation: ana\)/)
  for (const process of [2, 1]) {
    await ben.kill(process)
    await ben.startAgain(process)
  }
  await ana.startAgain(0)
  await until('the takeover', async () => {
    const { keys, contracts } = (await ben.client.call('GET', '/api/Keys')) as ContractKeys
    return contracts.every(({ signing, waitsFor }) => signing === keys[1] && waitsFor === undefined)
  })
  const written = { Country: 'Mexico' }
  t.ok(await ben.client.call('POST', `/new-api/${contract}`, written, prefer), 'ben goes on under the new key')
  for (const { dir } of [ana, ben]) await passesAudit(t, contract, dir)
})

async function fetchCard({ endpoint }: PartyProcesses) {
  const { introduction } = await fetchIntroduction(endpoint, 10_000)
  return { fingerprint: partyFingerprint(introduction.card) }
}
