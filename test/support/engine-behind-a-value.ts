import { both, onlyFirst } from './engine-2.ts'
import { marketWith, owes, Player, talk } from './market.ts'

/**
 * Ana, Ben and Dan vote for engine 2. Cleo, who is invited, has engine 1 alone, and has not heard of a value that Ana proposes,
 * `asked`, of the last vote, `upgrade`, and of the answers to both: with the value her ledger goes on in engine 2.
 */
export function engineBehindAValue() {
  const members = marketWith(both, 'ana', 'ben', 'dan')
  const [ana, ben, dan] = members
  const cleo = new Player('cleo', undefined, undefined, onlyFirst)
  const all = [...members, cleo]
  ana.requests({ type: 'InviteParty', party: cleo.card })
  talk(all, owes)
  for (const player of [ana, ben]) {
    player.requests({ type: 'UpgradeEngine', to: 2 })
    talk(all, owes)
  }
  const asked = ana.proposes('0.0', 'v')
  const upgrade = dan.requests({ type: 'UpgradeEngine', to: 2 })
  ben.hears(asked, upgrade)
  dan.hears(asked)
  ana.hears(upgrade)
  const answers = [ben, dan, ana].map((player) => player.says())
  return { ana, cleo, asked, upgrade, answers }
}
