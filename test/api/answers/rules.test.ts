import t from 'tap'
import { contractOfTwo, problemIn, type Refused, refuses } from '../../support/contract-of-two.ts'
import { type NodeParty, until } from '../../support/node-party.ts'

t.setTimeout(240_000)

t.test('whatever rules do not take is told by its code', async (t) => {
  const two = await contractOfTwo(t)
  const { ana, ben, at, path, together } = two
  const field = (type: string, more = {}) => ({ $field: { type, ...more } })
  const written = {
    Terms: {
      ...{ Sum: field('decimal'), Tax: field('decimal'), Count: field('integer'), Leader: field('party') },
      ...{ Kind: field('choice', { options: ['a', 'b'] }), State: 'on', Part: { In: 'x' } },
    },
    Lines: { $list: { entry: { Value: field('integer') }, entriesMax: 100 } },
    Voted: { Rate: '1' },
    Secret: { $block: { owner: 'ana', audience: ['ana'] }, Voted: { Fee: '1' } },
  }
  t.equal((await ana.call('POST', path, written)).status, 200)
  t.equal((await ana.call('POST', `${at}/RuleSets`, { name: 'All' })).status, 200)

  const draft = (says: object, at = 'Terms', ruleSet: number | null = 1) => ({ at, ruleSet, says })
  const drafts = async (...rules: readonly ReturnType<typeof draft>[]) => {
    for (const rule of rules) t.equal((await ana.call('POST', `${at}/Rules`, rule)).status, 200)
  }
  const drafted = async (party: NodeParty) => (await party.call('GET', `${at}/Rules`)).body.rules
  const publication = async () => {
    const rules = (await drafted(ana)).map(({ hash, number }: Drafted) => ({ hash, rule: number }))
    return { ruleSets: [1], rules }
  }
  const published = async (problem: string): Promise<Refused> =>
    [problem, ana, 'POST', `${at}/Publications`, await publication()] as const
  const remove = async () => {
    const all = await drafted(ana)
    for (const { number } of all) t.equal((await ana.call('DELETE', `${at}/Rules/${number}`)).status, 200)
  }
  const voteForAll = async () => {
    const { length } = await drafted(ana)
    await until('ben to see them', async () => (await drafted(ben)).length === length)
    for (const { hash, number } of await drafted(ben))
      t.equal((await ben.call('POST', `${at}/Rules/${number}/Votes`, { hash, vote: 'yes' })).status, 200)
  }

  await t.test('of expressions', (t) => {
    const says = (problem: string, condition: string): Refused => {
      return [`422 expression_${problem}`, ana, 'POST', `${at}/Rules`, draft({ kind: 'constraint', condition })]
    }
    return refuses(t, two, [
      says('too_long', `State = "${'😀'.repeat(1_500)}"`),
      says('too_deep', `${'('.repeat(33)}1${')'.repeat(33)} = 1`),
      says('syntax', 'Sum >'),
      says('unsupported', 'for line in _.Lines return line'),
      says('unknown_name', 'Summ > 1'),
      says('unknown_function', 'summe(1) > 1'),
      says('arguments_unfit', 'floor(1, 2, 3) > 1'),
      says('type_unfit', 'State > 1'),
      says('constant_unfit', '@"2026-02-30" = null'),
    ])
  })

  await t.test('of drafts', (t) =>
    refuses(t, two, [
      ['422 rule_unfit', ana, 'POST', `${at}/Rules`, draft({ kind: 'required', before: 9 })],
      ['409 no_such_rule_set', ana, 'POST', `${at}/Rules`, draft({ kind: 'single' }, 'Terms', 9)],
      ['409 no_such_rule', ana, 'DELETE', `${at}/Rules/9`],
      ['409 no_rules_in_force', ana, 'POST', `${at}/Reopenings`],
    ]),
  )

  await t.test('of publications', async (t) => {
    const sum = (more: number) => draft({ kind: 'assignment', target: 'Terms/Tax', expression: `Sum + ${more}` })
    await drafts(sum(1))
    await refuses(t, two, [
      await published('409 rule_vote_missing'),
      ['422 rules_named_unfit', ana, 'POST', `${at}/Publications`, { ruleSets: [1], rules: [] }],
    ])
    await drafts(sum(2))
    await voteForAll()
    await refuses(t, two, [await published('422 assigned_twice')])
    await remove()
    await drafts(draft({ kind: 'assignment', target: 'Terms/Tax', expression: 'Tax + 1' }))
    await voteForAll()
    await refuses(t, two, [await published('422 rules_cyclic')])
    await remove()
    await drafts(draft({ kind: 'required', before: 'live' }, 'Terms/Leader'))
    await voteForAll()
    await refuses(t, two, [await published('422 required_missing')])
    await remove()
  })

  await t.test('of values, while rules are in force', async (t) => {
    const every = 'some a in _.Lines, b in _.Lines, c in _.Lines satisfies a.Value + b.Value + c.Value < 0'
    await drafts(
      draft({ kind: 'assignment', target: 'Terms/Tax', expression: 'Sum' }),
      draft({ kind: 'assignment', target: 'Terms/Count', expression: 'Sum / 3' }),
      draft({ kind: 'access', who: { parties: ['ana'] }, what: ['propose'] }, 'Terms/Kind'),
      draft({ kind: 'trigger', condition: 'State = "off"', deactivates: { blocks: ['Terms/Part'] } }, 'Terms', null),
      draft({ kind: 'constraint', condition: 'Sum < 100' }),
      draft({ kind: 'constraint', condition: `count(_.Lines) < 50 or (${every})` }, 'Lines'),
      draft({ kind: 'validation', who: { parties: ['ben'] } }, 'Voted'),
      draft({ kind: 'validation', who: { parties: ['ben'] } }, 'Secret/Voted'),
    )
    await voteForAll()
    t.equal((await ana.call('POST', `${at}/Publications`, await publication())).status, 200)
    t.equal((await ana.call('PUT', `${path}/Terms/State`, 'off')).status, 200)
    const lines = Array.from({ length: 60 }, (_, Value) => ({ Value }))
    await refuses(t, two, [
      ['409 rules_in_force', ana, 'POST', `${at}/Rules`, draft({ kind: 'single' })],
      ['422 rule_broken', ana, 'PUT', `${path}/Terms/Sum`, '300'],
      ['422 computed_unfit', ana, 'PUT', `${path}/Terms/Sum`, '1'],
      ['409 field_assigned', ana, 'PUT', `${path}/Terms/Tax`, '1'],
      ['409 rule_governed', ana, 'DELETE', `${path}/Terms/Tax`],
      ['403 access_denied', ben, 'PUT', `${path}/Terms/Kind`, 'a'],
      ['409 element_inactive', ana, 'PUT', `${path}/Terms/Part/In`, 'y'],
      ['422 rule_over_budget', ana, 'PUT', `${path}/Lines`, lines],
      ['422 voter_outside', ana, 'PUT', `${path}/Secret/Voted/Fee`, '2'],
    ])
  })

  await t.test('of votes', async (t) => {
    const { body } = await ana.call('PUT', `${path}/Voted/Rate`, '2', 'wait=3')
    t.match(body, { waitingFor: 'votes' })
    const [{ proposal }] = body.candidates
    const candidate = `${path}/Voted/Rate/~proposals/${proposal}`
    await refuses(t, two, [
      ['403 not_a_voter', ana, 'POST', `${candidate}/votes`, { vote: 'yes' }],
      ['403 not_author', ben, 'DELETE', candidate],
    ])
    const answers = await together([ana, 'DELETE', candidate], [ana, 'DELETE', candidate])
    t.same(answers.map(problemIn), ['200 undefined', '409 no_such_proposal'])
  })
})

interface Drafted {
  readonly hash: string
  readonly number: number
}
