import t from 'tap'
import { didWebUrl } from '../../../src/node/identity/did-web.ts'

t.test('a did:web stands for one URL', async (t) => {
  // The first three are the examples of the method specification.
  const urls = {
    'did:web:w3c-ccg.github.io': 'https://w3c-ccg.github.io/.well-known/did.json',
    'did:web:w3c-ccg.github.io:user:alice': 'https://w3c-ccg.github.io/user/alice/did.json',
    'did:web:example.com%3A3000:user:alice': 'https://example.com:3000/user/alice/did.json',
    'did:web:localhost%3A8443': 'https://localhost:8443/.well-known/did.json',
    'did:web:xn--mnchen-3ya.example': 'https://xn--mnchen-3ya.example/.well-known/did.json',
    'did:web:acme.example:A_b.c-d:%C3%A4': 'https://acme.example/A_b.c-d/%C3%A4/did.json',
  }
  for (const [did, url] of Object.entries(urls)) t.equal(didWebUrl(did)?.href, url)
})

t.test('anything else stands for none', async (t) => {
  for (const did of [
    '',
    'did:web:',
    'did:key:z6Mk',
    'acme.example',
    'did:web:127.0.0.1',
    'did:web:127.0.0.1%3A7443',
    'did:web:2130706433',
    'did:web:0x7f.1',
    'did:web:[::1]',
    'did:web:ACME.example',
    'did:web:münchen.example',
    'did:web:acme.example%3A443',
    'did:web:acme.example%3a8443',
    'did:web:acme.example%3A99999',
    'did:web:acme.example%3A',
    'did:web:acme..example',
    'did:web:-acme.example',
    'did:web:me@acme.example',
    'did:web:acme.example/path',
    'did:web:acme.example#signing',
    'did:web:acme.example?x=1',
    'did:web:acme.example:',
    'did:web:acme.example::a',
    'did:web:acme.example:..:a',
    'did:web:acme.example:.',
    'did:web:acme.example:%2E%2E:a',
    'did:web:acme.example:%2e%2e:a',
    'did:web:acme.example:a%2fb',
    'did:web:acme.example:a b',
    'did:web:acme.example\n',
    `did:web:${'a'.repeat(251)}`,
  ])
    t.equal(didWebUrl(did), undefined, did)
})
