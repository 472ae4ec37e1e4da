import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openNode } from '../../src/index.ts'
import { configure, type NodeParty, newParty } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(240_000)

const PROGRAM = new URL('../../bin/concordata.js', import.meta.url).pathname

interface Ended {
  readonly status: number | null
  readonly output: string
  readonly error: string
}

/** The program, as a person starts it, who types this and then nothing more. */
function run(args: readonly string[], typed = ''): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...args])
  let [output, error] = ['', '']
  child.stdout.on('data', (piece) => {
    output += piece
  })
  child.stderr.on('data', (piece) => {
    error += piece
  })
  child.stdin.end(typed)
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output, error })))
}

async function twoParties(t: Test): Promise<[NodeParty, NodeParty]> {
  const root = await mkdtemp(join(tmpdir(), 'concordata-mistakes-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  return [await newParty(root, 'ana'), await newParty(root, 'ben')]
}

t.test('whoever mistypes gets one line, with a code, and status 1', { timeout: 240_000 }, async (t) => {
  const [ana, ben] = await twoParties(t)
  const cases: [string, string[], string][] = [
    ['no scheme', ['party', 'add', '127.0.0.1:7444'], 'party_address_unfit'],
    ['a name alone', ['party', 'add', 'ben.example'], 'party_address_unfit'],
    ['no TLS', ['party', 'add', ben.endpoint.replace('https', 'http')], 'party_address_unfit'],
    ['a path', ['party', 'add', `${ben.endpoint}/exchange`], 'party_address_unfit'],
    ['somebody at a host', ['party', 'add', ben.endpoint.replace('//', '//ana@')], 'party_address_unfit'],
    ['nobody there', ['party', 'add', ben.endpoint], 'peer_unreachable'],
    ['a host that there is not', ['party', 'add', 'https://no-such-host.invalid'], 'peer_unreachable'],
    ['itself', ['party', 'add', ana.endpoint], 'party_is_self'],
    ['itself, for later', ['party', 'add', ana.endpoint, '--later'], 'party_is_self'],
  ]
  for (const [name, args, code] of cases) {
    const { status, output } = await runCommand(...args, '--data', ana.data)
    t.equal(status, 1, name)
    t.match(output, new RegExp(`^concordata: [^\n]*\\[${code}\\]\n$`), name)
  }
  const isUnavailable = { status: 1, output: /^concordata: [^\n]*\[file_unavailable\]\n$/ }
  for (const path of ['/nonexistent', '/']) {
    for (const line of [
      ['audit', 'check'],
      ['template', 'show'],
      ['template', 'sign', '--data', ana.data],
    ]) {
      t.match(await runCommand(...line, path), isUnavailable, line.join(' '))
    }
  }
  const keys = (data: string, ...words: string[]) => runCommand('api-key', ...words, '--data', data)
  for (const words of [['list'], ['revoke', 'x'], ['add', 'x', '--role', 'reader']]) {
    t.match(await keys('/nonexistent', ...words), { status: 1, output: /\[configuration_missing\]\n$/ }, words[0] ?? '')
  }

  const setsUp = (password: string) =>
    runCommand('store', 'setup', '--admin-password-file', password, '--data', ana.data)
  t.match(await setsUp('/nonexistent'), { status: 1, output: /names no `store`.*\[store_setup_failed\]\n$/ })
  await configure(ana, { store: { url: 'esdb://127.0.0.1:1' } })
  for (const path of ['/nonexistent', '/']) t.match(await setsUp(path), isUnavailable, path)
  t.same(
    (await readdir(ana.data)).filter((name) => name.startsWith('esdb')),
    [],
    'no user has a password',
  )
})

t.test('a person who is asked', { timeout: 240_000 }, async (t) => {
  const [ana, ben] = await twoParties(t)
  const node = await openNode({ data: ben.data })
  t.teardown(() => node.close())
  const add = (typed: string) => run(['party', 'add', ben.endpoint, '--data', ana.data], typed)
  const byAnotherName = ben.endpoint.replace('127.0.0.1', 'localhost')
  t.match(await runCommand('party', 'add', byAnotherName, '--data', ben.data), {
    status: 1,
    output: /\[party_is_self\]\n$/,
  })
  for (const typed of ['', 'no\n']) {
    const { status, output, error } = await add(typed)
    t.match({ status, output }, { status: 1, output: '' }, JSON.stringify(typed))
    t.match(
      error,
      /\nconcordata: nothing was done: [^\n]*\[not_confirmed\]\n$|: concordata: nothing was done.*\[not_confirmed\]\n$/,
    )
  }
  t.match(await add('y\n'), { status: 0, output: 'ben is approved.\n' })
})

t.test('a key ends on a day that there is, and that is to come', { timeout: 60_000 }, async (t) => {
  const [ana] = await twoParties(t)
  const add = (name: string, expires: string) =>
    runCommand('api-key', 'add', name, '--role', 'reader', '--expires', expires, '--data', ana.data)
  for (const wrong of [
    '2030-02-30',
    '12/31/2030',
    '2030',
    'tomorrow',
    '2030-13-01',
    '2030-01-01T25:00Z',
    '2030-01-01T10:00',
  ]) {
    t.match(await add('never', wrong), { status: 2, output: /that is no date/ }, wrong)
  }
  t.match(await add('never', '2020-01-01'), { status: 1, output: /\[api_key_unfit\]\n$/ })
  for (const [index, right] of ['2096-02-29', '2090-01-01T10:00Z', '2090-01-01T10:00:30Z'].entries()) {
    t.match(await add(`key-${index}`, right), { status: 0 }, right)
  }
  t.match(await runCommand('api-key', 'list', '--data', ana.data), { output: /2090-01-01T10:00:30\.000Z/ })
})

t.test('nobody is asked for what cannot be done anyhow', { timeout: 60_000 }, async (t) => {
  const [ana] = await twoParties(t)
  const recoveryKey = `${ana.data}/nowhere.pem`
  t.match(await runCommand('key', 'revoke', '--recovery-key', recoveryKey, '--data', ana.data), {
    status: 1,
    output: /^concordata: cannot read the key file [^\n]*\[key_file_unreadable\]\n$/,
  })
  const regardless = await runCommand('contract', 'go-on-regardless', '0'.repeat(52), '--data', ana.data)
  t.match(regardless, { status: 1, output: /^concordata: [^\n]*\[(?:node_not_running|no_such_contract)\]\n$/ })
})
