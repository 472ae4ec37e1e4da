import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { contractLines } from '../../src/cli/contract/contract-commands.ts'
import { acceptedLines } from '../../src/cli/contract/membership-commands.ts'
import type { Handle } from '../../src/events/ids.ts'
import { openNode } from '../../src/index.ts'
import type { ContractShown } from '../../src/library/interface.ts'
import { type NodeParty, newParty, until } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'
import { addEachOther } from '../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

/** It begins a line of its own, clears the screen and turns the direction of writing. */
const FORGED = 'late\u202e\u001b[2J\nana.99.0  ben'

t.test('two come into a contract, ask their people, and part, by hand', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-contract-'))
  const ask = { answer: 'ask', forSeconds: 600, otherwise: 'refuse', reason: 'nobody was there' }
  const ana = await newParty(root, 'ana')
  const ben = await newParty(root, 'ben', [{ commands: ['AddField'], authors: ['ana'], ...ask }])
  const nodes = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  await addEachOther(ana, ben)
  const run = ({ data }: NodeParty, ...words: string[]) => runCommand(...words, '--data', data)
  const json = async (party: NodeParty, ...words: string[]) => JSON.parse((await run(party, ...words, '--json')).output)
  const standing = async (party: NodeParty, contract: string) =>
    (await json(party, 'contract', 'list')).find((one: { contract: string }) => one.contract === contract)?.standing
  const invited = async (title: string) => {
    const contract = (await run(ana, 'contract', 'open', title)).output.trim()
    t.match(await run(ana, 'contract', 'invite', contract, 'ben'), {
      status: 0,
      output: /^ben is invited\. It accepts/,
    })
    await until('the invitation', async () => (await standing(ben, contract)) === 'invited')
    return contract
  }

  await t.test('an invitation is declined', async (t) => {
    const contract = await invited('not wanted')
    t.match(await run(ben, 'contract', 'decline', contract), { status: 0, output: /^Declined/ })
    await until('ana to know', async () => (await json(ana, 'contract', 'requests', contract)).requests[0].by === 'ana')
  })

  await t.test(
    'what is declined is accepted no more, which is said at once though nobody has heard of it',
    async (t) => {
      const contract = await invited('nor that')
      await nodes[0]?.close()
      const declined = await run(ben, 'contract', 'decline', contract, '--json')
      t.same(declined, { status: 0, output: `${JSON.stringify({ contract, standing: 'declined' })}\n` })
      const late = await run(ben, 'contract', 'accept', contract)
      t.match(late, {
        status: 1,
        output: /^concordata: ben has declined the invitation.*\[not_invited\]\n$/,
      })
      t.match(await run(ben, 'contract', 'accept', contract, '--json'), {
        status: 1,
        output: /^\{"code":"not_invited","message":"ben has declined [^\n]+"status":409,[^\n]+\}\n$/,
      })
      nodes[0] = await openNode({ data: ana.data })
    },
  )

  const contract = await invited('wanted')
  t.match(await run(ben, 'contract', 'accept', contract), { status: 0, output: 'This party is a member now.\n' })
  t.match(await run(ana, 'contract', 'show', contract), { status: 0, output: /^members +ana, ben$/m })

  await t.test('a person is asked, who answers', async (t) => {
    const questions = () => run(ben, 'contract', 'questions', contract)
    const asked = async () => {
      await until('the question', async () => (await json(ben, 'contract', 'questions', contract)).length === 1)
      return (await json(ben, 'contract', 'questions', contract))[0].request as string
    }
    t.match(await questions(), { status: 0, output: /^request +by +what +about +until +otherwise\n[─ ]+\n$/ })
    const rate = ana.call('POST', `/new-api/${contract}`, { Rate: { $field: { type: 'decimal' } } })
    const first = await asked()
    t.match(await questions(), { output: new RegExp(`^${first} +ana +AddField +\\d.+ +refuse$`, 'm') })
    t.match(await run(ben, 'contract', 'answer', contract, first), { status: 0, output: 'Acknowledged.\n' })
    t.equal((await rate).status, 201)
    const note = ana.call('POST', `/new-api/${contract}`, { Note: { $field: { type: 'text' } } })
    const second = await asked()
    const refuses = ['contract', 'answer', contract, second, '--refuse', '--about', FORGED]
    t.match(await run(ben, ...refuses), { status: 0, output: 'Refused.\n' })
    t.match(await note, { status: 409, body: { code: 'refused' } })
    const { status, output } = await run(ana, 'request', 'show', contract, second)
    t.match([status, output], [0, /^outcome +refused .*late\\u202e\\u001b\[2J\\nana\.99\.0/m])
    t.equal(output.replace(/\p{C}/gu, ''), output.replaceAll('\n', ''), 'nothing of it is for the terminal')
    t.match(await run(ben, ...refuses), { status: 1, output: /not_asked/ })
    t.match(await run(ben, 'contract', 'answer', contract, 'ana.9999.0'), { status: 1, output: /no_such_request/ })
  })

  await t.test('engine, evidence and the guard', async (t) => {
    t.match(await run(ana, 'contract', 'upgrade-engine', contract, '1'), { status: 1, output: /engine_not_newer/ })
    t.match(await run(ana, 'contract', 'upgrade-engine', contract, '2'), { status: 1, output: /engine_unknown/ })
    t.match(await run(ana, 'contract', 'upgrade-engine', contract, 'two'), { status: 2, output: /that is no number/ })
    t.same(await run(ana, 'contract', 'evidence', contract), { status: 0, output: '[]\n' })
    t.match(await run(ana, 'contract', 'go-on-regardless', contract, '--vouch'), {
      status: 1,
      output: /signing_not_blocked/,
    })
  })

  await t.test('one leaves, and says why', async (t) => {
    t.match(await run(ben, 'contract', 'resign', contract, '--reason', 'bored'), { status: 2 })
    const resigns = ['contract', 'resign', contract, '--reason', 'fulfilled', '--about', FORGED]
    t.match(await run(ben, ...resigns), { status: 0, output: 'This party is no member any more.\n' })
    await until('ana to know', async () => / ana$/m.test((await run(ana, 'contract', 'show', contract)).output))
    const { requests } = await json(ana, 'contract', 'requests', contract, '--author', 'ben')
    t.match(await run(ana, 'request', 'show', contract, requests[0].request), { output: /^about +late\\u202e/m })
  })
})

t.test('who has accepted is told whom it has to approve before anything is agreed', async (t) => {
  const parties = [
    { handle: 'cora' as Handle, status: 'self' },
    { handle: 'ana' as Handle, status: 'approved' },
    { handle: 'dan' as Handle, status: 'blocked' },
  ] as const
  const lines = (members: string[]) => acceptedLines({ members: members as Handle[], standing: 'member' }, parties)
  t.same(lines(['ana', 'cora']), ['This party is a member now.'])
  t.match(lines(['ana', 'ben', 'dan', 'cora']), [
    'This party is a member now.',
    /^Not approved here: ben, dan\. .*party add/,
  ])
})

t.test('of a contract that has not begun it is shown what stops it', async (t) => {
  const obstacle = { meaning: 'its opening is not signed', remedy: 'start the signer' }
  const shown = { awaited: ['ana'], invited: [], obstacles: [obstacle] } as unknown as ContractShown
  t.same(contractLines('founded', shown, {}), [
    'contract   founded',
    'entries    0: it has not begun',
    'waits for  ana',
    'stopped    its opening is not signed',
    'remedy     start the signer',
  ])
})
