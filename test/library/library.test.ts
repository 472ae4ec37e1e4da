import { addEachOther } from '../support/shared-contract.ts'
import '../support/checked-answers.ts'
import t from 'tap'
import { type ConcordataNode, type Contract, connect, NodeNotRunning, openNode, ProblemError } from '../../src/index.ts'
import { newParty, until } from '../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
const root = t.testdir()
const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
const nodes = { ana: await openNode({ data: ana.data }), ben: await openNode({ data: ben.data }) }
t.teardown(async () => {
  await Promise.all([nodes.ana.close(), nodes.ben.close()])
})
await addEachOther(ana, ben)

interface Terms {
  readonly Terms: {
    readonly Rate: string | null
    readonly Cars: number | string | null
    readonly Fee: { readonly amount: string; readonly currency: string } | null
    readonly Kind: 'Monthly' | 'Per rental' | null
  }
  readonly Lines: readonly { readonly Code: string | null; readonly Share: string | null }[]
}

const terms = {
  Terms: {
    Rate: { $field: { type: 'decimal' }, $value: '1.10' },
    Cars: { $field: { type: 'integer' } },
    Fee: { $field: { type: 'money' } },
    Kind: { $field: { type: 'choice', options: ['Monthly', 'Per rental'] } },
  },
  Lines: {
    $list: {
      entry: { Code: { $field: { type: 'text' } }, Share: { $field: { type: 'decimal' } } },
      entriesMax: 200,
      key: 'Code',
    },
  },
}

const patient = { waitSeconds: 60 }

/** Both parties are in it. */
async function shared(one: ConcordataNode, title: string): Promise<[Contract<Terms>, Contract<Terms>]> {
  const contract = await one.open<Terms>(title)
  await contract.at('').add(terms, patient)
  await contract.invite('ben', patient)
  await until('the invitation', async () =>
    (await nodes.ben.contracts()).some(({ contract: uid }) => uid === contract.uid),
  )
  const other = nodes.ben.contract<Terms>(contract.uid)
  t.equal((await other.accept(patient)).standing, 'member')
  return [contract, other]
}

const ways = [
  ['in this process', nodes.ana],
  ['over HTTP', connect(ana.api, ana.token)],
] as const

