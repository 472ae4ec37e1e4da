import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const PROGRAM = 'bin/concordata.js'
const run = promisify(execFile)

interface Party {
  readonly handle: string
  readonly api: string
  readonly token: string
  readonly endpoint: string
  readonly data: string
  readonly pid: number
}
interface Description {
  readonly contract: string
  readonly parties: readonly [Party, Party, Party]
}

async function until<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`waited in vain for ${what}`)
}

function call(
  { api, token }: Party,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
) {
  return fetch(new URL(path, api), {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain', ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

async function textAt(party: Party, path: string): Promise<string> {
  return (await call(party, 'GET', path)).text()
}

t.test('the demo, from the first start to the last', { timeout: 240_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'concordata-test-'))
  let demo: ChildProcess | undefined
  let revived: ChildProcess | undefined
  t.teardown(async () => {
    for (const child of [revived, demo]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    await rm(dir, { recursive: true, force: true })
  })

  demo = spawn(process.execPath, [PROGRAM, 'demo', '--data', dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  demo.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const description = await until(
    'demo.json',
    async () => {
      const path = join(dir, 'demo.json')
      const exists = await access(path).then(
        () => true,
        () => false,
      )
      return exists ? (JSON.parse(await readFile(path, 'utf8')) as Description) : undefined
    },
    120_000,
  )
  const { contract, parties } = description
  const [broker, lead, follower] = parties
  const root = `/new-api/${contract}`
  const insured = `${root}/Information/Total%20Insured%20Value`
  const lineOf = (reinsurer: string) => `${root}/Security%20Details/Lines[Reinsurer = "${reinsurer}"]`

  t.match(output, /All hold the same\./)
  t.equal(output.match(/ {2}4\n/g)?.length, 3, 'all three have reached tier 4')

  await t.test(
    'it shows a refusal by a rule, a flag, what is confidential, and an endorsement with its votes',
    async (t) => {
      t.match(
        output,
        /tries to write more than anybody may\n {2}refused by rule \d+, "line at most 75", at .+: .+ <= 75\n/,
      )
      t.match(output, /\n {4}where Security Details \/ Lines \/ 2 \/ Insurers Written Line is 80\n/)
      t.match(output, /\n {2}flagged for everybody to see: lines signed to the order, at Security Details\n/)
      t.match(output, /Northgate Re SE reads .+ \/ Additional Brokerage: not for it, nor for its node\n/)
      t.match(
        output,
        /proposes Endorsement 1.+\n.+agrees as Slip Leader.+\n.+agrees as agreement party: it takes effect, whole/,
      )
    },
  )

  await t.test('what was negotiated stands at all three', async (t) => {
    for (const party of parties) {
      t.equal(await textAt(party, `${root}/Risk%20Details/Premium/Total%20Premium`), 'USD 6042789.92')
      t.equal(await textAt(party, `${lineOf('cornhill-re')}/Insurers%20Signed%20Line`), '52')
    }
    const full = await (await call(lead, 'GET', `/api/FullContract?ContractId=${contract}`)).json()
    t.match(full, { contract, document: { 'Risk Details': { 'Premium Payment Terms': { Instalments: 4 } } } })
  })

  await t.test('a PUT at one party is there at the others a moment after it returns', async (t) => {
    const answer = await call(broker, 'PUT', insured, 'USD 2810000.00')
    t.equal(answer.status, 200)
    for (const party of parties) {
      await until(
        'the new value',
        async () => ((await textAt(party, insured)) === 'USD 2810000.00' ? true : undefined),
        5_000,
      )
    }
  })

  await t.test('a collision, a value of the wrong type and one that a rule refuses are told apart', async (t) => {
    const path = `${root}/Broker%20Remuneration%20and%20Deductions/Other%20Deductions%20from%20Premium`
    const answers = await Promise.all([call(broker, 'PUT', path, '2'), call(lead, 'PUT', path, '3')])
    t.same(answers.map(({ status }) => status).sort(), [200, 409])
    const wrong = await call(broker, 'PUT', path, 'two')
    t.equal(wrong.status, 422)
    t.match(await wrong.json(), { code: 'value_wrong_type' })
    t.equal((await call(broker, 'GET', `${root}/No/Such`)).status, 404)
    t.equal((await fetch(new URL(root, broker.api))).status, 401)
    const tooMuch = await call(lead, 'PUT', `${lineOf(lead.handle)}/Insurers%20Written%20Line`, '80')
    t.equal(tooMuch.status, 422)
    t.match(await tooMuch.json(), { code: 'rule_broken', rule: { says: { kind: 'constraint' } } })
  })

  await t.test('blocks and fields are added and removed', async (t) => {
    const body = JSON.stringify({
      Endorsement: { Number: 1, Text: 'Hours clause amended', Premium: { amount: '1500.00', currency: 'USD' } },
    })
    const added = await call(lead, 'POST', root, body, { 'content-type': 'application/json' })
    t.equal(added.status, 201)
    t.equal(added.headers.get('location'), `${root}/Endorsement`)
    t.same(await (await call(lead, 'GET', `${root}/Endorsement`)).json(), {
      Number: 1,
      Text: 'Hours clause amended',
      Premium: { amount: '1500.00', currency: 'USD' },
    })
    t.equal((await call(lead, 'DELETE', `${root}/Endorsement/Text`)).status, 200)
    t.equal((await call(lead, 'GET', `${root}/Endorsement/Text`)).status, 404)
  })

  await t.test('with one node killed a PUT times out for good, and nothing is lost', async (t) => {
    process.kill(follower.pid, 'SIGKILL')
    const refused = await call(broker, 'PUT', insured, 'USD 1.00', { prefer: 'wait=2' })
    t.equal(refused.status, 504)
    t.match(await refused.json(), { code: 'not_unanimous_in_time', waitingFor: [follower.handle] })

    revived = spawn(process.execPath, [PROGRAM, 'node', '--data', follower.data], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    await new Promise((resolve) => revived?.once('message', resolve))
    const before = await textAt(broker, insured)
    t.equal(before, 'USD 2810000.00')
    t.equal((await call(broker, 'PUT', insured, 'USD 2820000.00')).status, 200)
    for (const party of parties) {
      await until(
        'the newest value',
        async () => ((await textAt(party, insured)) === 'USD 2820000.00' ? true : undefined),
        10_000,
      )
    }
    for (const party of parties) t.not(await textAt(party, insured), 'USD 1.00')
  })

  await t.test('an auditor finds nothing off at any of them, while they run', async (t) => {
    for (const party of parties) {
      const { stdout } = await run(process.execPath, [PROGRAM, 'audit', 'verify', contract, '--data', party.data])
      t.match(stdout, /Nothing is off/)
    }
  })
})
