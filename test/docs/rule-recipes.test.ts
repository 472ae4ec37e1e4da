import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { block, type Document, entry, field, given, list } from '../support/document.ts'
import { both, broker, decimal, inForce, lead, money, pounds } from '../support/ruled-document.ts'

const text = await readFile(new URL('../../docs/rules.md', import.meta.url), 'utf8')
const [, section = ''] = text.split('## Recipes\n')
const written = new Map(
  [...(section.split('\n## ')[0] as string).matchAll(/^\| ([^|]+) \| `(.+)` \|$/gm)].map(([, what = '', says = '']) => [
    what,
    says,
  ]),
)

/** A slip with two lines of 60 and 40, which is what recipes are about. */
const slip = given(
  both,
  field('Premium', money),
  field('Due', money),
  field('Rate', decimal),
  field('Tax', decimal),
  field('Country'),
  field('Inception', { type: 'date' }),
  field('Expiry', { type: 'date' }),
  field('Days', decimal),
  block('Insured'),
  field('Insured/Name'),
  block('Booking'),
  field('Booking/Deadline', { type: 'date-time' }),
  field('Booking/Guests', decimal),
  list('Lines', { key: { name: 'Insurer', field: { type: 'text' } } }),
  field('Lines/0/Written', decimal),
  field('Lines/0/Signed', decimal),
  field('Lines/0/Premium', money),
  list('Lines/0/Taxes'),
  field('Lines/0/Taxes/0/Rate', decimal),
  field('Lines/0/Taxes/0/Due', money),
  list('Instalments', { entry: money }),
  lead.addsEntry('Lines'),
  lead.addsEntry('Lines'),
).when(
  ...[
    ['Premium', pounds('1250.55')],
    ['Rate', '0.1'],
    ['Country', 'Mexico'],
    ['Inception', '2026-01-01'],
    ['Expiry', '2026-12-31'],
    ['Insured/Name', 'Fleet Ltd'],
    ['Booking/Deadline', '2026-07-01T00:00:00Z'],
    ['Lines/1/Insurer', 'cornhill-re'],
    ['Lines/2/Insurer', 'acme-re'],
    ['Lines/1/Written', '50'],
    ['Lines/2/Written', '25'],
    ['Lines/1/Signed', '50'],
    ['Lines/2/Signed', '50'],
  ].map(([path, value]) => lead.proposes(path as string, value)),
)

/** A condition at that place, the change that it lets through, and the one that it does not. */
const constraint =
  (at: string, takes: readonly [string, unknown], not: readonly [string, unknown]) => (t: Test, says: string) => {
    const live = inForce(slip, [at, { constraint: says }])
    const fate = ([path, value]: readonly [string, unknown]) =>
      live.when(value === null ? lead.empties(path) : lead.settles(path, value)).fate
    t.equal(fate(takes), 'accepted')
    t.match(fate(not), { code: 'rule_broken' })
  }

/** What it gives the target, as the document is. */
const assignment = (to: string, values: { readonly [path: string]: unknown }) => (t: Test, says: string) => {
  const live = inForce(slip, ['', { assign: says, to }])
  for (const [path, value] of Object.entries(values)) t.same(live.agreedAt(path), value)
}

/** The slip with an entry in each of these lists. */
const withEntries = (...lists: readonly string[]) => slip.when(...lists.map((path) => entry(path)))

const inALine = (path: string, value: string) => (document: Document) => document.when(lead.settles(path, value))

