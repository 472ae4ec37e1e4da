import type { Test } from 'tap'
import { entryArrives, openTogether } from '../../src/cli/demo/opening.ts'
import { playScenario } from '../../src/cli/demo/play-scenario.ts'
import type { Scenario } from '../../src/scenario/scenario.ts'
import type { MarketParty } from './market-nodes.ts'
import { runCommand } from './run-command.ts'
import { jsonOf, workedDocument } from './worked-document.ts'
import { committedFigures, figuresIn, recomputedFigures, withoutComputed } from './worked-figures.ts'

export interface Played {
  readonly contract: string
  readonly parties: readonly MarketParty[]
  readonly told: readonly string[]
}

/** On real nodes: whatever the scenario says of values, flags and refusals is compared on the way. `others`: UIDs of contracts by name. */
export async function played(
  scenario: Scenario,
  market: readonly MarketParty[],
  others: Readonly<Record<string, string>> = {},
): Promise<Played> {
  const parties = scenario.parties.map(({ handle }) => market.find((party) => party.handle === handle) as MarketParty)
  const told: string[] = []
  const tell = (line: string) => told.push(line)
  const contract = await openTogether(scenario.title, parties, tell)
  await playScenario(scenario, { contract, parties, others, tell })
  const [{ client }] = parties as [MarketParty]
  const { size } = (await client.call('GET', `/api/Contract/${contract}`)) as { size: number }
  for (const party of parties) await entryArrives(party, contract, size - 1)
  return { contract, parties, told }
}

/** What rules compute of it, wherever and whenever they do, is what an independent script computes; and an audit recomputes all of it. */
export function figuresAgree(t: Test, name: string, scenario: Scenario, { contract, parties }: Played): void {
  const committed = committedFigures(name)

  t.test(`${name}: all figures are those of an independent script`, async (t) => {
    const documents = await Promise.all(
      parties.map(async ({ client }) => {
        const full = await client.call('GET', `/api/FullContract?ContractId=${contract}`)
        return (full as { document: unknown }).document
      }),
    )
    for (const [place, document] of documents.entries()) {
      t.same(figuresIn(document, committed), committed, `as ${parties[place]?.handle} has them`)
    }
    const recomputed = recomputedFigures(name, withoutComputed(documents[0], scenario))
    if (recomputed === undefined) t.comment('there is no python3: compared with what its script gave elsewhere')
    else t.same(recomputed, committed, 'as the script computes them from what was written')
  })

  t.test(`${name}: they are the same if the rules are published last`, async (t) => {
    t.same(figuresIn(jsonOf(workedDocument(scenario)), committed), committed)
  })

  t.test(`${name}: every party has the same bytes, and replayed they come to the same`, async (t) => {
    const standings = await Promise.all(parties.map(({ client }) => client.call('GET', `/api/Contract/${contract}`)))
    const held = standings.map((standing) => {
      const { record, root, size } = standing as { record: string; root: string; size: number }
      return { record, root, size }
    })
    for (const one of held) t.same(one, held[0])
    for (const { data } of parties) {
      t.match(await runCommand('audit', 'verify', contract, '--data', data), { output: /\nNothing is off\.\n/ })
    }
  })
}
