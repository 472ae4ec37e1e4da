import { type Valid, write } from './inward-request.ts'

/** Requests at the rules of an element. */
export const ruleRequests: Readonly<Record<string, Valid>> = {
  'GET /new-api/:uid/:element/~rules': {
    status: 200,
    requests: ['/new-api/$/Country/~rules', '/new-api/$/Country%23Rules'],
  },
  'GET /new-api/:uid/:element/~rules/:rule': { status: 404, requests: ['/new-api/$/Country/~rules/1'] },
  'GET /new-api/:uid/:element/~rules/:rule/attributes': {
    status: 404,
    requests: ['/new-api/$/Country%23Rules/3/Attributes'],
  },
  'GET /new-api/:uid/:element/~rules/:rule/votes': { status: 404, requests: ['/new-api/$/Country/~rules/1/votes'] },
  'POST /new-api/:uid/:element/~rules': {
    status: 409,
    requests: write('/Rate/~rules', '{"ruleSet":1,"says":{"kind":"constraint","condition":"Rate < 0.5"}}'),
  },
  'PUT /new-api/:uid/:element/~rules/:rule': {
    status: 404,
    requests: write('/Rate/~rules/1', '{"ruleSet":1,"says":{"kind":"single"},"about":{"text":"x"}}'),
  },
  'PUT /new-api/:uid/:element/~rules/:rule/attributes': {
    status: 404,
    requests: write('/Rate%23Rules/1/Attributes', '{"kind":"required","before":"live"}'),
  },
  'DELETE /new-api/:uid/:element/~rules/:rule': {
    status: 404,
    requests: ['/new-api/$/Rate/~rules/1\nprefer: wait=5'],
  },
  'POST /new-api/:uid/:element/~rules/:rule/votes': {
    status: 404,
    requests: write('/Rate/~rules/1/votes', `{"hash":"${'0'.repeat(64)}","vote":"yes"}`),
  },
}
