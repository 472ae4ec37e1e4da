import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import t from 'tap'
import { apiClient } from '../../src/cli/api-client.ts'
import { commands } from '../../src/cli/main.ts'
import { runCommand } from '../support/run-command.ts'

const program = await commands()
const leaves = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
const wordsOf = (command: Command): string[] =>
  command.parent === null ? [] : [...wordsOf(command.parent), command.name()]
const all = leaves(program).map((command) => ({ command, words: wordsOf(command) }))

/** Of the form that each has; a file is one that cannot be read, which is said like all that is wrong. */
function fitArguments(command: Command, data: string): string[] {
  return command.registeredArguments.map((one) => {
    if (one.name() === 'contract') return '0'.repeat(52)
    if (one.name() === 'request') return 'ana.1.0'
    if (one.name() === 'proposal') return 'ana.1.0.0'
    if (one.name() === 'erasure') return '0'.repeat(64)
    return one.name() === 'file' ? data : (one.argChoices?.[0] ?? '1')
  })
}

/** Of options that have to be given. */
const VALUES: Readonly<Record<string, string>> = {
  '--handle': 'ana',
  '--name': 'Ana',
  '--role': 'reader',
  '--from': '0',
}

/** The tests that start the program, or run its commands in their own process. */
async function testsOfCommands(): Promise<string[]> {
  const root = new URL('../', import.meta.url)
  const own = 'cli/every-command.test.ts'
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts') && name !== own)
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, root), 'utf8')))
  return texts.filter((text) => /runCommand|startProcess|concordata\.js|cli\/main/.test(text))
}

t.test(
  'each command is run by a test: `a b` as `a`, `b`, or by a function of the test that is called as `a` is',
  async (t) => {
    const texts = await testsOfCommands()
    t.ok(texts.length > 40, 'they are found')
    const runs = (...words: readonly string[]) => {
      const [first = '', second] = words
      const line = new RegExp(words.map((word) => `'${word}'`).join(',\\s*'))
      const called = new RegExp(`\\b${first}\\('${second}'`)
      return texts.some((text) => line.test(text) || (second !== undefined && called.test(text)))
    }
    t.notOk(runs('contract', 'repeal'), 'one that there is not is not found')
    t.same(
      all.filter(({ words }) => !runs(...words)).map(({ words }) => words.join(' ')),
      [],
    )
  },
)

t.test('each command says what it is for, and how it is called', async (t) => {
  for (const { command, words } of all) {
    const { status, output } = await runCommand(...words, '--help')
    t.equal(status, 0, words.join(' '))
    const [usage, , description = ''] = output.split('\n')
    t.ok(usage?.startsWith(`Usage: concordata ${words.join(' ')} `), `${usage}`)
    t.ok(command.description().startsWith(description) && description !== '', description)
    for (const { long, description } of command.options) t.ok(description, `${words.join(' ')} ${long}`)
  }
})

/** They run until they are ended: they log, and have come to nothing. */
const ENDLESS = ['node', 'serve', 'transmit', 'receive', 'signer', 'demo']

t.test('each command has --json, but those that run until they are ended', async (t) => {
  const without = all.filter(({ command }) => !command.options.some(({ long }) => long === '--json'))
  t.same(
    without.map(({ words }) => words.join(' ')),
    ENDLESS,
  )
})

