import { connect } from 'node:net'
import { json, type Valid, write } from './inward-request.ts'
import { ruleRequests } from './inward-rules.ts'
import { frameTarget } from './live-target.ts'
import { answerTo, assertAnswer, requestOf } from './raw.ts'
import type { Target } from './target.ts'
import type { World } from './world.ts'

const READ_HEADERS =
  'accept: application/json\nif-none-match: "x"\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const WEBHOOK = `wh_${'A'.repeat(16)}`
const KEY = `ed25519:${'A'.repeat(43)}`

const TEMPLATE = JSON.stringify({
  audiences: [],
  elements: [{ field: { type: 'text' }, id: '0.0', kind: 'field', name: 'Field', owner: null }],
  format: 'concordata-template/1',
  from: { contract: '0'.repeat(52), element: '0.0', root: '0'.repeat(64), size: 1 },
  roles: [],
  ruleSets: [],
  rules: [],
  types: [],
})
const TYPED =
  '{"T":{"$field":{"type":"choice","options":["A","B"]},"$value":"A"},"D":1.50,"M":{"amount":"1.00","currency":"USD"},"B":{"C":true}}'

/** Requests that each route takes, to begin with. `test/fuzz/sockets.test.ts` compares with the routes that the app has. */
export const inwardRequests: Readonly<Record<string, Valid>> = {
  'GET /health': { status: 200, requests: ['/health'] },
  'GET /ready': { status: 200, requests: ['/ready'] },
  'GET /explorer': { status: 200, requests: ['/explorer'] },
  'GET /explorer/page.js': { status: 200, requests: ['/explorer/page.js'] },
  'GET /explorer/page.css': { status: 200, requests: ['/explorer/page.css'] },
  'GET /explorer/swagger-ui-bundle.js': { status: 200, requests: ['/explorer/swagger-ui-bundle.js'] },
  'GET /explorer/swagger-ui.css': { status: 200, requests: ['/explorer/swagger-ui.css'] },
  'GET /metrics': { status: 200, requests: [`/metrics\n${READ_HEADERS}`] },
  'GET /live': { status: 426, requests: ['/live\nupgrade: h2c\nsec-websocket-version: 13'] },
  'GET /new-api/:uid': { status: 200, requests: [`/new-api/$\n${READ_HEADERS}`] },
  'GET /new-api/:uid/*': {
    status: 200,
    requests: [
      `/new-api/$/Country\n${READ_HEADERS}`,
      '/new-api/$/List/1/%C3%BC',
      '/new-api/$/Country?format=xml&at=2026-01-31T12:00:00Z',
      '/new-api/$?view=live',
    ],
  },
  'PUT /new-api/:uid': { status: 200, requests: write('', '{"Country":"Peru"}') },
  'PUT /new-api/:uid/*': {
    status: 200,
    requests: [
      ...write('/Country', '"Peru"'),
      '/new-api/$/Rate\ncontent-type: text/plain\n\n1.50',
      '/new-api/$/Country\ncontent-type: application/xml\n\n<Country>Peru</Country>',
      '/new-api/$/List\ncontent-type: text/csv\n\npath,value\r\n1/%C3%BC,"a ""b"""\r\n',
    ],
  },
  'POST /new-api/:uid': { status: 201, requests: write('', '{"Other":"x"}', TYPED) },
  'POST /new-api/:uid/*': { status: 201, requests: [...write('/List', '{"a":1}'), ...write('/Country', '"x"')] },
  'DELETE /new-api/:uid': { status: 422, requests: ['/new-api/$\nprefer: wait=5'] },
  'DELETE /new-api/:uid/*': { status: 200, requests: ['/new-api/$/Country\nprefer: wait=5', '/new-api/$/List/1'] },
  'GET /new-api/:uid/:element/~proposals': {
    status: 200,
    requests: ['/new-api/$/~proposals', '/new-api/$/List/1/%C3%BC%23Proposals'],
  },
  'GET /new-api/:uid/:element/~votes': { status: 200, requests: ['/new-api/$/Country/~votes'] },
  'GET /new-api/:uid/:element/~schema': { status: 200, requests: ['/new-api/$/~schema', '/new-api/$/List/1/~schema'] },
  'GET /new-api/:uid/:element/~history': {
    status: 200,
    requests: ['/new-api/$/Country/~history?limit=3&before=7', '/new-api/$/~history'],
  },
  'PATCH /new-api/:uid': { status: 200, requests: write('', '{"Country":"Peru"}') },
  'PATCH /new-api/:uid/*': { status: 200, requests: write('/Country', '"Peru"') },
  'GET /new-api/:uid/:element/~attributes': { status: 200, requests: ['/new-api/$/Country/~attributes'] },
  'PATCH /new-api/:uid/:element/~attributes': {
    status: 200,
    requests: write('/Country/~attributes', '{"owner":null,"audience":null}', '{"name":"Land"}'),
  },
  'GET /new-api/:uid/:element/~tiers': { status: 200, requests: ['/new-api/$/~tiers?limit=2&after=1'] },
  'GET /new-api/:uid/:element/~evidence': { status: 200, requests: ['/new-api/$/Country/~evidence?limit=2&before=9'] },
  'GET /new-api/:uid/:element/~attachments': { status: 200, requests: ['/new-api/$/~attachments'] },
  'GET /new-api/:uid/:element/~changes': {
    status: 200,
    requests: ['/new-api/$/Country/~changes?after=1&limit=2&wait=0'],
  },
  ...ruleRequests,
  'GET /new-api/:uid/:element/~proposals/:proposal': {
    status: 404,
    requests: ['/new-api/$/Country/~proposals/honest.1.0.0'],
  },
  'GET /new-api/:uid/:element/~proposals/:proposal/votes': {
    status: 404,
    requests: ['/new-api/$/Country/~proposals/honest.1.0.0/votes', '/new-api/$/%23Proposals/rule:1.2/~Votes'],
  },
  'POST /new-api/:uid/:element/~proposals/:proposal/votes': {
    status: 404,
    requests: write('/Country/~proposals/honest.1.0.0/votes', '{"vote":"yes","about":{"text":"x"}}'),
  },
  'POST /new-api/:uid/:element/~proposals/:proposal/choice': {
    status: 404,
    requests: ['/new-api/$/Country/~proposals/honest.1.0.0/choice\nprefer: wait=5'],
  },
  'DELETE /new-api/:uid/:element/~proposals/:proposal': {
    status: 404,
    requests: ['/new-api/$/Country/~proposals/honest.1.0.0\nprefer: wait=5'],
  },
  'GET /api/Contract': { status: 200, requests: ['/api/Contract'] },
  'POST /api/Contract': {
    status: 201,
    requests: json('Contract', '{"title":"x"}', '{"title":"x","charter":{"continuationQuorumPercent":60}}'),
  },
  'GET /api/Contract/:uid': { status: 200, requests: ['/api/Contract/$'] },
  'POST /api/Contract/:uid/Invitations': {
    status: 200,
    requests: json('Contract/$/Invitations', '{"party":"hostile"}'),
  },
  'DELETE /api/Contract/:uid/Invitations/:party': { status: 409, requests: json('Contract/$/Invitations/hostile', '') },
  'POST /api/Contract/:uid/Acceptance': { status: 409, requests: json('Contract/$/Acceptance', '') },
  'POST /api/Contract/:uid/Decline': { status: 409, requests: json('Contract/$/Decline', '') },
  'POST /api/Contract/:uid/Resignation': {
    status: 200,
    requests: json('Contract/$/Resignation', '{"reason":"other","about":{"title":"x","text":"y"}}'),
  },
  'GET /api/Contract/:uid/Lock': { status: 200, requests: ['/api/Contract/$/Lock'] },
  'POST /api/Contract/:uid/Lock': {
    status: 200,
    requests: json('Contract/$/Lock', '{"purpose":"edit","about":{"text":"x"},"retry":true}'),
  },
  'DELETE /api/Contract/:uid/Lock': { status: 409, requests: json('Contract/$/Lock', '') },
  'POST /api/Contract/:uid/Lock/Breaks': { status: 409, requests: json('Contract/$/Lock/Breaks', '{"lock":0}') },
  'GET /api/Contract/:uid/Rules': { status: 200, requests: ['/api/Contract/$/Rules'] },
  'POST /api/Contract/:uid/RuleSets': {
    status: 200,
    requests: [...json('Contract/$/RuleSets', '{"name":"x"}'), ...json('Contract/$/RuleSets?dry-run', '{"name":"y"}')],
  },
  'POST /api/Contract/:uid/Rules': {
    status: 409,
    requests: json(
      'Contract/$/Rules',
      '{"at":"","ruleSet":1,"says":{"kind":"constraint","condition":"Rate < 0.5 and Country = \\"x\\""}}',
      '{"at":"Rate","ruleSet":1,"says":{"kind":"assignment","target":"Rate","expression":"1.5 * 2"}}',
      '{"at":"","ruleSet":null,"says":{"kind":"trigger","condition":"true","deactivates":{"blocks":["List"],"ruleSets":[1]}}}',
    ),
  },
  'PUT /api/Contract/:uid/Rules/:rule': {
    status: 404,
    requests: json('Contract/$/Rules/1', '{"ruleSet":1,"says":{"kind":"single"},"about":{"text":"x"}}'),
  },
  'DELETE /api/Contract/:uid/Rules/:rule': { status: 409, requests: json('Contract/$/Rules/1', '') },
  'POST /api/Contract/:uid/Rules/:rule/Votes': {
    status: 409,
    requests: json('Contract/$/Rules/1/Votes', `{"hash":"${'0'.repeat(64)}","vote":"yes"}`),
  },
  'POST /api/Contract/:uid/Publications': {
    status: 409,
    requests: json('Contract/$/Publications', `{"ruleSets":[1],"rules":[{"rule":1,"hash":"${'0'.repeat(64)}"}]}`),
  },
  'GET /api/Contract/:uid/ChangeSets': { status: 200, requests: ['/api/Contract/$/ChangeSets?ended=3'] },
  'POST /api/Contract/:uid/ChangeSets': {
    status: 200,
    requests: json(
      'Contract/$/ChangeSets',
      '{"changes":[{"at":"Country","set":"Peru"}],"about":{"title":"x"}}',
      '{"changes":[{"at":"","add":{"E":{"R":"x"}}},{"at":"Country","rename":"Land"},{"at":"List","remove":true}]}',
    ),
  },
  'GET /api/Contract/:uid/ChangeSets/:set': { status: 404, requests: ['/api/Contract/$/ChangeSets/acme.0.0'] },
  'DELETE /api/Contract/:uid/ChangeSets/:set': { status: 409, requests: json('Contract/$/ChangeSets/acme.0.0', '') },
  'POST /api/Contract/:uid/ChangeSets/:set/Votes': {
    status: 409,
    requests: json('Contract/$/ChangeSets/acme.0.0/Votes', '{"vote":"yes","about":{"text":"x"}}'),
  },
  'GET /api/Contract/:uid/Diff': { status: 200, requests: ['/api/Contract/$/Diff?from=0&to=1'] },
  'GET /api/Contract/:uid/Attachments': { status: 422, requests: ['/api/Contract/$/Attachments?at=Country'] },
  'PUT /api/Contract/:uid/Attachments': {
    status: 422,
    requests: json('Contract/$/Attachments?at=Country&name=x.pdf', 'x'),
  },
  'POST /api/Contract/:uid/Attachments': {
    status: 422,
    requests: json(`Contract/$/Attachments?name=${'x'.repeat(300)}`, 'x'),
  },
  'GET /api/Contract/:uid/Audiences': { status: 200, requests: ['/api/Contract/$/Audiences'] },
  'PUT /api/Contract/:uid/Audiences': {
    status: 403,
    requests: json(
      'Contract/$/Audiences',
      '{"at":"","parties":["acme"],"until":"2030-01-01T00:00:00.000Z"}',
      '{"at":"","parties":null}',
    ),
  },
  'POST /api/Contract/:uid/Disclosures': { status: 409, requests: json('Contract/$/Disclosures', '{"at":"Country"}') },
  'GET /api/Contract/:uid/Erasures': { status: 200, requests: ['/api/Contract/$/Erasures'] },
  'POST /api/Contract/:uid/Erasures': {
    status: 200,
    requests: json(
      'Contract/$/Erasures',
      `{"seals":["${'0'.repeat(64)}"],"about":{"text":"x"}}`,
      '{"paths":["Country","List"]}',
    ),
  },
  'POST /api/Contract/:uid/Erasures/:erasure/Votes': {
    status: 404,
    requests: json(`Contract/$/Erasures/${'0'.repeat(64)}/Votes`, '{"vote":"no"}'),
  },
  'POST /api/Contract/:uid/Reopenings': { status: 409, requests: json('Contract/$/Reopenings', '') },
  'GET /api/Contract/:uid/Template': {
    status: 200,
    requests: ['/api/Contract/$/Template?at=List&name=x', '/api/Contract/$/Template?at=&roles=x:y&outside=leave-out'],
  },
  'GET /api/Contract/:uid/Templates': { status: 200, requests: ['/api/Contract/$/Templates'] },
  'GET /api/Contract/:uid/Templates/:hash': {
    status: 404,
    requests: [`/api/Contract/$/Templates/${'0'.repeat(64)}`],
  },
  'POST /api/Contract/:uid/Templates/Imports': {
    status: 200,
    requests: json('Contract/$/Templates/Imports', `{"at":"","name":"Imported","roles":{},"template":${TEMPLATE}}`),
  },
  'POST /api/Contract/:uid/Templates/Previews': {
    status: 404,
    requests: json('Contract/$/Templates/Previews', `{"at":"","template":${TEMPLATE}}`),
  },
  'POST /api/Contract/:uid/Templates/Upgrades': {
    status: 404,
    requests: json('Contract/$/Templates/Upgrades', `{"at":"Country","roles":{"x":"y"},"hash":"${'0'.repeat(64)}"}`),
  },
  'GET /api/Contract/:uid/Types': { status: 200, requests: ['/api/Contract/$/Types'] },
  'PUT /api/Contract/:uid/Types/:name': {
    status: 200,
    requests: json('Contract/$/Types/percent', '{"base":"decimal","constraint":{"minimum":"0","maximum":"100"}}'),
  },
  'PUT /api/Contract/:uid/Elements/:element/Order': {
    status: 200,
    requests: json('Contract/$/Elements/0/Order', '{"order":["Rate","Country","List"]}'),
  },
  'GET /api/Contract/:uid/Engine': { status: 200, requests: ['/api/Contract/$/Engine'] },
  'POST /api/Contract/:uid/Engine': { status: 409, requests: json('Contract/$/Engine', '{"to":1}') },
  'GET /api/Contract/:uid/Questions': { status: 200, requests: ['/api/Contract/$/Questions'] },
  'POST /api/Contract/:uid/Questions/:request': {
    status: 404,
    requests: json(
      'Contract/$/Questions/honest.0.0',
      '{"answer":"refuse","about":{"title":"x"}}',
      '{"answer":"acknowledge"}',
    ),
  },
  'GET /api/Contract/:uid/Requests/:request': { status: 200, requests: ['/api/Contract/$/Requests/honest.1.0'] },
  'DELETE /api/Contract/:uid/Requests/:request': {
    status: 409,
    requests: ['/api/Contract/$/Requests/honest.1.0?title=a&text=b%20c'],
  },
  'GET /api/Contract/:uid/Elements/:element/Standing': {
    status: 200,
    requests: ['/api/Contract/$/Elements/0.0/Standing'],
  },
  'GET /api/Contract/:uid/Evidence': { status: 200, requests: ['/api/Contract/$/Evidence'] },
  'GET /api/FullContract': { status: 200, requests: ['/api/FullContract?ContractId=$'] },
  'GET /openapi.json': { status: 200, requests: ['/openapi.json\nif-none-match: "x"'] },
  'GET /openapi/:uid.json': { status: 200, requests: ['/openapi/$.json'] },
  'GET /asyncapi.json': { status: 200, requests: ['/asyncapi.json'] },
  'GET /api/Party': { status: 200, requests: ['/api/Party'] },
  'GET /api/Webhook': { status: 200, requests: ['/api/Webhook'] },
  'POST /api/Webhook': {
    status: 422,
    requests: json(
      'Webhook',
      '{"url":"https://a.example/x","subject":"/new-api/*","signing":"v1a"}',
      '{"url":"http://[::ffff:127.0.0.1]:80/","subject":"/new-api/$/Country","from":1}',
    ),
  },
  'GET /api/Webhook/:webhook': { status: 404, requests: [`/api/Webhook/${WEBHOOK}`] },
  'DELETE /api/Webhook/:webhook': { status: 404, requests: [`/api/Webhook/${WEBHOOK}`] },
  'POST /api/Webhook/:webhook/Secret': {
    status: 404,
    requests: json(`Webhook/${WEBHOOK}/Secret`, '{"signing":"v1a","overlapSeconds":60}'),
  },
  'POST /api/Webhook/:webhook/Activation': { status: 404, requests: [`/api/Webhook/${WEBHOOK}/Activation`] },
  'GET /api/Webhook/:webhook/Undelivered': { status: 404, requests: [`/api/Webhook/${WEBHOOK}/Undelivered`] },
  'POST /api/Webhook/:webhook/Attempts': { status: 404, requests: [`/api/Webhook/${WEBHOOK}/Attempts`] },
  'POST /api/Webhook/:webhook/Omissions': {
    status: 404,
    requests: json(`Webhook/${WEBHOOK}/Omissions`, '{"message":"contract-x@1#0"}'),
  },
  'POST /api/Webhook/:webhook/Replays': {
    status: 404,
    requests: json(`Webhook/${WEBHOOK}/Replays`, '{"from":0,"to":3}'),
  },
  'GET /api/Request': { status: 200, requests: ['/api/Request?state=accepted&author=ana&limit=10'] },
  'GET /api': { status: 200, requests: ['/api'] },
  'GET /api/:entities': { status: 200, requests: ['/api/Elements?contract=$&sort=-name', '/api/Rule?body=1&cursor=x'] },
  'GET /api/:entities/:id': { status: 200, requests: ['/api/Contracts/$', '/api/Dialogue/1.2', '/api/Rules/$.1'] },
  'GET /api/:entities/:id/:child': {
    status: 200,
    requests: ['/api/Contracts/$/Elements?sort=id', '/api/Element/1/Rule'],
  },
  'GET /api/Attention': { status: 200, requests: ['/api/Attention?overdueAfterSeconds=60&limit=10'] },
  'GET /api/Obstacle': { status: 200, requests: ['/api/Obstacle'] },
  'GET /api/Keys': { status: 200, requests: ['/api/Keys'] },
  'POST /api/Keys': { status: 202, requests: json('Keys', '') },
  'POST /api/Keys/Revocation': { status: 202, requests: json('Keys/Revocation', '') },
  'POST /api/Contract/:uid/KeyRevocation': {
    status: 409,
    requests: json(
      'Contract/$/KeyRevocation',
      `{"revokes":"${KEY}","signing":"${KEY}","signature":"ed25519:${'A'.repeat(86)}"}`,
    ),
  },
  'POST /api/Contract/:uid/GoOn': { status: 409, requests: json('Contract/$/GoOn', '') },
}