const tried: { readonly [what: string]: (t: Test, says: string) => void } = {
  'premium by rate, to the cent': assignment('Due', { Due: pounds('125.06') }),
  'signed lines come to 100': (t, says) => {
    constraint('', ['Rate', '0.2'], ['Lines/1/Signed', '60'])(t, says)
    const live = inForce(slip, ['', { constraint: says }])
    t.match(live.when(lead.addsEntry('Lines')).fate, { code: 'rule_broken' }, 'one that is empty has no sum')
  },
  'the same, whatever is still empty': (t, says) => {
    constraint('', ['Rate', '0.2'], ['Lines/1/Signed', '60'])(t, says)
    t.equal(inForce(slip, ['', { constraint: says }]).when(lead.addsEntry('Lines')).fate, 'accepted')
  },
  'this line scaled to 100 (at the prototype)': assignment('Lines/0/Signed', {
    'Lines/1/Signed': '66.6667',
    'Lines/2/Signed': '33.3333',
  }),
  'a premium in equal instalments (assigned to the prototype of the list of fields `Instalments`)': (t, says) => {
    const live = inForce(withEntries('Instalments', 'Instalments'), ['', { assign: says, to: 'Instalments/0' }])
    for (const n of [1, 2]) t.same(live.agreedAt(`Instalments/${n}`), pounds('625.28'))
  },
  'a tax on this line (at the prototype of `Taxes` in it)': (t, says) => {
    const taxed = withEntries('Lines/1/Taxes').when(
      lead.proposes('Lines/1/Premium', pounds('200')),
      lead.proposes('Lines/1/Taxes/1/Rate', '0.12'),
    )
    const live = inForce(taxed, ['Lines/0/Taxes/0', { assign: says, to: 'Lines/0/Taxes/0/Due' }])
    t.same(live.agreedAt('Lines/1/Taxes/1/Due'), pounds('24.00'))
  },
  'one insurer’s line': constraint('', ['Lines/1/Signed', '10'], ['Lines/1/Signed', '9.99']),
  'no line above half': constraint('', ['Lines/2/Written', '50'], ['Lines/2/Written', '50.01']),
  'a tax by territory': (t, says) => {
    assignment('Tax', { Tax: '0.16' })(t, says)
    const live = inForce(slip, ['', { assign: says, to: 'Tax' }])
    for (const [country, tax] of [
      ['Chile', '0.19'],
      ['Peru', '0'],
    ] as const)
      t.equal(inALine('Country', country)(live).agreedAt('Tax'), tax)
  },
  'one of several, and a range': (t, says) => {
    constraint('', ['Country', 'Chile'], ['Country', 'Peru'])(t, says)
    constraint('', ['Rate', '0.2'], ['Rate', '0'])(t, says)
    constraint('', ['Rate', '0.0001'], ['Rate', '0.2001'])(t, says)
  },
  'at most a year from inception': constraint('', ['Expiry', '2027-01-01'], ['Expiry', '2027-01-02']),
  'days on risk': assignment('Days', { Days: '364' }),
  'no bookings after the deadline (at the block)': (t, says) => {
    // The time of requests in these tests is noon of 30 June.
    const live = inForce(slip, ['Booking', { constraint: says }])
    t.equal(live.when(lead.proposes('Booking/Guests', '2')).fate, 'accepted')
    t.match(live.when(lead.settles('Booking/Deadline', '2026-06-30T12:00:00Z')).fate, { code: 'rule_broken' })
    t.equal(live.when(lead.settles('Rate', '0.2')).fate, 'accepted')
  },
  'something was filled in': constraint('', ['Insured/Name', 'Fleet'], ['Insured/Name', null]),
}

t.test('each recipe says what it is to say, in a contract where it is in force', async (t) => {
  t.equal(slip.fate, 'accepted', JSON.stringify(slip.fates))
  const named = (what: string) => what.replace("'", '’')
  t.same([...written.keys()].map(named), Object.keys(tried), 'each is tried, and no other')
  t.ok(written.size >= 10)
  for (const [what, says] of written) await t.test(what, async (t) => tried[named(what)]?.(t, says))
})

t.test('what a recipe gives does not hang on who has written it', async (t) => {
  const [says = ''] = [written.get('premium by rate, to the cent')]
  const live = inForce(slip, ['', { assign: says, to: 'Due' }])
  const [one, other] = [broker, lead].map((party) => live.when(party.settles('Rate', '0.125')))
  t.same([one?.agreedAt('Due'), other?.agreedAt('Due')], [pounds('156.32'), pounds('156.32')])
})
