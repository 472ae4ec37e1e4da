import type { Break } from './break.ts'

export const DECIDE = 'src/aggregates/contract/decide.ts'
const of = (name: string) => `test/aggregates/contract/${name}.test.ts`

/** What decides a command, and the test that knows what it does. */
const commands: readonly (readonly [decides: string, caughtBy: string])[] = [
  ['inviteParty(command, state, context)', of('invitations')],
  ['admitParty(command, state, context)', of('membership')],
  ['resign(command, state, context)', of('membership')],
  ['withdrawInvitation(command, state, context)', of('invitations')],
  ['declineInvitation(command, state)', of('invitations')],
  ['lockRecord(command, state, context)', of('record-lock')],
  ['releaseLock(state, context)', of('record-lock')],
  ['breakLock(command, state, context)', of('record-lock')],
  ['upgradeEngine(command, state, context)', of('upgrade')],
  ['addBlock(command, state, context)', of('elements')],
  ['addField(command, state, context)', of('elements')],
  ['addList(command, state, context)', of('lists')],
  ['addEntry(command, state, context)', of('lists')],
  ['arrangeChildren(command, state, context)', of('elements')],
  ['defineType(command, state)', of('types')],
  ['renameElement(command, state, context)', of('elements')],
  ['removeElement(command, state, context)', of('elements')],
  ['grantElement(command, state, context)', of('elements')],
  ['proposeValue(command, state, context)', of('proposals')],
  ['emptyField(command, state, context)', of('proposals')],
  ['withdrawProposal(command, state, context)', of('proposals')],
  ['voteOnRule(command, state, context)', of('rules')],
  ['withdrawChangeSet(command, state, context)', of('change-sets')],
  ['setAudience(command, state, context)', of('audiences')],
  ['revealing(command, state, context)', of('audiences')],
  ['bringTemplate(command, state, context)', of('templates/import')],
  ['importTemplate(command, state, context)', of('templates/import')],
  ['upgradingTemplate(command, state, context)', of('templates/upgrade')],
  ['addRuleSet(command, state)', of('rules')],
  ['draftRule(command, state, context)', of('rules')],
  ['editRule(command, state, context)', of('rules')],
  ['removeRule(command, state, context)', of('rules-under-attack')],
  ['publishRules(command, state)', of('rules')],
  ['reopenEdit(state, context)', of('rules-and-parties')],
  ['eraseValues(command, state, context)', of('erasures')],
  ['keepValues(command, state, context)', of('erasures')],
]

/** Each command, as if it were there and did nothing. Votes on values and change sets stand on one line, and are named by themselves. */
export const commandBreaks: readonly Break[] = [
  ...commands.map(([decides, caughtBy]) => ({
    name: `${decides.slice(0, decides.indexOf('('))} does nothing`,
    file: DECIDE,
    from: `return ${decides}`,
    to: 'return []',
    caughtBy,
  })),
  {
    name: 'a vote on a value does nothing',
    file: DECIDE,
    from: ': castVote(command, state, context)',
    to: ': []',
    caughtBy: of('proposals'),
  },
  {
    name: 'a vote on a change set does nothing',
    file: DECIDE,
    from: '? voteOnChangeSet(command, state, context)',
    to: '? []',
    caughtBy: of('change-sets'),
  },
]