/** A refusal with one of these statuses says that nothing was asked for, let alone done. */
const NOTHING_DONE = new Set([400, 401, 404, 405, 413, 415, 417, 421, 426, 431])

async function routeTarget({ honest, done }: World, route: string, valid: Valid): Promise<Target> {
  const [method = ''] = route.split(' ')
  const { contract } = (await honest.call('POST', '/api/Contract', { title: route })).body
  await honest.call('POST', `/new-api/${contract}`, {
    Country: 'Mexico',
    Rate: { $field: { type: 'decimal' } },
    List: {},
  })
  const { hostname, port, host } = new URL(honest.api)
  const own = [`host: ${host}`, 'connection: close', `authorization: Bearer ${honest.token}`]
  const first = valid.requests[0]?.replaceAll('$', contract)
  let isFirst = true
  return {
    name: `a request ${route}`,
    valid: valid.requests.map((request) => request.replaceAll('$', contract)),
    share: 0.25,
    async decode(text) {
      const before = await done()
      const answer = await answerTo(connect(Number(port), hostname), requestOf(method, text, own))
      const code = assertAnswer(answer)
      const { status } = answer as { status: number }
      if (isFirst && text === first && status !== valid.status)
        throw new Error(`${status} ${code}, not ${valid.status}`)
      if (text === first) isFirst = false
      const after = await done()
      if (NOTHING_DONE.has(status) && after !== before) throw new Error(`${status} ${code}, and the store has changed`)
      return undefined
    },
  }
}