t.test('with --json what goes wrong is one line of JSON, and nothing else is printed', async (t) => {
  const data = t.testdir({ file: '' })
  const failing = async (...words: string[]) => {
    const { status, output } = await runCommand(...words)
    t.match(output, /^\{"code":"\w+","message":"[^\n]+\}\n$/, `${words.join(' ')}: ${output}`)
    return { status, ...JSON.parse(output) }
  }
  let run = 0
  for (const { command, words } of all) {
    // It reads standard input.
    if (ENDLESS.includes(words[0] ?? '') || words.join(' ') === 'rule try') continue
    const given = fitArguments(command, data)
    const required = command.options.flatMap(({ mandatory, long, argChoices }) =>
      mandatory && long !== '--data' ? [`${long}`, argChoices?.[0] ?? VALUES[`${long}`] ?? join(data, 'none')] : [],
    )
    const takesData = command.options.some(({ long }) => long === '--data')
    // A directory where nothing can be made.
    const at = takesData ? ['--data', words[0] === 'init' ? join(data, 'file', 'below') : data] : []
    const { code, message, status } = await failing(...words, ...given, ...required, ...at, '--json')
    t.match([status, code, message], [1, /^(?!internal)\w+$/, /^(?!concordata: )/], words.join(' '))
    t.match(await failing(...words, '--json', '--no-such-option'), { status: 2, code: 'command_line_malformed' })
    run++
  }
  t.ok(run > 80, 'they are found')
  t.match(await failing('contract', 'show', 'x', '--data', data, '--json'), { message: /^command-argument value 'x'/ })
  const { output } = await runCommand('contract', 'open', '--data', data, '--', '--json')
  t.match(output, /^concordata: .*\[configuration_missing\]/, 'what comes behind -- is no option')
})

t.test(
  'what is no UID, request, proposal or erasure is refused before a node is asked, and who asks none is told so in a line',
  async (t) => {
    const unfit = { contract: '..', request: 'ana.1', proposal: '../../x', erasure: '0'.repeat(63) }
    const data = t.testdir()
    let refused = 0
    for (const { command, words } of all) {
      // These look into a store, and say that it is not there.
      if (['audit', 'rebuild'].includes(words[0] ?? '')) continue
      const fit = fitArguments(command, data)
      for (const [place, one] of command.registeredArguments.entries()) {
        const wrong = unfit[one.name() as keyof typeof unfit]
        if (wrong === undefined) continue
        const { status, output } = await runCommand(...words, ...fit.with(place, wrong), '--data', data)
        t.equal(status, 2, `${words.join(' ')}: ${output}`)
        t.match(output, `error: command-argument value '${wrong}' is invalid for argument '${one.name()}'.`)
        refused++
      }
      if (!command.registeredArguments.some((one) => one.name() === 'contract')) continue
      const { status, output } = await runCommand(...words, ...fit, '--data', data)
      t.match([status, output], [1, /^concordata: [^\n]+ \[(?!internal)\w+\]\n/], words.join(' '))
    }
    t.ok(refused > 50, 'they are found')
  },
)

t.test('a number, a date and a handle are looked at before anything is done', async (t) => {
  const uid = '0'.repeat(52)
  const lines: readonly (readonly string[])[] = [
    ['field', 'set', uid, 'Rate', '1', '--wait', 'long'],
    ['field', 'empty', uid, 'Rate', '--wait', '-1'],
    ['table', 'put', uid, '', 'x.csv', '--wait', '1e3'],
    ['attachment', 'add', uid, 'Scan', 'x.pdf', '--wait', ''],
    ['attachment', 'get', uid, 'Scan', 'x.pdf', '--proposal', 'ana.1.0'],
    ['attachment', 'get', uid, 'Scan', 'x.pdf', '--change-set', 'ana'],
    ['audience', 'set', uid, 'Terms', 'ana', '--until', '2027-02-30'],
    ['audience', 'set', uid, 'Terms', 'ana,'],
    ['audience', 'set', uid, 'Terms', 'Ana'],
    ['contract', 'history', uid, '--limit', 'all'],
    ['contract', 'diff', uid, '0', 'now'],
    ['contract', 'requests', uid, '--before', '0x10'],
    ['contract', 'upgrade-engine', uid, '2.0'],
    ['contract', 'break-lock', uid, '--since', 'now'],
    ['element', 'grant', uid, 'Terms', 'ana,ben'],
    ['element', 'remove', uid, 'Terms', '--wait', 'long'],
    ['erasure', 'propose', uid, '--seal', 'x'],
    ['rule', 'draft', uid, '', '{}', '--set', 'Terms'],
    ['rule', 'vote', uid, 'one', 'yes'],
    ['rule', 'publish', uid, '1', '2,3'],
  ]
  for (const line of lines) {
    const { status, output } = await runCommand(...line, '--data', 'none')
    t.match([status, output], [2, /^error: .*argument .*is invalid/], line.join(' '))
  }
})

t.test('no name leads to another route', async (t) => {
  const { bytes, call } = apiClient('http://127.0.0.1:9', '')
  const error = { code: 'request_malformed', message: 'nothing is called ..' }
  await t.rejects(call('DELETE', '/api/Webhook/..'), error)
  await t.rejects(bytes('/new-api/x/../y?at=1'), error)
  await t.rejects(call('GET', '/api/Contract/./Rules'), { message: 'nothing is called .' })
})
