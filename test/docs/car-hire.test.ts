import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { type ConcordataNode, connect, ProblemError } from '../../src/index.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { carHireAgreement } from '../../src/scenario/worked-contracts.ts'
import { marketOf } from '../support/market-nodes.ts'
import { until } from '../support/node-party.ts'

/** From its opening to a rule's refusal. */
const STEPS = 10
const scenario = carHireAgreement()
const patient = { waitSeconds: 60 }

const market = await marketOf(
  t,
  scenario.parties.map(({ handle }) => handle),
)
const [supplier, customer] = await Promise.all(
  market.map(async ({ client: { url }, data }) => ({ url, key: await readApiToken(data) })),
)
if (supplier === undefined || customer === undefined) throw new Error('there are two parties')

const documentOf = (uid: string) => connect(customer.url, customer.key).contract(uid).at('').get()
const played: unknown[] = []

t.test('curl alone plays the car-hire agreement to a refusal', { timeout: 120_000 }, async (t) => {
  const script = fileURLToPath(new URL('../../docs/car-hire.sh', import.meta.url))
  const env = {
    PATH: process.env.PATH,
    SUPPLIER: supplier.url,
    SUPPLIER_KEY: supplier.key,
    CUSTOMER: customer.url,
    CUSTOMER_KEY: customer.key,
  }
  const { stdout } = await promisify(execFile)('sh', [script], { env })
  const [, refused = ''] = /^refused (.*)$/m.exec(stdout) ?? []
  t.match(JSON.parse(refused), {
    code: 'rule_broken',
    status: 422,
    rule: { says: { kind: 'constraint' }, inputs: Array },
  })
  const [, uid = ''] = /^contract (\S+)$/m.exec(stdout) ?? []
  played.push(await documentOf(uid))
})

t.test('where the script is refused, it says what and why', async (t) => {
  const script = fileURLToPath(new URL('../../docs/car-hire.sh', import.meta.url))
  const env = { PATH: process.env.PATH, SUPPLIER: supplier.url, SUPPLIER_KEY: 'x', CUSTOMER: '', CUSTOMER_KEY: '' }
  const ended: unknown = await promisify(execFile)('sh', [script], { env }).catch((error: unknown) => error)
  t.match(ended, { code: Number, stderr: /^POST \/api\/Contract.*"code":"not_authorized"/m })
})

t.test('and so does the library', { timeout: 120_000 }, async (t) => {
  const nodes = {
    'meridian-car-hire': connect(supplier.url, supplier.key),
    'cornhill-re': connect(customer.url, customer.key),
  }
  const { refused, uid } = await playedBy(nodes)
  t.match(refused, { code: 'rule_broken', problem: { rule: { says: { kind: 'constraint' } } } })
  played.push(await documentOf(uid))
})

t.test('both have come to the same document', async (t) => {
  const [byCurl, byLibrary] = played
  t.match(byLibrary, { Agreement: { From: '2027-01-01' }, Volume: { Days: 13 } })
  t.same(byCurl, byLibrary)
})

async function playedBy(nodes: Record<'meridian-car-hire' | 'cornhill-re', ConcordataNode>) {
  const own = nodes['meridian-car-hire']
  const { uid } = await own.open(scenario.title, patient)
  const of = (handle: string) => nodes[handle as keyof typeof nodes].contract(uid)
  const first = of('meridian-car-hire')
  await first.invite('cornhill-re', patient)
  await until('the invitation', async () =>
    (await nodes['cornhill-re'].contracts()).some((one) => one.contract === uid),
  )
  await of('cornhill-re').accept(patient)
  for (const type of scenario.types) await first.defineType(type as never, patient)
  await first.at('').add(scenario.document, patient)
  for (const step of scenario.steps.slice(0, STEPS)) {
    const contract = of(step.by)
    const size = Math.max(...(await Promise.all([...Object.keys(nodes)].map((handle) => sizeOf(of(handle))))))
    await until('all that was agreed', async () => (await sizeOf(contract)) === size)
    if ('set' in step) await contract.at('').set(nested(step.set), patient)
    else if ('propose' in step) {
      await contract.change(
        step.changeSet,
        (draft) => {
          for (const change of step.propose) if ('set' in change) draft.at(stepsIn(change.at)).propose(change.set)
        },
        patient,
      )
    } else if ('rules' in step) {
      if (step.rules === 'draft') {
        for (const name of scenario.ruleSets) await contract.rules.addSet(name, patient)
        for (const { name: title, ...rule } of scenario.rules)
          await contract.rules.draft({ ...rule, about: { title } }, patient)
      } else {
        const { rules } = await contract.rules.list()
        if (step.rules === 'agree')
          for (const { hash, number } of rules) await contract.rules.vote(number, hash, 'yes', patient)
        else {
          const read = rules.map(({ hash, number }) => ({ rule: number, hash }))
          await contract.rules.publish([1, 2, 3], read, patient)
        }
      }
    } else if ('add' in step) {
      const refused = await contract
        .at(step.at)
        .add(step.add, patient)
        .catch((error: unknown) => error)
      if (step.refused !== undefined && refused instanceof ProblemError) return { refused, uid }
      if (refused instanceof Error) throw refused
    }
  }
  throw new Error('nothing was refused')
}

async function sizeOf(contract: ReturnType<ConcordataNode['contract']>): Promise<number> {
  return ((await contract.summary()) as { size: number }).size
}

function stepsIn(path: string): string[] {
  return path.split('/')
}

/** `{ 'A/B': 1, 'A/C': 2 }` → `{ A: { B: 1, C: 2 } }` */
function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, Record<string, unknown> | unknown> = {}
  for (const [path, value] of Object.entries(values)) {
    const [block = '', name] = path.split('/')
    root[block] = name === undefined ? value : { ...(root[block] as object | undefined), [name]: value }
  }
  return root
}
