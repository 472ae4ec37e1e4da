import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addParty } from '../../../src/cli/party/approve.ts'
import { Company } from '../../support/company.ts'
import { newParty, until } from '../../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(600_000)

const AN_HOUR_MS = 60 * 60 * 1000
const THREE_YEARS_MS = 3 * 365 * 24 * 60 * 60 * 1000
const AFFLICTED = `${process.env.NODE_OPTIONS ?? ''} --import ${new URL('../../support/afflicted-node.ts', import.meta.url).href}`

/** Ana, ben and cleo with a contract of the three. Ben's node has a process of its own, so that it has a machine of its own. */
async function companies(t: Test) {
  const root = await mkdtemp(join(tmpdir(), 'obstacles-of-three-'))
  const handles = ['ana', 'ben', 'cleo']
  const all = await Promise.all(handles.map(async (handle) => new Company(await newParty(root, handle))))
  const [ana, ben, cleo] = all as [Company, Company, Company]
  t.teardown(async () => {
    await Promise.all(all.map((company) => company.down()))
    await rm(root, { recursive: true, force: true })
  })
  const clock = join(root, 'ahead-ms')
  await writeFile(clock, '0')
  const upApart = (more: Readonly<Record<string, string>> = {}) =>
    ben.upApart({ NODE_OPTIONS: AFFLICTED, AFFLICTED_CLOCK: clock, ...more })
  const [, pid] = await Promise.all([ana.up(), upApart(), cleo.up()])
  for (const { party } of all) {
    for (const other of all) {
      if (other.party !== party) await addParty(party.data, other.party.endpoint, other.party.fingerprint)
    }
  }
  const { contract } = (await ana.party.call('POST', '/api/Contract', { title: 'of three' })).body
  const at = `/api/Contract/${contract}`
  for (const { party } of [ben, cleo]) {
    await ana.party.call('POST', `${at}/Invitations`, { party: party.handle })
    await until('the invitation', async () => (await party.call('GET', at)).body?.standing === 'invited')
    await party.call('POST', `${at}/Acceptance`)
  }
  const write = async (company: Company, value: string, prefer = 'wait=60') =>
    (await company.party.call('PUT', `/new-api/${contract}/A`, value, prefer)).status
  /** Whoever writes over what it has not seen yet writes against it. */
  const seenAlike = () =>
    until('all to see the same', async () => {
      const seen = await Promise.all(all.map(({ party }) => party.call('GET', `/new-api/${contract}/A`)))
      return new Set(seen.map(({ body }) => JSON.stringify(body))).size === 1
    })
  t.equal((await ana.party.call('POST', `/new-api/${contract}`, { A: '0' })).status, 201)
  const namesNothing = async (t: Test) => {
    for (const company of all) await company.namesNothing(t, contract)
  }
  return { ana, ben, cleo, contract, at, root, clock, pid, upApart, write, seenAlike, namesNothing }
}

t.test('what stops a contract of three nodes is named at whoever can know it', { timeout: 600_000 }, async (t) => {
  const { ana, ben, cleo, contract, at, root, clock, pid, upApart, write, seenAlike, namesNothing } = await companies(t)
  await namesNothing(t)
  /** No file of ben's process grows beyond that. */
  const room = (bytes: string) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])

  await t.test('a disk that is full', { timeout: 300_000 }, async (t) => {
    room('1')
    t.equal(await write(ana, '1', 'respond-async'), 202)
    await ben.names(t, contract, 'store_failing')
    for (const other of [ana, cleo]) await other.names(t, contract, 'party_silent', 'ben')
    t.match([await write(ben, '2', 'wait=1')], [503], 'nor does it take anything from its own users')
  })

  const setClock = async (aheadMs: number) => {
    await writeFile(clock, String(aheadMs))
    process.kill(pid, 'SIGUSR2')
  }

  await t.test(
    'a certificate that the machine takes for expired, and cannot renew',
    { timeout: 300_000 },
    async (t) => {
      await setClock(THREE_YEARS_MS)
      await ben.names(t, contract, 'certificate_invalid')
      await setClock(0)
      room('unlimited')
      await namesNothing(t)
      await seenAlike()
      t.equal(await write(ben, '3'), 200)
      await seenAlike()
    },
  )

  await t.test('a clock that is wrong', { timeout: 300_000 }, async (t) => {
    await setClock(AN_HOUR_MS)
    t.equal(await write(ana, '4'), 200, 'it decides nothing where no rule reads it')
    await ben.names(t, contract, 'clock_off')
    for (const other of [ana, cleo]) await other.names(t, contract, 'party_clock_off', 'ben')
    for (const other of [ana, cleo]) {
      t.notOk((await other.party.call('GET', '/api/Obstacle')).body.some(isOf('clock_off')), 'its own is right')
    }
    await setClock(0)
    t.equal(await write(ana, '5'), 200)
    await seenAlike()
    t.equal(await write(ben, '6'), 200)
    await seenAlike()
    await namesNothing(t)
  })

  await t.test('software that computes something else', { timeout: 300_000 }, async (t) => {
    const { acknowledged } = (await ana.party.call('GET', at)).body
    await ben.down()
    const fault = { file: '/agreement/acknowledging.ts', from: 'leafHash(text)' }
    const to = `leafHash(entry.index >= ${acknowledged} ? text + ' ' : text)`
    await upApart({ AFFLICTED_CODE: JSON.stringify({ ...fault, to }) })
    t.equal(await write(ana, '7', 'respond-async'), 202)
    await ben.names(t, contract, 'heads_differ', 'ana', 'cleo')
    for (const other of [ana, cleo]) await other.names(t, contract, 'heads_differ', 'ben')
    await ben.down()
    await ben.up()
    await namesNothing(t)
    await seenAlike()
    t.equal(await write(ben, '8'), 200)
  })

  await t.test('one who signs two statements for one place', { timeout: 300_000 }, async (t) => {
    await Promise.all([ana.down(), ben.down(), cleo.down()])
    const copy = join(root, 'copy of ben')
    await cp(ben.party.data, copy, { recursive: true })
    const exchange = async () => {
      await rename(ben.party.data, join(root, 'the other ben'))
      await rename(copy, ben.party.data)
      await rename(join(root, 'the other ben'), copy)
    }
    const ofBen = async ({ party }: Company) => (await party.call('GET', at)).body.frontier.ben
    const places: number[] = []
    for (const value of ['one', 'other']) {
      await ben.up()
      t.equal(await write(ben, value, 'respond-async'), 202)
      places.push(await ofBen(ben))
      await ben.down()
      await exchange()
    }
    await Promise.all([ben.up(), ana.up()])
    await until('ana to hold the one', async () => (await ofBen(ana)) >= (places[0] as number))
    await Promise.all([ben.down(), ana.down()])
    await exchange()
    await Promise.all([ben.up(), cleo.up()])
    await until('cleo to hold the other', async () => (await ofBen(cleo)) >= (places[1] as number))
    await ana.up()
    for (const company of [ana, ben, cleo]) await company.names(t, contract, 'party_forked', 'ben')
  })
})

function isOf(code: string) {
  return (told: { code: string }) => told.code === code
}
