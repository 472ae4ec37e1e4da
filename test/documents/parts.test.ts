import t from 'tap'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import { TransmitterSilent } from '../../src/contracts/requests/transmitter-silent.ts'
import type { CandidateFate } from '../../src/documents/candidates/fates.ts'
import type { RequestResult } from '../../src/documents/request-result.ts'
import { submitInParts } from '../../src/documents/writing/parts.ts'
import type { Command } from '../../src/events/commands.ts'
import type { ElementId, Handle, ProposalId, Uid } from '../../src/events/ids.ts'
import { ConcordataError } from '../../src/runtime/errors.ts'
import { CONTRACT } from '../support/market.ts'

type LastTwo<All extends readonly unknown[]> = All extends readonly [unknown, unknown, ...infer Last] ? Last : never

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

const fate = (place: number) => ({ at: `${place}`, fate: 'withdrawn' }) as unknown as CandidateFate
/** The second, or another one, is void. */
const voidAt = (at: number) => async (_: unknown, place: number) => {
  const reason = { code: 'not_owner' as const, command: 0 }
  return place === at ? ({ ...accepted(at), outcome: { kind: 'void', reason } } as RequestResult) : accepted(place)
}
const failing = (...[submit, takeBack]: LastTwo<Parameters<typeof submitInParts>>) =>
  submitInParts(live, { commands, payloads: {} }, submit, takeBack).then(
    () => undefined,
    (error: unknown) => error as ConcordataError,
  )

t.test('whoever is told that one of several requests failed is told which were made', async (t) => {
  const silent = new TransmitterSilent()
  const silentAt = (at: number) => async (_: unknown, place: number) => {
    if (place === at) throw silent
    return accepted(place)
  }
  const error = await failing(silentAt(2))
  t.ok(error instanceof ConcordataError)
  t.match(error, { code: silent.code, message: silent.message, cause: silent })
  t.same(error?.evidence, { ...silent.evidence, parts: ['ana.0.0', 'ana.1.0'] })
  t.notOk('parts' in silent.evidence, 'others may be told the same')
  t.equal(await failing(silentAt(0)), silent)

  const back: unknown[] = []
  const takingBack = await failing(silentAt(2), async (made) => {
    back.push(...made)
    return [fate(0)]
  })
  t.match(takingBack, { code: silent.code, evidence: { candidates: [fate(0)], parts: ['ana.0.0', 'ana.1.0'] } })
  t.match(back, [{ seq: 0 }, { seq: 1 }], 'what was put to the vote is taken back here, too')
  const neither = await failing(silentAt(2), () => Promise.reject(new Error('nor that')))
  t.same([neither?.code, neither?.evidence], [error?.code, error?.evidence], 'what went wrong first is told')
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
        return voidAt(1)(_, place)
      },
      async (made) => {
        back.push(...made)
        return [fate(0)]
      },
    )
    const parts = [{ seq: 0 }, { seq: 1 }]
    t.match(result, { kind: 'settled', outcome: { kind: 'void' }, parts, takenBack: [fate(0)] })
    t.same(places, [0, 1])
    t.match(back, [{ seq: 0 }])
    t.equal(back.length, 1)
    const none = await submitInParts(live, { commands, payloads: {} }, voidAt(1), async () => [])
    t.notOk('takenBack' in none, 'nothing was put to the vote')
  },
)

t.test('where it cannot be taken back, whoever is told so is told what stands all the same', async (t) => {
  const silent = new TransmitterSilent()
  const error = await failing(voidAt(1), () => Promise.reject(silent))
  t.match(error, { code: silent.code, evidence: { parts: ['ana.0.0', 'ana.1.0'] }, cause: silent })
})