for (const [how, node] of ways) {
  t.test(how, { timeout: 120_000 }, async (t) => {
    const [contract, other] = await shared(node, how)

    await t.test('contracts and parties', async (t) => {
      t.ok((await node.contracts()).find(({ contract: uid, title }) => uid === contract.uid && title === how))
      t.match(await node.parties(), [
        { handle: 'ana', status: 'self' },
        { handle: 'ben', status: 'approved' },
      ])
      t.match(await contract.summary(), { contract: contract.uid, members: ['ana', 'ben'], standing: 'member' })
      t.match(await node.call('GET', `/api/Contract/${contract.uid}/Lock`), { locked: false })
    })

    await t.test('values are written with all their digits, and read as they are', async (t) => {
      const place = contract.at('Terms')
      t.match(await place.set('Rate', '0.1000000000000000055', patient), { kind: 'agreed' })
      t.match(await place.set({ Cars: 9007199254740993n, Fee: { amount: '250.00', currency: 'GBP' } }, patient), {
        kind: 'agreed',
      })
      t.same(await place.get(), {
        Rate: '0.1000000000000000055',
        Cars: '9007199254740993',
        Fee: { amount: '250.00', currency: 'GBP' },
        Kind: null,
      })
      t.same(
        await contract
          .at('Terms/Cars')
          .propose(null, patient)
          .then(({ kind }) => kind),
        'agreed',
      )
      t.equal(await contract.at('Terms/Cars').get(), null)
      t.same(await place.set('Rate', '0.1000000000000000055'), { kind: 'unchanged' })
      t.equal(await other.at('Terms/Rate').get(), '0.1000000000000000055')
    })

    await t.test('what is no exact value is not sent', async (t) => {
      const { size } = (await contract.summary()) as { size: number }
      const at = node.contract(contract.uid).at('Terms')
      const circle: Record<string, unknown> = {}
      circle.in = circle
      for (const value of [0.1, Number.NaN, 2 ** 53, undefined, new Date(0), new Map(), Symbol('x'), () => 1, circle])
        await t.rejects(
          at.set('Rate', value),
          { code: 'write_unfit', status: 422, problem: { path: /^Rate|^$/ } },
          typeof value,
        )
      const holes = new Array(2)
      await t.rejects(node.contract(contract.uid).at('Lines').propose(holes), { code: 'write_unfit' })
      await t.rejects(at.set('Rate', 1, { waitSeconds: 0.5 }), { code: 'request_malformed' })
      await t.rejects(at.set('Rate', 1, { handling: 'nope' as 'record' }), {
        code: 'request_malformed',
        problem: { options: ['lenient', 'strict', 'record', 'dry-run'] },
      })
      await t.rejects(at.set('Rate', 1, { idempotencyKey: 'zwölf' }), { code: 'request_malformed' })
      t.match(await contract.summary(), { size }, 'and nothing has changed')
    })

    await t.test('lists, by number and by key', async (t) => {
      t.match(await contract.at('Lines').add({ Code: 'a/b', Share: '0.5' }, patient), { kind: 'agreed', at: 'Lines/1' })
      t.match(
        await contract.at('Lines').propose(
          [
            { Code: 'a/b', Share: '0.25' },
            { Code: 'c', Share: '1' },
          ],
          patient,
        ),
        { kind: 'agreed' },
      )
      t.same(await contract.at(['Lines[Code = "a/b"]', 'Share']).get(), '0.25')
      t.same(await contract.at('Lines[2]/Share').get(), '1')
      t.same(await contract.at('Lines/2').get(), { Code: 'c', Share: '1' })
      t.same(await contract.at('Lines[9]/Share').get(), undefined)
      await t.rejects(
        contract.at('Lines[9]').set({ Code: 'd' }),
        { code: 'no_such_path' },
        'no field of that name is added',
      )
    })

    await t.test('what is not there is added, what is there merged and removed', async (t) => {
      const untyped = node.contract(contract.uid)
      t.match(await untyped.at('Note').propose('x', patient), { kind: 'agreed', at: 'Note' })
      t.match(await untyped.at('').merge({ Note: null, Place: { City: 'Leeds' } }, patient), { kind: 'agreed' })
      t.match(await untyped.at('Place').describe({ name: 'Office' }, patient), { kind: 'agreed' })
      t.match(await untyped.at('Office').attributes(), { kind: 'block', order: ['City'] })
      t.match(await untyped.at('Office').schema(), {
        kind: 'block',
        children: [{ name: 'City', type: { type: 'text' } }],
      })
      t.match(await untyped.at('Office').remove(patient), { kind: 'agreed' })
      t.equal(await untyped.at('Office').get(), undefined)
    })

    await t.test('a write asks whether what was read still stands, and what it would come to', async (t) => {
      const { tag, value } = await contract.at('Terms').read()
      t.match(value, { Rate: '0.1000000000000000055' })
      t.match(await contract.at('Terms').set('Rate', '2', { handling: 'dry-run' }), {
        kind: 'dry-run',
        outcome: 'accepted',
      })
      t.match(await contract.at('Terms').set('Rate', '2', { ...patient, ifMatch: tag }), { kind: 'agreed' })
      await t.rejects(contract.at('Terms').set('Rate', '3', { ifMatch: tag }), {
        code: 'precondition_failed',
        status: 412,
      })
      t.match(await contract.at('Terms').live(), { value: { Rate: '2' }, isWhole: true })
    })

    await t.test('what is asked for again under a key is done once', async (t) => {
      const options = { ...patient, idempotencyKey: `${how.replaceAll(' ', '-')}-1` }
      const first = await contract.at('Lines').add({ Code: 'once' }, options)
      t.same(
        await contract
          .at('Lines')
          .add({ Code: 'once' }, options)
          .then(({ kind }) => kind),
        first.kind,
      )
      t.equal((await contract.at('Lines').get())?.filter(({ Code }) => Code === 'once').length, 1)
      await t.rejects(contract.at('Lines').add({ Code: 'twice' }, options), { code: 'idempotency_key_reused' })
    })

    await t.test('changes are proposed as one, by a title', async (t) => {
      const done = await contract.change(
        'Two at once',
        (draft) => {
          draft.at('Terms').set('Kind', 'Monthly')
          draft.at('Terms/Rate').propose('3')
          draft.at('Lines').add({ Code: 'drafted' })
          draft.at('Lines/1').remove()
        },
        patient,
      )
      t.match(done, { kind: 'agreed' })
      t.match(await contract.at('Terms').get(), { Kind: 'Monthly', Rate: '3' })
      t.same(
        (await contract.at('Lines').get())?.map(({ Code }) => Code),
        ['c', 'once', 'drafted'],
      )
      await t.rejects(
        contract.change('None of both', (draft) => {
          draft.at('Terms').set('Rate', '4')
          draft.at('Terms').set('Kind', 'Weekly' as 'Monthly')
        }),
        { code: 'value_wrong_type' },
      )
      t.match(await contract.at('Terms').get(), { Kind: 'Monthly', Rate: '3' }, 'none, or all')
    })

    await t.test('what stands, changes and was is told', async (t) => {
      const history = () => contract.at('Terms/Rate').history({ limit: 2 })
      await until('the read model', async () => (await history()).values[0]?.value === '3')
      const [newest, { index, value }] = (await history()).values as unknown as [
        object,
        { index: number; value: unknown },
      ]
      t.match(newest, { value: '3', by: 'ana' })
      t.equal(value, '2')
      t.equal(await contract.at('Terms/Rate').get({ at: index }), '2')
      t.match(await contract.at('Terms').tiers({ limit: 1 }), { tiers: [{ at: 'Terms' }] })
      t.match(await contract.at('Terms').evidence({ limit: 1 }), { values: [{ opened: { value: String } }] })
      t.same(await contract.at('Terms').attachments(), [])
    })

    await t.test('rules are drafted, voted on and put into force; what they forbid says by which', async (t) => {
      await contract.rules.addSet('Terms', patient)
      const rule = { at: 'Terms', ruleSet: 1, says: { kind: 'constraint', condition: 'Rate <= 5' } } as const
      t.match(await contract.rules.draft({ ...rule, about: { title: 'not above five' } }, patient), { kind: 'agreed' })
      const { rules } = await contract.rules.list()
      const [{ hash, number }] = rules as unknown as [{ hash: string; number: number }]
      await until('the rule at ben', async () => (await other.rules.list()).rules.length === 1)
      t.match(await other.rules.vote(number, hash, 'yes', { ...patient, about: { text: 'as we said' } }), {
        kind: 'agreed',
        vote: { rule: number, hash, state: 'open', waitsFor: [] },
      })
      t.match(await contract.rules.publish([1], [{ rule: number, hash }], patient), { kind: 'agreed' })
      const refused = await contract
        .at('Terms')
        .set('Rate', '6', patient)
        .catch((error) => error)
      t.type(refused, ProblemError)
      t.match(refused, {
        code: 'rule_broken',
        problem: { rule: { number, says: rule.says, inputs: [{ path: 'Terms/Rate', value: '6' }] } },
      })
      t.match(await contract.at('Terms/Rate').rules(), [{ number, relations: ['governs', 'reads'] }])
    })

    await t.test('values wait for votes', async (t) => {
      await contract.rules.reopen(patient)
      await until('the vote at ben', async () => (await other.rules.list()).reopenVotes.length === 1)
      await other.rules.reopen(patient)
      const says = { kind: 'validation', who: { parties: ['ben'] } } as const
      await until('the end of the rules', async () => (await contract.rules.list()).phase === 'edit')
      await contract.rules.draft({ at: ['Terms', 'Kind'], ruleSet: 1, says } as never, patient)
      const { rules } = await contract.rules.list()
      for (const { number, hash, waitsFor } of rules) {
        if (waitsFor.length === 0) continue
        await until('the rule at ben', async () => (await other.rules.list()).rules.length === rules.length)
        await other.rules.vote(number, hash, 'yes', patient)
      }
      await contract.rules.publish(
        [1],
        rules.map(({ number, hash }) => ({ rule: number, hash })),
        patient,
      )
      const asked = await contract.at('Terms').set('Kind', 'Per rental', { handling: 'lenient' })
      if (asked.kind !== 'pending') throw new Error(`it is waited for: ${asked.kind}`)
      await until('the question', async () => (await other.at('Terms').proposals()).length === 1)
      const [{ proposal }] = (await other.at('Terms').proposals()) as unknown as [{ proposal: string }]
      t.match(await other.at('Terms').votes(), [{ party: 'ben', vote: null }])
      t.match(await other.at('Terms/Kind').vote(proposal, 'yes', patient), { kind: 'agreed' })
      await until('the value', async () => (await contract.at('Terms/Kind').get()) === 'Per rental')
      t.match(await contract.request(asked.request), { state: /^(settled|cosigned)$/, outcome: { kind: 'accepted' } })
    })

    await t.test('changes are told as they come, and again from any entry on', async (t) => {
      const told = contract.at('Terms/Rate').subscribe()
      const first = await told.next()
      t.match(first.value, { index: Number, change: 'FieldAdded', by: 'ana' })
      const rates: unknown[] = []
      for await (const { value } of told) {
        if (value !== undefined) rates.push(value)
        if (value === '3') break
      }
      t.same(rates, ['1.10', '0.1000000000000000055', '2', '3'])
      t.same(await told.next(), { done: true, value: undefined }, 'it has ended')

      const { size } = (await contract.summary()) as { size: number }
      const later = contract.at('Terms').subscribe({ after: size - 1 })
      const coming = later.next()
      await other.at('Terms').set('Rate', '4', patient)
      t.match((await coming).value, { value: '4', by: 'ben', subject: `/new-api/${contract.uid}/Terms/Rate` })
      t.equal(later.after >= size, true)
      const again = contract.at('Terms').subscribe({ after: later.after })
      const none = again.next()
      await again.return()
      t.same(await none, { done: true, value: undefined }, 'whoever waits is let go by return()')

      const ending = new AbortController()
      const aborted = contract.at('Terms').subscribe({ after: later.after, signal: ending.signal }).next()
      ending.abort(new Error('enough'))
      await t.rejects(aborted, /enough/)
    })

    await t.test('more is asked for when all was taken', async (t) => {
      const told = contract.at('').subscribe()
      const first = (await told.next()).value
      const many = await Promise.all([told.next(), told.next(), told.next()])
      const indices = [first, ...many.map(({ value }) => value)].map((change) => change?.index as number)
      t.same(
        indices,
        indices.toSorted((one, other) => one - other),
        'in order, however many ask at once',
      )
      await told.return()
    })

    await t.test('what is wrong has the code of the API', async (t) => {
      const nothing = node.contract('0000000000000000000000000000000000000000000000000000')
      await t.rejects(nothing.at('x').get(), { code: 'no_such_contract', status: 404 })
      await t.rejects(node.contract('x').summary(), { name: 'ProblemError' })
      await t.rejects(nothing.at('').subscribe().next(), { code: 'no_such_contract' })
      await t.rejects(contract.at('').subscribe({ after: -2 }).next(), { code: 'request_malformed' })
      t.throws(() => node.contract(contract.uid).at('a//b'), { code: 'path_malformed' })
      t.throws(() => node.contract(contract.uid).at('a/%E0%A4%A'), { code: 'path_malformed' })
      t.throws(() => node.contract(contract.uid).at(['..', 'Keys']), { code: 'path_malformed' })
      await t.rejects(node.contract(contract.uid).at('a/b').set('x', 1), { code: 'no_such_path' })
      await t.rejects(contract.rules.vote(99, 'x', 'yes'), { code: 'request_malformed' })
      await t.rejects(contract.invite('nobody'), { code: 'party_unknown' })
      await t.rejects(contract.request('ana.9999.0'), { code: 'no_such_request' })
      await t.rejects(node.call('GET', '/api/Nothing'), { code: 'no_such_route' })
      await t.rejects(node.open(''), { code: 'request_malformed' })
      await t.rejects(node.call('GET', '/api', {}), { code: 'request_malformed' })
      const signal = AbortSignal.abort(new Error('enough'))
      await t.rejects(node.open('not any more', { signal }), /enough/)
    })

    await t.test('what would lead elsewhere is not sent', async (t) => {
      const terms = contract.at('Terms')
      for (const dots of ['.', '..', '%2e%2e', '%2E.']) {
        // Of `%2e%2e` each sign is escaped.
        const code = dots.startsWith('%') ? 'request_malformed' : 'path_malformed'
        await t.rejects(terms.withdraw(dots), { code }, `the proposal ${dots}`)
        await t.rejects(contract.withdraw(dots), { code: /path_malformed|no_such_request/ }, `the request ${dots}`)
        await t.rejects(node.contract(dots).summary(), { code }, `the contract ${dots}`)
      }
      for (const path of [
        'api',
        '@127.0.0.1:1/api',
        ':1@127.0.0.1/api',
        '.example.org/api',
        'http://127.0.0.1:1/api',
        '',
      ])
        await t.rejects(node.call('GET', path), { code: 'path_malformed' }, path)
      for (const path of [
        '//127.0.0.1:1/api',
        '/api/../health',
        '/api/%2e%2E/health',
        '/api\\..\\health',
        '/api\r\nx: y',
        '/api#x',
      ])
        await t.rejects(node.call('GET', path), { code: 'path_malformed' }, path)
      t.not(await terms.get(), undefined, 'it stands')
    })
  })
}

t.test('where no node is, nothing is asked', async (t) => {
  t.throws(() => connect('nowhere', 'key'), NodeNotRunning)
  t.throws(() => connect('file:///etc', 'key'), NodeNotRunning)
  await t.rejects(connect('http://127.0.0.1:1', 'key').contracts(), NodeNotRunning)
  await t.rejects(connect(ana.api, 'no key').contracts(), { code: 'not_authorized', status: 401 })
})
