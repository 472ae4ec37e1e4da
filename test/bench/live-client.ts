import { WebSocket } from 'undici'

/**
 * `node live-client.ts <ws-url> <key> <of each> <subject…>`: so many connections for each subject, or, of 0, one connection for all of them. Says so to its
 * parent when all are subscribed, and tells it of each change when it came: the value, by which it is known when it settled, and the time, milliseconds.
 */
const [url = '', key = '', ofEach = '', ...subjects] = process.argv.slice(2)
const now = () => performance.timeOrigin + performance.now()
const perConnection =
  ofEach === '0' ? [subjects] : subjects.flatMap((subject) => Array.from({ length: Number(ofEach) }, () => [subject]))
let awaited = perConnection.flat().length
for (const watched of perConnection) {
  const socket = new WebSocket(`${url}/live`, { headers: { authorization: `Bearer ${key}` } })
  socket.addEventListener('open', () => {
    for (const subject of watched) socket.send(JSON.stringify({ subscribe: subject }))
  })
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
