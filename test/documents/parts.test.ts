import t from 'tap'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import { TransmitterSilent } from '../../src/contracts/requests/transmitter-silent.ts'
import type { RequestResult } from '../../src/documents/request-result.ts'
import { submitInParts } from '../../src/documents/writing/parts.ts'
import type { Command } from '../../src/events/commands.ts'
import type { ElementId, Handle, ProposalId, Uid } from '../../src/events/ids.ts'
import { ConcordataError } from '../../src/runtime/errors.ts'
import { CONTRACT } from '../support/market.ts'

const limits = { statementBytes: 1_048_576, commandsPerRequest: 1 }
const live = {
  state: { ledger: { document: { limits, parties: { members: [], invitations: [] } } } },
} as unknown as LiveContract
const commands = ['0.0', '0.1', '0.2'].map((element) => ({ type: 'RemoveElement', element }) as Command)
const accepted = (place: number): RequestResult => ({
  contract: CONTRACT as Uid,
  kind: 'settled',
  request: { handle: 'ana' as Handle, seq: place, index: 0 },
  index: 7 + place,
  outcome: { kind: 'accepted' },
  ...(place < 2 && { asked: [{ field: `0.${place}` as ElementId, proposal: `ana.${place}.0.0` as ProposalId }] }),
})

t.test('whoever is told that one of several requests failed is told which were made', async (t) => {
  const silent = new TransmitterSilent()
  const failing = (at: number) =>
    submitInParts(live, { commands, payloads: {} }, async (_, place) => {
      if (place === at) throw silent
      return accepted(place)
    }).then(
      () => undefined,
      (error: unknown) => error,
    )
  const error = (await failing(2)) as ConcordataError
  t.ok(error instanceof ConcordataError)
  t.match(error, { code: silent.code, message: silent.message, cause: silent })
  t.same(error.evidence.parts, ['ana.0.0', 'ana.1.0'])
  t.notOk('parts' in silent.evidence, 'others may be told the same')
  t.equal(await failing(0), silent)
})

t.test('what of several requests waits for votes is what any of them has put to the vote', async (t) => {
  const result = await submitInParts(live, { commands, payloads: {} }, async (_, place) => accepted(place))
  t.match(result, { kind: 'settled', index: 9, asked: [{ field: '0.0' }, { field: '0.1' }] })
  t.same(
    result.parts?.map(({ seq }) => seq),
    [0, 1, 2],
  )
})

t.test(
  'none is asked for behind one that comes to nothing, and what was put to the vote before is taken back',
  async (t) => {
    const places: number[] = []
    const back: unknown[] = []
    const result = await submitInParts(
      live,
      { commands, payloads: {} },
      async (_, place) => {
        places.push(place)
        const reason = { code: 'not_owner' as const, command: 0 }
        return place === 1 ? ({ ...accepted(1), outcome: { kind: 'void', reason } } as RequestResult) : accepted(place)
      },
      async (asked) => void back.push(asked),
    )
    t.match(result, { kind: 'settled', outcome: { kind: 'void' }, parts: [{ seq: 0 }, { seq: 1 }] })
    t.same(places, [0, 1])
    t.same(back, [[{ field: '0.0', proposal: 'ana.0.0.0' }]])
  },
)

t.test('where it cannot be taken back, whoever is told so is told what stands all the same', async (t) => {
  const silent = new TransmitterSilent()
  const failing = submitInParts(
    live,
    { commands, payloads: {} },
    async (_, place) => {
      const reason = { code: 'not_owner' as const, command: 0 }
      return place === 1 ? ({ ...accepted(1), outcome: { kind: 'void', reason } } as RequestResult) : accepted(place)
    },
    () => Promise.reject(silent),
  )
  await t.rejects(failing, { code: silent.code, evidence: { parts: ['ana.0.0', 'ana.1.0'] }, cause: silent })
})
