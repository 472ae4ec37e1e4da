import t from 'tap'
import { PARTNER_PATTERN } from '../../../src/node/config/configuration.ts'
import { isAllowed, PartyNotAllowed, requireAllowed } from '../../../src/node/directory/allow-list.ts'

t.test('without a list anybody may be approved, with an empty one nobody', async (t) => {
  t.equal(isAllowed(undefined, 'did:web:acme.example'), true)
  t.equal(isAllowed([], 'did:web:acme.example'), false)
})

t.test('a name without a port stands for all ports, one with a port for that alone', async (t) => {
  t.equal(isAllowed(['acme.example'], 'did:web:acme.example'), true)
  t.equal(isAllowed(['acme.example'], 'did:web:acme.example%3A7443'), true)
  t.equal(isAllowed(['acme.example:7443'], 'did:web:acme.example%3A7443'), true)
  t.equal(isAllowed(['acme.example:7443'], 'did:web:acme.example'), false)
  t.equal(isAllowed(['acme.example'], 'did:web:ACME.example'), true)
  t.equal(isAllowed(['acme.example'], 'did:web:acme.example:branch'), true)
})

t.test('a star stands for what is below a domain, not for the domain nor for what only ends like it', async (t) => {
  t.equal(isAllowed(['*.acme.example'], 'did:web:re.acme.example'), true)
  t.equal(isAllowed(['*.acme.example'], 'did:web:a.b.acme.example%3A1'), true)
  t.equal(isAllowed(['*.acme.example'], 'did:web:acme.example'), false)
  t.equal(isAllowed(['acme.example'], 'did:web:notacme.example'), false)
  t.equal(isAllowed(['*.acme.example'], 'did:web:evilacme.example'), false)
})

t.test('who is not named is told by name', async (t) => {
  const did = 'did:web:thief.example'
  t.throws(() => requireAllowed(['acme.example'], did), PartyNotAllowed)
  const message = `${did} may not be approved: \`partners\` in concordata.json does not name its domain`
  t.throws(() => requireAllowed(['acme.example'], did), { code: 'party_not_allowed', message, evidence: { did } })
})

t.test('what is no name is no setting', async (t) => {
  const form = new RegExp(PARTNER_PATTERN)
  for (const good of ['acme.example', '*.acme.example', '127.0.0.1:7443']) t.match(good, form)
  for (const bad of ['', '*', 'https://acme.example', 'acme.example/', 'Acme', '*.*.example']) t.notMatch(bad, form)
})
