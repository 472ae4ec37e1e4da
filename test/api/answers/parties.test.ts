import t, { type Test } from 'tap'
import { addParty } from '../../../src/cli/party/approve.ts'
import { openNode } from '../../../src/index.ts'
import { contractOfTwo, problemIn, refuses } from '../../support/contract-of-two.ts'
import { newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'

t.setTimeout(240_000)

t.test('whatever is not taken of parties and templates is told by its code', async (t) => {
  const two = await contractOfTwo(t)
  const { ana, ben, at, contract, path, root, together } = two

  await t.test('of templates', async (t) => {
    const written = { Slip: { Sum: '1', Share: '2' }, Text: 'x', Anas: { $block: { owner: 'ana' }, One: '1' } }
    t.equal((await ana.call('POST', path, written)).status, 200)
    const taken = async (query: string) => (await ana.call('GET', `${at}/Template?${query}`)).body
    const [first, aField, ofRole] = [
      await taken('at=Slip'),
      await taken('at=Text'),
      await taken('at=Anas&roles=ana:broker'),
    ]
    t.equal((await ana.call('DELETE', `${path}/Slip/Share`)).status, 200)
    const second = await taken('at=Slip')
    const imports = `${at}/Templates/Imports`
    t.equal((await ana.call('POST', imports, { at: '', name: 'Used', template: first })).status, 200)
    const upgrades = `${at}/Templates/Upgrades`
    t.match(await ana.call('POST', `${upgrades}?dry-run`, { at: 'Used', template: second }), {
      status: 200,
      body: { outcome: 'accepted' },
    })
    await refuses(t, two, [
      ['409 role_unfit', ana, 'POST', imports, { at: '', name: 'New', template: ofRole }],
      ['409 role_unfit', ana, 'POST', imports, { at: '', name: 'New', template: ofRole, roles: { broker: 'zoe' } }],
      ['409 template_unchanged', ana, 'POST', upgrades, { at: 'Used', template: first }],
      ['404 no_such_template', ana, 'POST', upgrades, { at: 'Slip', template: first }],
    ])
    // It is brought first, by a request of its own.
    t.equal(problemIn(await ana.call('POST', upgrades, { at: 'Used', template: aField })), '422 template_unfit')
    t.equal((await ana.call('POST', imports, { at: '', name: 'Second', template: second })).status, 200)
    const other = { ...second, elements: second.elements.with(0, { ...second.elements[0], name: 'Other' }) }
    const answers = await together(
      [ana, 'POST', imports, { at: '', name: 'One', template: other }],
      [ana, 'POST', imports, { at: '', name: 'Two', template: other }],
      [ana, 'DELETE', `${path}/Used`],
      [ana, 'POST', upgrades, { at: 'Used', template: second }],
    )
    t.same(answers.map(problemIn), ['200 undefined', '409 template_held', '200 undefined', '409 not_of_template'])

    // Each of the two begins with the first of three pieces, and goes on when that is there: for one of them the second is there already.
    const template = longTemplate(first)
    const both = ['Long', 'Longer'].map((name) => ana.call('POST', imports, { at: '', name, template }))
    t.same((await Promise.all(both)).map(problemIn).sort(), ['200 undefined', '409 template_out_of_place'])
  })

  await t.test('of those who are invited', async (t) => {
    const did = 'did:web:one.example'
    const others = await Promise.all([
      start(t, root, 'zel', { did }),
      start(t, root, 'ze1'),
      start(t, root, 'zoe', { did }),
    ])
    const [zel, ze1, zoe] = others
    for (const { endpoint, fingerprint } of [zel, ze1]) await addParty(ana.data, endpoint, fingerprint)
    t.equal((await ana.call('POST', `${at}/Invitations`, { party: 'zel' })).status, 200)
    await runCommand('party', 'block', 'zel', '--data', ana.data)
    await addParty(ana.data, zoe.endpoint, zoe.fingerprint)
    await refuses(t, two, [
      ['409 handle_taken', ana, 'POST', `${at}/Invitations`, { party: 'ben' }],
      ['409 party_confusable', ana, 'POST', `${at}/Invitations`, { party: 'ze1' }],
      ['409 party_taken', ana, 'POST', `${at}/Invitations`, { party: 'zoe' }],
      ['404 party_unknown', ana, 'POST', `${at}/Invitations`, { party: 'nobody' }],
      ['403 not_sponsor', ben, 'DELETE', `${at}/Invitations/zel`],
      ['409 no_invitation', ana, 'DELETE', `${at}/Invitations/zoe`],
    ])
  })

  await t.test('of what is taken back, and of who leaves', async (t) => {
    // Nothing comes about while ben's person thinks.
    const thinking = ana.call('PUT', `${at}/Types/Thought`, { base: 'text' })
    await until('the question', async () => (await ben.call('GET', `${at}/Questions`)).body.length === 1)
    const pending = async () =>
      (await ana.call('GET', `/api/Request?contract=${contract}&state=pending`)).body.requests as { request: string }[]
    const signed = (count: number) => until('it to be signed', async () => (await pending()).length === count)
    await signed(1)
    const before = await pending()
    const taken = ana.call('PUT', `${path}/Taken`, 'x')
    await signed(2)
    const { request } = (await pending()).find(({ request }) => request !== before[0]?.request) ?? {}
    t.equal((await ana.call('DELETE', `${at}/Requests/${request}`)).status, 202)
    t.equal(problemIn(await taken), '409 withdrawn')
    await signed(1)
    const leaving = ana.call('POST', `${at}/Resignation`, {})
    await signed(2)
    const late = ana.call('PUT', `${path}/Late`, 'x')
    const [question] = (await ben.call('GET', `${at}/Questions`)).body
    await ben.call('POST', `${at}/Questions/${question.request}`, { answer: 'acknowledge' })
    t.same([await thinking, await leaving, await late].map(problemIn), [
      '200 undefined',
      '200 undefined',
      '409 party_resigned',
    ])
    t.equal(problemIn(await ana.call('PUT', `${path}/Later`, 'x')), '403 not_a_member')
  })
})

/** One of three pieces and more: a choice with long options. */
function longTemplate(like: { readonly elements: readonly object[] }): object {
  const options = (place: number) => Array.from({ length: 100 }, (_, n) => `${place}-${n}-${'x'.repeat(180)}`)
  const field = (place: number) => ({ type: 'choice', options: options(place) })
  const more = Array.from({ length: 40 }, (_, n) => {
    return { ...like.elements[1], id: `0.0.${n}`, name: `Choice ${n}`, field: field(n) }
  })
  return { ...like, elements: [like.elements[0], ...more] }
}

async function start(t: Test, root: string, handle: string, more: { readonly did?: string } = {}) {
  const party = await newParty(root, handle, [], more)
  const node = await openNode({ data: party.data })
  t.teardown(() => node.close())
  return party
}
