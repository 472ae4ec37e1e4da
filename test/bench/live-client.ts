import { WebSocket } from 'undici'

/**
 * `node live-client.ts <ws-url> <key> <of each> <subject…>`: subscribes so often to each subject, a connection each, says so to its parent, and tells it of each
 * change when it came: the value, which says when it settled, and how long after that, in milliseconds.
 */
const [url = '', key = '', ofEach = '', ...subjects] = process.argv.slice(2)
const now = () => performance.timeOrigin + performance.now()
let awaited = subjects.length * Number(ofEach)
for (const subject of subjects) {
  for (let one = 0; one < Number(ofEach); one++) {
    const socket = new WebSocket(`${url}/live`, { headers: { authorization: `Bearer ${key}` } })
    socket.addEventListener('open', () => socket.send(JSON.stringify({ subscribe: subject })))
    socket.addEventListener('error', ({ error }) => {
      throw error
    })
    socket.addEventListener('message', ({ data }) => {
      const came = now()
      const told = JSON.parse(String(data)) as { subscribed?: string; value?: string; change?: string }
      if (told.subscribed !== undefined && --awaited === 0) process.send?.('subscribed')
      if (told.change === 'ProposalAgreed') process.send?.({ value: told.value, came })
    })
  }
}
