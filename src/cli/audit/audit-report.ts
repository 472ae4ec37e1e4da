import { whereIs } from '../../audit/audit-failed.ts'
import type { Check, CheckName, Damage } from '../../audit/checklist.ts'
import type { Misconduct, PartyNamed } from '../../audit/misconduct.ts'
import type { AuditReport } from '../../audit/report.ts'
import { formatFingerprint } from '../../node/identity/fingerprint.ts'
import { table } from '../output.ts'

const meanings: Readonly<Record<CheckName, string>> = {
  statements: 'statements: form and spelling, links, clocks, what they cover, signatures',
  payloads: 'values: spelt as they were sealed, none missing, doubled, shadowed or orphaned',
  ledger: 'ledger: order, outcomes, events and record hashes, recomputed and compared',
  root: 'Merkle root, straight from its definition',
  heads: 'heads that members have signed',
  proofs: 'stored proofs against members',
  notes: 'cosignatures of members',
  end: 'whether the end is there',
}

/** The report as people read it. */
export function auditText(report: AuditReport): string[] {
  const { contract, title, statements, size, pending, root, record, members, checks, damage, misconduct } = report
  const signed = members.flatMap(({ statements: count, signedSize, ...party }) => [
    [party.handle, `${count} statements, signed for ${signedSize} entries`],
    ['', whoIs(party)],
  ])
  return [
    ...table(
      ['', ''],
      [
        ['contract', contract],
        ['title', title],
        ['statements', `${statements} held`],
        ['ledger', `${size} settled entries, ${pending} pending`],
        ['root', root],
        ['record hash', record],
        ...signed,
      ],
    ),
    '',
    ...table(
      ['checked', 'result'],
      checks.map((check) => [meanings[check.name], resultOf(check)]),
    ),
    ...listed('damage', damage.map(damageText)),
    ...listed('misconduct', misconduct.map(misconductText)),
    '',
    verdictOn(report),
  ]
}

function resultOf({ findings, notChecked, remark }: Check): string {
  const result = findings === 0 ? 'ok' : `${findings} ${findings === 1 ? 'finding' : 'findings'}`
  const parts = [
    ...(findings === 0 && notChecked !== undefined ? [] : [result]),
    ...(notChecked === undefined ? [] : [`not checked: ${notChecked}`]),
    ...(remark === undefined ? [] : [remark]),
  ]
  return parts.join('; ')
}

function listed(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${heading}:`, ...lines.map((line) => `  ${line}`)]
}

function damageText({ code, place, reason }: Damage): string {
  return `${code}: ${whereIs(place)}: ${reason}`
}

function misconductText({ what, party, seq }: Misconduct): string {
  return `${what}, statement ${seq} of ${party.handle} (${whoIs(party)})`
}

function verdictOn({ damage, misconduct }: AuditReport): string {
  if (damage.length > 0) return 'The store is damaged where the lines above say.'
  return misconduct.length === 0
    ? 'Nothing is off.'
    : 'The store is sound. What it holds convicts whom the lines above name.'
}

function whoIs({ did, fingerprint }: PartyNamed): string {
  return `${did}, fingerprint ${formatFingerprint(fingerprint)}`
}
