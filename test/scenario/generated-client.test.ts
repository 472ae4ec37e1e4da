import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { OpenAPI3 } from 'openapi-typescript'
import t from 'tap'
import { nested } from '../../src/cli/demo/play-scenario.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { carHireAgreement } from '../../src/scenario/worked-contracts.ts'
import { complaintsAbout, generatedTypes } from '../support/api-client/generate.ts'
import { marketOf } from '../support/market-nodes.ts'

const USED = [
  ...[
    'openContract',
    'listContracts',
    'inviteParty',
    'acceptInvitation',
    'defineType',
    'addRuleSet',
    'draftRule',
    'listRules',
  ],
  ...['voteOnRule', 'publishRules', 'postDocument', 'putDocument', 'postElement', 'getElement'],
]

t.test('a client that is generated hires cars, up to a rule that refuses', { timeout: 240_000 }, async (t) => {
  const { document, parties, ruleSets, rules, steps, title, types } = carHireAgreement()
  const market = await marketOf(
    t,
    parties.map(({ handle }) => handle),
  )
  const [supplier, customer] = market as [(typeof market)[number], (typeof market)[number]]
  const described = (await supplier.client.call('GET', '/openapi.json')) as OpenAPI3
  const known = Object.values(described.paths ?? {}).flatMap((one) =>
    Object.values(one).map(({ operationId }) => operationId),
  )
  t.same(
    USED.filter((one) => !known.includes(one)),
    [],
  )
  const dir = t.testdir()
  await mkdir(dir, { recursive: true })
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(dir, 'node_modules'))
  await writeFile(join(dir, 'package.json'), '{"type":"module"}')
  await writeFile(join(dir, 'openapi.ts'), await generatedTypes(described, USED))
  const program = join(dir, 'car-hire.ts')
  await copyFile(new URL('../support/api-client/car-hire.ts.txt', import.meta.url), program)
  t.same(complaintsAbout(program), [], 'it is checked against the types that were made')
  const { clientOf, play } = await import(pathToFileURL(program).href)
  const [terms, rates, , , , , , booking, , , short] = steps
  const ofParty = async ({ client, data }: (typeof market)[number]) => clientOf(client.url, await readApiToken(data))
  const told = await play(
    {
      ...{ title, types, document, ruleSets, rules },
      terms: [terms, rates].map((step) => nested((step as { set: Record<string, unknown> }).set)),
      good: (booking as { add: unknown }).add,
      refused: (short as { add: unknown }).add,
    },
    await ofParty(supplier),
    await ofParty(customer),
    customer.handle,
  )
  t.match(told, { status: 422, code: 'rule_broken', refusedBy: short?.refused?.rule })
  t.match(told.read, [{ 'Booking Reference': 'CRN-0001', Total: { currency: 'GBP' } }])
})