/** Whole requests, to the byte: methods, versions, ends of lines, and where a body ends. */
function wireTarget({ honest, done }: World): Target {
  const { hostname, port, host } = new URL(honest.api)
  const head = `host: ${host}\r\nauthorization: Bearer ${honest.token}\r\n`
  return {
    name: 'bytes at the inward address',
    valid: [
      `GET /api/Party HTTP/1.1\r\n${head}\r\n`,
      `POST /api/Contract/none HTTP/1.1\r\n${head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      `OPTIONS * HTTP/1.0\r\n${head}content-length: 2\r\n\r\n{}`,
      `GET /health HTTP/1.1\r\n${head}expect: 100-continue\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`,
    ],
    share: 0.5,
    async decode(text) {
      const before = await done()
      const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
      // What is not whole is waited for: whoever ends it there has nobody to answer to.
      const isWhole = /\r\n\r\n/.test(text)
      const timer = setTimeout(() => socket.end(), isWhole ? 200 : 0)
      const answer = await answerTo(socket, Buffer.from(text, 'latin1'), !text.startsWith('HEAD'))
      clearTimeout(timer)
      if (answer !== undefined) assertAnswer(answer, text.startsWith('HEAD'))
      if ((await done()) !== before) throw new Error('the store has changed')
      return undefined
    },
  }
}

/** Every route of the inward API, and what is said on its sockets. */
export async function inwardTargets(world: World): Promise<Target[]> {
  const routes: Target[] = []
  for (const [route, valid] of Object.entries(inwardRequests)) routes.push(await routeTarget(world, route, valid))
  return [...routes, wireTarget(world), await frameTarget(world)]
}
